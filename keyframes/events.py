"""Matching detected events with true ones, each used at most once."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# two times that are one tolerance apart on paper must match whatever their binary rounding
SLACK_S = 1e-9


class EventMatch(NamedTuple):
    """How well found events agree with true ones. Errors are found minus true, in the unit of the times.

    pairs: ((index in found, index in true), ...) in order of time.
    recall, precision, f1: shares in [0, 1]; a list without events has nothing to miss or to get wrong.
    median_error, median_abs_error: over the pairs; NaN when there are none.
    """

    pairs: tuple[tuple[int, int], ...]
    recall: float
    precision: float
    f1: float
    median_error: float
    median_abs_error: float


def match_events(
    found_times: Sequence[float] | np.ndarray,
    true_times: Sequence[float] | np.ndarray,
    *,
    tolerance: float,
) -> EventMatch:
    """Pair found with true events at most `tolerance` apart, each event at most once: as many pairs as possible.

    Among the largest sets of pairs the one with the smallest summed distance is taken; pairs never cross.
    Parameters: two ascending sequences of times and a tolerance, all in one unit (seconds or frames).
    Returns: EventMatch. Raises ValueError when a list is not ascending or not finite.
    """
    found, true = _ascending(found_times, "found"), _ascending(true_times, "true")
    pairs = _largest_matching(found, true, tolerance + SLACK_S)
    recall = len(pairs) / len(true) if true else 1.0
    precision = len(pairs) / len(found) if found else 1.0
    f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
    errors = [found[i] - true[j] for i, j in pairs]
    return EventMatch(
        pairs=pairs,
        recall=recall,
        precision=precision,
        f1=f1,
        median_error=float(np.median(errors)) if errors else math.nan,
        median_abs_error=float(np.median(np.abs(errors))) if errors else math.nan,
    )


def _ascending(values: Sequence[float] | np.ndarray, name: str) -> list[float]:
    """The times as floats. Raises ValueError unless they are finite and ascend."""
    times = np.asarray(values, dtype=np.float64).ravel()
    if not np.isfinite(times).all() or (np.diff(times) < 0).any():
        raise ValueError(
            f"The {name} times must be finite and in ascending order; sort them first."
        )
    return times.tolist()


def _largest_matching(
    found: list[float], true: list[float], reach: float
) -> tuple[tuple[int, int], ...]:
    """Dynamic programming over prefixes, kept to the band of true events within reach of each found one.

    best[j] is (pairs, -summed distance) of the first i found and first j true events. True events beyond the
    reach of event i cannot be in a pair yet, and those before it never will be again, so only the band changes.
    """
    best = [(0, 0.0)] * (len(true) + 1)
    bands, taken = [], []
    high_before = 0
    for time in found:
        low, high = bisect_left(true, time - reach), bisect_right(true, time + reach)
        for j in range(high_before + 1, high + 1):
            best[j] = best[high_before]
        high_before = max(high_before, high)
        old = best[low : high + 1]
        choice = []
        for j in range(low, high):
            pairs, closeness = old[j - low]
            with_pair = (pairs + 1, closeness - abs(time - true[j]))
            without = max(old[j - low + 1], best[j])
            choice.append(with_pair > without)
            best[j + 1] = max(with_pair, without)
        bands.append((low, high))
        taken.append((choice, [best[j + 1] > old[j - low + 1] for j in range(low, high)]))
    return _backtrack(bands, taken, len(true))


def _backtrack(
    bands: list[tuple[int, int]], taken: list[tuple[list[bool], list[bool]]], n_true: int
) -> tuple[tuple[int, int], ...]:
    """The pairs behind the best score, from the last event backwards."""
    pairs, j = [], n_true
    for i in range(len(bands) - 1, -1, -1):
        low, high = bands[i]
        choice, improved = taken[i]
        k = min(j, high) - low  # columns of the band left of j
        if k <= 0 or not improved[k - 1]:
            continue
        while not choice[k - 1]:
            k -= 1
        pairs.append((i, low + k - 1))
        j = low + k - 1
    return tuple(reversed(pairs))
