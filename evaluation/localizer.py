"""`python dev.py eval localizer`: does a curve predicted from audio peak where events happen?

Two measures. F1: peaks of prominence 0.1, matched one to one with the events, or with such peaks of the true motion.
AP@t as published (published-model g.6): the share of motion peaks with any predicted peak, however small, nearby;
one prediction may match many. Random numbers and a cosine are measured too, because they score well on AP@t.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import CheckpointUnknownError
from ..keyframes.audio.onset import onset_curve
from ..keyframes.curve import normalise
from ..keyframes.peaks import find_peaks
from ..keyframes.timebase import FPS, N_FRAMES
from ..models.build import build_localizer
from ..models.checkpoint.checkpoint import open_checkpoint
from ..models.checkpoint.layouts import LOCALIZER
from ..models.encoders.localizer import LOCALIZER_AUDIO, Localizer
from ..models.encoders.mel import waveform_to_mel
from ..training.release.export import WEIGHTS
from ..training.world.clip import WorldClip, render_clip
from .measures.average_precision import mean_average_precision_at
from .measures.matching import TOLERANCES, count_matches, figures
from .options import held_out_seeds, parser_for

AP_TOLERANCES = (3, 5)  # frames (arXiv 2504.09656, sec. 4)
COSINE_PERIOD = 7  # frames
SHIPPED = WEIGHTS / "keyvid_small_localizer.safetensors"

logger = logging.getLogger("keyvid.evaluation")


def noise_curve(clip: WorldClip) -> np.ndarray:
    """Random numbers (48,)."""
    return np.random.default_rng(clip.seed).random(N_FRAMES)


def cosine_curve(clip: WorldClip) -> np.ndarray:
    """A peak every seven frames (48,), whatever the audio."""
    return 0.5 + 0.5 * np.cos(2 * np.pi * np.arange(N_FRAMES) / COSINE_PERIOD)


def onset_strength_curve(clip: WorldClip) -> np.ndarray:
    """The score of the method "onset" (48,): onset strength, no network."""
    curve = onset_curve(clip.audio[None], clip.sample_rate, n_frames=N_FRAMES, fps=FPS)
    return curve.score


def network_curve(localizer: Localizer, clip: WorldClip) -> np.ndarray:
    """The scores (48,) of a localizer network (models.localizer.Localizer), normalised to 0..1 as the node does."""
    config = localizer.config.tower or LOCALIZER_AUDIO
    mel = waveform_to_mel(clip.audio[None], n_columns=config.n_columns, n_bins=config.n_bins)
    with torch.no_grad():
        return normalise(localizer(mel[None])[0].double().numpy())


def measure(
    curve_of: Callable[[WorldClip], np.ndarray], clips: Sequence[WorldClip]
) -> dict[str, dict[int, Any]]:
    """Figures of a function clip -> curve (48,) over clips.

    Returns {"events": {tolerance: figures}, "motion": {tolerance: figures}, "ap": {tolerance: share}}; the first over
    clips that have events, the others over all.
    """
    curves = [np.asarray(curve_of(clip), np.float64) for clip in clips]
    peaks = [find_peaks(curve)[0] for curve in curves]
    motion = [find_peaks(normalise(clip.motion))[0] for clip in clips]
    struck = [(found, clip) for found, clip in zip(peaks, clips, strict=True) if clip.events]
    against = {
        "events": ([found for found, _ in struck], [_frames(clip) for _, clip in struck]),
        "motion": (peaks, motion),
    }
    result = {
        name: {t: figures(count_matches(*lists, tolerance=t)) for t in TOLERANCES}
        for name, lists in against.items()
    }
    pairs = [(curve, normalise(clip.motion)) for curve, clip in zip(curves, clips, strict=True)]
    ap = {t: mean_average_precision_at(pairs, t=t) for t in AP_TOLERANCES}
    return {**result, "ap": ap}


def main(*words: str) -> int:
    """Measure curves as the words say; returns the exit status."""
    parser = parser_for("localizer", clips=200)
    parser.add_argument(
        "--file", type=Path, default=SHIPPED, help="weights of a localizer; default: the pack's own"
    )
    options = parser.parse_args(words)
    clips = [render_clip(seed) for seed in held_out_seeds(options)]
    curves: dict[str, Callable[[WorldClip], np.ndarray]] = {
        "noise": noise_curve,
        "cosine": cosine_curve,
        "onset": onset_strength_curve,
        "network": partial(network_curve, _open_localizer(options.file)),
    }
    logger.info("curve,against,within,recall,precision,f1,median,median_abs")
    for name, curve_of in curves.items():
        for line in _lines(name, measure(curve_of, clips)):
            logger.info("%s", line)
    return 0


def _lines(name: str, measured: dict[str, dict[int, Any]]) -> Iterator[str]:
    for against in ("events", "motion"):
        for tolerance, numbers in measured[against].items():
            values = ",".join(f"{value:.4f}" for value in numbers.values())
            yield f"{name},{against},{tolerance},{values}"
    for tolerance, share in measured["ap"].items():
        yield f"{name},AP as published,{tolerance},{share:.4f},,,,"


def _open_localizer(path: Path) -> Localizer:
    checkpoint = open_checkpoint(path)
    if checkpoint.kind != LOCALIZER:
        raise CheckpointUnknownError(
            f"The file {path} is {checkpoint.layout.file}, not a localizer. Name the file of a localizer."
        )
    return build_localizer(checkpoint, dtype=torch.float32)


def _frames(clip: WorldClip) -> list[int]:
    return [event.frame for event in clip.events]
