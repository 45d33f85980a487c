"""How the tracked thing moves, against how it moves in the true video: the poses of both, by the same tracker.

A pose is one number per frame (tracker/tracked_objects.py). Everything is a share of the range of the true poses, so
that a hammer and a string can be compared. What bad motion each figure finds:

trajectory: somewhere else than it should be. Finds a still video, a wrong order, and a thing that cannot be seen.
jerk: trembling. A still video has none: the trajectory finds that.
largest step: a jump.
excursions: a thing that is at a place for one or two frames and back again, as an image pasted into a still video is.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from ...keyframes.timebase import FPS
from ..tracker.reader import Poses

MAX_EXCURSION_FRAMES = 2  # how long a thing may be away and count as not having moved there
# of the true range, by which one must be larger than what the true poses do at that time
EXCURSION = 0.15
AT_THAT_TIME = 2  # frames: within these a strike of the true video is the same strike
FAR_FROM_SOUND = 12  # frames, half a second: further from every audible event, nothing is heard
# pixels: a true jerk below this counts as this. It is that of a trembling by a seventh of a pixel, which is as much as
# the tracker's own error, and too little to be seen; only the boat moves so gently
LEAST_JERK_PX = 0.5
LOST = 1.0  # of the range: the error on a frame on which the thing cannot be found


class MotionFigures(NamedTuple):
    """The figures of one video against the true one; of a thing that does not move in the true one they are NaN.

    trajectory_mean, trajectory_p90: the error of the pose, mean and 90th percentile over the frames on which the thing
        is to be seen in either video, share of the range.
    jerk, true_jerk: mean |third difference|, share of the range per frame cubed; NaN where nothing is found, the true
        one at least LEAST_JERK_PX.
    largest_step, true_largest_step: the greatest |change| from a frame to the next, share of the range.
    excursions: on how many frames the thing is away for a moment and the true one is not.
    """

    trajectory_mean: float
    trajectory_p90: float
    jerk: float
    true_jerk: float
    largest_step: float
    true_largest_step: float
    excursions: float


def motion_figures(made: Poses, true: Poses, *, span_px: float) -> MotionFigures:
    """The figures of a video's Poses against those of the true video: both of the same n >= 4 frames.

    span_px: the range of the true thing in pixels.
    """
    span = float(np.ptp(true.poses))
    counted = true.found & (true.shown | made.shown)
    if not counted.any() or not span:
        return MotionFigures(*[math.nan] * len(MotionFigures._fields))
    errors = np.minimum(np.abs(made.poses - true.poses) / span, LOST)
    errors[~made.found] = LOST
    errors = errors[counted]
    is_found = bool(made.found.any())
    return MotionFigures(
        trajectory_mean=float(errors.mean()),
        trajectory_p90=float(np.quantile(errors, 0.9)),
        jerk=jerk(made.poses) / span if is_found else math.nan,
        true_jerk=max(jerk(true.poses) / span, LEAST_JERK_PX / max(span_px, 1.0)),
        largest_step=largest_step(made.poses) / span if is_found else math.nan,
        true_largest_step=largest_step(true.poses) / span,
        excursions=float(excursions(made.poses, true.poses).sum()) if is_found else math.nan,
    )


def jerk(poses: np.ndarray) -> float:
    """The mean absolute third difference of poses (n,), per frame cubed."""
    return float(np.abs(np.diff(poses, n=3)).mean())


def largest_step(poses: np.ndarray) -> float:
    """The greatest absolute change of poses (n,) from a frame to the next."""
    return float(np.abs(np.diff(poses)).max())


def excursions(made: np.ndarray, true: np.ndarray) -> np.ndarray:
    """On which frames, bool (n,), the made poses (n,) leave and return within MAX_EXCURSION_FRAMES, the true ones not.

    How far they leave is the top-hat transform (Serra, "Image Analysis and Mathematical Morphology", 1982): a pose
    minus its opening, which cuts every peak off that is no longer than that; for valleys the other way round. A true
    strike does leave and return, so it counts by how much more than the true poses within AT_THAT_TIME frames.
    """
    span = np.ptp(true)
    away = np.zeros(len(made), bool)
    for sign in (1, -1):
        n_around = 2 * AT_THAT_TIME + 1
        allowed = ndimage.maximum_filter1d(_top_hat(sign * true), n_around)
        away |= _top_hat(sign * made) > allowed + EXCURSION * span
    return away


def _top_hat(poses: np.ndarray) -> np.ndarray:
    size = MAX_EXCURSION_FRAMES + 1
    # the ends are mirrored: a clip may begin or end anywhere in a movement
    return poses - ndimage.grey_opening(poses, size=size, mode="reflect")


def quiet_frames(heard: list[int], n_frames: int) -> np.ndarray:
    """On which frames, bool (n_frames,), nothing is heard: further than FAR_FROM_SOUND from each of the `heard`."""
    distance = np.abs(np.arange(n_frames)[:, None] - np.array(heard, float)[None])
    return np.all(distance > FAR_FROM_SOUND, axis=1)


def quiet_figures(found: list[int], heard: list[int], n_frames: int) -> dict[str, float]:
    """{"quiet_s": for how long nothing is heard, "quiet_events": how many events are seen in that time}.

    found, heard: the frames of visible and of audible events. Where nothing is heard at all, all of the time is quiet.
    """
    quiet = quiet_frames(heard, n_frames)
    return {
        "quiet_s": float(quiet.sum() / FPS),
        "quiet_events": float(quiet[np.array(found, int)].sum()),
    }
