"""The localizer's losses, rates and share of the data against their formulas."""

import numpy as np
import pytest
import torch
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint
from keyvid_pack.models.encoders.mel import waveform_to_mel
from keyvid_pack.training.full_size import localizer
from keyvid_pack.training.full_size.clip_source import ClipSource, open_clips

from ...helpers import small_checkpoint


def test_losses_are_the_published_one_and_the_papers():
    scores, curve, energy = torch.rand(3, 2, 48, generator=torch.Generator().manual_seed(0))
    squares = ((scores - curve) ** 2).mean()
    loss = {
        name: localizer.localizer_loss(scores, curve, energy, loss=name)[0]
        for name in localizer.LOSSES
    }
    assert loss["paper"] == pytest.approx(float(squares))
    assert loss["paper-l1"] == pytest.approx(float((scores - curve).abs().mean()))
    expected = squares + 0.3 * ((scores - energy) ** 2).mean()
    assert loss["published"] == pytest.approx(float(expected))


def test_energy_follows_loudness():
    t = np.arange(32_000) / 16_000
    noise = np.random.default_rng(0).normal(size=32_000) * (0.01 + np.exp(-((t - 1.5) ** 2) / 0.02))
    mel = waveform_to_mel(noise[None].astype(np.float32))[0].numpy()
    energy = localizer.energy_curve(mel)
    assert energy.shape == (48,) and energy.min() == 0 and energy.max() == 1
    assert abs(int(energy.argmax()) - 1.5 * 24) <= 2
    columns = mel[:, 1:198].mean(axis=0)
    values = np.interp(np.linspace(0, 196, 48), np.arange(197), columns)
    expected = (values - values.min()) / (values.max() - values.min())
    assert np.abs(energy - expected).max() < 1e-6


def test_the_rate_falls_by_a_fifth_every_twenty_epochs():
    def at(epoch):
        return localizer.rate_at(10 * epoch, learning_rate=1.5e-5, steps_per_epoch=10)

    assert at(0) == at(19) == 1.5e-5
    assert at(20) == pytest.approx(1.2e-5)
    assert at(499) == pytest.approx(1.5e-5 * 0.8**24)


def test_a_fifth_of_the_videos_is_held_out_whole():
    names = tuple(f"c/{video}_clip-0{clip}" for video in range(10) for clip in range(3))
    source = ClipSource(names, ("",) * 30, (), lambda number, with_frames: None)
    kept = localizer.training_share(source)
    videos = {names[n].split("_")[0] for n in kept}
    assert len(videos) == 8 and len(kept) == 24
    assert kept == localizer.training_share(source)


def test_examples_have_sound_and_curves(data):
    source = open_clips(data, split="train", height=16, width=24)
    assert len(source.names) == 9 and not source.without_curve
    example = localizer.LocalizerExamples(source)(4, 0, 0, 0)
    assert example["mel"].shape == (1, 128, 204)
    assert example["curve"].shape == example["energy"].shape == (48,)
    assert example["curve"].max() == 1


def test_checkpoint_of_small_files_is_a_localizer(start_files):
    from keyvid_pack.training.full_size import start, weights

    network, _ = start.open_localizer(start_files[1:])
    path = start_files[1].parent / "localizer.safetensors"
    tensors = {f"localizer.{name}": value for name, value in network.state_dict().items()}
    weights.write_localizer_weights(network, "", path, tensors, 3)
    read = small_checkpoint.network_of("localizer", open_checkpoint(path), dtype=torch.float32)
    mel = torch.zeros(1, 1, 128, 204)
    with torch.no_grad():
        assert torch.allclose(read(mel), network(mel), rtol=2e-2, atol=2e-2)
