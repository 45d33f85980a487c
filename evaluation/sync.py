"""`python dev.py eval sync`: does a video move when its audio sounds, and as its world does? Videos of held-out clips,
made in several ways.

Every clip is stored as soon as it is measured, outside the checkout; the same command resumes where it was stopped.
"""

import argparse
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from ..training.engine.state import state_dir, write_atomically
from ..training.world.clip import WorldClip, render_clip
from .measures.flow import flow_figures, flow_scores
from .measures.motion import motion_figures, quiet_figures
from .measures.video_metrics import (
    background_variation,
    identity_drift,
    loudness_correlation,
    moving_psnr,
    psnr,
    vacated_psnr,
)
from .options import held_out_seeds, parser_for
from .report import write_report
from .results import Result, add_result, read_results, results_file
from .strips import write_strip
from .tracker.reader import TRACKED, read_events, read_poses
from .variants import (
    VARIANTS,
    check_variant,
    is_silent,
    metric_fingerprint,
    render_fingerprint,
    silenced,
    video_maker,
)

logger = logging.getLogger("keyvid.evaluation")


def main(*words: str) -> int:
    """Measure what the words say; returns the exit status. Raises KeyVIDError."""
    options = _parser().parse_args(words)
    seeds = held_out_seeds(options)
    for variant in options.variants:
        check_variant(variant)
    folder = (state_dir(options.state_dir) / "sync").resolve()
    rendered = {name: render_fingerprint(name) for name in options.variants}
    # a ComfyUI of its own, so that variants can be measured side by side
    with video_maker(folder / "comfyui" / "_".join(options.variants)) as make:
        for variant, made_from in rendered.items():
            measure_variant(
                variant,
                seeds,
                folder,
                make,
                made_from=made_from,
                keep=options.keep,
                all_strips=options.strips,
            )
    logger.info("%s", write_report(_all_results(folder, seeds, rendered), folder))
    return 0


def _all_results(
    folder: Path, seeds: Iterable[int], rendered: Mapping[str, str]
) -> dict[str, dict[int, Result]]:
    """{variant: {seed: result}} of these seeds: those just measured and what else is known of them."""
    results = {}
    for name in VARIANTS:
        if name in rendered or results_file(folder, name).is_file():
            fingerprint = result_fingerprint(rendered.get(name) or render_fingerprint(name))
            known = read_results(folder, name, made_by=fingerprint)
            results[name] = {seed: known[seed] for seed in seeds if seed in known}
    return {name: found for name, found in results.items() if found}


def result_fingerprint(made_from: str) -> str:
    """What a result depends on: a video's render_fingerprint and the code that measures it."""
    return f"{made_from} {metric_fingerprint()}"


def measure_variant(
    variant: str,
    seeds: Iterable[int],
    folder: Path,
    make: Callable[[WorldClip, str], np.ndarray],
    *,
    made_from: str,
    keep: bool = False,
    all_strips: bool = False,
) -> None:
    """Measure the clips of these seeds that have no result of this variant in the folder yet.

    make(clip, variant): its video, as variants.video_maker gives it. keep: keep the videos too, as
    folder/videos/MADE_FROM/VARIANT/SEED.npz (frames uint8 (48, H, W, 3)). A kept video is not made again, so that a
    better tracker can measure it. made_from: variants.render_fingerprint of the variant. all_strips: write a strip
    (strips.py) of every clip into folder/strips, not only of the first of each scene.
    """
    fingerprint = result_fingerprint(made_from)
    done = read_results(folder, variant, made_by=fingerprint)
    scenes = {result["scene"] for result in done.values()}
    for seed in seeds:
        if seed in done:
            continue
        clip = render_clip(seed)
        if is_silent(variant):
            clip = silenced(clip)
        frames = _kept_video(clip, variant, folder / "videos" / made_from, make, keep=keep)
        measured = measure_video(clip, frames, is_true=not is_silent(variant))
        if all_strips or clip.scene not in scenes:
            name = f"{variant}_{clip.scene}_{seed}.png"
            write_strip(clip, frames, folder / "strips" / name, seen=measured["found"] or ())
        scenes.add(clip.scene)
        result = {"seed": seed, "made_by": fingerprint, **measured}
        add_result(folder, variant, result)
        logger.info("%s %d: %s", variant, seed, _summary(result))


def measure_video(clip: WorldClip, frames: np.ndarray, *, is_true: bool = True) -> Result:
    """What a video, uint8 (48, H, W, 3), of a WorldClip shows, as plain numbers and lists.

    true, found: frames of audible and of visible events; found is None for scenes without events. seen: share of
    frames on which the tracked object is found. background, every psnr, follows (loudness_correlation, of scenes
    without events) and Identity: measures/video_metrics.py. quiet_s, quiet_events and MotionFigures:
    measures/motion.py. is_true: whether the clip's frames are what the video should show; if not (silence), there is
    nothing to compare with: every psnr, follows, MotionFigures and FlowFigures (measures/flow.py) are left out.
    """
    result = {
        "scene": clip.scene,
        "true": [event.frame for event in clip.events],
        "found": None,
        "background": background_variation(frames, clip.background_mask),
        **identity_drift(frames, seed=clip.seed, scene=clip.scene)._asdict(),
    }
    if clip.scene in TRACKED:
        reading = read_events(frames, seed=clip.seed, scene=clip.scene)
        found = [int(frame) for frame in reading.events]
        result |= {"found": found, "seen": reading.seen}
        result |= quiet_figures(found, result["true"], len(frames))
    elif is_true:
        result["follows"] = loudness_correlation(frames, clip.audio, clip.sample_rate)
    if not is_true:
        return result
    made, true = (
        read_poses(video, seed=clip.seed, scene=clip.scene) for video in (frames, clip.frames)
    )
    return {
        **result,
        "psnr": psnr(frames, clip.frames),
        "moving_psnr": moving_psnr(frames, clip.frames),
        "vacated_psnr": vacated_psnr(frames, clip.frames),
        **motion_figures(made, true, span_px=float(np.ptp(clip.track, axis=0).max()))._asdict(),
        **flow_figures(flow_scores(frames), flow_scores(clip.frames), result["true"])._asdict(),
    }


def _kept_video(
    clip: WorldClip,
    variant: str,
    folder: Path,
    make: Callable[[WorldClip, str], np.ndarray],
    *,
    keep: bool,
) -> np.ndarray:
    path = folder / variant / f"{clip.seed}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return kept["frames"]
    frames = make(clip, variant)
    if keep:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda part: _save(part, frames))
    return frames


def _save(path: Path, frames: np.ndarray) -> None:
    with path.open("wb") as file:  # by its name, numpy would append .npz
        np.savez_compressed(file, frames=frames)


def _summary(result: Result) -> str:
    if result["found"] is None:
        return f"{result['scene']}, no single events"
    return f"{result['scene']}, heard at {result['true']}, seen at {result['found']}"


def _parser() -> argparse.ArgumentParser:
    parser = parser_for("sync", clips=32)
    parser.add_argument(
        "--conditions",
        dest="variants",
        metavar="CONDITIONS",
        type=lambda text: text.split(","),
        default=["truth", "still"],
        help=f"separated by commas, of: {', '.join(VARIANTS)}",
    )
    parser.add_argument(
        "--per-scene",
        type=int,
        metavar="N",
        help="N clips of every scene, in place of --clips: 8 are 64 clips",
    )
    parser.add_argument("--keep", action="store_true", help="keep the videos as .npz too")
    parser.add_argument(
        "--strips",
        action="store_true",
        help="write a strip of made over true frames of every clip that is measured now, not only of the first of "
        "each scene",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="where results are kept; default: in the user's data folder",
    )
    return parser
