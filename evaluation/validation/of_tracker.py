"""`python dev.py eval tracker`: how well the tracker reads videos whose events and poses are known, clean and degraded.

Poses are not looked at where the degraded video is another one (still, reordered) or is shifted (ghosted).
"""

import logging
from collections.abc import Iterable, Iterator

import numpy as np

from ...training.world.clip import SCENES, render_clip
from ..measures.matching import TOLERANCES, count_matches, figures
from ..measures.motion import MotionFigures, motion_figures
from ..options import held_out_seeds, parser_for
from ..tracker.degrade import DEGRADED
from ..tracker.exact_poses import exact_poses
from ..tracker.reader import TRACKED, Poses, read_events, read_poses

POSES_OF = {name: DEGRADED[name] for name in ("clean", "compressed")}
logger = logging.getLogger("keyvid.evaluation")


def main(*words: str) -> int:
    """Measure the tracker as the words say; returns the exit status."""
    parser = parser_for("tracker", clips=32, clips_help="of each scene; default: 32")
    parser.add_argument("--scene", choices=SCENES, help="only this one")
    options = parser.parse_args(words)
    scenes = [options.scene] if options.scene else SCENES
    seeds = held_out_seeds(options)
    logger.info("scene,video,clips,pose error,90th percentile,jerk ratio,largest step ratio")
    for scene in scenes:
        for line in validate_poses(scene, seeds):
            logger.info("%s", line)
    logger.info("scene,video,clips,events,found,seen,within,recall,precision,median,median_abs")
    for scene in [scene for scene in scenes if scene in TRACKED]:
        for line in validate(scene, seeds):
            logger.info("%s", line)
    return 0


def validate(scene: str, seeds: Iterable[int]) -> Iterator[str]:
    """Lines of a CSV for one scene: the tracker's figures on ground-truth videos, clean and degraded (degrade.py)."""
    true: list[list[int]] = []
    found: dict[str, list[np.ndarray]] = {name: [] for name in DEGRADED}
    seen: dict[str, list[float]] = {name: [] for name in DEGRADED}
    for seed in seeds:
        clip = render_clip(seed, scene=scene)
        true.append([event.frame for event in clip.events])
        for name, change in DEGRADED.items():
            video = change(clip.frames, np.random.default_rng(seed))
            reading = read_events(video, seed=seed, scene=scene)
            found[name].append(reading.events)
            seen[name].append(reading.seen)
    for name in DEGRADED:
        for tolerance in TOLERANCES:
            counts = count_matches(found[name], true, tolerance=tolerance)
            numbers = figures(counts)
            yield ",".join(
                [
                    *(scene, name, str(len(true)), str(counts.true.sum()), str(counts.found.sum())),
                    f"{np.mean(seen[name]):.3f}",
                    str(tolerance),
                    *(f"{numbers[key]:.4f}" for key in ("recall", "precision")),
                    *(f"{numbers[key]:+.1f}" for key in ("median_error", "median_abs_error")),
                ]
            )


def validate_poses(scene: str, seeds: Iterable[int]) -> Iterator[str]:
    """Lines of a CSV for one scene: the error of the tracker's poses to those that the world placed its things in.

    Mean and 90th percentile over frames, as shares of the range, and the ratios to the exact jerk and largest step: all
    are means over clips. Nothing is known of drops.
    """
    found: dict[str, list[MotionFigures]] = {name: [] for name in POSES_OF}
    for seed in seeds:
        clip = render_clip(seed, scene=scene)
        exact = exact_poses(clip)
        if exact is None:
            continue
        everywhere = np.ones(len(exact), bool)
        for name, change in POSES_OF.items():
            video = change(clip.frames, np.random.default_rng(seed))
            made = read_poses(video, seed=seed, scene=scene)
            span_px = float(np.ptp(clip.track, axis=0).max())
            true = Poses(exact, everywhere, everywhere)
            found[name].append(motion_figures(made, true, span_px=span_px))
    for name, its in found.items():
        if not its:
            continue
        jerk, step = (
            sum(getattr(one, kind) for one in its)
            / sum(getattr(one, f"true_{kind}") for one in its)
            for kind in ("jerk", "largest_step")
        )
        errors = [
            np.mean([getattr(one, f"trajectory_{kind}") for one in its]) for kind in ("mean", "p90")
        ]
        numbers = ",".join(f"{number:.4f}" for number in (*errors, jerk, step))
        yield f"{scene},{name},{len(its)},{numbers}"
