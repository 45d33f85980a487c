"""The DDIM step against diffusers and against float64; keyframe noise and inpainting; the loop."""

import pytest
import torch
from keyvid_pack.errors import SamplingError
from keyvid_pack.models.diffusion.ddim import (
    ddim_step,
    inpaint_keyframes,
    interpolate_keyframe_noise,
    sample,
)
from keyvid_pack.models.diffusion.guidance import PASSES, pass_weights
from keyvid_pack.models.diffusion.schedule import SPACINGS, alphas_cumprod, make_schedule

from ...helpers.tolerance import float32_tolerance
from ...oracles.diffusers_schedule import diffusers_scheduler

SHAPE = (2, 4, 3, 2, 4)  # (B, C, T, h, w)


def randn(*shape, seed=0):
    return torch.randn(shape or SHAPE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n_steps", [5, 10, 40, 50, 100])  # counts where both walk the same levels
def test_every_step_is_that_of_diffusers(n_steps, eta):
    # It differs in three things: it has no dynamic rescale (base_scale 1 disables KeyVID's); its next level is
    # t - 1000 // n_steps even where that is not one of the selected ones, so only divisors of 1000 compare; and it
    # ends at a noise level of exactly 0 unless set_alpha_to_one is off.
    oracle = diffusers_scheduler()
    oracle.set_timesteps(n_steps)
    schedule = make_schedule(n_steps, eta=eta, base_scale=1.0)
    for index, timestep in enumerate(oracle.timesteps):
        x, v, noise = (randn(seed=3 * index + k) for k in range(3))
        theirs = oracle.step(v, timestep, x, eta=eta, variance_noise=noise)
        found, x0 = ddim_step(x, v, schedule=schedule, index=index, noise=noise)
        # in the first step at eta 1 eps is multiplied by the root of a rounding error: up to 3e-4, or NaN there
        first = index == 0 and eta == 1
        if first and theirs.prev_sample.isnan().all():
            assert found.isfinite().all()
            continue
        # a step is a handful of products of values up to 5: each rounds by up to 2^-24 of 5, 3e-7
        atol = 2e-3 if first else 2e-5
        assert torch.allclose(found, theirs.prev_sample, rtol=0, atol=atol), index
        assert torch.allclose(x0, theirs.pred_original_sample, rtol=0, atol=2e-5), index


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_every_step_is_the_equation_in_float64(spacing, eta):
    schedule = make_schedule(90, spacing=spacing, eta=eta)
    table = torch.from_numpy(alphas_cumprod())
    t = torch.tensor(schedule.timesteps)
    alphas, alphas_prev = table[t], table[torch.cat([t[1:], t.new_zeros(1)])]
    for index in range(1, len(schedule)):
        x0, eps, noise = (randn(seed=3 * index + k).double() for k in range(3))
        a, a_prev = alphas[index], alphas_prev[index]
        x, v = a.sqrt() * x0 + (1 - a).sqrt() * eps, a.sqrt() * eps - (1 - a).sqrt() * x0
        sigma = eta * ((1 - a_prev) / (1 - a) * (1 - a / a_prev)).sqrt()
        rescaled = x0 * schedule.scales_prev[index] / schedule.scales[index]
        expected = a_prev.sqrt() * rescaled + (1 - a_prev - sigma**2).sqrt() * eps + sigma * noise
        found, found_x0 = ddim_step(
            x.float(), v.float(), schedule=schedule, index=index, noise=noise.float()
        )
        assert torch.allclose(found.double(), expected, rtol=0, atol=2e-5), index
        assert torch.allclose(found_x0.double(), rescaled, rtol=0, atol=2e-5), index


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_every_count_of_steps_ends_in_something_finite(eta):
    v, noise = randn(1, 4, 1, 1, 2, seed=1), randn(1, 4, 1, 1, 2, seed=2)
    for n_steps in range(1, 201):
        schedule, x = make_schedule(n_steps, eta=eta), randn(1, 4, 1, 1, 2)
        for index in range(n_steps):
            x, _ = ddim_step(x, v, schedule=schedule, index=index, noise=noise)
        assert x.isfinite().all(), n_steps


def test_half_precision_is_stepped_in_single():
    schedule = make_schedule(4)
    found = ddim_step(
        randn().half(), randn(seed=1).bfloat16(), schedule=schedule, index=1, noise=randn().half()
    )
    assert all(tensor.dtype == torch.float32 for tensor in found)


def test_at_eta_0_noise_is_not_looked_at():
    schedule, x, v = make_schedule(4, eta=0), randn(), randn(seed=1)
    without, _ = ddim_step(x, v, schedule=schedule, index=3)
    with_noise, _ = ddim_step(x, v, schedule=schedule, index=3, noise=randn() * torch.nan)
    assert torch.equal(without, with_noise)


def test_noise_between_keyframes_is_mostly_that_of_the_farther_one():
    noise = torch.arange(1.0, 9.0).expand(1, 1, 1, 1, 8).movedim(-1, 2)  # frame j holds j + 1
    mixed = interpolate_keyframe_noise(noise, [5, 1])  # anchors 1, 5 and the last, 7
    expected = [1, 2, 0.25 * 2 + 0.75 * 6, 4, 0.75 * 2 + 0.25 * 6, 6, 7, 8]
    assert mixed.flatten().tolist() == expected
    assert noise.flatten().tolist() == list(range(1, 9))  # the input is left alone


def test_noise_is_weakest_midway():
    mixed = interpolate_keyframe_noise(randn(1, 64, 9, 32, 32), [0])
    variances = mixed.var(dim=(0, 1, 3, 4))
    assert torch.allclose(variances[[0, 4, 8]], torch.tensor([1, 0.5, 1]), atol=0.02)


def test_every_frame_a_keyframe_leaves_the_noise_alone():
    noise = randn(1, 4, 6, 2, 2)
    assert torch.equal(interpolate_keyframe_noise(noise, [0, 1, 2, 2, 3, 4, 5]), noise)


def test_inpainting_sets_keyframes_and_nothing_else():
    x, latents, noise = (
        randn(2, 4, 6, 2, 2),
        randn(2, 4, 3, 2, 2, seed=1),
        randn(2, 4, 6, 2, 2, seed=2),
    )
    found = inpaint_keyframes(x, latents, [4, 0, 4], alpha_prev=0.36, noise=noise)
    assert torch.equal(found[:, :, [1, 2, 3, 5]], x[:, :, [1, 2, 3, 5]])
    for frame, k in ((0, 1), (4, 2)):  # of two latents for one frame the last counts
        expected = 0.6 * latents[:, :, k] + 0.8 * noise[:, :, frame]
        assert torch.allclose(found[:, :, frame], expected, atol=1e-6)
    assert torch.equal(x, randn(2, 4, 6, 2, 2))


CLEAN = randn(seed=9)


def knowing(x, timesteps, **_condition):
    """The v of a network that knows the clean latent exactly."""
    a = torch.from_numpy(alphas_cumprod())[timesteps][:, None, None, None, None]
    eps = (x - a.sqrt() * CLEAN[: len(x)]) / (1 - a).sqrt()
    return (a.sqrt() * eps - (1 - a).sqrt() * CLEAN[: len(x)]).to(x)


FULL = pass_weights(1, 1, 1)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_the_loop_finds_what_the_network_knows(eta):
    clean = []
    found = sample(
        knowing,
        randn(),
        {"full": {}},
        schedule=make_schedule(20, eta=eta, base_scale=1.0),
        weights=FULL,
        rescale=0,
        noise=torch.Generator().manual_seed(1),
        on_step=lambda index, x, x0: clean.append((index, x0)),
    )
    assert [index for index, _ in clean] == list(range(20))
    assert all(torch.allclose(x0, CLEAN, atol=1e-4) for _, x0 in clean)
    # it ends at noise level 0, whose noise has a standard deviation of 0.029
    assert 0.01 < (found - CLEAN).std() < 0.04


def test_the_last_latent_keeps_the_dynamic_rescale():
    x, v, factors = randn(), randn(seed=1), []
    schedule, plain = (make_schedule(90, eta=0, base_scale=scale) for scale in (0.7, 1.0))
    for index in range(90):
        _, rescaled = ddim_step(x, v, schedule=schedule, index=index)
        _, x0 = ddim_step(x, v, schedule=plain, index=index)
        factors.append((rescaled / x0).double().mean().item())
    assert factors[-1] == 1  # not divided out at the end
    product = torch.tensor(factors).double().prod().item()
    assert product == pytest.approx(0.9925 / 0.7, abs=1e-4)


def linear(x, timesteps, *, weight, shift=None):
    """A network whose prediction depends on everything it is conditioned on, sample by sample."""
    out = x * weight[:, None, None, None, None] + timesteps[:, None, None, None, None] / 1000
    return out if shift is None else out + shift


CONDITIONS = {
    name: {"weight": torch.tensor([0.1 * k, 0.2 * k]), "shift": None}
    for k, name in enumerate(PASSES)
}


def test_passes_run_together_give_what_they_give_apart():
    arguments = {"schedule": make_schedule(5, eta=1), "weights": pass_weights(2, 7.5, 9)}
    apart, together = (
        sample(
            linear,
            randn(),
            CONDITIONS,
            noise=torch.Generator().manual_seed(1),
            batched=batched,
            **arguments,
        )
        for batched in (False, True)
    )
    rounding = float32_tolerance(n_steps=5, amplification=17, n_layers=4)  # of values up to 5
    assert torch.allclose(apart, together, atol=5 * rounding)


@pytest.mark.parametrize("batched", [False, True])
def test_passes_without_weight_are_never_run(batched):
    sizes = []

    def counting(x, timesteps, **condition):
        sizes.append((len(x), *(round(w, 1) for w in condition["weight"].tolist())))
        return linear(x, timesteps, **condition)

    sample(
        counting,
        randn(),
        CONDITIONS,
        schedule=make_schedule(3, eta=0),
        weights=pass_weights(1, 7.5, 7.5),
        rescale=0,
        batched=batched,
    )
    image, full = (0.1, 0.2), (0.3, 0.6)
    assert sizes == 3 * ([(4, *image, *full)] if batched else [(2, *image), (2, *full)])


def test_outside_of_the_guided_share_the_full_pass_alone_is_run():
    weights, schedule, ran = pass_weights(2, 7.5, 9), make_schedule(4, eta=0), []

    def counting(x, timesteps, **condition):
        ran.append((int(timesteps[0]), round(condition["weight"][0].item(), 1)))
        return linear(x, timesteps, **condition)

    arguments = {"schedule": schedule, "rescale": 0.7}
    sample(counting, randn(), CONDITIONS, weights=weights, guided=(0.25, 0.75), **arguments)
    all_passes = {condition["weight"][0].item() for condition in CONDITIONS.values()}
    for index, timestep in enumerate(schedule.timesteps):
        its = [weight for at, weight in ran if at == timestep]
        assert len(its) == (4 if index in (1, 2) else 1)
    assert len(all_passes) == 4
    never = sample(linear, randn(), CONDITIONS, weights=weights, guided=(0.0, 0.0), **arguments)
    full = sample(
        linear, randn(), {"full": CONDITIONS["full"]}, weights=FULL, schedule=schedule, rescale=0.0
    )
    assert torch.equal(never, full)


def test_a_generator_gives_the_noise_of_a_list():
    generator = torch.Generator().manual_seed(5)
    noise = [torch.randn(SHAPE, generator=generator) for _ in range(3)]
    arguments = {"schedule": make_schedule(3), "weights": FULL, "rescale": 0.0}
    by_list = sample(knowing, randn(), {"full": {}}, noise=noise, **arguments)
    again = torch.Generator().manual_seed(5)
    assert torch.equal(sample(knowing, randn(), {"full": {}}, noise=again, **arguments), by_list)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_keyframes_are_set_after_the_first_step_only(eta):
    seen, noise = [], [randn(seed=k) for k in range(3)]
    schedule = make_schedule(3, eta=eta)
    latents, frames = randn(2, 4, 2, 2, 4, seed=8), [0, 2]
    arguments = {"schedule": schedule, "weights": FULL, "rescale": 0, "noise": noise}
    sample(
        knowing,
        randn(),
        {"full": {}},
        keyframes=(latents, frames),
        on_step=lambda index, x, x0: seen.append(x),
        **arguments,
    )
    alpha = schedule.alphas_prev[0]
    expected = inpaint_keyframes(seen[0], latents, frames, alpha_prev=alpha, noise=noise[0])
    assert torch.equal(seen[0], expected)
    v = knowing(seen[0], torch.full((2,), schedule.timesteps[1]))
    plain, _ = ddim_step(seen[0], v, schedule=schedule, index=1, noise=noise[1])
    assert torch.allclose(seen[1], plain, atol=1e-6)


def test_what_a_callback_raises_ends_the_run():
    steps = []

    def stop(index, x, x0):
        steps.append(index)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        sample(
            knowing,
            randn(),
            {"full": {}},
            schedule=make_schedule(4, eta=0),
            weights=FULL,
            rescale=0,
            on_step=stop,
        )
    assert steps == [0]


def test_every_step_of_a_half_precision_latent_is_single():
    seen = []

    def looking(x, timesteps):
        seen.append(x.dtype)
        return x.half()

    arguments = {"schedule": make_schedule(3, eta=0), "weights": FULL, "rescale": 0}
    found = sample(looking, randn().half(), {"full": {}}, **arguments)
    assert {*seen, found.dtype} == {torch.float32}


def test_gradients_reach_the_network():
    weight = torch.tensor([0.5, 0.5], requires_grad=True)
    conditions = {"full": {"weight": weight}}
    schedule = make_schedule(2, eta=0)
    sample(linear, randn(), conditions, schedule=schedule, weights=FULL).sum().backward()
    assert weight.grad.isfinite().all() and (weight.grad != 0).all()


def test_what_cannot_be_is_said():
    schedule, x = make_schedule(4), randn()
    with pytest.raises(SamplingError, match="Step 2 adds noise .*take eta 0"):
        ddim_step(x, x, schedule=schedule, index=1)
    for index in (-1, 4):
        with pytest.raises(SamplingError, match=f"no step {index}; .* 0 to 3"):
            ddim_step(x, x, schedule=schedule, index=index, noise=x)
    with pytest.raises(
        SamplingError, match="Keyframe 3 lies outside the clip; its frames are 0 to 2"
    ):
        interpolate_keyframe_noise(x, [0, 3])
    with pytest.raises(SamplingError, match="1 keyframes and 3 latents"):
        inpaint_keyframes(x, x, [0], alpha_prev=0.5, noise=x)
    with pytest.raises(SamplingError, match="needs noise"):
        inpaint_keyframes(x, x, [0, 1, 2], alpha_prev=0.5, noise=None)
    with pytest.raises(SamplingError, match="no condition for the pass 'none' and 'image'"):
        sample(knowing, x, {"full": {}, "image_text": {}}, schedule=schedule)
    with pytest.raises(SamplingError, match="noise for 2 steps of 4"):
        sample(knowing, x, {"full": {}}, schedule=schedule, weights=FULL, noise=[x, x])
