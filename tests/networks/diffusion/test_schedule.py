"""The schedule against another implementation, against the published formulas in other words, and at its edges."""

import dataclasses

import numpy as np
import pytest
from keyvid_pack.errors import SamplingError
from keyvid_pack.models.diffusion.schedule import (
    N_TIMESTEPS,
    SPACINGS,
    alphas_cumprod,
    ddim_timesteps,
    make_schedule,
    scale_table,
    zero_snr_betas,
)

from ...oracles.diffusers_schedule import diffusers_scheduler

CRASHES = [3, 9, 27, 36, 37, *range(101, 112)]  # published-model e.3, of the counts up to 200
NAN = [7, 11, 14, 15, 20, 25, 33, 34, 35, 37, 38, 39, 61, 62, 63, 64]  # published-model e.5
ETAS = [0, 0.5, 1]


def test_levels_are_those_of_diffusers():
    oracle = diffusers_scheduler().alphas_cumprod.numpy()  # rescaled in float32
    assert np.allclose(alphas_cumprod(), oracle, rtol=0, atol=2e-6)
    assert oracle[-1] == 0


@pytest.mark.parametrize("n_steps", [1, 4, 7, 25, 30, 50, 90, 100, 200, 999, 1000])
def test_trailing_timesteps_are_those_of_diffusers(n_steps):
    oracle = diffusers_scheduler()
    oracle.set_timesteps(n_steps)
    assert list(make_schedule(n_steps).timesteps) == oracle.timesteps.tolist()


def test_trailing_gives_as_many_steps_as_asked():
    # diffusers and the published code give one more, at level -1, for 61, 103, 121, ...
    for n_steps in range(1, N_TIMESTEPS + 1):
        steps = ddim_timesteps(n_steps)
        assert len(steps) == n_steps and steps[-1] == 999 and steps[0] >= 0, n_steps
        assert (np.diff(steps) > 0).all(), n_steps


def test_the_signal_vanishes_at_the_last_level():
    betas, table = zero_snr_betas(), alphas_cumprod()
    assert betas.dtype == np.float64 and len(betas) == N_TIMESTEPS
    assert table[-1] == 0 and betas[-1] == 1
    assert round(float(table[0]), 5) == 0.99915
    assert (np.diff(table) < 0).all()


def test_scales_fall_for_400_entries_and_stay():
    table = scale_table()
    assert table.dtype == np.float32 and len(table) == 1400
    assert table[0] == 1 and (np.diff(table[:400]) < 0).all()
    assert (table[399:] == np.float32(0.7)).all()
    assert (scale_table(1.0) == 1).all()


def test_uniform_counts_are_as_published():
    assert len(ddim_timesteps(90, "uniform")) == 91
    assert len(ddim_timesteps(30, "uniform")) == 31
    assert ddim_timesteps(90, "uniform")[:3] == (1, 12, 23)
    assert ddim_timesteps(90)[:3] == (10, 21, 32) and ddim_timesteps(90)[-3:] == (977, 988, 999)
    assert ddim_timesteps(1, "uniform") == (1,)


def test_uniform_runs_where_the_published_code_runs():
    for n_steps in set(range(1, 201)) - set(CRASHES):
        assert ddim_timesteps(n_steps, "uniform")[-1] <= 999, n_steps


@pytest.mark.parametrize("n_steps", CRASHES)
def test_uniform_says_where_the_published_code_crashes(n_steps):
    with pytest.raises(
        SamplingError, match=f"^{n_steps} steps .* take (\\d+) or (\\d+) steps"
    ) as caught:
        ddim_timesteps(n_steps, "uniform")
    words = str(caught.value).split("take ")[1].split()
    for offered in (int(words[0]), int(words[2])):  # the advice can be followed
        assert ddim_timesteps(offered, "uniform")


def test_uniform_without_a_larger_count_offers_the_smaller():
    with pytest.raises(SamplingError, match="take 500 steps, or"):
        ddim_timesteps(501, "uniform")
    assert len(ddim_timesteps(500, "uniform")) == 500


def test_entries_go_with_one_another():
    schedule = make_schedule(90, eta=1)
    assert len(schedule) == 90 and schedule.timesteps[0] == 999
    assert schedule.alphas[0] == 0 and schedule.alphas_prev[:-1] == schedule.alphas[1:]
    assert schedule.alphas_prev[-1] == float(np.float32(alphas_cumprod()[0])) != 1
    assert schedule.scales_prev == (*schedule.scales[1:], schedule.scales[-1])
    assert round(schedule.scales[-1], 4) == 0.9925  # the final latent keeps it
    assert round(schedule.noise_std[-1], 3) == 0.028  # noise even in the last step


def test_sigma_and_direction_share_the_variance_of_the_next_level():
    for eta in ETAS:
        schedule = make_schedule(50, eta=eta)
        sum_of_squares = np.square(schedule.noise_std) + np.square(schedule.directions)
        assert np.allclose(sum_of_squares, 1 - np.array(schedule.alphas_prev), atol=2e-7)
    assert set(make_schedule(50, eta=0).noise_std) == {0}


def test_rounding_below_zero_counts_as_zero():
    below = []
    for n_steps in range(1, 201):
        schedule = make_schedule(n_steps, eta=1)
        alpha, sigma = np.float32(schedule.alphas_prev[0]), np.float32(schedule.noise_std[0])
        if np.float32(1) - alpha - sigma * sigma < 0:  # its root is NaN in the published code
            below.append(n_steps)
            assert schedule.directions[0] == 0
    assert below == NAN


def test_rounding_above_zero_is_kept_as_published():
    residues = {make_schedule(n_steps, eta=1).directions[0] for n_steps in range(1, 201)}
    assert make_schedule(90, eta=1).directions[0] == 0
    assert 1e-4 < max(residues) < 4e-4


@pytest.mark.parametrize("spacing", SPACINGS)
def test_every_count_is_finite(spacing):
    for n_steps in range(1, 201):
        if spacing == "uniform" and n_steps in CRASHES:
            continue
        for eta in ETAS:
            schedule = make_schedule(n_steps, spacing=spacing, eta=eta)
            for field in dataclasses.fields(schedule):
                if field.name != "spacing":
                    assert np.isfinite(getattr(schedule, field.name)).all(), (n_steps, eta)


def test_a_schedule_is_a_value():
    assert make_schedule(4) == make_schedule(4) != make_schedule(4, eta=0)
    assert hash(make_schedule(4)) == hash(make_schedule(4))
    assert all(type(number) is float for number in make_schedule(4).noise_std)
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_schedule(4).eta = 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_steps": 0}, "number of steps is 0.* 1 to 1000"),
        ({"n_steps": 1001}, "number of steps is 1001"),
        ({"n_steps": 4.5}, "number of steps is 4.5; give a whole number"),
        ({"n_steps": 4, "eta": 1.1}, "eta is 1.1; take 0"),
        ({"n_steps": 4, "eta": -0.1}, "eta is -0.1"),
        ({"n_steps": 4, "eta": float("nan")}, "eta is nan"),
        ({"n_steps": 4, "base_scale": 0}, "base scale is 0"),
        ({"n_steps": 4, "spacing": "linear"}, "'linear'; choose 'uniform_trailing' or 'uniform'"),
    ],
)
def test_schedules_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(SamplingError, match=message):
        make_schedule(**arguments)
