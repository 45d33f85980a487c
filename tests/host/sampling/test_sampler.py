"""KeyVID Sampler, Schedule and Interpolated Noise inside ComfyUI, and ComfyUI's own samplers on our MODEL."""

import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.models.diffusion.schedule import make_schedule

from ...helpers.small_video import (
    AMPLIFICATION,
    KEYFRAMES,
    LATENT_SCALE,
    N_INTERPOLATED,
    Forwards,
    assert_agree,
    conditioning,
    core_guider,
    guided,
    interpolation,
    keyvid,
    latents_in_between,
    run,
    sigmas_of,
    unit_noise,
)
from ...helpers.tolerance import float32_tolerance


def core_sigmas(model, scheduler, n_steps):
    import comfy.samplers

    sampling = model.get_model_object("model_sampling")
    return comfy.samplers.calculate_sigmas(sampling, scheduler, n_steps)


# ComfyUI's own samplers


@pytest.mark.parametrize("name", ["euler", "euler_ancestral", "dpmpp_2m", "uni_pc"])
def test_ksampler_runs_our_model_with_our_conditioning(generator, name):
    import comfy.sample

    positive, negative = conditioning()
    noise = unit_noise()
    with torch.inference_mode():
        found = comfy.sample.sample(
            generator, noise, 20, 7.0, name, "simple", positive, negative,
            torch.zeros_like(noise), disable_pbar=True, seed=7,
        )  # fmt: skip
    assert found.shape == noise.shape
    assert torch.isfinite(found).all()
    assert found.std() > 0


@pytest.mark.parametrize("name", ["euler", "heun", "dpmpp_2m", "uni_pc", "res_multistep"])
def test_multimodal_cfg_runs_with_the_samplers_of_ksampler_select(generator, name):
    """Down to no noise at all they end where small steps of DDIM end, as nearly as as many steps of DDIM do."""
    import comfy.samplers

    guider = guided(generator, image_scale=1.0, text_scale=1.0, audio_scale=1.0, rescale=0.0)

    def end_of(sampler, n_steps):
        return run(guider, sampler=sampler, sigmas=sigmas_of(generator, n_steps, ends_at_t0=False))

    ddim = keyvid(eta=0.0, base_scale=1.0)
    expected = end_of(ddim, 100)
    found = end_of(comfy.samplers.sampler_object(name), 20)
    few, very_few = ((end_of(ddim, n) - expected).norm() for n in (20, 5))
    # samplers of another order have another error; that of a quarter of the steps is the negative control
    assert (found - expected).norm() <= 1.5 * few + 0.02 * expected.norm() < very_few


def test_without_noise_or_rescale_the_sampler_is_euler(generator):
    """DDIM at eta 0 is an Euler step in ComfyUI's terms; 20 divides 1000, so that both visit the same levels."""
    import comfy.samplers

    sigmas = core_sigmas(generator, "simple", 20)
    assert torch.equal(sigmas, sigmas_of(generator, 20, ends_at_t0=False))
    guider = core_guider(generator, conditioning()[0])
    expected = run(guider, sampler=comfy.samplers.sampler_object("euler"), sigmas=sigmas)
    found = run(guider, sampler=keyvid(eta=0.0, base_scale=1.0), sigmas=sigmas)
    assert_agree(found, expected, tolerance=1e-3)  # Euler steps down from 4518 in float32
    rescaled = run(guider, sampler=keyvid(eta=0.0, base_scale=0.7), sigmas=sigmas)
    with pytest.raises(AssertionError):
        assert_agree(rescaled, expected, tolerance=1e-2)


# one run


def test_a_seed_means_one_video(generator):
    first, again = (run(guided(generator), seed=7) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, run(guided(generator), seed=8)), "the noise of the steps"
    assert not torch.allclose(first, run(guided(generator), noise=unit_noise(seed=4)))


def test_steps_do_not_repeat_the_noise_that_the_run_began_with(generator):
    import comfy.sample

    x = comfy.sample.prepare_noise(torch.zeros(1, 4, 4, 4, 6), 7)
    from keyvid_pack.host.sampling.sampler import _seeded_noise
    from keyvid_pack.models.diffusion.schedule import make_schedule

    step = _seeded_noise(x, make_schedule(3), 7)
    assert not torch.allclose(step(0), x)
    assert not torch.allclose(step(1), step(2))


def test_the_highest_seed_of_random_noise_is_a_seed_like_others(generator):
    highest = run(guided(generator), seed=2**64 - 1)
    assert torch.equal(highest, run(guided(generator), seed=2**64 - 1))
    assert not torch.allclose(highest, run(guided(generator), seed=2**64 - 2))
    assert not torch.allclose(highest, run(guided(generator), seed=0))


def test_another_sound_is_another_video(generator):
    from keyvid_pack.host.sampling.condition_keys import AUDIO

    positive, negative = conditioning()
    first = run(guided(generator, (positive, negative)))
    positive[0][1][AUDIO] = conditioning(seed=5)[0][0][1][AUDIO]
    other = run(guided(generator, (positive, negative)))
    assert (other - first).abs().max() > 1e-3


def test_the_frames_of_the_keyframes_matter_to_the_generator(generator):
    first = run(guided(generator, conditioning((0, 5, 20, 40))))
    assert (run(guided(generator, conditioning((0, 5, 20, 41)))) - first).abs().max() > 1e-4


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_run_may_end_without_noise(generator, eta):
    sigmas = sigmas_of(generator, 3, ends_at_t0=False)
    assert sigmas[-1] == 0
    clean = run(guided(generator), sampler=keyvid(eta=eta), sigmas=sigmas)
    released = run(guided(generator), sampler=keyvid(eta=eta), sigmas=sigmas_of(generator, 3))
    assert torch.isfinite(clean).all()
    assert 1e-4 < (clean - released).abs().max() < 0.5


def test_the_steps_are_those_of_the_published_schedule(generator):
    table = generator.get_model_object("model_sampling").sigmas
    levels = [table[level].item() for level in make_schedule(90).timesteps]
    sigmas = sigmas_of(generator, 90)
    assert sigmas[:-1].tolist() == pytest.approx(levels)
    assert sigmas[-1] == table[0] > 0
    seen = []
    run(
        guided(generator),
        sigmas=sigmas_of(generator, 3),
        callback=lambda i, x0, x, n: seen.append((i, n)),
    )
    assert seen == [(0, 3), (1, 3), (2, 3)]


# a run in parts


@pytest.mark.parametrize(("eta", "strength"), [(0.0, 1.0), (1.0, 1.0), (1.0, 0.25)])
def test_split_sigmas_equal_the_whole_run(interpolator, eta, strength):
    """SplitSigmas at step 10 of 20; the second half starts without noise and continues from the first one's latent.

    With eta 1 every step adds noise: that of its own level, whichever part it is in.
    """
    pair = interpolation()
    sigmas, noise = sigmas_of(interpolator, 20), unit_noise(n_frames=N_INTERPOLATED)
    sampler, guider = keyvid(eta=eta, noise_strength=strength), guided(interpolator, pair)
    whole = run(guider, noise=noise, sampler=sampler, sigmas=sigmas)
    half = run(guider, noise=noise, sampler=sampler, sigmas=sigmas[:11]) / LATENT_SCALE
    none = torch.zeros_like(noise)
    found = run(guider, noise=none, latent=half, sampler=sampler, sigmas=sigmas[10:])
    assert_agree(found, whole, tolerance=float32_tolerance(n_steps=20, amplification=AMPLIFICATION))
    with pytest.raises(AssertionError):
        assert_agree(half * LATENT_SCALE, whole, tolerance=1e-1)


def test_an_empty_part_of_a_run_leaves_the_latent_as_it_is(generator):
    latent = unit_noise(seed=9)
    found = run(
        guided(generator),
        noise=torch.zeros_like(latent),
        latent=latent / LATENT_SCALE,
        sigmas=sigmas_of(generator, 3)[-1:],
    )
    assert_agree(found, latent)


def test_a_noise_mask_keeps_the_frames_it_leaves_out(generator):
    latent = unit_noise(seed=9)
    mask = torch.ones(4, 4, 6)  # (T, h, w), as ComfyUI's mask nodes give it
    mask[1] = 0
    options = {"latent": latent / LATENT_SCALE, "denoise_mask": mask}
    found = run(guided(generator), **options)
    torch.testing.assert_close(found[:, :, 1], latent[:, :, 1], rtol=0, atol=1e-6)
    changed = (found - latent).abs().amax(dim=(0, 1, 3, 4))
    assert (changed[[0, 2, 3]] > 0.1).all()
    # what is kept is seen: the other frames are painted around it
    assert not torch.allclose(found[:, :, 0], run(guided(generator))[:, :, 0])


def test_levels_that_do_not_fall_are_refused_with_a_message(generator):
    """Karras' schedule spends several steps at the model's highest level, where the published one has a single one."""
    sigmas = core_sigmas(generator, "karras", 20)
    with pytest.raises(KeyVIDError, match="every step must lead to a lower one"):
        run(guided(generator), sigmas=sigmas)


# keyframes in the first step


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_after_the_first_step_keyframes_are_their_latents_at_that_level(interpolator, eta):
    from keyvid_pack.host.sampling.condition_keys import KEYFRAME_LATENTS

    pair = interpolation()
    clean = pair[0][0][1][KEYFRAME_LATENTS] * LATENT_SCALE
    (after_first, after_second, _), units = latents_in_between(interpolator, pair=pair, eta=eta)
    schedule = make_schedule(4)
    at = list(KEYFRAMES)
    for step, x in ((0, after_first), (1, after_second)):
        alpha = schedule.alphas_prev[step]
        expected = alpha**0.5 * clean + (1 - alpha) ** 0.5 * units[step][:, :, at]
        error = (x[:, :, at] - expected).abs().amax(dim=(0, 1, 3, 4))
        # four roundings of values up to 5 are 2.4e-6; what is not held is a thousand times as far away
        assert (error <= 1e-5).all() if step == 0 else (error > 1e-2).all()
    between = [frame for frame in range(N_INTERPOLATED) if frame not in KEYFRAMES]
    plain, _ = latents_in_between(interpolator, pair=pair, eta=eta, inpainted_steps=0)
    torch.testing.assert_close(after_first[:, :, between], plain[0][:, :, between])
    assert not torch.allclose(after_first[:, :, at], plain[0][:, :, at])


def test_every_clip_of_a_batch_is_held_to_the_keyframes(interpolator):
    from keyvid_pack.host.sampling.condition_keys import KEYFRAME_LATENTS

    pair = interpolation()
    clean = pair[0][0][1][KEYFRAME_LATENTS] * LATENT_SCALE  # (1, 4, K, h, w)
    (after_first, *_), units = latents_in_between(interpolator, pair=pair, batch=2)
    alpha, at = make_schedule(4).alphas_prev[0], list(KEYFRAMES)
    for clip, unit in zip(after_first, units[0], strict=True):
        expected = alpha**0.5 * clean[0] + (1 - alpha) ** 0.5 * unit[:, at]
        # as above: four roundings of values up to 5
        torch.testing.assert_close(clip[:, at], expected.float(), rtol=0, atol=1e-5)


def test_the_network_is_given_the_concat_latent_on_the_planned_frames_only(interpolator):
    from keyvid_pack.host.sampling.condition_keys import CONCAT

    pair = interpolation()
    with Forwards(interpolator) as forwards:
        run(guided(interpolator, pair), noise=unit_noise(n_frames=N_INTERPOLATED))
    for _, x, _ in forwards.calls:
        assert x.shape[1] == 8
        per_frame = x[:, 4:].abs().amax(dim=(1, 3, 4))  # (B, T)
        assert [[bool(value) for value in row] for row in per_frame > 0] == [
            [frame in KEYFRAMES for frame in range(N_INTERPOLATED)]
        ] * len(x)
        scaled = pair[0][0][1][CONCAT] * LATENT_SCALE
        torch.testing.assert_close(x[:, 4:], scaled.expand(len(x), -1, -1, -1, -1))


# Interpolated Noise


class _Noise:
    seed = 11

    def generate_noise(self, latent):
        return unit_noise(n_frames=latent["samples"].shape[2])


def test_noise_between_keyframes_is_mixed_from_theirs():
    from keyvid_pack.host.sampling.condition_keys import PLAN
    from keyvid_pack.host.sampling.sampler import KeyframeNoise

    plan = plan_at_frames(KEYFRAMES, fps=24, n_frames=N_INTERPOLATED)
    latent = {"samples": torch.zeros(1, 4, N_INTERPOLATED, 4, 6), PLAN: plan}
    noise = KeyframeNoise(_Noise())
    assert noise.seed == 11
    plain, found = _Noise().generate_noise(latent), noise.generate_noise(latent)
    assert torch.equal(found[:, :, KEYFRAMES], plain[:, :, KEYFRAMES])
    torch.testing.assert_close(found[:, :, 1], (plain[:, :, 0] + plain[:, :, 2]) / 2)
    # the published weights favour the keyframe farther away
    torch.testing.assert_close(found[:, :, 3], plain[:, :, 2] / 3 + plain[:, :, 5] * 2 / 3)


def test_interpolated_noise_needs_a_plan():
    from keyvid_pack.host.sampling.sampler import KeyframeNoise

    latent = {"samples": torch.zeros(1, 4, N_INTERPOLATED, 4, 6)}
    with pytest.raises(KeyVIDError, match="has no keyframe plan"):
        KeyframeNoise(_Noise()).generate_noise(latent)


# wrong wires


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 4, 5, 4, 6), "has 5 frames, but the conditioning was made for 4 frames"),
        ((4, 4, 1, 4, 6), "is for single images, but the conditioning was made for 4 frames"),
        ((1, 4, 4, 6, 6), "for images of 48 x 48 pixels, but the conditioning was made for 48 x 32"),
        ((1, 16, 4, 4, 6), "4 channels"),
        ((4, 4, 4, 6), "this model paints videos"),
    ],
)  # fmt: skip
def test_a_latent_of_another_shape_is_refused_with_a_message(generator, shape, message):
    noise = torch.ones(shape)
    with pytest.raises(KeyVIDError, match=message):
        run(guided(generator), noise=noise, latent=noise)


def test_plain_text_on_ksampler_is_refused_with_a_message(generator):
    raw = [[torch.zeros(1, 7, 24), {}]]
    with pytest.raises(KeyVIDError, match="Put Keyframe Conditioning"):
        run(core_guider(generator, raw))


def test_a_foreign_model_is_refused_with_a_message(generator):
    """As SamplerCustomAdvanced meets it: a guider of ComfyUI's on any other MODEL."""
    foreign = generator.clone()
    foreign.model = _Foreign(generator.model)
    guider = core_guider(generator, conditioning()[0])
    guider.model_patcher = foreign
    from keyvid_pack.host.sampling.sampler import sample_ddim

    model = type("Model", (), {"inner_model": guider})()
    with pytest.raises(KeyVIDError, match="KeyVID Sampler is made for KeyVID"):
        sample_ddim(model, unit_noise(), sigmas_of(generator, 3), eta=1.0, base_scale=0.7)
    with pytest.raises(KeyVIDError, match="not a KeyVID or DynamiCrafter model"):
        sigmas_of(foreign, 3)


class _Foreign:
    """A model of ComfyUI's: it has no facts of ours."""

    def __init__(self, model):
        self.model_sampling = model.model_sampling
