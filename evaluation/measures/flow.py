"""How a video moves as optical flow sees it, against a true curve and against what is heard.

The flow is that of the node Motion From Video, method flow without weights, and so are smoothing and peaks. It needs no
knowledge of the scene, unlike the tracker, so it can measure any video; a thing that moves as much as it should, but
elsewhere, passes it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ...keyframes.events import match_events
from ...keyframes.motion.measured import measured_curve
from ...keyframes.peaks import find_peaks
from ...keyframes.timebase import FPS
from ...models.lucas_kanade import motion_scores

PEAK_TOLERANCE = 1  # frames, between peaks of two curves
SOUND_TOLERANCE = 2  # frames, between a peak and what is heard, as for the tracker's events
SHARP = "peaked"  # the smoothing that keeps a peak on the frame of its strike


class FlowFigures(NamedTuple):
    """Of one clip, to be pooled over clips.

    flow_correlation: Pearson's correlation of the two curves; 0 for a video in which nothing moves, NaN where nothing
        does in the true one.
    flow_hits, flow_peaks: twice the pairs of peaks within PEAK_TOLERANCE, and how many peaks both have: F1 is hits /
        peaks.
    heard_hits, heard_peaks: the same with the audible events within SOUND_TOLERANCE, NaN without any.
    """

    flow_correlation: float
    flow_hits: float
    flow_peaks: float
    heard_hits: float
    heard_peaks: float


def flow_scores(frames: np.ndarray) -> np.ndarray:
    """Mean |u| + |v| in pixels from each frame of a video uint8 (n, H, W, 3) to the next: float64 (n - 1,)."""
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).movedim(-1, 1)  # (n, 3, H, W)
    return motion_scores(pixels).double().numpy()


def curve_of(scores: np.ndarray, smoothing: str = "paper") -> np.ndarray:
    """The motion curve (n,) in [0, 1] of scores (n - 1,) between n frames at FPS, as the node makes it."""
    times_s = np.arange(len(scores) + 1) / FPS
    return measured_curve(
        scores, times_s, fps=FPS, n_frames=len(times_s), smoothing=smoothing
    ).score


def flow_figures(
    scores: np.ndarray, true_scores: np.ndarray, heard: Sequence[int] | None = None
) -> FlowFigures:
    """The FlowFigures of scores (n - 1,) against true ones, and against the frames of audible events, if there are."""
    made, true = curve_of(scores), curve_of(true_scores)
    hits, peaks = _matched(find_peaks(made)[0], find_peaks(true)[0], PEAK_TOLERANCE)
    of_sound = (math.nan, math.nan)
    if heard:
        found = find_peaks(curve_of(scores, SHARP))[0]
        of_sound = _matched(found, heard, SOUND_TOLERANCE)
    return FlowFigures(correlation(made, true), hits, peaks, *of_sound)


def correlation(made: np.ndarray, true: np.ndarray) -> float:
    """Pearson's correlation of two curves (n,), defined as FlowFigures says where one of them is even."""
    if np.ptp(true) == 0:
        return math.nan
    return 0.0 if np.ptp(made) == 0 else float(np.corrcoef(made, true)[0, 1])


def _matched(
    found: Sequence[int] | np.ndarray, true: Sequence[int] | np.ndarray, tolerance: int
) -> tuple[float, float]:
    pairs = match_events(found, true, tolerance=tolerance).pairs
    return 2.0 * len(pairs), float(len(found) + len(true))
