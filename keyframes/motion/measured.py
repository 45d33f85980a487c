"""From how far pixels moved between the frames of a video to a motion curve of a clip (arXiv 2504.09656, sec. 3.1).

The video and the clip may have different frame rates and lengths: what is measured is how far things moved, and
movement adds up, so the curve's frame gets the movement since the curve's frame before.
"""

import numpy as np

from ...errors import CurveError
from ..curve import MotionCurve, motion_curve, normalise
from ..peaks import SMOOTHING
from ..timebase import check_n_frames, fps_fraction, frame_at
from ..values import shown

# weights of the mean over neighbouring frames: the paper's, which makes a plateau of 5 frames of a single strike, and
# one of the same length that keeps its top where the strike is
SMOOTHINGS = {
    "paper": (1,) * SMOOTHING,
    "peaked": (1, 2, 3, 2, 1),
    "none": (1,),
}


def measured_curve(
    scores: np.ndarray,
    times_s: np.ndarray,
    *,
    fps: float,
    n_frames: int | None = None,
    smoothing: str = "paper",
    source: str = "flow",
) -> MotionCurve:
    """The MotionCurve of a clip of n_frames frames at fps whose motion is that of a video.

    scores: (n - 1,), how far the pixels moved from each frame of the video to the next, 0 or more, any unit.
    times_s: (n,) ascending, when its frames are shown, in seconds from the beginning of the clip. n_frames: of the
    clip; None: as many as the video lasts. Behind the end of the video nothing moves. smoothing: one of SMOOTHINGS, a
    mean over frames, those that there are at either end. Then the lowest score is 0 and the highest 1.
    Raises CurveError, KeyVIDError.
    """
    fps_fraction(fps)
    scores, times_s = _checked(scores, times_s)
    if smoothing not in SMOOTHINGS:
        raise CurveError(
            f"There is no smoothing {shown(smoothing)}; choose one of {', '.join(SMOOTHINGS)}."
        )
    if n_frames is None:
        # the last frame lasts as long as the frames before it on average
        n_frames = max(2, frame_at(times_s[-1] * len(times_s) / len(scores), fps=fps))
    check_n_frames(n_frames)
    at_frames = moved_since_last(scores, times_s, fps=fps, n_frames=n_frames)
    smooth = normalise(weighted_mean(at_frames, SMOOTHINGS[smoothing]))
    return motion_curve(smooth, fps=fps, source=source)


def moved_since_last(
    scores: np.ndarray, times_s: np.ndarray, *, fps: float, n_frames: int
) -> np.ndarray:
    """How far pixels moved into each frame of a clip: float64 (n_frames,), in the unit of the scores.

    scores, times_s: as in `measured_curve`. Between two frames of the video motion is even, and nothing is known of
    before its first frame: frame 0 gets what frame 1 gets.
    """
    way = np.concatenate([[0.0], np.cumsum(scores)])  # (n,) since the first frame
    at_frames = np.interp(np.arange(n_frames) / fps, times_s, way)
    moved = np.diff(at_frames)
    return np.concatenate([moved[:1], moved])


def weighted_mean(values: np.ndarray, weights: tuple[int, ...]) -> np.ndarray:
    """The weighted mean of each value of (n,) and its neighbours, of those that there are. weights: odd in number.

    The published code counts zeros beyond the ends (published-model g.3), which would make an even movement, such as
    that of a moving camera, look like one that begins and ends with the clip.
    """
    reach = len(weights) // 2
    taps = np.array(weights, dtype=np.float64)

    def total(numbers: np.ndarray) -> np.ndarray:
        return np.convolve(np.pad(numbers, reach), taps, mode="valid")

    return total(np.asarray(values, dtype=np.float64)) / total(np.ones(len(values)))


def _checked(scores: np.ndarray, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, times_s = (np.asarray(one, dtype=np.float64) for one in (scores, times_s))
    if scores.ndim != 1 or len(scores) < 1 or times_s.shape != (len(scores) + 1,):
        raise CurveError(
            f"Motion is measured between frames, but there are {scores.size} scores for {times_s.size} frames; give "
            "a video of at least 2 frames, and one score less than it has frames."
        )
    if not (np.isfinite(scores).all() and scores.min() >= 0):
        raise CurveError(
            "The measured motion holds a value that is negative or not a finite number. Check the frames of the video."
        )
    if not (np.isfinite(times_s).all() and (np.diff(times_s) > 0).all()):
        raise CurveError(
            "The times of the video's frames do not ascend. Write the video anew at a constant frame rate."
        )
    return scores, times_s
