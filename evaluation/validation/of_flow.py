"""`python dev.py eval flow`: is the flow that needs no weights that of the world, and are its peaks the true ones?

The true flow of a clip is known: the world's own (training/world/stage.py). Beside the flow are measured: how much the
pixels change, which needs no flow at all, and what must fail: the same frames in random order, and a still.
"""

import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from ...training.world.clip import SCENES, WorldClip, render_clip
from ..measures.flow import FlowFigures, flow_figures, flow_scores
from ..measures.pooled import Pooled, pooled
from ..options import held_out_seeds, parser_for

logger = logging.getLogger("keyvid.evaluation")
ALL = "all"


class Row(NamedTuple):
    """The figures of some clips. lowest: the lowest correlation of a clip."""

    correlation: Pooled
    lowest: float
    peaks_f1: Pooled
    heard_f1: Pooled


def by_flow(clip: WorldClip) -> np.ndarray:
    """The flow without weights (47,)."""
    return flow_scores(clip.frames)


def by_difference(clip: WorldClip) -> np.ndarray:
    """How much the pixels change (47,), levels."""
    return np.abs(np.diff(clip.frames.astype(np.float32), axis=0)).mean(axis=(1, 2, 3))


def by_flow_shuffled(clip: WorldClip) -> np.ndarray:
    """The flow (47,) of the frames in random order."""
    order = np.random.default_rng(clip.seed).permutation(len(clip.frames))
    return flow_scores(clip.frames[order])


def by_flow_still(clip: WorldClip) -> np.ndarray:
    """The flow (47,) of the first frame, repeated."""
    return flow_scores(np.repeat(clip.frames[:1], len(clip.frames), axis=0))


def true_scores(clip: WorldClip) -> np.ndarray:
    """The world's own (47,): how far what is seen has moved into each frame but the first."""
    return clip.motion[1:].astype(np.float64)


METHODS: dict[str, Callable[[WorldClip], np.ndarray]] = {
    "flow without weights": by_flow,
    "change of pixels": by_difference,
    "flow, frames shuffled": by_flow_shuffled,
    "flow, still": by_flow_still,
    "true flow": true_scores,
}


def measure(
    scores_of: Callable[[WorldClip], np.ndarray], clips: Iterable[WorldClip]
) -> dict[str, Row]:
    """{scene, and "all": Row} of a function clip -> scores (47,) over clips."""
    found: dict[str, list[FlowFigures]] = {}
    for clip in clips:
        heard = [event.frame for event in clip.events]
        its = flow_figures(scores_of(clip), true_scores(clip), heard)
        for name in (ALL, clip.scene):
            found.setdefault(name, []).append(its)
    return {name: _row(its) for name, its in found.items()}


def _row(figures: list[FlowFigures]) -> Row:
    correlations, hits, peaks, heard_hits, heard_peaks = np.array(figures).T
    return Row(
        pooled(correlations, np.ones(len(figures))),
        float(np.nanmin(correlations)),
        pooled(hits, peaks),
        pooled(heard_hits, heard_peaks),
    )


def main(*words: str) -> int:
    """Measure as the words say; returns the exit status."""
    parser = parser_for("flow", clips=64)
    parser.add_argument("--per-scene", type=int, help="this many clips of every scene, not --clips")
    clips = [render_clip(seed) for seed in held_out_seeds(parser.parse_args(words))]
    for name, scores_of in METHODS.items():
        rows = measure(scores_of, clips)
        logger.info("%s", name)
        for scene in (ALL, *(scene for scene in SCENES if scene in rows)):
            logger.info("  %-10s %s", scene, _shown(rows[scene]))
    return 0


def _shown(row: Row) -> str:
    def of(figure: Pooled) -> str:
        return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"

    return (
        f"correlation {of(row.correlation)}, lowest {row.lowest:.3f}; peaks F1 {of(row.peaks_f1)}; "
        f"heard F1 {of(row.heard_f1)}"
    )
