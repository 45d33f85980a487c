"""A run through the noise levels in parts, as ComfyUI's Split Sigmas makes them, is the run in one piece."""

import dataclasses

import pytest
import torch
from keyvid_pack.errors import SamplingError
from keyvid_pack.models.diffusion.ddim import ddim_step
from keyvid_pack.models.diffusion.schedule import (
    alphas_cumprod,
    ddim_timesteps,
    make_schedule,
    schedule_along,
)

LISTS = [field.name for field in dataclasses.fields(make_schedule(2)) if field.name != "eta"]


def levels_of(n_steps):
    return ddim_timesteps(n_steps)[::-1]


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("n_steps", "at"), [(20, 10), (90, 1), (90, 89), (7, 3)])
def test_the_parts_joined_are_the_whole(n_steps, at, eta):
    levels = levels_of(n_steps)
    whole = make_schedule(n_steps, eta=eta)
    first = schedule_along(levels[:at], end=levels[at], eta=eta)
    second = schedule_along(levels[at:], eta=eta)
    assert (len(first), len(second)) == (at, n_steps - at)
    for name in LISTS:
        assert getattr(first, name) + getattr(second, name) == getattr(whole, name), name


def test_a_whole_run_in_parts_gives_the_same_latent():
    generator = torch.Generator().manual_seed(0)
    start, *units = (torch.randn(1, 4, 3, 2, 2, generator=generator) for _ in range(9))
    levels = levels_of(8)
    parts = [schedule_along(levels[:3], end=levels[3]), schedule_along(levels[3:])]

    def walk(x, schedules):
        step = 0
        for schedule in schedules:
            for index in range(len(schedule)):
                v = (x + 0.1 * schedule.timesteps[index] / 1000).tanh()
                x, _ = ddim_step(x, v, schedule=schedule, index=index, noise=units[step])
                step += 1
        return x

    assert torch.equal(walk(start, parts), walk(start, [make_schedule(8)]))


def test_a_part_that_ends_above_the_lowest_level_takes_the_scale_of_that_level():
    part = schedule_along((999, 300), end=100)
    assert part.scales_prev[-1] == schedule_along((100,)).scales[0]
    assert part.alphas_prev[-1] == pytest.approx(alphas_cumprod()[100])
    # where a video ends, the scale of the last step stays, as published
    last = schedule_along((999, 100))
    assert last.scales_prev[-1] == last.scales[-1]


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_run_that_ends_without_noise_gives_the_clean_latent(eta):
    schedule = schedule_along((999, 500), end=None, eta=eta)
    assert schedule.alphas_prev[-1] == 1
    assert schedule.noise_std[-1] == schedule.directions[-1] == 0
    x, v = torch.randn(2, 1, 4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    found, clean = ddim_step(x, v, schedule=schedule, index=1)
    assert torch.equal(found, clean)
    torch.testing.assert_close(clean, schedule.sqrt_alphas[1] * x - schedule.sqrt_one_minus_alphas[1] * v)  # fmt: skip


@pytest.mark.parametrize(
    ("timesteps", "end", "message"),
    [
        ((), 0, "needs at least one"),
        ((1000, 500), 0, "knows 0 to 999"),
        ((500, -1), 0, "knows 0 to 999"),
        ((999, 999, 500), 0, "from noise level 999 to 999"),
        ((500, 600), 0, "from noise level 500 to 600"),
        ((999, 500), 500, "from noise level 500 to 500"),
        ((999, 500), 700, "from noise level 500 to 700"),
    ],
)
def test_levels_that_do_not_fall_are_refused(timesteps, end, message):
    with pytest.raises(SamplingError, match=message):
        schedule_along(timesteps, end=end)


def test_a_run_may_start_at_the_lowest_level():
    """One step at level 0 ends where it began: nothing is added, nothing divided by zero."""
    schedule = schedule_along((0,))
    assert all(torch.isfinite(torch.tensor(getattr(schedule, name))).all() for name in LISTS)
    assert schedule.noise_std == (0.0,)
