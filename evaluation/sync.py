"""`python dev.py eval sync`: videos of held-out clips, made in several ways, and whether they move when it is heard.

Every clip is stored as soon as it is measured, outside the checkout; the same command goes on where it was stopped.
"""

import argparse
import logging
from pathlib import Path

import numpy as np

from ..training.engine.state import state_dir, write_atomically
from ..training.world.clip import render_clip
from .quality import background_variation, colour_drift, psnr
from .report import write_report
from .results import add_result, read_results, results_file
from .seeds import FIRST_SEED, held_out_seeds
from .swell import motion_follows_sound
from .tracker.reader import TRACKED, read_events
from .variants import CONDITIONS, check_condition, measured_by, painted_by, video_maker

logger = logging.getLogger("keyvid.evaluation")


def main(*words):
    """Measure what the words say; returns the exit status. Raises KeyVIDError."""
    options = _parser().parse_args(words)
    seeds = held_out_seeds(options.first_seed, options.clips)
    for condition in options.conditions:
        check_condition(condition)
    folder = (state_dir(options.state_dir) / "sync").resolve()
    painters = {name: painted_by(name) for name in options.conditions}
    # a ComfyUI of its own, so that conditions can be measured side by side
    with video_maker(folder / "comfyui" / "_".join(options.conditions)) as make:
        for condition, painter in painters.items():
            measure_condition(condition, seeds, folder, make, painter=painter, keep=options.keep)
    logger.info("%s", write_report(_all_results(folder, seeds, painters), folder))
    return 0


def _all_results(folder, seeds, painters):
    """{condition: {seed: result}} of these seeds: those just measured and what else is known of them."""
    results = {}
    for name in CONDITIONS:
        if name in painters or results_file(folder, name).is_file():
            author = author_of(painters.get(name) or painted_by(name))
            known = read_results(folder, name, made_by=author)
            results[name] = {seed: known[seed] for seed in seeds if seed in known}
    return {name: found for name, found in results.items() if found}


def author_of(painter):
    """What a result depends on: who painted the video and who measured it."""
    return f"{painter} {measured_by()}"


def measure_condition(condition, seeds, folder, make, *, painter, keep=False):
    """Measure the clips of these seeds that have no result of this condition in the folder yet.

    make(clip, condition): its video, as conditions.video_maker gives it. keep: keep the videos too, as
    folder/videos/PAINTER/CONDITION/SEED.npz (frames uint8 (48, H, W, 3)). A video that is there is not made again, so
    that a better tracker can look at it. painter: conditions.painted_by of the condition.
    """
    author = author_of(painter)
    done = read_results(folder, condition, made_by=author)
    for seed in seeds:
        if seed in done:
            continue
        clip = render_clip(seed)
        frames = _kept_video(clip, condition, folder / "videos" / painter, make, keep=keep)
        result = {"seed": seed, "made_by": author, **measure_video(clip, frames)}
        add_result(folder, condition, result)
        logger.info("%s %d: %s", condition, seed, _shown(result))


def measure_video(clip, frames):
    """What a video, uint8 (48, H, W, 3), of a WorldClip shows, as plain numbers and lists.

    true, found: frames of audible and of visible events; found is None for scenes without events. seen: share of
    frames on which the thing is to be seen. background, colour: quality.py, in levels. follows: swell.py.
    """
    result = {
        "scene": clip.scene,
        "true": [event.frame for event in clip.events],
        "found": None,
        "background": background_variation(frames, clip.background_mask),
        "colour": colour_drift(frames, seed=clip.seed, scene=clip.scene),
        "psnr": psnr(frames, clip.frames),
    }
    if clip.scene in TRACKED:
        reading = read_events(frames, seed=clip.seed, scene=clip.scene)
        return {**result, "found": [int(frame) for frame in reading.events], "seen": reading.seen}
    return {**result, "follows": motion_follows_sound(frames, clip.audio, clip.sample_rate)}


def _kept_video(clip, condition, folder, make, *, keep):
    path = folder / condition / f"{clip.seed}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return kept["frames"]
    frames = make(clip, condition)
    if keep:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda part: _save(part, frames))
    return frames


def _save(path, frames):
    with path.open("wb") as file:  # by its name, numpy would append .npz
        np.savez_compressed(file, frames=frames)


def _shown(result):
    if result["found"] is None:
        return f"{result['scene']}, no single events"
    return f"{result['scene']}, heard at {result['true']}, seen at {result['found']}"


def _parser():
    parser = argparse.ArgumentParser("python dev.py eval sync")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument(
        "--conditions",
        type=lambda text: text.split(","),
        default=["truth", "still"],
        help=f"separated by commas, of: {', '.join(CONDITIONS)}",
    )
    parser.add_argument("--keep", action="store_true", help="keep the videos as .npz too")
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="where results are kept; default: in the user's data folder",
    )
    return parser
