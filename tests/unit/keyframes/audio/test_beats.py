import json

import numpy as np
import pytest
from keyvid_pack.errors import AudioError, KeyVIDError
from keyvid_pack.keyframes.audio.beats import beats_curve, beats_of
from keyvid_pack.keyframes.audio.onset import Onsets, find_onsets, onset_envelope
from keyvid_pack.keyframes.curve import Strike
from keyvid_pack.keyframes.events import match_events
from keyvid_pack.keyframes.timebase import frame_at
from scipy import signal

from ....helpers.recordings import SNARE, click_track, decode, recording, snare_strikes
from ....helpers.sounds.rhythms import OTHER_PATTERNS, PATTERNS, SAMPLE_RATE, music

WINDOW_S = 0.07  # a beat counts as found within it, as is usual for beat trackers
LIBROSA = json.loads((SNARE.parent.parent / "goldens" / "librosa_snare.json").read_text())


def find_beats(samples, sample_rate):
    """The beats of samples (C, N): Beats, empty for silence."""
    return beats_of(find_onsets(samples, sample_rate))


def onsets_of(envelope):
    """Onsets as loud as an envelope (n,) of pulses, with a clear strike on each of them."""
    strikes = [Strike(k / 200, float(envelope[k]), True) for k in np.flatnonzero(envelope)]
    return Onsets(envelope, tuple(strikes), envelope)


def test_beats_follow_the_accelerando_at_least_as_well_as_librosa():
    ours = match_events(find_beats(*decode(SNARE)).times_s, snare_strikes(), tolerance=WINDOW_S)
    theirs = match_events(LIBROSA["beats_s"], snare_strikes(), tolerance=WINDOW_S)
    assert ours.f1 >= theirs.f1
    assert ours.f1 >= 0.95


def test_onsets_agree_with_librosa():
    samples, sample_rate = decode(SNARE)
    peaks, _ = signal.find_peaks(onset_envelope(samples, sample_rate), distance=20, prominence=0.1)
    agreement = match_events(peaks / 200, LIBROSA["onsets_s"], tolerance=0.05)
    assert agreement.f1 >= 0.95


@pytest.mark.long
def test_the_kept_results_of_librosa_are_current():
    from ....oracles.librosa_results import librosa_results

    found = librosa_results(*decode(SNARE))
    assert found["tempo_bpm"] == pytest.approx(LIBROSA["tempo_bpm"], rel=1e-3)
    for name in ("onsets_s", "beats_s"):
        assert found[name] == pytest.approx(LIBROSA[name], abs=0.03)


@pytest.mark.parametrize("bpm", range(60, 201, 10))
def test_the_tempo_of_a_metronome_is_found(bpm):
    sample_rate = (8000, 16000, 22050, 44100, 48000)[bpm // 10 % 5]
    samples, times_s = click_track(
        bpm, sample_rate=sample_rate, duration_s=10, start_s=0.013 * (bpm % 7) + 0.1
    )
    if bpm % 20:
        noise = np.random.default_rng(bpm).standard_normal(samples.shape)
        samples = samples + 0.003 * noise.astype(np.float32)
    beats = find_beats(samples, sample_rate)
    assert beats.tempo_bpm == pytest.approx(bpm, rel=1e-3)  # the README's figure
    found = match_events(beats.times_s, times_s, tolerance=0.03)
    assert found.f1 == 1 and abs(found.median_error) < 0.01


@pytest.mark.parametrize("bpm", [90, 120, 150])
def test_accents_and_faint_off_beats_do_not_change_the_tempo(bpm):
    main, times_s = click_track(bpm, sample_rate=22050, duration_s=12, start_s=0.3)
    for k, time_s in enumerate(times_s):
        start = int(time_s * 22050)
        main[:, start : start + 2000] *= 1.0 if k % 4 == 0 else 0.6
    off, _ = click_track(bpm, sample_rate=22050, duration_s=12, start_s=0.3 + 30 / bpm)
    beats = find_beats(main + 0.03 * off, 22050)
    assert beats.tempo_bpm == pytest.approx(bpm, rel=0.02)
    assert match_events(beats.times_s, times_s, tolerance=0.03).f1 >= 0.95


@pytest.mark.parametrize("ratio", [0.97, 1.03])
def test_a_drifting_tempo_is_followed(ratio):
    gaps = 0.5 * np.minimum(2, np.maximum(0.5, ratio ** np.arange(24)))
    times_s = 0.4 + np.cumsum(gaps)
    times_s = times_s[times_s < 14]
    samples = recording("burst", times_s, sample_rate=22050, duration_s=15, noise_db=-40)
    found = match_events(find_beats(samples, 22050).times_s, times_s, tolerance=0.03)
    assert found.f1 >= 0.95


def test_a_missing_click_is_bridged_and_a_long_pause_is_not():
    samples, times_s = click_track(120, sample_rate=22050, duration_s=20, start_s=0.25)
    missing = times_s[6]
    samples[:, int((missing - 0.1) * 22050) : int((missing + 0.1) * 22050)] = 0
    samples[:, 8 * 22050 : 14 * 22050] = 0
    beats = find_beats(samples, 22050)
    assert np.abs(beats.times_s - missing).min() < 0.03
    assert not ((beats.times_s > 8) & (beats.times_s < 14)).any()
    assert (beats.times_s > 14).sum() == (times_s > 14).sum()
    assert beats.tempo_bpm == pytest.approx(120, rel=0.02)


@pytest.mark.parametrize("n_samples", [1, 4800, 480_000])
def test_silence_has_no_beats(n_samples):
    beats = find_beats(np.zeros((2, n_samples), np.float32), 48000)
    assert beats.tempo_bpm == 0 and beats.times_s.shape == (0,)
    curve = beats_curve(np.zeros((2, n_samples), np.float32), 48000, n_frames=48, fps=24)
    assert (curve.score == 0).all()


def test_steady_noise_has_no_beats():
    noise = np.random.default_rng(0).standard_normal((1, 220_500)) * 0.1
    assert len(find_beats(noise, 22050).times_s) == 0


def test_a_single_strike_is_a_beat_without_tempo():
    samples = recording("burst", [0.5], sample_rate=22050, duration_s=2)
    beats = find_beats(samples, 22050)
    assert beats.tempo_bpm == 0 and beats.times_s == pytest.approx([0.5], abs=0.01)


@pytest.mark.parametrize("fps", [6, 24, 25, 60])
def test_each_pulse_is_on_the_frame_of_its_beat(fps):
    samples, _ = click_track(100, sample_rate=44100, duration_s=6, start_s=0.231)
    samples[:, 3 * 44100 :] *= 0.1
    curve = beats_curve(samples, 44100, n_frames=6 * fps, fps=fps)
    frames = [frame_at(time_s, fps=fps) for time_s in find_beats(samples, 44100).times_s]
    assert len(frames) == 10
    before = [curve.score[frame - 1] for frame in frames]
    after = [curve.score[frame + 1] for frame in frames if frame + 1 < 6 * fps]
    at = curve.score[frames]
    assert (at > before).all() and (at[: len(after)] > after).all()
    # pulses follow how strong the sound is
    assert 0.3 < at[5:].max() < at[:5].min() - 0.2
    assert (curve.source, curve.fps, curve.n_frames) == ("beats", fps, 6 * fps)


def test_bad_sound_is_named():
    with pytest.raises(AudioError, match="is empty"):
        find_beats(np.zeros((1, 0)), 48000)
    with pytest.raises(AudioError, match="sample rate is 1"):
        beats_curve(np.zeros((1, 100)), 1, n_frames=48, fps=24)


def right_tempo(pattern, bpm, **options):
    """Whether the tempo of a drum pattern is found within 4 %, and the share of its beats that are."""
    samples, times_s = music(pattern, bpm, **options)
    beats = find_beats(samples, SAMPLE_RATE)
    found = match_events(beats.times_s, times_s, tolerance=WINDOW_S)
    return abs(beats.tempo_bpm / bpm - 1) <= 0.04, found.f1


@pytest.mark.parametrize("bpm", [90, 105, 120, 135])
@pytest.mark.parametrize(
    "pattern", ["accented clicks", "rock", "house", "sixteenths", "off-beat bass", "ballad"]
)
def test_subdivisions_do_not_double_the_tempo_of_music(pattern, bpm):
    is_right, f1 = right_tempo(PATTERNS[pattern], bpm, seed=bpm, duration_s=10, hat_gain=0.25)
    assert is_right and f1 >= 0.9


@pytest.mark.parametrize("hat_gain, level", [(0.1, 0.03), (0.5, 0.7)])
def test_rock_from_70_to_170_bpm_is_right_nine_times_out_of_ten(hat_gain, level):
    options = {"duration_s": 10, "hat_gain": hat_gain, "level": level}
    found = [
        right_tempo(PATTERNS["rock"], bpm, seed=7 * bpm, **options) for bpm in range(70, 171, 10)
    ]
    assert sum(is_right and f1 >= 0.9 for is_right, f1 in found) >= 0.9 * len(found)


@pytest.mark.parametrize(
    "pattern, bpm", [("house", 60), ("sixteenths", 60), ("open hats", 70), ("kick and snare", 130)]
)
def test_what_is_played_between_the_beats_tells_slow_music_from_fast(pattern, bpm):
    is_right, f1 = right_tempo({**PATTERNS, **OTHER_PATTERNS}[pattern], bpm, seed=1)
    assert is_right and f1 >= 0.9


@pytest.mark.parametrize("options", [{"drift": 0.04}, {"reverb_s": 0.8}, {"noise_db": -35}])
def test_the_tempo_of_rock_survives_what_recordings_do_to_it(options):
    is_right, f1 = right_tempo(PATTERNS["rock"], 104, seed=3, duration_s=10, **options)
    assert is_right and f1 >= 0.9


@pytest.mark.parametrize("bpm", [90, 105, 120, 135])
@pytest.mark.parametrize("pattern", ["rock", "sixteenths"])
def test_drums_that_hardly_stand_out_keep_their_beats(pattern, bpm):
    options = {"seed": bpm, "duration_s": 10, "hat_gain": 0.25, "noise_db": -14}
    is_right, f1 = right_tempo(PATTERNS[pattern], bpm, **options)
    assert is_right and f1 >= 0.9


def test_noise_after_the_music_has_no_beats():
    samples, _ = music(PATTERNS["rock"], 120, seed=2, duration_s=16)
    samples[:, 8 * SAMPLE_RATE :] = 0
    samples += 0.1 * np.random.default_rng(2).standard_normal(samples.shape).astype(np.float32)
    beats_s = find_beats(samples, SAMPLE_RATE).times_s
    assert (beats_s < 8).sum() == 16 and beats_s.max() < 8 + 2 + 0.5


def test_house_at_120_has_a_beat_on_every_kick_and_none_between():
    samples, _ = music(PATTERNS["house"], 120, seed=1, duration_s=8, hat_gain=0.5)
    beats = find_beats(samples, SAMPLE_RATE)
    assert len(beats.times_s) == 16 and beats.tempo_bpm == pytest.approx(120, rel=0.005)


def test_half_keeps_the_harder_beats_and_double_adds_the_middles():
    envelope = np.zeros(8 * 200)
    envelope[50 : 8 * 200 : 100] = 0.9
    envelope[150 : 8 * 200 : 200] = 1.0
    found = beats_of(onsets_of(envelope))
    assert found.times_s == pytest.approx(np.arange(0.25, 8, 0.5)) and found.tempo_bpm == 120
    half = beats_of(onsets_of(envelope), tempo="half")
    assert half.times_s == pytest.approx(np.arange(0.75, 8, 1.0)) and half.tempo_bpm == 60
    double = beats_of(onsets_of(envelope), tempo="double")
    assert double.times_s == pytest.approx(np.arange(0.25, 7.8, 0.25)) and double.tempo_bpm == 240


def test_half_and_double_do_not_reach_across_a_pause():
    envelope = np.zeros(20 * 200)
    for first, last in ((100, 1000), (2530, 3800)):
        envelope[first:last:100] = 1.0
    found = beats_of(onsets_of(envelope)).times_s
    assert not ((found > 5) & (found < 12.6)).any()
    for tempo in ("half", "double"):
        times_s = beats_of(onsets_of(envelope), tempo=tempo).times_s
        assert len(times_s) > 8 and not ((times_s > 5) & (times_s < 12.6)).any()
    assert set(beats_of(onsets_of(envelope), tempo="double").times_s) >= set(found)


@pytest.mark.parametrize("tempo", ["half", "double"])
def test_half_and_double_of_nothing_and_of_one_strike(tempo):
    assert len(beats_of(onsets_of(np.zeros(400)), tempo=tempo).times_s) == 0
    envelope = np.zeros(400)
    envelope[100] = 1.0
    assert beats_of(onsets_of(envelope), tempo=tempo).times_s.tolist() == [0.5]


def test_an_unknown_tempo_is_named():
    with pytest.raises(KeyVIDError, match="The tempo is 'third'; choose as heard, half or double"):
        beats_of(onsets_of(np.zeros(400)), tempo="third")


@pytest.mark.long
@pytest.mark.parametrize(
    ("patterns", "n_right", "n_all"), [(PATTERNS, 222, 252), (OTHER_PATTERNS, 402, 432)]
)
def test_the_tempo_of_music_is_right_as_often_as_the_readme_says(patterns, n_right, n_all):
    tempos = (60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 162, 174)
    right = [
        right_tempo(pattern, bpm, seed=seed)[0]
        for pattern in patterns.values()
        for bpm in tempos
        for seed in (1001, 1002, 1003)
    ]
    assert len(right) == n_all
    # a few lie on the edge between two tempos, which rounding decides
    assert abs(sum(right) - n_right) <= 0.02 * n_all
