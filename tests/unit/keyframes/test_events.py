import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.keyframes.events import match_events

TIMES = st.lists(st.integers(0, 12), max_size=6).map(sorted)


def test_each_event_is_used_once():
    match = match_events([1.0, 1.1], [1.0], tolerance=0.5)
    assert match.pairs == ((0, 0),)
    assert (match.recall, match.precision) == (1.0, 0.5)


def test_nearest_first_would_lose_a_pair():
    # 1.0 is nearest to 0.9, but taking it would leave 0.4 and 1.6 without partner
    match = match_events([0.9, 1.6], [0.3, 1.0], tolerance=0.6)
    assert match.pairs == ((0, 0), (1, 1))
    assert match.recall == match.precision == match.f1 == 1.0


def test_the_closest_of_the_largest_matchings_is_taken():
    match = match_events([0.8, 1.0, 1.2], [1.0], tolerance=0.3)
    assert match.pairs == ((1, 0),)
    assert match.median_error == 0.0


def test_errors_are_found_minus_true():
    match = match_events([1.1, 2.0, 2.9], [1.0, 2.1, 3.1], tolerance=0.25)
    assert match.median_error == pytest.approx(-0.1)
    assert match.median_abs_error == pytest.approx(0.1)


def test_a_distance_of_exactly_the_tolerance_counts():
    assert len(match_events([10 / 24], [11 / 24], tolerance=1 / 24).pairs) == 1
    assert len(match_events([0], [2], tolerance=1).pairs) == 0


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [([], [], (1, 1, 1)), ([1], [], (1, 0, 0)), ([], [1], (0, 1, 0)), ([5], [1], (0, 0, 0))],
)
def test_lists_without_pairs(found, true, expected):
    match = match_events(found, true, tolerance=1)
    assert (match.recall, match.precision, match.f1) == expected
    assert math.isnan(match.median_error) and math.isnan(match.median_abs_error)


@pytest.mark.parametrize("times", [[2, 1], [0, math.nan], [math.inf]])
def test_unsorted_and_unfinite_times_are_refused(times):
    with pytest.raises(ValueError, match="found times"):
        match_events(times, [1], tolerance=1)
    with pytest.raises(ValueError, match="true times"):
        match_events([1], times, tolerance=1)


def best_by_trying_all(found, true, tolerance):
    best = (0, 0)
    for n in range(1, min(len(found), len(true)) + 1):
        for left in itertools.combinations(found, n):
            for right in itertools.combinations(true, n):
                distances = [abs(a - b) for a, b in zip(left, right, strict=True)]
                if max(distances) <= tolerance:
                    best = max(best, (n, -sum(distances)))
    return best


@given(TIMES, TIMES, st.integers(0, 4))
def test_no_other_matching_is_larger_or_closer(found, true, tolerance):
    match = match_events(found, true, tolerance=tolerance)
    distances = [abs(found[i] - true[j]) for i, j in match.pairs]
    assert max(distances, default=0) <= tolerance
    assert (len(distances), -sum(distances)) == best_by_trying_all(found, true, tolerance)
    for left, right in itertools.pairwise(match.pairs):
        assert left[0] < right[0] and left[1] < right[1]


def test_long_lists_match_in_full():
    times = np.arange(5000) * 0.25
    match = match_events(times + 0.1, times, tolerance=1.0)
    assert len(match.pairs) == 5000
