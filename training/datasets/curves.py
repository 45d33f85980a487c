"""Files of motion curves in the published layout (published-model h.1): .npy, one number per pair of frames.

A video of n frames has n - 1 numbers, how far its pixels move from each frame to the next (published-model g.1).
"""

import os
from pathlib import Path

import numpy as np

from ...errors import CurveError
from ...keyframes.curve import normalise
from ...keyframes.timebase import N_FRAMES
from .clips import CLIP_S

OTHER_ENDING = ".mp4.npy"  # one of the two published scripts leaves the video's own ending


def write_curve(path: Path, scores: np.ndarray) -> None:
    """Write scores (n - 1,) as float32; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # of its own name: two processes may label the same video
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:  # by its name, numpy would append .npy
        np.save(file, np.asarray(scores, np.float32))
    os.replace(part, path)


def curve_file(path: Path) -> Path | None:
    """The file of a curve that belongs at this path, under either of its published names; None where there is none."""
    for one in (path, path.with_name(path.name.removesuffix(".npy") + OTHER_ENDING)):
        if one.is_file():
            return one
    return None


def read_curve(path: Path, *, n_frames: int | None = None) -> np.ndarray:
    """The scores (n - 1,), float64, of a curve file. n_frames: of its video, where that is known.

    Raises CurveError for a file that is no such curve; nothing in it is executed.
    """
    try:
        scores = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CurveError(
            f"The motion curve {path} cannot be read ({error}). Remove it, and label its video again."
        ) from None
    if not isinstance(scores, np.ndarray) or scores.ndim != 1 or scores.dtype.kind not in "fiu":
        raise CurveError(
            f"The file {path} is no motion curve, which is a row of numbers. Remove it, and label its video again."
        )
    scores = scores.astype(np.float64)
    if not len(scores) or not np.isfinite(scores).all() or scores.min() < 0:
        raise CurveError(
            f"The motion curve {path} is empty or holds a value that is negative or no number. Label its video again."
        )
    if n_frames is not None and len(scores) != n_frames - 1:
        raise CurveError(
            f"The motion curve {path} has {len(scores)} numbers, but its video has {n_frames} frames, which makes "
            f"{n_frames - 1}. It belongs to another version of the video: remove it, and label the video again."
        )
    return scores


def clip_curve(scores: np.ndarray, *, fps: float, start_s: float) -> np.ndarray:
    """What the published localizer learns of a clip (published-model g.2): float32 (48,) in 0..1.

    The scores from start_s on for 2 s at the video's fps, without the first, resampled linearly to 48, then the lowest
    is 0 and the highest 1. scores: (n - 1,). Raises CurveError when the video ends before.
    """
    first = round(start_s * fps)
    part = np.asarray(scores, np.float64)[first : first + round(CLIP_S * fps)][1:]
    if len(part) < 2:
        raise CurveError(
            f"A clip from {start_s:.2f} s on has {len(part)} motion scores; it needs at least 2. Begin it earlier."
        )
    even = np.interp(np.linspace(0, 1, N_FRAMES), np.linspace(0, 1, len(part)), part)
    return normalise(even).astype(np.float32)
