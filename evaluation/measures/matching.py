"""Visible against audible events: figures over many clips, and their confidence intervals.

Events are matched one to one by keyframes.events.match_events: as many pairs as possible within a tolerance, the
closest of those. Figures are pooled: every event counts the same. Intervals are from a bootstrap over clips (Efron,
"Bootstrap methods: another look at the jackknife", 1979), paired for differences: both variants are resampled by the
same clips.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...keyframes.events import match_events

TOLERANCES = (1, 2, 3)  # frames
FIGURES = ("recall", "precision", "f1")
N_RESAMPLES = 2000
CONFIDENCE = 0.95


class Counts(NamedTuple):
    """What happened in each of n clips. pairs, true, found: int (n,). errors: n arrays, found minus true, in frames."""

    pairs: np.ndarray
    true: np.ndarray
    found: np.ndarray
    errors: list[np.ndarray]


def count_matches(
    found: Sequence[Sequence[int] | np.ndarray],
    true: Sequence[Sequence[int] | np.ndarray],
    *,
    tolerance: int,
) -> Counts:
    """The Counts of clips. found, true: n ascending sequences of frames each; tolerance in frames."""
    matches = [
        match_events(of_video, of_audio, tolerance=tolerance)
        for of_video, of_audio in zip(found, true, strict=True)
    ]
    errors = [
        np.array([of_video[i] - of_audio[j] for i, j in match.pairs], float)
        for match, of_video, of_audio in zip(matches, found, true, strict=True)
    ]
    n_pairs, n_true, n_found = (
        np.array([len(of) for of in lists], int) for lists in (errors, true, found)
    )
    return Counts(n_pairs, n_true, n_found, errors)


def figures(counts: Counts) -> dict[str, float]:
    """{"recall", "precision", "f1": shares, "median_error", "median_abs_error": frames, NaN without pairs}."""
    errors = np.concatenate([np.empty(0), *counts.errors])
    return {
        **{name: float(value) for name, value in shares(*map(np.sum, counts[:3])).items()},
        "median_error": float(np.median(errors)) if len(errors) else math.nan,
        "median_abs_error": float(np.median(np.abs(errors))) if len(errors) else math.nan,
    }


def shares(pairs: ArrayLike, true: ArrayLike, found: ArrayLike) -> dict[str, np.ndarray]:
    """{"recall", "precision", "f1"} of numbers or equally long arrays of them; the share of nothing is NaN."""
    pairs, true, found = (np.asarray(numbers, float) for numbers in (pairs, true, found))
    both = true + found
    return {
        "recall": np.where(true > 0, pairs / np.maximum(true, 1), np.nan),
        "precision": np.where(found > 0, pairs / np.maximum(found, 1), np.nan),
        "f1": np.where(both > 0, 2 * pairs / np.maximum(both, 1), np.nan),
    }


def intervals(counts: Counts, *, seed: int = 0) -> dict[str, tuple[float, float]]:
    """{"recall", "precision", "f1": (low, high)} that hold the true share with CONFIDENCE."""
    resampled = _resampled(counts, resampled_clips(len(counts.true), seed))
    return {name: interval(values) for name, values in resampled.items()}


def differences(
    one: Counts, other: Counts, *, seed: int = 0
) -> dict[str, tuple[float, float, float]]:
    """{"recall", "precision", "f1": (one minus other, low, high)} of Counts of the same clips in the same order."""
    draws = resampled_clips(len(one.true), seed)
    resampled = [_resampled(counts, draws) for counts in (one, other)]
    measured = [figures(counts) for counts in (one, other)]
    return {
        name: (
            measured[0][name] - measured[1][name],
            *interval(resampled[0][name] - resampled[1][name]),
        )
        for name in FIGURES
    }


def resampled_clips(n_clips: int, seed: int) -> np.ndarray:
    """Which clips each of N_RESAMPLES draws has: int (N_RESAMPLES, n_clips)."""
    return np.random.default_rng(seed).integers(n_clips, size=(N_RESAMPLES, n_clips))


def _resampled(counts: Counts, draws: np.ndarray) -> dict[str, np.ndarray]:
    """Shares of each draw of clips (N_RESAMPLES, n): arrays (N_RESAMPLES,)."""
    return shares(*(numbers[draws].sum(axis=1) for numbers in counts[:3]))


def interval(values: np.ndarray) -> tuple[float, float]:
    """(low, high) that hold CONFIDENCE of the values (N_RESAMPLES,); a draw without a value is NaN and left out."""
    values = values[~np.isnan(values)]
    if not len(values):
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
