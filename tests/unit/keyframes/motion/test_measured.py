"""From measured motion to a curve: frame rates, lengths, smoothing, scale."""

import numpy as np
import pytest
from keyvid_pack.errors import CurveError, KeyVIDError
from keyvid_pack.keyframes.curve import normalise
from keyvid_pack.keyframes.motion.measured import (
    SMOOTHINGS,
    measured_curve,
    moved_since_last,
    weighted_mean,
)
from keyvid_pack.keyframes.peaks import find_peaks, smooth
from keyvid_pack.keyframes.select import select_keyframes


def bump(times_s, at_s, width_s=0.06):
    return np.exp(-(((times_s - at_s) / width_s) ** 2))


def scores_at(rate, at_s, length_s=2.0):
    """(scores, times in seconds) of a video whose speed has a bump at each of at_s; the scores add up to the way."""
    times_s = np.arange(round(rate * length_s)) / rate
    fine = np.linspace(0, times_s[-1], 20_000)
    way = np.cumsum(sum(bump(fine, at) for at in at_s)) * (fine[1] - fine[0])
    return np.diff(np.interp(times_s, fine, way)), times_s


def test_at_the_videos_own_rate_the_scores_are_those_of_the_frames_they_lead_into():
    scores = np.array([3.0, 1.0, 0.0, 5.0])
    moved = moved_since_last(scores, np.arange(5) / 24, fps=24, n_frames=5)
    assert moved == pytest.approx([3, 3, 1, 0, 5], abs=1e-12)


@pytest.mark.parametrize("rate", [12, 25, 30, 59.94])
def test_another_rate_of_the_video_gives_the_same_curve(rate):
    strikes = [0.5, 1.1, 1.6]
    expected = measured_curve(*scores_at(24, strikes), fps=24, n_frames=48)
    found = measured_curve(*scores_at(rate, strikes), fps=24, n_frames=48)
    # 12 fps shows a bump of 3 frames on two frames
    assert np.corrcoef(found.score, expected.score)[0, 1] > (0.97 if rate == 12 else 0.995)
    assert np.abs(find_peaks(found.score)[0] - find_peaks(expected.score)[0]).max() <= 1


def test_uneven_times_are_taken_as_they_are():
    """A phone's variable frame rate: a frame that lasts twice as long has moved twice as far, and is no peak."""
    times_s = np.array([0, 1, 2, 3, 5, 6, 7, 8, 9, 10]) / 24
    scores = 2.0 * np.diff(times_s) * 24
    moved = moved_since_last(scores, times_s, fps=24, n_frames=10)
    assert moved == pytest.approx(np.full(10, 2.0), abs=1e-9)


def test_without_a_length_it_is_the_videos():
    scores, times_s = scores_at(30, [1.0], length_s=3.0)
    assert measured_curve(scores, times_s, fps=24).n_frames == 72
    assert measured_curve(scores, times_s, fps=30).n_frames == 90


def test_behind_the_end_nothing_moves():
    curve = measured_curve(np.ones(23), np.arange(24) / 24, fps=24, n_frames=48, smoothing="none")
    assert (curve.score[:24] == 1).all() and not curve.score[24:].any()


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_an_even_movement_has_no_peak(smoothing):
    curve = measured_curve(np.full(47, 3.7), np.arange(48) / 24, fps=24, smoothing=smoothing)
    assert not curve.score.any()
    # the published code's mean makes one of it
    assert len(find_peaks(normalise(smooth(np.full(48, 3.7))))[0]) == 1


def test_the_papers_smoothing_is_the_published_one_but_for_two_frames_at_either_end():
    values = np.random.default_rng(0).random(48)
    ours = weighted_mean(values, SMOOTHINGS["paper"])
    assert ours[2:-2] == pytest.approx(smooth(values)[2:-2], abs=1e-12)
    assert ours[0] == pytest.approx(values[:3].mean(), abs=1e-12)


@pytest.mark.parametrize("neighbour", [0.02, -0.02])
def test_peaked_smoothing_keeps_a_strike_on_its_frame(neighbour):
    """The paper's mean makes a plateau of five of a strike, whose top is wherever the rest is a little more."""
    scores = np.zeros(47)
    scores[20] = 1.0
    scores[20 - int(np.sign(neighbour)) * 3] += 0.02
    found = {
        name: find_peaks(measured_curve(scores, np.arange(48) / 24, fps=24, smoothing=name).score)
        for name in ("peaked", "paper")
    }
    assert found["peaked"][0].tolist() == [21]
    assert abs(found["paper"][0][0] - 21) >= 1


def test_peaks_keep_the_distance_of_the_paper_and_valleys_lie_between():
    """No strikes come along, so Select Keyframes takes the peaks of the curve, at least 5 frames apart."""
    curve = measured_curve(*scores_at(24, [0.5, 1.1, 1.6]), fps=24, n_frames=48)
    assert curve.strikes is None and curve.source == "flow" and curve.fingerprint is None
    plan = select_keyframes(curve)
    kinds = {k.frame: k.kind for k in plan.keyframes}
    peaks = [frame for frame, kind in kinds.items() if kind == "peak"]
    assert len(peaks) == 3 and np.abs(np.array(peaks) - [12, 27, 39]).max() <= 1
    assert min(np.diff(peaks)) >= 5 and "valley" in kinds.values()


@pytest.mark.parametrize(
    ("scores", "times_s", "options", "message"),
    [
        ([], [0.0], {}, "0 scores for 1 frames"),
        ([1.0], [0.0], {}, "1 scores for 1 frames"),
        ([1.0, -1.0], [0, 1, 2], {}, "negative"),
        ([1.0, np.nan], [0, 1, 2], {}, "not a finite number"),
        ([1.0, 1.0], [0, 2, 1], {}, "do not ascend"),
        ([1.0, 1.0], [0, 1, 1], {}, "do not ascend"),
        ([1.0, 1.0], [0, 1, 2], {"smoothing": "much"}, 'no smoothing "much"'),
        ([1.0, 1.0], [0, 1, 2], {"n_frames": 1}, "number of frames is 1"),
        ([1.0, 1.0], [0, 1, 2], {"fps": 0}, "frame rate is 0"),
    ],
)
def test_what_cannot_be_a_curve_is_said(scores, times_s, options, message):
    with pytest.raises(KeyVIDError, match=message):
        measured_curve(np.array(scores), np.array(times_s, float), **{"fps": 24, **options})


def test_errors_about_the_motion_are_errors_about_a_curve():
    with pytest.raises(CurveError):
        measured_curve(np.array([np.inf]), np.array([0.0, 1.0]), fps=24)
