"""The start of the VAE's training: colours are there before a single step."""

import pytest
import torch
from keyvid_pack.training.vae import network as vae_network
from keyvid_pack.training.vae import start as vae_start


def mosaics(n, seed):
    """Images of 8 x 8 squares in random colours, around a random mean colour for each image."""
    generator = torch.Generator().manual_seed(seed)
    ground = torch.rand(n, 3, 1, 1, generator=generator) * 1.2 - 0.6
    squares = ground + 0.3 * torch.randn(n, 3, 6, 8, generator=generator)
    return squares.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)


@pytest.fixture(scope="module")
def started():
    torch.manual_seed(0)
    network = vae_network.build_vae().eval()
    vae_start.init_structured(network, mosaics(24, seed=1))
    return network


@torch.no_grad()
def through(network, pixels):
    return network.decode(network.encode(pixels).latent_dist.mean).sample


def test_init_structured_reconstructs_mosaics(started):
    pixels = mosaics(12, seed=2)
    error, spread = (through(started, pixels) - pixels).square().mean(), pixels.var()
    assert error < 0.1 * spread


def test_init_structured_keeps_mean_colours(started):
    pixels = mosaics(12, seed=3)
    means, found = (x.mean(dim=(2, 3)) for x in (pixels, through(started, pixels)))
    assert (found - means).square().mean() < 0.05 * means.var()


def test_init_structured_latents_are_uncorrelated_colours(started):
    with torch.no_grad():
        latent = started.encode(mosaics(24, seed=4)).latent_dist
    colours = latent.mean[:, :3].movedim(1, -1).reshape(-1, 3)
    correlation = torch.corrcoef(colours.T) - torch.eye(3)
    assert correlation.abs().max() < 0.25
    assert colours.std(dim=0).numpy() == pytest.approx([1, 1, 1], abs=0.25)
    assert float(latent.std.max()) < 0.1


def test_init_structured_gives_every_weight_a_gradient(started):
    pixels = mosaics(4, seed=5)
    error = (started.decode(started.encode(pixels).latent_dist.mean).sample - pixels).abs().mean()
    started.zero_grad()
    error.backward()
    # what ends a branch gets a gradient at once, what is before it as soon as that end has left zero
    ends = [p for name, p in started.named_parameters() if name.endswith(vae_start.BRANCH_ENDS[0])]
    assert ends and all(p.grad.abs().max() > 0 for p in ends)
