import numpy as np
import pytest
from keyvid_pack.errors import AudioError
from keyvid_pack.keyframes.audio.checks import check_audio


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
