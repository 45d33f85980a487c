"""AP@t: how many of the measured motion peaks a localizer finds (arXiv 2504.09656).

The published figure is a recall of peaks after Gaussian smoothing (published-model g.6); the name is the paper's.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ...errors import CurveError
from ...keyframes.peaks import PEAK_DISTANCE, PROMINENCE

SIGMA = 1.5  # frames, of the Gaussian over both curves (published-model g.6)
NO_MEASURED_PEAK = 0.5  # AP@t of a clip whose measured curve has no peak (published-model g.6)


def average_precision_at(predicted: ArrayLike, measured: ArrayLike, *, t: float) -> float:
    """AP@t of one clip: the share of measured peaks with a predicted peak at most `t` frames away.

    predicted, measured: curves (n,) each min-max normalised to [0, 1]; t in frames.
    Returns 0.5 if the measured curve has no peak, else 0.0 if the predicted one has none. Raises CurveError.
    """
    predicted, measured = (np.asarray(x, dtype=np.float64) for x in (predicted, measured))
    if predicted.ndim != 1 or predicted.shape != measured.shape:
        raise CurveError(
            f"The predicted curve has shape {predicted.shape} and the measured one {measured.shape}; "
            "both need one number per frame of the same clip."
        )
    wanted = _smoothed_peaks(measured, prominence=PROMINENCE)
    found = _smoothed_peaks(predicted, prominence=0.0)
    if not len(wanted):
        return NO_MEASURED_PEAK
    if not len(found):
        return 0.0
    misses = np.abs(wanted[:, None] - found[None, :]).min(axis=1)
    return float(np.mean(misses <= t))


def mean_average_precision_at(pairs: Iterable[tuple[ArrayLike, ArrayLike]], *, t: float) -> float:
    """AP@t of a set: the mean of average_precision_at over (predicted, measured) pairs of curves."""
    values = [average_precision_at(predicted, measured, t=t) for predicted, measured in pairs]
    if not values:
        raise CurveError("There is no clip to average over; give at least one pair of curves.")
    return float(np.mean(values))


def _smoothed_peaks(curve: np.ndarray, *, prominence: float) -> np.ndarray:
    smoothed = gaussian_filter1d(curve, SIGMA)
    return find_peaks(smoothed, distance=PEAK_DISTANCE, prominence=prominence)[0]
