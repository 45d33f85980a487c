"""`python dev.py eval tracker`: how well the tracker reads videos whose events are known, clean and degraded."""

import argparse
import logging

import numpy as np

from ...training.world.clip import render_clip
from ..matching import TOLERANCES, count_matches, figures
from ..seeds import FIRST_SEED, held_out_seeds
from .degrade import DEGRADED
from .reader import TRACKED, read_events

logger = logging.getLogger("keyvid.evaluation")


def main(*words):
    """Measure the tracker as the words say; returns the exit status."""
    parser = argparse.ArgumentParser("python dev.py eval tracker")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--clips", type=int, default=32, help="of each scene; default: 32")
    parser.add_argument("--scene", choices=TRACKED, help="only this one")
    options = parser.parse_args(words)
    scenes = [options.scene] if options.scene else TRACKED
    seeds = held_out_seeds(options.first_seed, options.clips)
    logger.info("scene,video,clips,events,found,seen,within,recall,precision,median,median_abs")
    for scene in scenes:
        for line in validate(scene, seeds):
            logger.info("%s", line)
    return 0


def validate(scene, seeds):
    """Lines of a CSV for one scene: the tracker's figures on ground-truth videos in every form of degrade.py."""
    true, found, seen = [], {name: [] for name in DEGRADED}, {name: [] for name in DEGRADED}
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
