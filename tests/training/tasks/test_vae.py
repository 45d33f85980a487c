"""The VAE's training: its names, its loss, its images, and its frozen file."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.models.encoders.vae_config import VAEConfig, vae_config_from_shapes, vae_shapes
from keyvid_pack.training import recipe
from keyvid_pack.training.data import images
from keyvid_pack.training.engine.loop import load_averages, train
from keyvid_pack.training.release import export
from keyvid_pack.training.tasks import decoder, image_training, vae
from keyvid_pack.training.vae import file as vae_file
from keyvid_pack.training.vae import names as vae_names
from keyvid_pack.training.vae import network as vae_network
from keyvid_pack.training.world.clip import render_clip

SIZES = [
    recipe.VAE,
    VAEConfig(
        channels=32, channel_mult=(1, 2, 3), num_res_blocks=2, z_channels=4, embed_channels=4
    ),
]


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(1)
    return vae_network.build_vae().eval()


@pytest.fixture(scope="module")
def clip():
    return render_clip(5)


@pytest.mark.parametrize("config", SIZES, ids=str)
def test_vae_names_and_shapes_are_latent_diffusions(config):
    state = vae_network.build_vae(config).state_dict()
    renamed = vae_names.to_latent_diffusion(state, config)
    shapes = {name: tuple(tensor.shape) for name, tensor in renamed.items()}
    assert shapes == vae_shapes(config)
    assert vae_config_from_shapes(shapes) == config
    back = vae_names.from_latent_diffusion(renamed, config, like=state)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


def test_image_loss_weighs_moving_pixels_more(untrained):
    pixels = torch.zeros(1, 3, 32, 32)
    moving = torch.zeros(1, 1, 32, 32)
    moving[..., 8:16, 8:16] = 1
    decoded = untrained.decode(untrained.encode(pixels).latent_dist.mean).sample.detach()

    def loss_with_error_at(y, x):
        target = decoded.clone()
        target[..., y : y + 4, x : x + 4] += 0.5

        class Fixed:
            def encode(self, _):
                return untrained.encode(pixels)

            def decode(self, _):
                return type("Output", (), {"sample": decoded})

        _, scalars = vae.vae_loss(Fixed(), target, moving, torch.Generator())
        return float(scalars["pixel"]), float(scalars["edge"])

    still, moves = loss_with_error_at(20, 20), loss_with_error_at(10, 10)
    factor = 1 + recipe.VAE_MOVING_WEIGHT
    assert moves == pytest.approx([factor * value for value in still], rel=1e-4)


def test_vae_loss_holds_latents_at_mean_square_1(untrained):
    pixels = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        _, scalars = vae.vae_loss(untrained, pixels, torch.zeros(2, 1, 32, 32), torch.Generator())
        latent = untrained.encode(pixels).latent_dist.mean
    squares = [float(latent[:, channel].square().mean()) for channel in range(4)]
    expected = sum((square - 1) ** 2 for square in squares) / 4
    assert float(scalars["size"]) == pytest.approx(expected, rel=1e-4)


def test_measure_gives_decibels():
    frames = np.zeros((2, 4, 4, 3), np.uint8)
    decoded = frames.copy()
    decoded[1, 0, 0] = 51  # a fifth of full scale in one pixel of 16, in one image of two
    moving = np.zeros((2, 4, 4), bool)
    moving[1, 0, 0] = True
    numbers = image_training.measure(frames, decoded, moving)
    assert numbers["held_out_psnr_moving"] == pytest.approx(20 * math.log10(5), abs=1e-3)
    perfect = 10 * math.log10(4 / 1e-12)
    expected = (perfect + 20 * math.log10(5) + 10 * math.log10(16)) / 2
    assert numbers["held_out_psnr"] == pytest.approx(expected, abs=1e-3)


def test_draw_batch_mirrors_images_with_masks():
    record = np.zeros(1, images.IMAGE)
    record["frame"][0, 30:70, 7:60], record["moving"][0, 30:70, 7:60] = 255, True
    pixels, moving = image_training.draw_batch(record, np.random.default_rng(0), 16)
    assert pixels.shape == (16, 3, recipe.HEIGHT, recipe.WIDTH)
    assert torch.equal((pixels == 1).all(dim=1, keepdim=True), moving == 1)
    seen = {tuple(mask.flatten().tolist()) for mask in moving}
    assert len(seen) == 2  # as it is, and mirrored


def test_moving_mask_of_a_clip(clip):
    moving = images.moving_mask(clip.frames)
    frame = clip.events[0].frame
    x, y = clip.track[frame].round().astype(int)
    assert moving[frame, y, x] or moving[frame - 2, y, x] or moving[frame + 2, y, x]
    assert 0.002 < moving.mean() < 0.3
    still = np.repeat(clip.frames[:1], 48, axis=0)
    assert not images.moving_mask(still).any()


def test_open_images_renders_once_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "CLIPS_PER_FILE", 1)
    rendered, render = [], images.render_clip

    def counting(seed, **sizes):
        if len(rendered) == 2:
            raise KeyboardInterrupt
        rendered.append(seed)
        return render(seed, **sizes)

    monkeypatch.setattr(images, "render_clip", counting)
    with pytest.raises(KeyboardInterrupt):
        images.open_images(tmp_path, seeds=range(3, 6))
    monkeypatch.setattr(images, "render_clip", render)
    reports = []
    found = images.open_images(
        tmp_path, seeds=range(3, 6), report=lambda done, total: reports.append((done, total))
    )
    assert rendered == [3, 4] and reports == [(3, 3)]
    assert len(found) == 3 * images.IMAGES_PER_CLIP
    assert any((found["frame"][0] == frame).all() for frame in render(3).frames)


def test_scaled_latents_decode_to_the_same_images(untrained, clip):
    frames = clip.frames[::8]
    mean, spread = vae_file.latent_statistics(untrained, frames)
    like = untrained.state_dict()
    tensors = vae_names.to_latent_diffusion(like, recipe.VAE)
    tensors = vae_file.scaled(tensors, mean=mean, factor=2 / spread)
    scaled = vae_network.build_vae().eval()
    scaled.load_state_dict(vae_names.from_latent_diffusion(tensors, recipe.VAE, like=like))
    with torch.no_grad():
        before = untrained.encode(vae_network.to_pixels(frames)).latent_dist
        after = scaled.encode(vae_network.to_pixels(frames)).latent_dist
        images_before = untrained.decode(before.mean).sample
        images_after = scaled.decode(after.mean).sample
    per_channel = (slice(None), None, None)
    expected = (before.mean - mean[per_channel]) * (2 / spread)[per_channel]
    torch.testing.assert_close(after.mean, expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(after.std, before.std * (2 / spread)[per_channel], rtol=1e-3, atol=0)
    # an untrained decoder norms what is nearly nothing, which multiplies rounding
    torch.testing.assert_close(images_after, images_before, rtol=0, atol=2e-3)


def test_frozen_vae_latents_are_standardised(untrained, clip, tmp_path):
    frames = clip.frames[::8]
    vae_file.freeze_vae(untrained, frames, tmp_path)
    frozen = vae_file.load_vae(tmp_path)
    latents = vae_file.encode(frozen, frames)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 0.01
    assert latents.std(dim=(0, 2, 3)).numpy() == pytest.approx(np.ones(4), abs=0.01)
    decoded = vae_file.decode(frozen, latents).astype(int)
    assert np.abs(decoded - vae_network.reconstruct(untrained, frames)).mean() < 1


def test_load_vae_names_the_missing_training(tmp_path):
    with pytest.raises(KeyVIDError, match="python dev.py train vae"):
        vae_file.load_vae(tmp_path)
    with pytest.raises(KeyVIDError, match="python dev.py train vae"):
        vae.ensure_vae(tmp_path)


@pytest.fixture
def small_records(clip):
    """Eight IMAGEs of 32 x 32 pixels."""
    small = np.dtype([("frame", np.uint8, (32, 32, 3)), ("moving", bool, (32, 32))])
    records = np.zeros(8, small)
    records["frame"] = clip.frames[:32:4, ::3, ::4]
    records["moving"] = images.moving_mask(clip.frames)[:32:4, ::3, ::4]
    return records


def psnr_of(network, records):
    decoded = vae_network.reconstruct(network.eval(), records["frame"])
    return image_training.measure(records["frame"], decoded, records["moving"])["held_out_psnr"]


def some_steps(task, records, state_dir):
    batch = (
        vae_network.to_pixels(records["frame"]),
        torch.from_numpy(records["moving"][:, None]).float(),
    )
    task = replace(task, sample=None, warmup_steps=5, batch=lambda step, rng: batch)
    train(task, state_dir=state_dir, n_steps=25, cpu=True)


def test_vae_training_improves_psnr(tmp_path, small_records):
    torch.manual_seed(0)
    network = vae_network.build_vae()
    before = psnr_of(network, small_records)
    some_steps(vae.vae_task(network, small_records, small_records), small_records, tmp_path)
    assert psnr_of(network, small_records) > before + 1.5


def test_decoder_training_keeps_latents(untrained, tmp_path, small_records):
    folder = tmp_path / "vae"
    folder.mkdir()
    frames = small_records["frame"]
    vae_file.freeze_vae(untrained, frames, folder)
    network = vae_file.load_vae(folder)
    latents, before = vae_file.encode(network, frames), psnr_of(network, small_records)
    task = decoder.decoder_task(network, small_records, small_records)
    some_steps(task, small_records, tmp_path)
    assert psnr_of(network, small_records) > before + 1.5
    assert torch.equal(vae_file.encode(network, frames), latents)
    # what is shipped has the encoder of the file and the decoder of the training
    shipped = vae_file.vae_of(export.trained_part("vae", "vae", tmp_path))
    load_averages("decoder", {"vae": network}, state_dir=tmp_path)
    assert torch.equal(vae_file.encode(shipped, frames), latents)
    assert np.array_equal(
        vae_network.reconstruct(shipped, frames), vae_network.reconstruct(network, frames)
    )
