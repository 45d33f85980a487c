"""`python dev.py eval tracker`: how well the tracker reads videos whose events are known, clean and degraded."""

import logging
from collections.abc import Iterable, Iterator

import numpy as np

from ..training.world.clip import render_clip
from .measures.matching import TOLERANCES, count_matches, figures
from .options import held_out_seeds, parser_for
from .tracker.degrade import DEGRADED
from .tracker.reader import TRACKED, read_events

logger = logging.getLogger("keyvid.evaluation")


def main(*words: str) -> int:
    """Measure the tracker as the words say; returns the exit status."""
    parser = parser_for("tracker", clips=32, clips_help="of each scene; default: 32")
    parser.add_argument("--scene", choices=TRACKED, help="only this one")
    options = parser.parse_args(words)
    scenes = [options.scene] if options.scene else TRACKED
    seeds = held_out_seeds(options)
    logger.info("scene,video,clips,events,found,seen,within,recall,precision,median,median_abs")
    for scene in scenes:
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
