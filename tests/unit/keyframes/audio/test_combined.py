"""The strikes of the onset curve and of the network in one list."""

import numpy as np
import pytest
from keyvid_pack.keyframes.audio.combined import NETWORK_SHARE, SURE, combined_curve
from keyvid_pack.keyframes.curve import motion_curve


def curve(*strikes, source="onset"):
    rows = [(frame / 24, strength, clear) for frame, strength, clear in strikes]
    return motion_curve(np.linspace(0, 1, 48), fps=24, source=source, strikes=rows)


def combined(onset, network):
    found = combined_curve(curve(*onset), curve(*network, source="network"))
    return [(round(s.time_s * 24), round(s.strength, 6), s.clear) for s in found.strikes]


def test_a_strike_that_both_find_counts_more_than_one_that_the_network_misses():
    found = combined([(10, 0.5, True), (30, 0.5, True)], [(11, 0.8, True)])
    share = 1 - NETWORK_SHARE
    assert found == [
        (10, pytest.approx(share * 0.5 + NETWORK_SHARE * 0.8), True),
        (30, pytest.approx(share * 0.5), True),
    ]


def test_a_candidate_becomes_clear_where_the_network_is_sure():
    onset = [(5, 0.9, True), (10, 0.1, False), (20, 0.1, False)]
    found = combined(onset, [(10, SURE, True), (21, SURE - 0.01, True)])
    assert [clear for _, _, clear in found] == [True, True, False]


def test_steady_noise_has_no_clear_strike_however_sure_the_network_is():
    found = combined([(10, 0.1, False), (20, 0.1, False)], [(10, 1.0, True), (30, 1.0, True)])
    assert [frame for frame, _, _ in found] == [10, 20, 30]
    assert not any(clear for _, _, clear in found)


def test_a_peak_of_the_network_alone_is_a_candidate():
    assert combined([(5, 1.0, True)], [(30, 0.9, True)])[-1] == (30, NETWORK_SHARE * 0.9, False)


def test_each_peak_of_the_network_belongs_to_one_strike():
    found = combined([(10, 0.2, True), (11, 0.2, False)], [(10, 1.0, True)])
    assert found[0][1] > found[1][1] and found[1][2] is False


def test_score_and_rate_are_those_of_the_onset_curve():
    onset = curve((10, 0.5, True))
    found = combined_curve(onset, curve(source="network"))
    assert found.source == "onset + network" and found.fps == onset.fps
    np.testing.assert_array_equal(found.score, onset.score)


def test_curves_without_strikes_give_none():
    plain = motion_curve(np.zeros(48), fps=24, source="file")
    assert combined_curve(plain, plain).strikes == ()
