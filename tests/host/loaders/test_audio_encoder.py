"""The AUDIO_ENCODER gives the tokens of the audio tower."""

import dataclasses

import pytest
import safetensors.torch
import torch
from keyvid_pack.errors import AudioError, CheckpointError
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint, part_shapes
from keyvid_pack.models.checkpoint.metadata import Metadata, metadata_block
from keyvid_pack.models.encoders import imagebind
from keyvid_pack.models.encoders.mel import resample_to_16k, waveform_to_mel, zero_mel

from ...helpers import small_checkpoint

STOCK = dataclasses.replace(small_checkpoint.AUDIO, stride=imagebind.STOCK_STRIDE)
HEADS = Metadata(head_widths={"audio": 16}, published=False)


def write(folder, config, *, dtype=torch.float32):
    """A file with one audio tower of random weights."""
    tower = imagebind.init_audio_tower(
        imagebind.AudioTower(config), generator=torch.Generator().manual_seed(2)
    )
    tensors = {name: tensor.to(dtype) for name, tensor in tower.state_dict().items()}
    path = folder / "sound.safetensors"
    safetensors.torch.save_file(tensors, path, metadata=metadata_block(HEADS))
    return path


def sound(n_sounds=1, *, seconds=2.0, sample_rate=44_100):
    generator = torch.Generator().manual_seed(1)
    return 0.1 * torch.randn(n_sounds, 2, round(seconds * sample_rate), generator=generator)


def tokens_of(path, mel, **options):
    with torch.no_grad():
        return build.build_audio(open_checkpoint(path), **options)(mel[None])


def test_sound_and_no_sound_become_the_towers_tokens(tmp_path):
    from keyvid_pack.host.loaders import audio_encoder

    path, waveform = write(tmp_path, small_checkpoint.AUDIO), sound(2)
    encoder = audio_encoder.load_audio_encoder(path)
    assert encoder.config == small_checkpoint.AUDIO
    encoded = encoder.encode_audio(waveform, 44_100)
    assert encoded[audio_encoder.GRID] == (12, 48)
    assert encoded["encoded_audio"].shape == (2, 1 + 12 * 48, small_checkpoint.AUDIO.width)
    for tokens, one in zip(encoded["encoded_audio"], waveform, strict=True):
        mixed = one.mean(0, keepdim=True)
        expected = tokens_of(path, waveform_to_mel(resample_to_16k(mixed, 44_100)))
        torch.testing.assert_close(tokens[None], expected, rtol=1e-4, atol=1e-4)
    nothing = tokens_of(path, zero_mel())
    torch.testing.assert_close(encoded[audio_encoder.NO_AUDIO], nothing, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32])
def test_whole_numbers_are_heard_as_the_sound_they_are(tmp_path, dtype):
    from keyvid_pack.host.loaders import audio_encoder

    encoder = audio_encoder.load_audio_encoder(write(tmp_path, small_checkpoint.AUDIO))
    whole = (sound().double() * torch.iinfo(dtype).max).round().to(dtype)
    floats = whole.double().div(torch.iinfo(dtype).max + 1).float()
    expected = encoder.encode_audio(floats, 44_100)["encoded_audio"]
    for waveform in (whole, [whole[0]], whole.numpy()):
        tokens = encoder.encode_audio(waveform, 44_100)["encoded_audio"]
        torch.testing.assert_close(tokens, expected, rtol=1e-4, atol=1e-4)


def test_a_strike_on_either_channel_counts(tmp_path):
    from keyvid_pack.host.loaders import audio_encoder

    encoder = audio_encoder.load_audio_encoder(write(tmp_path, small_checkpoint.AUDIO))
    right = sound()
    right[:, 0] = 0
    tokens, swapped, silence = (
        encoder.encode_audio(one, 44_100)["encoded_audio"]
        for one in (right, right.flip(1), right * 0)
    )
    torch.testing.assert_close(tokens, swapped)
    assert not torch.allclose(tokens, silence, atol=0.1)


def test_imagebinds_own_file_is_heard_in_keyvids_grid(tmp_path):
    from keyvid_pack.host.loaders import audio_encoder

    path = write(tmp_path, STOCK)
    assert part_shapes(open_checkpoint(path), "audio")[imagebind.POSITIONS] == (
        1,
        229,
        STOCK.width,
    )
    encoded = audio_encoder.load_audio_encoder(path).encode_audio(sound(), 44_100)
    assert encoded[audio_encoder.GRID] == (12, 48)
    assert encoded["encoded_audio"].shape == (1, 577, STOCK.width)


def test_a_half_precision_file_is_computed_in_single_precision(tmp_path):
    from keyvid_pack.host.loaders import audio_encoder

    path, waveform = write(tmp_path, small_checkpoint.AUDIO, dtype=torch.float16), sound()
    encoder = audio_encoder.load_audio_encoder(path)
    weights = encoder.patcher.model.modality_trunks["audio"].blocks[0].mlp.fc1.weight
    assert weights.dtype == torch.float16
    tokens = encoder.encode_audio(waveform, 44_100)["encoded_audio"]
    mel = waveform_to_mel(resample_to_16k(waveform[0].mean(0, keepdim=True), 44_100))
    expected = tokens_of(path, mel, dtype=torch.float32)
    torch.testing.assert_close(tokens, expected, rtol=1e-4, atol=1e-4)


def test_the_middle_of_a_long_sound_is_heard(tmp_path):
    from keyvid_pack.host.loaders import audio_encoder

    encoder = audio_encoder.load_audio_encoder(write(tmp_path, small_checkpoint.AUDIO))
    waveform = sound(seconds=4.0, sample_rate=16_000)
    tokens = encoder.encode_audio(waveform, 16_000)["encoded_audio"]
    middle = encoder.encode_audio(waveform[:, :, 16_000:48_000], 16_000)["encoded_audio"]
    torch.testing.assert_close(tokens, middle, rtol=0, atol=0)


def test_what_is_no_sound_is_refused_with_a_message(tmp_path):
    from keyvid_pack.host.loaders import audio_encoder

    encoder = audio_encoder.load_audio_encoder(write(tmp_path, small_checkpoint.AUDIO))
    with pytest.raises(AudioError, match=r"\(2, 88200\).*Load Audio"):
        encoder.encode_audio(sound()[0], 44_100)
    with pytest.raises(AudioError, match="finite"):
        encoder.encode_audio(torch.full((1, 1, 32_000), float("nan")), 16_000)


def test_a_file_without_audio_encoder_is_named(tmp_path):
    from keyvid_pack.host.loaders import audio_encoder

    shapes = small_checkpoint.part_shapes("localizer")
    path = tmp_path / "localizer.safetensors"
    metadata = metadata_block(small_checkpoint.METADATA)
    safetensors.torch.save_file(small_checkpoint.filled(shapes), path, metadata=metadata)
    with pytest.raises(CheckpointError, match="keyframe localizer.*imagebind_huge.pth"):
        audio_encoder.load_audio_encoder(path)
