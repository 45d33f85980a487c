"""Can a video be used, and what is special about it? Every frame and every sample is read."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .decode import Frame, VideoFileError, read_frames, read_sound, stated_frames

CLIP_S = 2.0  # of what the networks see
SILENT_PEAK = 1e-4  # of full scale (-80 dB): no sample is louder
UNEVEN = 0.1  # of the usual time between two frames, by which some time differs


class Findings(NamedTuple):
    """What was found out about a video.

    problem: why it cannot be used, as a sentence; "" where it can. notes: what is special, and handled.
    fps: frames per second on average. duration_s: of its frames. sample_rate, n_channels: 0 without sound.
    """

    problem: str
    notes: tuple[str, ...]
    n_frames: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    height: int = 0
    width: int = 0
    sample_rate: int = 0
    n_channels: int = 0


class _Images(NamedTuple):
    times_s: np.ndarray
    size: tuple[int, int]
    rotation: int
    n_damaged: int
    broken: str


def inspect_video(
    path: str | Path, *, on_frame: Callable[[Frame], object] | None = None
) -> Findings:
    """The Findings of a video file. on_frame is called with each frame as it is decoded, and may raise to cancel."""
    try:
        stated = stated_frames(path)
        images = _look_at(path, on_frame)
        sound = read_sound(path)
    except VideoFileError as error:
        return Findings(str(error), ())
    n = len(images.times_s)
    if n < 2:
        return Findings(
            f"There is {'not even' if n == 0 else 'only'} one frame in {path}; a video has at least 2.",
            (),
        )
    steps = np.diff(images.times_s)
    duration_s = float(images.times_s[-1] + np.median(steps))
    height, width = images.size
    facts = {
        "n_frames": n,
        "fps": round(n / duration_s, 3),
        "duration_s": round(duration_s, 3),
        "height": height,
        "width": width,
        "sample_rate": sound.sample_rate if sound else 0,
        "n_channels": len(sound.samples) if sound else 0,
    }
    problem = images.broken or _problem_of_images(images, n, stated, duration_s)
    if not problem:
        problem = _problem_of_sound(None if sound is None else sound.samples)
    notes = []
    if images.rotation:
        notes.append(f"turned by {images.rotation} degrees")
    if np.abs(steps - np.median(steps)).max() > UNEVEN * np.median(steps):
        shortest, longest = 1000 * steps.min(), 1000 * steps.max()
        notes.append(f"uneven frame rate: {shortest:.0f} to {longest:.0f} ms per frame")
    return Findings(problem, tuple(notes), **facts)


def _look_at(path: str | Path, on_frame: Callable[[Frame], object] | None) -> _Images:
    """All frames of a file; those before a place that cannot be decoded, where there is one."""
    times_s, size, rotation, n_damaged, broken = [], (0, 0), 0, 0, ""
    try:
        for frame in read_frames(path):
            height, width = frame.image.shape[:2]
            if times_s and size != (height, width):
                broken = (
                    f"The frames change their size from {size[1]} x {size[0]} to {width} x {height} pixels. "
                    "Write the video anew at one size."
                )
                break
            size, rotation = (height, width), frame.rotation
            n_damaged += frame.is_damaged
            times_s.append(frame.time_s)
            if on_frame:
                on_frame(frame)
    except VideoFileError as error:
        if not times_s:
            raise
        broken = f"After {len(times_s)} frames: {error}"
    return _Images(np.array(times_s), size, rotation, n_damaged, broken)


def _problem_of_images(images: _Images, n: int, stated: int | None, duration_s: float) -> str:
    if (np.diff(images.times_s) <= 0).any():
        return (
            "The times of its frames do not ascend. Write the video anew at a constant frame rate."
        )
    if images.n_damaged:
        return f"{images.n_damaged} of its {n} frames are damaged. Fetch the file again."
    if stated and n < stated:
        return f"It is cut short: {n} of the {stated} frames that it should have. Fetch the file again."
    # the last frame lasts as long as the others, so that 48 frames at 24 per second are 2 s
    if duration_s < CLIP_S - 1 / 48:
        return f"It lasts {duration_s:.2f} s; a clip needs {CLIP_S:g} s. Leave it out."
    return ""


def _problem_of_sound(samples: np.ndarray | None) -> str:
    if samples is None:
        return "It has no sound. Leave it out, or add its sound."
    if not np.isfinite(samples).all():
        return "Its sound holds values that are not finite numbers. Write the sound anew."
    if np.abs(samples).max(initial=0) <= SILENT_PEAK:
        return "Its sound is silence from beginning to end. Leave it out, or add its sound."
    return ""
