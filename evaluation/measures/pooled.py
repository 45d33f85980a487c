"""One figure of many clips, and the interval that holds it: a sum over clips divided by another.

A mean divides by the number of clips, a share of frames by that of frames, a ratio to the true videos by their sum:
so a clip in which little moves does not count for more than others. Clips without a number are left out.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .matching import interval, resampled_clips


class Pooled(NamedTuple):
    """value, and low and high, which hold it with matching.CONFIDENCE; n_clips that it is of."""

    value: float
    low: float
    high: float
    n_clips: int


def pooled(numbers: ArrayLike, weights: ArrayLike, *, seed: int = 0) -> Pooled:
    """sum(numbers) / sum(weights) over clips, both (n,), NaN where a clip has none. All NaN without any clip."""
    numbers, weights = (np.asarray(values, float) for values in (numbers, weights))
    known = ~np.isnan(numbers) & ~np.isnan(weights)
    numbers, weights = numbers[known], weights[known]
    if not weights.sum():
        return Pooled(math.nan, math.nan, math.nan, 0)
    draws = resampled_clips(len(numbers), seed)
    sums = weights[draws].sum(axis=1)
    values = np.where(sums > 0, numbers[draws].sum(axis=1) / np.maximum(sums, 1e-12), np.nan)
    return Pooled(float(numbers.sum() / weights.sum()), *interval(values), len(numbers))
