"""Audio at 16 kHz and its mel: against torchaudio's Kaldi features, known tones, and audio that cannot be used."""

import math

import numpy as np
import pytest
import torch
from keyvid_pack.errors import AudioError
from keyvid_pack.models.encoders.mel import (
    FLOOR,
    LOCALIZER_COLUMNS,
    MEAN,
    STD,
    resample_to_16k,
    waveform_to_mel,
    zero_mel,
)
from torchaudio.compliance import kaldi

SOUNDS = {
    "noise": torch.randn(1, 32000, generator=torch.Generator().manual_seed(1)),
    "whisper": 1e-5 * torch.randn(1, 32000, generator=torch.Generator().manual_seed(2)),
    "tone": torch.sin(torch.arange(32000) * 0.3)[None],
    "silence": torch.zeros(1, 32000),
    "one window": torch.randn(1, 400, generator=torch.Generator().manual_seed(3)),
    "one second": torch.randn(1, 16000, generator=torch.Generator().manual_seed(4)),
}


def kaldi_mel(samples, *, n_bins=128):
    """What torchaudio makes of samples (1, N), in the orientation and normalisation of the pack."""
    bands = kaldi.fbank(
        samples.double() - samples.double().mean(),
        sample_frequency=16000,
        num_mel_bins=n_bins,
        window_type="hanning",
        htk_compat=True,
        use_energy=False,
        dither=0.0,
        frame_length=25,
        frame_shift=10,
    )
    return ((bands.T - MEAN) / STD).float()


def tones(rate, n_samples, frequencies):
    time_s = np.arange(n_samples) / rate
    return sum(np.sin(2 * np.pi * f * time_s + i) for i, f in enumerate(frequencies))[None]


@pytest.mark.parametrize("n_bins", [40, 128])
@pytest.mark.parametrize("name", SOUNDS)
def test_mel_equals_kaldis(name, n_bins):
    expected = kaldi_mel(SOUNDS[name], n_bins=n_bins)
    n_frames = expected.shape[1]
    mel = waveform_to_mel(SOUNDS[name], n_columns=n_frames + 3, n_bins=n_bins)
    assert mel.shape == (1, n_bins, n_frames + 3) and mel.dtype == torch.float32
    # torchaudio makes its filters in float32, which a pure tone far from a band brings out
    torch.testing.assert_close(mel[0, :, :n_frames], expected, atol=5e-4, rtol=0)
    assert torch.equal(mel[0, :, n_frames:], torch.full((n_bins, 3), -MEAN / STD))


def test_two_seconds_fill_198_of_204_columns():
    mel = waveform_to_mel(SOUNDS["noise"])
    assert mel.shape == (1, 128, 204)
    assert torch.equal(mel[..., 198:], torch.full((1, 128, 6), -MEAN / STD))
    assert not (mel[..., :198] == -MEAN / STD).all(dim=1).any()
    assert torch.equal(
        waveform_to_mel(SOUNDS["noise"], n_columns=198), mel[..., :LOCALIZER_COLUMNS]
    )


def test_silence_is_neither_padding_nor_no_sound():
    silence = waveform_to_mel(SOUNDS["silence"])[0, 0, 0].item()
    assert silence == pytest.approx((math.log(FLOOR) - MEAN) / STD)
    assert silence < -1 and -MEAN / STD > 0.4
    assert torch.equal(zero_mel(), torch.zeros(1, 128, 204))


@pytest.mark.parametrize("n_samples", [32001, 40000, 100_003])
def test_the_middle_of_a_long_sound_is_heard(n_samples):
    audio = torch.randn(1, n_samples, generator=torch.Generator().manual_seed(5))
    start = (n_samples - 32000) // 2
    assert torch.equal(waveform_to_mel(audio), waveform_to_mel(audio[:, start : start + 32000]))


def test_length_of_the_clip_can_be_chosen():
    audio = torch.randn(1, 48000, generator=torch.Generator().manual_seed(6))
    whole = waveform_to_mel(audio, n_columns=298, clip_s=3.0)
    # the weakest bins are 300 times below the strongest, and float32 rounds what is analysed by 2^-24 of those
    torch.testing.assert_close(whole[0], kaldi_mel(audio), atol=1e-4, rtol=0)
    shifted = waveform_to_mel(audio.roll(160), n_columns=298, clip_s=3.0)
    assert not torch.allclose(shifted[0], kaldi_mel(audio), atol=0.1, rtol=0)


def test_of_two_channels_the_first_is_heard_less_the_mean_of_both():
    left, right = SOUNDS["noise"] + 0.5, SOUNDS["tone"] - 0.25
    both = torch.cat([left, right])
    # frames lose their own mean, so what is taken off matters to rounding only: it moves each sample by up to 2^-24 of
    # 2, and the logarithm of the power of a bin whose amplitude is 300 times smaller by 2 * 300 * 1.2e-7 = 7e-5
    torch.testing.assert_close(waveform_to_mel(both), waveform_to_mel(left), atol=1e-4, rtol=0)
    assert not torch.allclose(waveform_to_mel(both.flip(0)), waveform_to_mel(left), atol=0.1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_float_types_and_arrays_are_heard(dtype):
    audio = SOUNDS["noise"].to(dtype)
    assert torch.equal(waveform_to_mel(audio), waveform_to_mel(audio.float().numpy()))


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (torch.zeros(1, 0), "empty"),
        (torch.zeros(0, 100), "empty"),
        (torch.tensor([[0.0, math.nan] * 400]), "nan"),
        (torch.tensor([[0.0, math.inf] * 400]), "inf"),
        (torch.zeros(32000), "shape"),
        (torch.zeros(1, 1, 32000), "shape"),
        (torch.zeros(1, 32000, dtype=torch.int16), "int16"),
        (torch.zeros(1, 399), "24.9 ms"),
    ],
)
def test_audio_that_cannot_be_used_is_named(audio, words):
    with pytest.raises(AudioError, match=words):
        waveform_to_mel(audio)


@pytest.mark.parametrize("sizes", [{"n_columns": 0}, {"n_bins": 0}])
def test_a_mel_of_nothing_cannot_be_made(sizes):
    with pytest.raises(ValueError, match="at least 1"):
        waveform_to_mel(SOUNDS["tone"], **sizes)


RATES = [8000, 11025, 22050, 32000, 44099, 44100, 48000, 96000, 192_000]


@pytest.mark.parametrize("rate", RATES)
def test_tones_survive_resampling(rate):
    frequencies = (440.0, 1234.0, 2500.0)
    n_samples = rate // 2 + 7
    found = resample_to_16k(tones(rate, n_samples, frequencies), rate)
    assert found.shape == (1, math.ceil(n_samples * 16000 / rate)) and found.dtype == torch.float32
    expected = tones(16000, found.shape[1], frequencies)
    inner = slice(800, -800)  # the ends ring, as silence is assumed beyond them
    assert np.abs(found.numpy() - expected)[:, inner].max() < 5e-3


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > 21_000])
def test_what_lies_above_8_khz_does_not_fold_down(rate):
    found = resample_to_16k(tones(rate, rate // 2, [10_000.0]), rate)
    assert found[:, 800:-800].abs().max() < 10 ** (-50 / 20)


def test_16_khz_is_left_alone_and_channels_stay_apart():
    assert resample_to_16k(SOUNDS["noise"], 16000) is SOUNDS["noise"]
    assert resample_to_16k(SOUNDS["noise"], 16000.2) is SOUNDS["noise"]
    both = torch.cat([SOUNDS["noise"], SOUNDS["tone"]])
    found = resample_to_16k(both, 44100)
    alone = [resample_to_16k(channel[None], 44100) for channel in both]
    # a sum of some hundred products of samples up to 1; another number of rows may be added up in another order
    torch.testing.assert_close(found, torch.cat(alone), rtol=0, atol=100 * 2**-23)


@pytest.mark.parametrize(
    ("audio", "rate"),
    [
        (torch.zeros(1, 0), 44100),
        (torch.full((1, 100), math.nan), 44100),
        (torch.zeros(1, 100), 0),
        (torch.zeros(1, 100), math.nan),
        (torch.zeros(1, 100), "44100"),
    ],
)
def test_what_cannot_be_resampled_is_named(audio, rate):
    with pytest.raises(AudioError):
        resample_to_16k(audio, rate)
