import json

import numpy as np
import pytest
from keyvid_pack.errors import AudioError
from keyvid_pack.keyframes.audio.fingerprint import fingerprint, same_sound
from scipy import signal

from ....helpers.recordings import SNARE, click_track, decode, encode, recording, strike_times


@pytest.fixture(scope="module")
def snare():
    return decode(SNARE)


def clip(snare, start_s, duration_s):
    samples, sample_rate = snare
    return samples[:, int(start_s * sample_rate) : int((start_s + duration_s) * sample_rate)]


def test_a_fingerprint_is_plain_json(snare):
    found = fingerprint(*snare, n_frames=720)
    assert json.loads(json.dumps(found)) == found
    assert found["n_frames"] == 720
    assert len(found["loudness"]) == 16
    assert max(found["loudness"]) == 0 and min(found["loudness"]) >= -10


@pytest.mark.parametrize(("start_s", "duration_s"), [(0, 30), (0, 2), (10, 2), (28, 2)])
@pytest.mark.parametrize("up_down", [(2, 1), (160, 147), (1, 2)])
def test_resampling_does_not_matter(snare, start_s, duration_s, up_down):
    sound = clip(snare, start_s, duration_s)
    up, down = up_down
    other = signal.resample_poly(sound.astype(np.float64), up, down, axis=1)
    a = fingerprint(sound, snare[1], n_frames=48)
    assert same_sound(a, fingerprint(other, snare[1] * up / down, n_frames=48))


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libopus", "ogg"), ("aac", "m4a"), ("libmp3lame", "mp3")]
)
@pytest.mark.parametrize(("start_s", "duration_s"), [(8, 20), (12, 2)])
def test_lossy_coding_does_not_matter(snare, tmp_path, codec, suffix, start_s, duration_s):
    sound = signal.resample_poly(clip(snare, start_s, duration_s), 320, 147, axis=1)
    encode(sound, 48000, tmp_path / f"sound.{suffix}", codec=codec, bit_rate=64_000)
    coded, sample_rate = decode(tmp_path / f"sound.{suffix}")
    # the padding a codec adds at the end is cut off, as Clip Audio does
    coded = coded[:, : sound.shape[1]]
    assert not np.array_equal(coded, sound[:, : coded.shape[1]])
    a = fingerprint(sound, 48000, n_frames=48)
    assert same_sound(a, fingerprint(coded, sample_rate, n_frames=48))


@pytest.mark.parametrize("gain", [1e-3, 0.9, 30])
def test_gain_does_not_matter(snare, gain):
    samples, sample_rate = snare
    a = fingerprint(samples, sample_rate, n_frames=720)
    assert fingerprint(samples * np.float32(gain), sample_rate, n_frames=720) == a


def test_clicks_on_the_edges_of_stretches_may_shift_by_a_few_samples():
    # 120 BPM in a clip of two seconds: every click lies exactly between two stretches
    samples, _ = click_track(120, sample_rate=48000, duration_s=2.0)
    a = fingerprint(samples, 48000, n_frames=48)
    for shift in (-60, -5, 5, 60):
        shifted = np.roll(samples, shift, axis=1)
        shifted[:, : max(0, shift)] = 0
        if shift < 0:
            shifted[:, shift:] = 0
        b = fingerprint(shifted, 48000, n_frames=48)
        assert same_sound(a, b), shift


def test_other_sounds_are_distinguished(snare):
    rng = np.random.default_rng(0)
    times = strike_times(rng, duration_s=2, tempo="jitter")
    other = recording("burst", times, sample_rate=22050, duration_s=2)
    sounds = [clip(snare, start_s, 2) for start_s in (0.5, 5, 8)] + [other]
    prints = [fingerprint(sound, 22050, n_frames=48) for sound in sounds]
    for i, a in enumerate(prints):
        for j, b in enumerate(prints):
            assert same_sound(a, b) == (i == j), (i, j)


def test_another_length_is_another_sound_and_unknown_ones_may_be_any(snare):
    a = fingerprint(*snare, n_frames=48)
    assert not same_sound(a, {**a, "n_frames": 49})
    assert not same_sound(a, {**a, "loudness": a["loudness"][:-1]})
    assert same_sound(a, None) and same_sound(None, a) and same_sound(None, None)


def test_one_level_is_tolerated_and_two_are_not(snare):
    a = fingerprint(*snare, n_frames=48)
    for step, same in ((1, True), (-1, True), (2, False), (-2, False)):
        levels = list(a["loudness"])
        levels[5] += step
        assert same_sound(a, {**a, "loudness": levels}) == same


def test_silence_differs_from_steady_sound_and_from_nothing_else():
    silence = fingerprint(np.zeros((1, 100)), 8000, n_frames=2)
    steady = fingerprint(np.ones((1, 4000)), 8000, n_frames=2)
    assert silence["loudness"] == [-10] * 16 and steady["loudness"] == [0] * 16
    assert same_sound(silence, fingerprint(np.zeros((2, 7), np.float32), 48000, n_frames=2))
    assert not same_sound(silence, steady)


def test_channels_cannot_cancel_and_huge_samples_cannot_overflow():
    wave = np.sin(np.arange(4800) / 5)[None]
    both = fingerprint(np.concatenate([wave, -wave]), 48000, n_frames=2)
    assert both == fingerprint(wave, 48000, n_frames=2)
    assert fingerprint(wave * 1e300, 48000, n_frames=2) == both


def test_bad_sound_is_refused():
    with pytest.raises(AudioError, match="is empty"):
        fingerprint(np.zeros((1, 0)), 48000, n_frames=2)
