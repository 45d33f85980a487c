"""A sound's and a video's curve in one: the strikes of the sound stay, the video adds and weighs."""

import numpy as np
import pytest
from keyvid_pack.errors import CurveError
from keyvid_pack.keyframes.curve import Strike, motion_curve
from keyvid_pack.keyframes.motion.blended import blended_curve
from keyvid_pack.keyframes.select import select_keyframes

SOUND = {"n_frames": 48, "loudness": [1, 2, 3]}
STRUCK = (6, 9, 30)  # frames; the first two are closer than the paper's 5


def sound(**changes):
    score = np.zeros(48)
    score[list(STRUCK)] = 1, 0.6, 0.8
    strikes = [Strike(frame / 24, score[frame], clear=frame != 30) for frame in STRUCK]
    made = {"fps": 24, "source": "onset", "fingerprint": SOUND, "strikes": strikes}
    return motion_curve(score, **{**made, **changes})


def video(*frames, fps=24.0, n_frames=48):
    at = np.arange(n_frames)
    score = sum(np.exp(-(((at - frame) / 2) ** 2)) for frame in frames)
    return motion_curve(score / score.max(), fps=fps, source="flow")


def frames_of(curve, clear):
    return [round(s.time_s * 24) for s in curve.strikes if s.clear is clear]


@pytest.mark.parametrize("weight", [0, 0.3, 0.5, 1])
def test_the_strikes_of_the_sound_stay(weight):
    curve = blended_curve(sound(), video(18, 40), weight=weight)
    assert frames_of(curve, clear=True) == [6, 9]
    assert {6, 9, 30} <= {*frames_of(curve, clear=True), *frames_of(curve, clear=False)}
    keyframes = select_keyframes(curve, count=6).frames
    assert {6, 9} <= set(keyframes)
    assert curve.fingerprint == SOUND and curve.source == "onset + flow"


def test_movement_that_is_not_heard_becomes_a_candidate():
    curve = blended_curve(sound(), video(18, 40), weight=0.5)
    assert frames_of(curve, clear=False) == [18, 30, 40]
    assert set(select_keyframes(curve, count=6).frames) == {0, 6, 9, 18, 30, 40}


def test_a_peak_of_the_video_beside_a_strike_is_that_strike():
    assert frames_of(blended_curve(sound(), video(8, 31), weight=0.5), clear=False) == [30]


def test_the_video_says_which_strikes_are_strong():
    curve = blended_curve(sound(), video(9), weight=0.8)
    by_frame = {round(s.time_s * 24): s.strength for s in curve.strikes}
    assert by_frame[9] > by_frame[6]
    assert by_frame[9] == pytest.approx(0.2 * 0.6 + 0.8 * 1.0)


def test_the_ends_of_the_weight_are_the_two_curves():
    one, other = sound(), video(18, 40)
    alone = blended_curve(one, other, weight=0)
    assert np.array_equal(alone.score, one.score) and alone.strikes == one.strikes
    assert np.array_equal(blended_curve(one, other, weight=1).score, other.score)
    half = blended_curve(one, other, weight=0.5).score
    assert half == pytest.approx((one.score + other.score) / 2)


def test_a_sounds_curve_without_strikes_stays_one():
    assert blended_curve(sound(strikes=None), video(18), weight=0.5).strikes is None


def test_a_strike_behind_the_last_frame_is_weighed_by_the_last():
    late = sound(strikes=[Strike(47.6 / 24, 0.5, clear=True)])
    (strike,) = [s for s in blended_curve(late, video(47), weight=1).strikes if s.clear]
    assert strike.strength == pytest.approx(1)


@pytest.mark.parametrize(
    ("one", "other", "weight", "message"),
    [
        (sound(), video(18, n_frames=60), 0.5, "48 frames at 24 fps but the video's has 60"),
        (sound(), video(18, fps=30.0), 0.5, "at 24 fps but the video's has 48 at 30 fps"),
        (sound(), video(18), 1.5, "weight is 1.5"),
        (sound(), video(18), float("nan"), "weight is NaN"),
        (sound(), "curve", 0.5, "no motion curve"),
        (None, video(18), 0.5, "no motion curve"),
    ],
)
def test_curves_that_do_not_belong_together_are_told(one, other, weight, message):
    with pytest.raises(CurveError, match=message):
        blended_curve(one, other, weight=weight)
