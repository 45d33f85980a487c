"""Flow without weights: known movements, what must not look like movement, and the world's own flow."""

import numpy as np
import pytest
import torch
from keyvid_pack.models.lucas_kanade import PAIRS_AT_ONCE, flow_between, motion_scores
from torch.nn import functional as F

HEIGHT, WIDTH = 96, 128
CONTRAST = 50  # levels, standard deviation: about that of a photograph


def texture(seed=0, height=HEIGHT + 64, width=WIDTH + 64):
    """A colour image (3, height, width) in 0..255 with detail of several sizes."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        F.interpolate(
            torch.rand(1, 3, height // size, width // size, generator=generator),
            size=(height, width),
            mode="bicubic",
        )
        for size in (4, 8, 16, 32)
    ]
    mixed = torch.stack(layers).mean(0)[0]
    return (128 + CONTRAST * (mixed - mixed.mean()) / mixed.std()).clamp(0, 255)


def looked_at(image, x, y):
    """The part HEIGHT x WIDTH of an image whose corner is at (32 + x, 32 + y), between pixels too: (3, h, w)."""
    rows = torch.arange(HEIGHT)[:, None] + 32 + y
    columns = torch.arange(WIDTH)[None] + 32 + x
    height, width = image.shape[-2:]
    grid = torch.stack(
        torch.broadcast_tensors(columns * 2 / (width - 1) - 1, rows * 2 / (height - 1) - 1), dim=-1
    )
    return F.grid_sample(image[None], grid[None].float(), align_corners=True, mode="bicubic")[0]


@pytest.mark.parametrize("shift", [(0.3, 0), (1, -1), (-4, 2.5), (9, 0), (0, -9)], ids=str)
def test_a_camera_that_moves_moves_every_pixel(shift):
    image = texture()
    before, frame = looked_at(image, 0, 0), looked_at(image, *shift)
    (flow,) = flow_between(frame[None] / 255, before[None] / 255)
    inner = flow[:, 20:-20, 20:-20]  # what enters at the edges was nowhere
    # what is at x now was at x + shift: the ridge and NOISE take a little from each vector
    assert inner[0].median() == pytest.approx(shift[0], abs=0.05 + 0.1 * abs(shift[0]))
    assert inner[1].median() == pytest.approx(shift[1], abs=0.05 + 0.1 * abs(shift[1]))


def test_scores_are_the_mean_over_pixels_however_they_are_grouped():
    image = texture()
    at = [0, 1, 3, 3, 4.5, 8, 8.5, 10, 12]
    frames = torch.stack([looked_at(image, x, 0) for x in at])
    assert len(frames) > PAIRS_AT_ONCE + 1
    steps = []
    scores = motion_scores(frames, on_step=lambda *now: steps.append(now))
    expected = [
        flow_between(b[None] / 255, a[None] / 255).abs().sum(1).mean().item()
        for a, b in zip(frames, frames[1:], strict=False)
    ]
    # float32 sums over 12,000 pixels, in another order for another batch
    assert scores.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert scores.dtype == torch.float32 and scores[2] == 0
    assert steps == [(6, 8), (8, 8)]


def test_on_step_can_cancel():
    class Stop(Exception):
        pass

    def on_step(*_):
        raise Stop

    with pytest.raises(Stop):
        motion_scores(torch.zeros(20, 3, 32, 32), on_step=on_step)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (7, 5), (33, 17)], ids=str)
def test_frames_of_any_size_have_finite_scores(size):
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (3, 3, *size), generator=generator, dtype=torch.uint8)
    scores = motion_scores(frames)
    assert scores.shape == (2,) and scores.isfinite().all() and (scores >= 0).all()


def test_noise_and_light_are_hardly_any_movement():
    """Grain of 3 levels, and a lamp that goes on, beside a camera that moves by a pixel."""
    image, generator = texture(), torch.Generator().manual_seed(1)
    still = looked_at(image, 0, 0)
    grain = [still + 3 * torch.randn(still.shape, generator=generator) for _ in range(2)]
    lamp = [still, (still * 1.2).clamp(0, 255)]
    moved = [still, looked_at(image, 1, 0)]
    grainy, lit, real = (motion_scores(torch.stack(two)).item() for two in (grain, lamp, moved))
    assert real > 0.8
    assert grainy < 0.1 * real and lit < 0.1 * real
    # which is what the change of pixels does not tell apart
    changes = [float((two[1] - two[0]).abs().mean()) for two in (lamp, moved)]
    assert changes[0] > 0.8 * changes[1]


def test_flat_areas_do_not_move():
    frames = torch.full((2, 3, HEIGHT, WIDTH), 128.0)
    frames += torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))  # a level
    assert motion_scores(frames).item() < 0.01


def test_under_changing_light_flow_follows_movement_and_the_change_of_pixels_does_not():
    image = texture(3)
    generator = np.random.default_rng(0)
    steps = generator.uniform(0, 3, 24) * (generator.random(24) < 0.5)
    light = 1 + 0.25 * np.sin(np.arange(25) * 2.1)
    at = np.concatenate([[0], np.cumsum(steps)]) % 60 - 30  # 24 steps of 1.5 at most leave no edge
    frames = torch.stack(
        [looked_at(image, x, 0) * float(g) for x, g in zip(at, light, strict=True)]
    )
    frames = frames.clamp(0, 255).to(torch.uint8)
    flow = motion_scores(frames).numpy()
    changes = np.abs(np.diff(frames.numpy().astype(float), axis=0)).mean(axis=(1, 2, 3))
    assert np.corrcoef(flow, steps)[0, 1] > 0.8
    assert np.corrcoef(changes, steps)[0, 1] < 0.5
