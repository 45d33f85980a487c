"""Noising, the target, dropped conditions and what counts how much."""

import numpy as np
import pytest
import torch
from keyvid_pack.models.diffusion.schedule import alphas_cumprod, scale_table
from keyvid_pack.training.tasks.diffusion_loss import (
    MOVING_WEIGHT,
    draw_dropped,
    draw_timesteps,
    moving_weight,
    noised,
    v_loss,
    whole_frame_loss,
)


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(4, 4, 3, 2, 2, generator=generator, dtype=torch.float64) for _ in range(2)]


def test_noised_can_be_inverted(pair):
    clean, noise = pair
    timesteps = torch.tensor([0, 150, 600, 990])
    noisy, v = noised(clean, noise, timesteps)
    for row, t in enumerate(timesteps.tolist()):
        signal, spread = alphas_cumprod()[t] ** 0.5, (1 - alphas_cumprod()[t]) ** 0.5
        scale = float(scale_table()[t])
        torch.testing.assert_close(signal * noisy[row] - spread * v[row], scale * clean[row])
        torch.testing.assert_close(signal * v[row] + spread * noisy[row], noise[row])


def test_noised_at_the_last_timestep_is_noise(pair):
    clean, noise = pair
    noisy, v = noised(clean, noise, torch.full((4,), 999))
    torch.testing.assert_close(noisy, noise)
    torch.testing.assert_close(v, -0.7 * clean)


def test_draw_dropped_has_the_published_rates():
    dropped = draw_dropped(np.random.default_rng(0), 100_000)
    share = {name: missing.double().mean().item() for name, missing in dropped.items()}
    assert share == pytest.approx({"text": 0.1, "image": 0.1, "audio": 0.1}, abs=0.005)
    both = {
        "text image": dropped["text"] & dropped["image"],
        "image audio": dropped["image"] & dropped["audio"],
        "text audio": dropped["text"] & dropped["audio"],
    }
    share = {name: missing.double().mean().item() for name, missing in both.items()}
    expected = {"text image": 0.05, "image audio": 0.05, "text audio": 0.0}
    assert share == pytest.approx(expected, abs=0.005)


def test_draw_timesteps_is_uniform_and_stratified():
    rng = np.random.default_rng(1)
    drawn = torch.stack([draw_timesteps(rng, 8) for _ in range(4000)])  # (4000, 8)
    assert drawn.min() == 0 and drawn.max() == 999
    counts = np.histogram(drawn, bins=10, range=(0, 1000))[0]
    assert counts == pytest.approx(np.full(10, 3200), rel=0.05)
    assert (drawn.sort(dim=1).values // 125 == torch.arange(8)).all()
    assert drawn[:, 0].double().std() > 200  # not sorted: no sample is always the noisiest


def test_moving_weight_includes_neighbours():
    latents = torch.zeros(1, 4, 9, 6, 6)
    latents[0, 1, 4, 2, 3] = 1.0  # for one frame
    weight = moving_weight(latents)
    expected = torch.ones(1, 1, 9, 6, 6)
    expected[0, 0, 4, 1:4, 2:5] = 1 + MOVING_WEIGHT
    torch.testing.assert_close(weight, expected)


def test_v_loss_is_a_weighted_mean():
    v, predicted = torch.zeros(1, 2, 1, 1, 2), torch.tensor([1.0, 3.0]).expand(1, 2, 1, 1, 2)
    weight = torch.tensor([3.0, 1.0]).expand(1, 1, 1, 1, 2)
    assert v_loss(predicted, v, weight).item() == pytest.approx((3 * 1 + 1 * 9) / 4)


def test_whole_frame_loss_is_that_of_frame_means():
    v = torch.zeros(1, 2, 3, 4, 6)
    noise = torch.randn(v.shape, generator=torch.Generator().manual_seed(0))
    noise -= noise.mean(dim=(-2, -1), keepdim=True)
    assert whole_frame_loss(v + noise, v).item() == pytest.approx(0, abs=1e-12)
    flicker = torch.tensor([0.3, 0.0, 0.0]).view(1, 1, 3, 1, 1)  # one frame of three is brighter
    assert whole_frame_loss(v + noise + flicker, v).item() == pytest.approx(0.3**2 / 3)
