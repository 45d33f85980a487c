"""The Frechet distance against closed forms and by a second way, and its interval."""

import numpy as np
import pytest
from keyvid_pack.errors import MeasureError
from keyvid_pack.evaluation.paper.frechet import (
    frechet_distance,
    frechet_distance_by_eigenvalues,
    frechet_interval,
)

WAYS = (frechet_distance, frechet_distance_by_eigenvalues)


def whitened(random, n, d):
    """Rows (n, d) with mean 0 and unbiased covariance 1, exactly but for rounding."""
    x = random.standard_normal((n, d))
    x -= x.mean(axis=0)
    q, _ = np.linalg.qr(x)
    return q * np.sqrt(n - 1)


@pytest.mark.parametrize("distance", WAYS)
def test_of_gaussians_with_diagonal_covariances(distance):
    """Commuting covariances: sum of (difference of means)^2 + (difference of standard deviations)^2."""
    random = np.random.default_rng(1)
    base = whitened(random, 40, 5)
    one_std, other_std = random.uniform(0.5, 2, 5), random.uniform(0.5, 2, 5)
    shift = random.standard_normal(5)
    found = distance(base * one_std, base * other_std + shift)
    assert found == pytest.approx(np.sum(shift**2) + np.sum((one_std - other_std) ** 2), rel=1e-9)


@pytest.mark.parametrize("distance", WAYS)
def test_of_one_dimension(distance):
    one, other = np.array([[0.0], [2.0]]), np.array([[5.0], [5.0], [11.0]])
    expected = (1 - 7) ** 2 + (np.sqrt(2) - np.sqrt(12)) ** 2
    assert distance(one, other) == pytest.approx(expected, rel=1e-12)


def test_both_ways_agree_on_covariances_that_do_not_commute():
    random = np.random.default_rng(2)
    one = random.standard_normal((50, 6)) @ random.standard_normal((6, 6))
    other = random.standard_normal((45, 6)) @ random.standard_normal((6, 6)) + 1
    assert frechet_distance(one, other) == pytest.approx(
        frechet_distance_by_eigenvalues(one, other), rel=1e-8
    )


def test_fewer_rows_than_dimensions_in_a_subspace():
    """Zero columns change nothing: the way by singular values equals that by eigenvalues of the others."""
    random = np.random.default_rng(3)
    one, other = random.standard_normal((8, 5)), random.standard_normal((9, 5)) + 0.5
    padding = np.zeros((1, 60))
    wide = [np.hstack([x, np.repeat(padding, len(x), axis=0)]) for x in (one, other)]
    assert frechet_distance_by_eigenvalues(*wide) == pytest.approx(
        frechet_distance(one, other), rel=1e-9
    )


def test_order_of_rows_and_sides_does_not_matter():
    random = np.random.default_rng(4)
    one, other = random.standard_normal((20, 3)), random.standard_normal((30, 3)) * 2
    found = frechet_distance(one, other)
    assert frechet_distance(other[::-1], one[::-1]) == pytest.approx(found, rel=1e-9)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_interval_covers_the_true_distance():
    """Of 100 experiments about 95 intervals hold the distance of the populations, which is 9."""
    random = np.random.default_rng(5)
    held = 0
    for seed in range(100):
        one = random.standard_normal((80, 1, 2))
        other = random.standard_normal((80, 1, 2)) + [3.0, 0.0]
        pooled = frechet_interval(list(one), list(other), seed=seed, n_resamples=100)
        held += pooled.low <= 9.0 <= pooled.high
        assert pooled.low < pooled.value < pooled.high
    # binomial: 95 +- 4 standard deviations of 2.2, widened below for the percentiles of 100 draws
    assert held >= 84


def test_interval_draws_whole_videos():
    """Frames that repeat within videos tell nothing new, so the interval is as wide as without them."""
    random = np.random.default_rng(6)
    one, other = random.standard_normal((2, 30, 1, 2))
    single = frechet_interval(list(one), list(other + 2))
    repeated = frechet_interval(list(one.repeat(10, axis=1)), list(other.repeat(10, axis=1) + 2))
    assert repeated.high - repeated.low == pytest.approx(single.high - single.low, rel=0.1)


def test_interval_needs_as_many_of_both():
    with pytest.raises(MeasureError, match="as many of both"):
        frechet_interval([np.zeros((2, 2))] * 3, [np.zeros((2, 2))] * 2)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), "equally many columns"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "needs two on each side"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "not finite"),
    ],
)
def test_what_cannot_be_measured_is_said(one, other, words):
    with pytest.raises(MeasureError, match=words):
        frechet_distance(one, other)
