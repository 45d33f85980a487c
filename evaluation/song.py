"""`python dev.py eval song`: long videos by the song workflow in a real ComfyUI: in time to the end, at constant cost,
without drift and without seams?

A drum of the world strikes at irregular times for as long as asked for, or --sound gives another sound and --onsets the
times of its strikes.
"""

import argparse
import json
import logging
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from ..errors import KeyVIDError
from ..keyframes.timebase import FPS, frame_at
from ..preview.wav import write_wav
from ..tools import environment, run_workflow, server
from ..training.engine.state import state_dir
from ..training.world.clip import WorldClip, render_clip
from .long_sound import drum_sound
from .measures.long_video import background_drift, seam_rank
from .measures.matching import count_matches, figures
from .measures.video_metrics import identity_drift
from .tracker.reader import read_events

GRAPH = environment.ROOT / "workflows" / "api" / "keyvid_song.json"
RENDER, CLIP = "KeyVID_RenderVideo", "KeyVID_ClipAudio"
SEED, SCENE = 1_000_021, "drum"  # of the song workflow's image
TOLERANCE = 2  # frames
TIMEOUT_S = 24 * 3600
ENDS = 48  # frames, at the beginning and at the end, that are compared for drift
logger = logging.getLogger("keyvid.evaluation")


@dataclass(frozen=True)
class Usage:
    """What ComfyUI has taken so far: cpu_s, seconds of CPU; peak_bytes, its largest memory."""

    cpu_s: float
    peak_bytes: int


def main(*words: str) -> int:
    """Measure what the words say; returns the exit status. Raises KeyVIDError."""
    options = _parser().parse_args(words)
    folder = (state_dir(options.state_dir) / "song").resolve()
    clip = render_clip(SEED, scene=SCENE)
    _, _, start = _usage_of(folder / "start", None, clip, 0)
    logger.info("ComfyUI alone: %.0f s of CPU, %.2f GB", start.cpu_s, start.peak_bytes / 1e9)
    for seconds in sorted(options.seconds):
        sound, onsets_s = _sound(options, folder, seconds)
        video, keyframes, usage = _usage_of(
            folder / f"{seconds:g}s", sound, clip, round(seconds * FPS)
        )
        row = {
            "seconds": seconds,
            "cpu_s_per_second": (usage.cpu_s - start.cpu_s) / seconds,
            "peak_gb": usage.peak_bytes / 1e9,
            **measure_long_video(video, onsets_s, keyframes),
        }
        logger.info("%s", json.dumps(row))
        with (folder / "song.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    return 0


def measure_long_video(
    path: Path, onsets_s: np.ndarray, keyframes: Sequence[int]
) -> dict[str, Any]:
    """Figures of a video that Render Video wrote: events against true strikes at onsets_s, drift, seams.

    keyframes: the frames of its plan.
    """
    frames = read_frames(path)
    events = read_events(frames, seed=SEED, scene=SCENE).events
    true = [frame for time_s in onsets_s if (frame := frame_at(time_s, fps=FPS)) < len(frames) - 1]
    seen = figures(count_matches([events], [true], tolerance=TOLERANCE))
    first, last = (
        identity_drift(part, seed=SEED, scene=SCENE).colour
        for part in (frames[:ENDS], frames[-ENDS:])
    )
    return {
        "strikes": len(true),
        "recall": seen["recall"],
        "precision": seen["precision"],
        "colour_first": first,
        "colour_last": last,
        "background_first": background_drift(frames[:ENDS], frames[0]),
        "background_last": background_drift(frames[-ENDS:], frames[0]),
        "seam_rank": seam_rank(frames, joins_of(path), keyframes),
    }


def joins_of(path: Path) -> list[int]:
    """The first frame of every window of a video but the first, from the list beside it."""
    stem = path.stem.rsplit("_", 2)[0]
    listed = json.loads((path.parent / f"{stem}_windows" / "frames.json").read_text("utf-8"))
    return [stretch["first"] for stretch in listed["stretches"]][1:]


def read_frames(path: Path) -> np.ndarray:
    """All frames of a video, uint8 (n, H, W, 3)."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def _usage_of(
    folder: Path, sound: Path | None, clip: WorldClip, n_frames: int
) -> tuple[Path, list[int], Usage]:
    """(the video that a ComfyUI of its own makes of a sound, its keyframes, what it took); without a sound it only
    starts.

    The memory is the largest of any ComfyUI so far: measure short videos first.
    """
    before = _children()
    video, keyframes = folder, list[int]()
    with server.running(folder, python=sys.executable, pack=environment.ROOT) as comfy:
        if sound is not None:
            video, keyframes = _rendered(comfy, sound, clip, n_frames)
    after = _children()
    return video, keyframes, Usage(after.cpu_s - before.cpu_s, after.peak_bytes)


def _children() -> Usage:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def _rendered(
    comfy: server.Server, sound: Path, clip: WorldClip, n_frames: int
) -> tuple[Path, list[int]]:
    inputs = comfy.base / "input"
    inputs.mkdir(exist_ok=True)
    (inputs / sound.name).write_bytes(sound.read_bytes())
    Image.fromarray(clip.frames[0]).save(inputs / "first.png")
    graph = json.loads(GRAPH.read_text(encoding="utf-8"))
    changes = {
        "LoadAudio": {"audio": sound.name},
        "LoadImage": {"image": "first.png"},
        CLIP: {"n_frames": n_frames},
        RENDER: {"filename_prefix": f"song_{time.time_ns()}"},  # never one that was there
    }
    for node in graph.values():
        node["inputs"].update(changes.get(node["class_type"], {}))
    entry, _ = comfy.run(graph, timeout_s=TIMEOUT_S)
    failed = run_workflow.problems(entry, {key: key for key in graph})
    if failed:
        raise KeyVIDError(f"ComfyUI made no video: {' '.join(failed)}")
    (path,) = run_workflow.output_files(entry, comfy.base / "output")
    (sheet,) = (ui["keyvid_sheet"][0] for ui in entry["outputs"].values() if "keyvid_sheet" in ui)
    return path, sheet["frames"]


def _sound(options: argparse.Namespace, folder: Path, seconds: float) -> tuple[Path, np.ndarray]:
    if options.sound is not None:
        onsets_s = np.loadtxt(options.onsets, skiprows=1, ndmin=1)
        return options.sound, onsets_s[onsets_s < seconds]
    samples, onsets_s, rate = drum_sound(seconds, seed=options.seed)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"drum_{seconds:g}s.wav"
    write_wav(path, samples[None], rate)
    return path, onsets_s


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py eval song", description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[4, 10, 30, 60])
    parser.add_argument("--seed", type=int, default=0, help="of the made sound")
    parser.add_argument("--sound", type=Path, help="another sound")
    parser.add_argument(
        "--onsets", type=Path, help="its strikes: a title, then a time in s per line"
    )
    parser.add_argument("--state-dir", type=Path, default=None)
    return parser
