"""KeyVID's sampler as a ComfyUI SAMPLER, its steps as SIGMAS, its first latent as NOISE.

A step itself is models/diffusion/ddim.py's; here ComfyUI's loop, seeds, masks and previews are kept.
"""

import comfy.samplers
import torch

from ...errors import KeyVIDError, SamplingError
from ...models.diffusion.ddim import (
    INPAINTED_STEPS,
    ddim_step,
    inpaint_keyframes,
    interpolate_keyframe_noise,
)
from ...models.diffusion.schedule import (
    BASE_SCALE,
    ETA,
    N_TIMESTEPS,
    NOISE_STRENGTH,
    SPACINGS,
    STEPS,
    ddim_timesteps,
    schedule_along,
)
from .condition_keys import KEYFRAME_FRAMES, KEYFRAME_LATENTS, PLAN
from .noise_scale import v_of, ve_of, vp_of
from .video_model import check_prediction, facts_of


def keyvid_sigmas(model, *, n_steps=STEPS, spacing=SPACINGS[0], ends_at_t0=True):
    """SIGMAS (n_steps + 1,) of the noise levels that a run visits, falling.

    ends_at_t0: they end at noise level 0, as published, which still has a little noise; else at no noise.
    Raises KeyVIDError for another model, SamplingError for a count or spacing that does not exist.
    """
    facts_of(model)
    check_prediction(model)
    levels = list(ddim_timesteps(n_steps, spacing)[::-1])
    table = model.get_model_object("model_sampling").sigmas.cpu()
    last = table[:1] if ends_at_t0 else torch.zeros(1)
    return torch.cat([table[levels], last])


def keyvid_sampler(
    *,
    eta=ETA,
    base_scale=BASE_SCALE,
    inpainted_steps=INPAINTED_STEPS,
    noise_strength=NOISE_STRENGTH,
):
    """A SAMPLER that runs DDIM as KeyVID does (published-model e, f.5).

    eta: 0 adds no noise after a step, 1 as much as DDPM. base_scale: dynamic rescale, 1 for none.
    inpainted_steps: how many of the first steps set the keyframes that the positive conditioning brings, if any; in
    a run that is split by Split Sigmas, steps of its first part. noise_strength: factor, 0 to 1, of the run's
    own noise, the first and that of its steps; noise that is in the latent already stays. Raises SamplingError.
    """
    if not 0 <= noise_strength <= 1:  # not for NaN either
        raise SamplingError(
            f"The noise strength is {noise_strength}; take 0 (no noise at all) to 1 (as released)."
        )
    options = {
        "eta": eta,
        "base_scale": base_scale,
        "inpainted_steps": inpainted_steps,
        "noise_strength": noise_strength,
    }
    return comfy.samplers.KSAMPLER(sample_ddim, options)


@torch.no_grad()
def sample_ddim(
    model,
    x,
    sigmas,
    extra_args=None,
    callback=None,
    disable=None,
    *,
    eta,
    base_scale,
    inpainted_steps=0,
    noise_strength=NOISE_STRENGTH,
    noise_sampler=None,
):
    """ComfyUI's sampler function: from x at sigmas[0] to the latent at sigmas[-1].

    x: (B, 4, T, h, w) as ComfyUI keeps it. noise_sampler(index): the unit noise of a step, shaped like x, which
    noise_strength weakens; by default drawn on the CPU from the seed, the same on every device. A run that ends at
    noise level 0 or at none returns the latent that is decoded; one that ends higher can be gone on with by another
    sampler.
    Raises SamplingError when the sigmas are none that the model knows.
    """
    guider = model.inner_model
    _check_model(guider.model_patcher)
    if len(sigmas) < 2:  # what Split Sigmas leaves at either end
        return x
    extra_args = extra_args or {}
    schedule, ends = _schedule(guider.model_patcher, sigmas, eta=eta, base_scale=base_scale)
    noise_sampler = noise_sampler or _seeded_noise(x, schedule, extra_args.get("seed"))
    # a run without noise of its own goes on with another's latent: its first step is none of the first
    begins = bool(torch.count_nonzero(model.noise))
    keyframes = _keyframes(guider) if inpainted_steps and begins else None
    ones = x.new_ones(len(x))
    if noise_strength != 1:
        x = _with_weaker_noise(model, x, sigmas[0], noise_strength)
    x = vp_of(x, sigmas[0])
    for index in range(len(schedule)):
        sigma = sigmas[index]
        x_ve = ve_of(x, sigma)
        denoised = model(x_ve, sigma * ones, **extra_args)
        if callback is not None:
            callback(
                {"i": index, "x": x_ve, "sigma": sigma, "sigma_hat": sigma, "denoised": denoised}
            )
        v = v_of(denoised, x_ve, sigma)
        inpaints = keyframes is not None and index < inpainted_steps
        needs_noise = inpaints or schedule.noise_std[index] > 0
        step_noise = noise_strength * noise_sampler(index) if needs_noise else None
        x, _ = ddim_step(x, v, schedule=schedule, index=index, noise=step_noise)
        if inpaints:
            alpha_prev = schedule.alphas_prev[index]
            x = inpaint_keyframes(x, *keyframes, alpha_prev=alpha_prev, noise=step_noise)
    return _kept(model, x, extra_args) if ends else ve_of(x, sigmas[-1])


def _with_weaker_noise(model, x, sigma, strength):
    """x, which is the latent and sigma * noise, with less of the noise; the noise of what a mask keeps gets as weak.

    At the highest level ComfyUI adds sqrt(1 + sigma²) * noise, which is the same there in float32.
    """
    x = x + (strength - 1) * sigma * model.noise
    model.noise = strength * model.noise  # ComfyUI noises what a mask keeps with it, at every step
    return x


def _check_model(model_patcher):
    try:
        facts_of(model_patcher)
    except KeyVIDError:
        raise SamplingError(
            "KeyVID Sampler steps as KeyVID and DynamiCrafter were trained, and the model is neither; choose another "
            "sampler with KSampler Select, or load a KeyVID model."
        ) from None


def _schedule(model_patcher, sigmas, *, eta, base_scale):
    """(the Schedule along these sigmas, whether they end where a video is decoded)."""
    levels = model_patcher.get_model_object("model_sampling").timestep(sigmas).tolist()
    end = None if float(sigmas[-1]) == 0 else levels[-1]
    schedule = schedule_along(levels[:-1], end=end, eta=eta, base_scale=base_scale)
    return schedule, end in (None, 0)


def _seeded_noise(x, schedule, seed):
    """Unit noise by step, drawn on the CPU: the same on every device.

    Every noise level has its own, so that the parts of a run that Split Sigmas cuts never draw the same.
    """

    def draw(index):
        own_seed = ((seed or 0) + 1) * N_TIMESTEPS + schedule.timesteps[index]
        generator = torch.Generator("cpu").manual_seed(own_seed % 2**64)
        return torch.randn(x.shape, generator=generator, device="cpu").to(x)

    return draw


def _keyframes(guider):
    """(latents (1, 4, K, h, w), frames) that the positive conditioning brings, for every clip; or None."""
    for entry in guider.conds.get("positive") or ():
        if KEYFRAME_LATENTS in entry:
            latents = guider.inner_model.process_latent_in(entry[KEYFRAME_LATENTS])
            return latents, entry[KEYFRAME_FRAMES]
    return None


def _kept(model, x, extra_args):
    """x with what a noise mask leaves out set to what it was."""
    mask = extra_args.get("denoise_mask")
    return x if mask is None else x * mask + model.latent_image * (1 - mask)


class KeyframeNoise:
    """NOISE for the interpolation: between two keyframes, a mixture of theirs (published-model c.3)."""

    def __init__(self, noise):
        self.noise, self.seed = noise, noise.seed

    def generate_noise(self, input_latent):
        """(B, 4, T, h, w) unit normal at the keyframes. Raises SamplingError when the latent brings no plan."""
        plan = input_latent.get(PLAN)
        if plan is None:
            raise SamplingError(
                "The latent on the sampler brings no keyframe plan, so there is nothing to interpolate the noise "
                "between; connect the latent output of Interpolation Conditioning."
            )
        return interpolate_keyframe_noise(self.noise.generate_noise(input_latent), plan.frames)
