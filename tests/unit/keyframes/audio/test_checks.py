import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import AudioError
from keyvid_pack.keyframes.audio.checks import check_audio, peaks_min_max


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100.0, np.int64(48000), 192000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ordinary_sound_is_accepted(sample_rate, dtype):
    assert check_audio(np.zeros((2, 10), dtype), sample_rate) is None


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((1, 0)), r"is empty \(1 channels of 0 samples\)"),
        (np.zeros((0, 100)), r"is empty \(0 channels of 100 samples\)"),
        (np.zeros(100), r"shape \(100,\).*\(channels, samples\)"),
        (np.zeros((1, 2, 100)), r"shape \(1, 2, 100\)"),
        (np.zeros((1, 100), np.int16), "type int16.*floating-point"),
        (np.zeros((48000, 2)), "48000 channels.*swapped"),
    ],
)
def test_sound_of_another_form_is_refused_with_its_form(samples, words):
    with pytest.raises(AudioError, match=words):
        check_audio(samples, 48000)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 3_000_000])
def test_a_sample_that_is_no_number_is_found_wherever_it_is(value, place):
    samples = np.zeros((2, 3_000_001), np.float32)
    samples[1, place] = value
    with pytest.raises(AudioError, match=f"holds {value} at {place / 48000:.3f} s"):
        check_audio(samples, 48000)


@pytest.mark.parametrize(
    "sample_rate", [0, -44100, 7999, 192001, np.nan, np.inf, None, "44100", True]
)
def test_an_impossible_sample_rate_is_refused_with_its_value(sample_rate):
    with pytest.raises(AudioError, match="sample rate is .*8000 to 192000 Hz"):
        check_audio(np.zeros((1, 100)), sample_rate)


@given(n_samples=st.integers(1, 60), n_columns=st.integers(1, 80), seed=st.integers(0, 99))
def test_each_column_shows_the_extremes_of_its_stretch(n_samples, n_columns, seed):
    samples = np.random.default_rng(seed).standard_normal((2, n_samples)).astype(np.float32)
    found = peaks_min_max(samples, n_columns)
    assert found.shape == (n_columns, 2)
    for column in range(n_columns):
        start = column * n_samples // n_columns
        stop = max(start + 1, (column + 1) * n_samples // n_columns)
        stretch = samples[:, start:stop]
        assert found[column].tolist() == [stretch.min(), stretch.max()]


def test_channels_that_cancel_are_drawn_all_the_same():
    wave = np.sin(np.arange(1000))[None]
    drawn = peaks_min_max(np.concatenate([wave, -wave]), 10)
    assert (drawn[:, 0] < -0.9).all() and (drawn[:, 1] > 0.9).all()


def test_nothing_can_be_drawn_of_nothing():
    with pytest.raises(AudioError, match=r"shape \(1, 0\)"):
        peaks_min_max(np.zeros((1, 0)), 10)
    with pytest.raises(ValueError, match="0 columns"):
        peaks_min_max(np.zeros((1, 10)), 0)
