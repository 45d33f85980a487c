"""Pooled figures against counting by hand, and intervals that are repeatable and paired."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.evaluation.measures.matching import (
    FIGURES,
    count_matches,
    differences,
    figures,
    intervals,
    shares,
)

FRAMES = st.lists(st.integers(0, 10), max_size=4, unique=True).map(sorted)


def most_pairs(found, true, tolerance):
    """By trying every way to give each found event a true one or none."""
    best = 0
    for chosen in itertools.product([None, *range(len(true))], repeat=len(found)):
        used = [j for j in chosen if j is not None]
        near = all(j is None or abs(found[i] - true[j]) <= tolerance for i, j in enumerate(chosen))
        if near and len(set(used)) == len(used):
            best = max(best, len(used))
    return best


@given(st.lists(st.tuples(FRAMES, FRAMES), min_size=1, max_size=3), st.integers(1, 3))
def test_count_matches_finds_the_most_pairs(clips, tolerance):
    found, true = zip(*clips, strict=True)
    counts = count_matches(found, true, tolerance=tolerance)
    expected = [most_pairs(*clip, tolerance) for clip in clips]
    assert list(counts.pairs) == expected
    assert [len(errors) for errors in counts.errors] == expected
    n_true, n_found = sum(map(len, true)), sum(map(len, found))
    numbers = figures(counts)
    assert numbers["recall"] == pytest.approx(_share(sum(expected), n_true), nan_ok=True)
    assert numbers["precision"] == pytest.approx(_share(sum(expected), n_found), nan_ok=True)


def _share(n, of):
    return n / of if of else math.nan


def test_figures_pool_events_over_clips():
    counts = count_matches([[5, 10, 20], [7]], [[5, 12, 20, 30], []], tolerance=2)
    numbers = figures(counts)
    assert numbers["recall"] == 3 / 4 and numbers["precision"] == 3 / 4 and numbers["f1"] == 3 / 4
    assert (numbers["median_error"], numbers["median_abs_error"]) == (0.0, 0.0)
    late = figures(count_matches([[7, 13, 19]], [[5, 12, 20]], tolerance=2))
    assert (late["median_error"], late["median_abs_error"]) == (1.0, 1.0)


def test_figures_without_pairs_are_nan():
    numbers = figures(count_matches([[]], [[3]], tolerance=1))
    assert numbers["recall"] == 0 and numbers["f1"] == 0 and math.isnan(numbers["median_error"])
    assert math.isnan(numbers["precision"])  # of nothing
    assert all(map(math.isnan, intervals(count_matches([[]], [[3]], tolerance=1))["precision"]))


@given(*[st.integers(0, 50)] * 3)
def test_shares_f1_is_the_harmonic_mean(pairs, missed, wrong):
    numbers = shares(pairs, pairs + missed, pairs + wrong)
    recall, precision = numbers["recall"], numbers["precision"]
    if pairs:
        assert numbers["f1"] == pytest.approx(2 * recall * precision / (recall + precision))


@pytest.fixture(scope="module")
def two_variants():
    """A clip's difficulty is shared: where one variant misses, the other misses too, and some more."""
    rng = np.random.default_rng(3)
    true = [sorted(rng.choice(48, 4, replace=False)) for _ in range(40)]
    kept = [rng.integers(0, 5) for _ in true]
    better = [frames[:n] for frames, n in zip(true, kept, strict=True)]
    worse = [frames[: max(0, n - 1)] for frames, n in zip(true, kept, strict=True)]
    return [count_matches(found, true, tolerance=1) for found in (better, worse)]


def test_intervals_hold_the_share_and_repeat(two_variants):
    counts = two_variants[0]
    bounds = intervals(counts)
    low, high = bounds["recall"]
    assert low < figures(counts)["recall"] < high
    assert bounds == intervals(counts)


def test_intervals_equal_the_binomial_for_single_events():
    found = [[5]] * 60 + [[]] * 40
    low, high = intervals(count_matches(found, [[5]] * 100, tolerance=1))["recall"]
    spread = 1.96 * math.sqrt(0.6 * 0.4 / 100)
    assert (low, high) == pytest.approx((0.6 - spread, 0.6 + spread), abs=0.015)


def test_differences_are_paired(two_variants):
    better, worse = two_variants
    value, low, high = differences(better, worse)["recall"]
    assert 0 < low < value < high
    alone = [intervals(counts)["recall"] for counts in two_variants]
    assert high - low < 0.5 * max(high - low for low, high in alone)
    assert all(differences(better, better)[name] == (0, 0, 0) for name in FIGURES)
