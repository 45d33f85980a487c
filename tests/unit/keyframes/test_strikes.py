"""Strikes as data: found in sounds that lose them easily, kept by curves and files, and given keyframes."""

import dataclasses

import numpy as np
import pytest
from keyvid_pack.errors import CurveError, KeyVIDError
from keyvid_pack.keyframes.audio.clip import PREROLL_S, cut_clip, preroll
from keyvid_pack.keyframes.audio.onset import find_onsets, onset_curve
from keyvid_pack.keyframes.curve import Strike, checked_strikes, motion_curve, strike_frames
from keyvid_pack.keyframes.events import match_events
from keyvid_pack.keyframes.select import select_keyframes
from keyvid_pack.keyframes.timebase import frames_at
from keyvid_pack.keyframes.timing_file import timing_from_json, timing_to_json

from ...helpers.sounds.struck_sounds import FAMILIES, SAMPLE_RATE

SEEDS = range(10)
# the share of clear strikes that are strikes; a voice that swells for 120 ms has no exact time
PRECISION = {name: 0.9 if name == "swelling_voice" else 1.0 for name in FAMILIES}


def family(name):
    """(curve, true frames) of every seed of a family."""
    for seed in SEEDS:
        samples, times_s = FAMILIES[name](seed)
        n_frames = samples.shape[1] * 24 // SAMPLE_RATE
        curve = onset_curve(samples, SAMPLE_RATE, n_frames=n_frames, fps=24)
        yield curve, np.unique(frames_at(times_s, fps=24))


def n_matched(found, true):
    return len(match_events(sorted(found), sorted(true), tolerance=1).pairs)


def share_with_keyframe(curves):
    """The share of strikes within 1 frame of a keyframe of `strongest`, of as many as the count allows."""
    n_hit = n_asked = 0
    for curve, true in curves:
        frames = select_keyframes(curve).frames
        asked = min(len(true), len(frames) - 1)
        n_hit += min(n_matched(frames, true), asked)
        n_asked += asked
    return n_hit / n_asked


@pytest.mark.parametrize("name", FAMILIES)
def test_nine_of_ten_strikes_of_a_family_have_a_keyframe(name):
    assert share_with_keyframe(family(name)) >= 0.9


@pytest.mark.parametrize("name", ["dense", "burst_fire"])
def test_without_the_strikes_the_curve_alone_misses_them(name):
    """The test above can fail: peaks 5 frames apart are what it was before."""
    curves = [(dataclasses.replace(curve, strikes=None), true) for curve, true in family(name)]
    assert share_with_keyframe(curves) < 0.9


# one strike each, which even spacing hits or misses by chance
@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"cut_into_a_chord", "swelling_voice"}))
def test_evenly_spaced_keyframes_miss_them(name):
    """No sound lets keyframes pass that know nothing of it."""
    n_hit = n_asked = 0
    for curve, true in family(name):
        frames = select_keyframes(curve, strategy="uniform").frames
        n_asked += min(len(true), len(frames) - 1)
        n_hit += min(n_matched(frames, true), len(frames) - 1)
    assert n_hit / n_asked < 0.9


@pytest.mark.parametrize("name", FAMILIES)
def test_clear_strikes_are_strikes(name):
    n_right = n_found = 0
    for curve, true in family(name):
        clear = strike_frames(curve.strikes, n_frames=curve.n_frames, fps=24, clear=True)
        n_right += n_matched(clear, true)
        n_found += len(clear)
    assert n_right / n_found >= PRECISION[name]


@pytest.mark.parametrize("name", FAMILIES)
def test_most_strikes_of_a_family_are_clear(name):
    n_right = n_true = 0
    for curve, true in family(name):
        clear = strike_frames(curve.strikes, n_frames=curve.n_frames, fps=24, clear=True)
        n_right += n_matched(clear, true)
        n_true += len(true)
    assert n_right / n_true >= 0.8


def test_a_clip_cut_out_of_a_chord_has_no_strike_at_frame_0():
    for curve, _ in family("cut_into_a_chord"):
        assert curve.score[0] == 0
        assert min(s.time_s for s in curve.strikes if s.clear) > 0.9


def test_a_strike_on_the_first_sample_is_found():
    for seed in SEEDS:
        samples, times_s = FAMILIES["dense"](seed)
        cut = samples[:, round(times_s[0] * SAMPLE_RATE) :]
        strikes = find_onsets(cut, SAMPLE_RATE).strikes
        assert [strike.clear for strike in strikes if strike.time_s < 0.04] == [True]


def cut_with_preroll(samples, start_s, *, n_frames=24):
    """(clip, preroll) of samples from start_s on."""
    clip, _ = cut_clip(samples, SAMPLE_RATE, start_s=start_s, n_frames=n_frames, fps=24)
    before = preroll(samples, SAMPLE_RATE, start_s=start_s)
    assert before.shape[1] == round(PREROLL_S * SAMPLE_RATE)
    return clip, before


def struck_at_frame_0(clip, before=None):
    strikes = find_onsets(clip, SAMPLE_RATE, preroll=before).strikes
    return any(strike.clear and strike.time_s < 1 / 24 for strike in strikes)


@pytest.mark.parametrize("after_ms", [10, 15, 20, 30, 50, 80])
def test_what_came_before_the_clip_tells_that_a_strike_was_going_on(after_ms):
    """A drum that rings at the cut: without the sound before it, it may count as a strike; with it, it does not."""
    for name in ("kicks_in_wash", "dense"):
        for seed in SEEDS:
            samples, times_s = FAMILIES[name](seed)
            clip, before = cut_with_preroll(samples, times_s[2] + after_ms / 1000)
            assert not struck_at_frame_0(clip, before)


def test_without_what_came_before_a_ringing_drum_may_count_as_a_strike():
    """The test above can fail."""
    sounds = [FAMILIES["kicks_in_wash"](seed) for seed in SEEDS]
    clips = [cut_with_preroll(samples, times_s[2] + 0.03)[0] for samples, times_s in sounds]
    assert any(struck_at_frame_0(clip) for clip in clips)


def test_a_strike_just_after_the_cut_is_found_with_preroll():
    for seed in SEEDS:
        samples, times_s = FAMILIES["dense"](seed)
        assert struck_at_frame_0(*cut_with_preroll(samples, times_s[4] - 0.01))


def test_a_loud_preroll_does_not_silence_a_quiet_clip():
    samples, times_s = FAMILIES["dense"](0)
    clip, before = cut_with_preroll(samples, times_s[3] - 0.1)
    found = find_onsets(1e-3 * clip, SAMPLE_RATE, preroll=before).strikes
    loud = (
        times_s[times_s > times_s[3] - 0.1][1::2][:3] - times_s[3] + 0.1
    )  # every second one is soft
    assert n_matched([24 * s.time_s for s in found if s.clear], 24 * loud) == 3


def test_the_preroll_shifts_nothing():
    samples, times_s = FAMILIES["dense"](0)
    start_s = 0.005 * round((times_s[3] - 0.1) / 0.005)  # on a point of the whole sound
    clip, before = cut_with_preroll(samples, start_s)
    whole = [s.time_s - start_s for s in find_onsets(samples, SAMPLE_RATE).strikes if s.clear]
    found = [s.time_s for s in find_onsets(clip, SAMPLE_RATE, preroll=before).strikes if s.clear]
    expected = [time_s for time_s in whole if 0 <= time_s < 1 - 0.04]
    # one point is 5 ms
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=0, atol=0.0051)


def test_there_is_no_preroll_at_the_beginning_of_a_sound():
    assert preroll(np.zeros((2, 1000)), 1000, start_s=0.0).shape == (2, 0)
    assert preroll(np.zeros((2, 1000)), 1000, start_s=0.05).shape == (2, 50)


def n_clear(samples, sensitivity):
    onsets = find_onsets(samples, SAMPLE_RATE, sensitivity=sensitivity)
    return sum(strike.clear for strike in onsets.strikes)


def test_sensitivity_moves_the_line_between_clear_strikes_and_candidates():
    sounds = [FAMILIES["hats_over_bass"](seed)[0] for seed in SEEDS]
    low, usual, high = (sum(n_clear(sound, s) for sound in sounds) for s in (0.0, 0.5, 1.0))
    assert low < usual < high


@pytest.mark.parametrize("sensitivity", [-0.1, 1.1, float("nan"), "much", None, True])
def test_another_sensitivity_is_named(sensitivity):
    with pytest.raises(KeyVIDError, match="sensitivity is"):
        find_onsets(np.zeros((1, 4410)), SAMPLE_RATE, sensitivity=sensitivity)


@pytest.mark.parametrize("sample_rate", [8000, 44_100])
@pytest.mark.parametrize("kind", ["white", "pink", "brown"])
def test_steady_noise_has_no_clear_strike(kind, sample_rate):
    for seed in range(4):
        spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((1, 8 * sample_rate)))
        slope = {"white": 0, "pink": 0.5, "brown": 1}[kind]
        noise = np.fft.irfft(spectrum / np.maximum(1, np.arange(spectrum.shape[1])) ** slope)
        strikes = find_onsets(0.5 * noise / np.abs(noise).max(), sample_rate).strikes
        assert not any(strike.clear for strike in strikes)


@pytest.mark.parametrize("n_frames", [2, 3, 4, 5, 8, 12])
def test_noise_of_a_few_frames_has_hardly_a_clear_strike(n_frames):
    """A few frames say little about what is usual in a sound: one of 40 may be mistaken."""
    n_samples = n_frames * SAMPLE_RATE // 24
    mistaken = 0
    for seed in range(40):
        noise = 0.1 * np.random.default_rng(seed).standard_normal((1, n_samples))
        curve = onset_curve(noise, SAMPLE_RATE, n_frames=n_frames, fps=24)
        mistaken += any(strike.clear for strike in curve.strikes)
    assert mistaken <= 1


ROWS = [(0.5, 0.25, False), (0.25, 1.0, True), (1.0, 0.5, True)]


def test_strikes_are_kept_by_a_timing_file():
    curve = motion_curve(np.linspace(0, 1, 48), fps=24, source="onset", strikes=ROWS)
    assert curve.strikes == tuple(Strike(*row) for row in sorted(ROWS))
    _, read = timing_from_json(timing_to_json(curve=curve))
    assert read.strikes == curve.strikes


def test_a_timing_file_without_strikes_still_opens():
    curve = motion_curve(np.linspace(0, 1, 48), fps=24, source="onset")
    text = timing_to_json(curve=curve)
    assert "strikes" not in text
    assert timing_from_json(text)[1].strikes is None


def test_strikes_come_clear_ones_first_and_each_frame_once():
    strikes = checked_strikes([*ROWS, (0.51, 0.9, True), (5.0, 1.0, True)])
    assert strike_frames(strikes, n_frames=48, fps=24) == [6, 12, 24]
    assert strike_frames(strikes, n_frames=48, fps=24, clear=False) == [12]
    assert strike_frames((), n_frames=48, fps=24) == []


@pytest.mark.parametrize(
    "rows", [7, [7], [(0.5, 1)], [("a", 1, True)], [(-1, 1, True)], [(0, 1.5, True)], [(np.nan, 1, True)],
             [(0, 1, "yes")], [(1e308, 1, True)], [(np.inf, 1, True)], [(0, 1, np.ones(2))], [(0, 1, 0.5)]],
)  # fmt: skip
def test_malformed_strikes_are_named(rows):
    with pytest.raises(CurveError, match="strike"):
        motion_curve(np.zeros(4), fps=24, source="file", strikes=rows)


def test_strongest_gives_weak_strikes_the_frames_that_fills_had():
    score = np.zeros(48)
    strikes = [(frame / 24, 0.1, False) for frame in (3, 4, 21)] + [(1.5, 0.9, True)]
    curve = motion_curve(score, fps=24, source="onset", strikes=strikes)
    plan = select_keyframes(curve, count=6)
    kinds = {keyframe.frame: keyframe.kind for keyframe in plan.keyframes}
    assert {3, 4, 21, 36} <= set(kinds) and kinds[3] == kinds[36] == "peak" and kinds[0] == "first"
    assert sum(kind == "fill" for kind in kinds.values()) == 1


@pytest.mark.parametrize("strategy", ["released", "paper", "uniform", "first_last"])
def test_other_strategies_do_not_look_at_strikes(strategy):
    rng = np.random.default_rng(0)
    curve = motion_curve(rng.random(48), fps=24, source="onset", strikes=ROWS)
    without = dataclasses.replace(curve, strikes=None)
    assert select_keyframes(curve, strategy=strategy) == select_keyframes(
        without, strategy=strategy
    )
