"""The one door for sounds: whatever another pack calls a sound is either the same floats or refused in words."""

import numpy as np
import pytest
import torch
from keyvid_pack.errors import AudioError

RATE = 8_000
WAVE = (
    0.5 * torch.sin(torch.arange(2 * RATE) * 0.05).repeat(1, 2, 1) * torch.tensor([[[1.0], [-1]]])
)  # (1, 2, N)


@pytest.fixture(scope="module")
def samples_of():
    from keyvid_pack.host.audio import samples_of

    return samples_of


def pcm(dtype):
    """WAVE as whole numbers of a type, and the size of one step."""
    info = np.iinfo(dtype)
    half = 2.0 ** (info.bits - 1)
    middle = half if info.min == 0 else 0
    wave = np.round(WAVE.numpy().astype(np.float64) * (half - 1) + middle)
    return wave.astype(dtype), 1 / half


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", ">i2", "<i2"]
)
@pytest.mark.parametrize("as_torch", [True, False])
def test_whole_numbers_are_scaled_by_their_type(samples_of, dtype, as_torch):
    wave, step = pcm(np.dtype(dtype))
    if as_torch:
        wave = torch.from_numpy(wave.astype(wave.dtype.newbyteorder("=")))
    found, rate = samples_of({"waveform": wave, "sample_rate": RATE})
    assert (found.dtype, found.shape, rate) == (np.float32, tuple(WAVE.shape[1:]), RATE)
    # half a step of rounding, a step for the full scale that is one more than the largest number, float32's own
    assert abs(found - WAVE[0].numpy()).max() <= 1.5 * step + 1e-6


def test_silence_in_unsigned_numbers_is_silent(samples_of):
    found, _ = samples_of(
        {"waveform": torch.full((1, 1, 100), 128, dtype=torch.uint8), "sample_rate": RATE}
    )
    assert not found.any()


def test_the_loudest_whole_numbers_are_full_scale(samples_of):
    wave = torch.tensor([[[-32768, 0, 32767]]], dtype=torch.int16)
    found, _ = samples_of({"waveform": wave, "sample_rate": RATE})
    assert found.tolist() == [[-1.0, 0.0, 32767 / 32768]]


@pytest.mark.parametrize(
    "wave",
    [
        WAVE.double(),
        WAVE.clone().requires_grad_(),
        WAVE.numpy(),
        WAVE.numpy().astype(np.float64),
        WAVE.numpy().astype(">f4"),
        [WAVE[0]],
        (WAVE[0],),
        [WAVE[0].numpy()],
        [list(WAVE[0])],
        [[channel.numpy() for channel in WAVE[0]]],
        WAVE.tolist(),
    ],
    ids=lambda wave: type(wave).__name__,
)
def test_floats_in_any_container_are_the_same_sound(samples_of, wave):
    found, _ = samples_of({"waveform": wave, "sample_rate": RATE})
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, WAVE[0].numpy())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_floats_are_the_same_sound(samples_of, dtype):
    found, _ = samples_of({"waveform": WAVE.to(dtype), "sample_rate": RATE})
    np.testing.assert_array_equal(found, WAVE[0].to(dtype).float().numpy())


@pytest.mark.parametrize(
    "rate", [RATE, float(RATE), str(RATE), np.int64(RATE), np.array(RATE), torch.tensor([RATE])]
)
def test_a_sample_rate_is_a_number_however_it_came(samples_of, rate):
    assert samples_of({"waveform": WAVE, "sample_rate": rate})[1] == RATE


@pytest.mark.parametrize(
    ("wave", "words"),
    [
        (WAVE > 0, "true and false"),
        (WAVE.to(torch.complex64), "complex numbers"),
        (WAVE.long(), "whole numbers of 64 bits"),
        ([[[0, 1000, -1000]]], "whole numbers of 64 bits"),
        (WAVE.to("meta"), "no samples in it"),
        (WAVE.to_sparse(), "packed form"),
        ([WAVE[0], WAVE[0, :, :9]], "list of 2 pieces of different lengths"),
        ([[[0.0, 0.1], [0.2]]], "different lengths"),
        ([["a", "b"]], "no numbers"),
        ([], r"shape \(0,\)"),
        (WAVE[0], r"shape \(2, 16000\)"),
        (WAVE[0, 0], r"shape \(16000,\)"),
        ([WAVE[0, 0]], r"shape \(1, 16000\)"),
        (WAVE.repeat(3, 1, 1), "batch of 3 sounds"),
        (WAVE[:0], "batch of 0 sounds"),
        ("a.wav", "waveform is a value of the kind str"),
        (lambda: WAVE, "waveform is a value of the kind function"),
        ({"a": 1}, "waveform is a dictionary of 'a'"),
        (None, "There is no sound on the audio input. Connect"),
    ],
)
def test_a_waveform_that_is_no_sound_is_named_as_what_it_is(samples_of, wave, words):
    with pytest.raises(AudioError, match=words) as caught:
        samples_of({"waveform": wave, "sample_rate": RATE})
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (None, "There is no sound on the audio input. Connect"),
        ([{"waveform": WAVE, "sample_rate": RATE}], "but a list of length 1"),
        ((WAVE, RATE), "but a list of length 2"),
        (WAVE, "but an array of shape"),
        ({"samples": WAVE}, "but a dictionary of 'samples'"),
        ({"waveform": WAVE, "sample_rate": "fast"}, "sample rate is 'fast'"),
        ({"waveform": WAVE, "sample_rate": "nan"}, "sample rate is nan"),
        ({"waveform": WAVE, "sample_rate": True}, "sample rate is True"),
        ({"waveform": WAVE, "sample_rate": torch.tensor([1, 2])}, r"array of shape \(2,\)"),
        ({"waveform": WAVE, "sample_rate": torch.tensor(1).to("meta")}, r"array of shape \(\)"),
    ],
)
def test_what_is_no_sound_is_named_as_what_it_is(samples_of, audio, words):
    with pytest.raises(AudioError, match=words):
        samples_of(audio)


def test_two_lengths_that_differ_by_a_frame_do_not_look_alike():
    from keyvid_pack.host.audio import clip_samples_of

    audio = {"waveform": torch.zeros(1, 1, 480_201), "sample_rate": 48_000}
    with pytest.raises(
        AudioError, match=r"lasts 10\.0042 s but 2400 frames at 240 fps last 10\.0000 s"
    ):
        clip_samples_of(audio, n_frames=2400, fps=240)


@pytest.mark.parametrize("full_scale", [128, 32768, 2**31])
def test_whole_numbers_that_became_floats_unscaled_are_refused(samples_of, full_scale):
    with pytest.raises(AudioError, match="were turned into floats without being scaled"):
        samples_of({"waveform": WAVE * 2 * full_scale, "sample_rate": RATE})


def test_a_sound_far_too_loud_is_still_a_sound(samples_of):
    found, _ = samples_of({"waveform": WAVE * 20, "sample_rate": RATE})
    assert np.abs(found).max() == pytest.approx(10, rel=1e-3)


def test_the_preroll_of_a_clip_is_read_only_where_it_fits():
    from keyvid_pack.host.audio import audio_of, preroll_of, samples_of

    samples = np.random.default_rng(0).random((2, 4000), dtype=np.float32)
    before = np.full((2, 20), 0.5, np.float32)
    audio = audio_of(samples, 8000, preroll=before)
    assert np.array_equal(samples_of(audio)[0], samples)
    assert np.array_equal(preroll_of(audio, samples, 8000), before)
    assert preroll_of(audio_of(samples, 8000), samples, 8000) is None
    # what other nodes do to a copy of it
    assert preroll_of(audio, samples[:1], 8000) is None
    assert preroll_of(audio, samples, 16_000) is None
    assert preroll_of(audio, samples[:, 10:], 8000) is None
    assert preroll_of(audio, 0.5 * samples, 8000) is None
    assert preroll_of({**audio, "keyvid_preroll": "text"}, samples, 8000) is None
    assert preroll_of(None, samples, 8000) is None
