"""Peaks and valleys of a motion curve (arXiv 2504.09656, App. B.1): by prominence and distance, as scipy finds them."""

import operator
from typing import Any

import numpy as np

from ..errors import CurveError, SelectionError

PEAK_DISTANCE = 5  # frames between two peaks, at least (App. B.1)
PROMINENCE = 0.1  # how far a peak stands out from its surroundings, at least (App. B.1)
SMOOTHING = 5  # taps of the mean over measured motion (App. B.1)


def find_keypoints(
    score: np.ndarray,
    *,
    distance: int = PEAK_DISTANCE,
    prominence: float = PROMINENCE,
    smoothing: int = 0,
) -> np.ndarray:
    """Marks every frame of a curve as a peak (+1), a valley (-1) or neither (0).

    score: (n,) finite numbers. distance in frames; prominence in units of the score. smoothing: taps of a
    zero-padded mean taken first, 0 for none; it belongs to measured motion, and merges the peaks of
    a curve predicted from sound. The first and the last frame are never marked.
    Returns: int8 (n,). Raises CurveError, SelectionError.
    """
    score = _checked_score(score)
    check_thresholds(distance=distance, prominence=prominence)
    if smoothing:
        score = smooth(score, taps=smoothing)
    keypoints = np.zeros(len(score), dtype=np.int8)
    keypoints[_scipy_peaks(score, distance=distance, prominence=prominence)[0]] = 1
    keypoints[_scipy_peaks(-score, distance=distance, prominence=prominence)[0]] = -1
    return keypoints


def find_peaks(
    score: np.ndarray, *, distance: int = PEAK_DISTANCE, prominence: float = PROMINENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Peaks including those at the edges of the clip, with their prominences.

    The clip counts as quiet before its first and after its last frame, so that a strike on the very
    first or last frames, or one whose sound lasts to the end, is found too.
    score: (n,). Returns: frames (m,) int64 ascending, prominences (m,) float64. Raises as find_keypoints.
    """
    score = _checked_score(score)
    check_thresholds(distance=distance, prominence=prominence)
    quiet = np.pad(score, 1, constant_values=score.min())
    frames, found = _scipy_peaks(quiet, distance=distance, prominence=prominence, plateau_size=1)
    # a sound that lasts to the end has its peak where it begins, not in the middle of its plateau
    touches_edge = (found["left_edges"] == 1) | (found["right_edges"] == len(score))
    return np.where(touches_edge, found["left_edges"], frames) - 1, found["prominences"]


def find_valleys(
    score: np.ndarray, *, distance: int = PEAK_DISTANCE, prominence: float = PROMINENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Valleys of a curve (n,) with their prominences; returns and raises as find_peaks."""
    score = _checked_score(score)
    check_thresholds(distance=distance, prominence=prominence)
    frames, found = _scipy_peaks(-score, distance=distance, prominence=prominence)
    return frames, found["prominences"]


def smooth(score: np.ndarray, *, taps: int = SMOOTHING) -> np.ndarray:
    """The mean of each value of (n,) and its neighbours, `taps` in all, zeros beyond the ends. Returns (n,)."""
    taps = _whole(taps, "smoothing", at_least=1)
    score = np.asarray(score, dtype=np.float64)
    start = (taps - 1) // 2
    # numpy's own "same" mode grows to `taps` values when the curve is shorter than that
    return np.convolve(score, np.ones(taps) / taps, mode="full")[start : start + len(score)]


def check_thresholds(*, distance: int, prominence: float) -> None:
    """Raises SelectionError unless distance is a whole number from 1 and prominence finite and from 0."""
    _whole(distance, "distance between peaks", at_least=1)
    is_number = isinstance(prominence, (int, float, np.number)) and not isinstance(prominence, bool)
    if not (is_number and np.isfinite(prominence) and prominence >= 0):
        raise SelectionError(
            f"The prominence is {prominence!r}; give a number from 0 up, such as {PROMINENCE}."
        )


def _scipy_peaks(values: np.ndarray, **conditions: float) -> tuple[np.ndarray, dict]:
    # imported late: scipy.signal takes longer to import than the whole pack may at ComfyUI's start
    from scipy.signal import find_peaks

    return find_peaks(values, **conditions)


def _whole(value: Any, name: str, *, at_least: int) -> int:
    try:
        whole = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        whole = None
    if whole is None or whole < at_least:
        raise SelectionError(f"The {name} is {value!r}; give a whole number from {at_least} up.")
    return whole


def _checked_score(score: np.ndarray) -> np.ndarray:
    score = np.asarray(score, dtype=np.float64)
    if score.ndim != 1 or len(score) == 0 or not np.isfinite(score).all():
        raise CurveError(
            f"A curve of shape {score.shape} cannot be searched for peaks; give one finite number per frame."
        )
    return score
