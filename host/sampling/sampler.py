"""KeyVID's sampler as a ComfyUI SAMPLER, its steps as SIGMAS, its first latent as NOISE.

models/diffusion/ddim.py computes a step; this file adds ComfyUI's loop, seeds, masks and previews.
"""

from collections.abc import Callable
from typing import Any

import comfy.samplers
import torch

from ...errors import SamplingError, TimestepsError
from ...keyframes.values import real_number, whole_number
from ...models.diffusion.ddim import ddim_step, inpaint_keyframes, interpolate_keyframe_noise
from ...models.diffusion.schedule import N_TIMESTEPS, Schedule, ddim_timesteps, schedule_along
from ..payloads import Guider, Latent, Model, Noise, Sampler, Sigmas
from .condition_keys import KEYFRAME_FRAMES, KEYFRAME_LATENTS, PLAN
from .defaults import BASE_SCALE, ETA, INPAINTED_STEPS, NOISE_STRENGTH, SPACINGS, STEPS
from .model_facts import facts_of
from .noise_scale import v_of, ve_of, vp_of
from .validation import check_can_be_sampled, check_prediction


def keyvid_sigmas(
    model: Model, *, n_steps: int = STEPS, spacing: str = SPACINGS[0], ends_at_t0: bool = True
) -> Sigmas:
    """SIGMAS (n_steps + 1,) of a run's timesteps, falling.

    ends_at_t0: they end at timestep 0, as published, which still has a little noise; else at no noise.
    Raises KeyVIDError for another model, SamplingError for a count or spacing that does not exist.
    """
    facts_of(model)
    check_prediction(model)
    timesteps = list(ddim_timesteps(n_steps, spacing)[::-1])
    table = model.get_model_object("model_sampling").sigmas.cpu()
    last = table[:1] if ends_at_t0 else torch.zeros(1)
    return torch.cat([table[timesteps], last])


def keyvid_sampler(
    *,
    eta: float = ETA,
    base_scale: float = BASE_SCALE,
    inpainted_steps: int = INPAINTED_STEPS,
    noise_strength: float = NOISE_STRENGTH,
) -> Sampler:
    """A SAMPLER that runs DDIM as KeyVID does (published-model e, f.5).

    eta: 0 adds no noise after a step, 1 as much as DDPM. base_scale: dynamic rescale, 1 for none.
    inpainted_steps: how many of the first steps set the keyframes of the positive conditioning, if it has any; in
    a run that is split by Split Sigmas, steps of its first part. noise_strength: factor, 0 to 1, of the noise that
    the run adds, before its first step and after each; noise that is already in the latent stays.
    Raises SamplingError for another noise strength, KeyVIDError for what is no number.
    """
    eta, base_scale = real_number(eta, "eta"), real_number(base_scale, "base scale")
    noise_strength = real_number(noise_strength, "noise strength")
    inpainted_steps = whole_number(
        inpainted_steps, "number of inpainted steps", least=0, most=N_TIMESTEPS
    )
    if not 0 <= noise_strength <= 1:  # not for NaN either
        raise SamplingError(
            f"The noise strength is {noise_strength}; set it from 0 (no noise at all) to 1 (as published)."
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
    model: Any,
    x: torch.Tensor,
    sigmas: Sigmas,
    extra_args: dict[str, Any] | None = None,
    callback: Callable[[dict[str, Any]], None] | None = None,
    disable: bool | None = None,
    *,
    eta: float,
    base_scale: float,
    inpainted_steps: int = 0,
    noise_strength: float = NOISE_STRENGTH,
    noise_sampler: Callable[[int], torch.Tensor] | None = None,
) -> torch.Tensor:
    """ComfyUI's sampler function: from x at sigmas[0] to the latent at sigmas[-1].

    x: (B, 4, T, h, w) in ComfyUI's scale. noise_sampler(index): the unit noise of a step, shaped like x, which
    noise_strength scales; by default drawn on the CPU from the seed, the same on every device. A run that ends at
    timestep 0 or at no noise returns the latent to decode; another sampler can resume from a run that ends higher.
    Raises SamplingError for sigmas that are not levels of the model.
    """
    guider = model.inner_model
    check_can_be_sampled(guider.model_patcher)
    if len(sigmas) < 2:  # what Split Sigmas leaves at either end
        return x
    extra_args = extra_args or {}
    schedule, ends = _schedule(guider.model_patcher, sigmas, eta=eta, base_scale=base_scale)
    noise_sampler = noise_sampler or _seeded_noise(x, schedule, extra_args.get("seed"))
    # a run without noise of its own resumes another run, so its steps are not the first ones
    is_first_part = bool(torch.count_nonzero(model.noise))
    keyframes = _keyframes(guider) if inpainted_steps and is_first_part else None
    ones = x.new_ones(len(x))
    if noise_strength != 1:
        x = _with_scaled_noise(model, x, sigmas[0], noise_strength)
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
        inpainted = keyframes if index < inpainted_steps else None
        needs_noise = inpainted is not None or schedule.noise_std[index] > 0
        step_noise = noise_strength * noise_sampler(index) if needs_noise else None
        x, _ = ddim_step(x, v, schedule=schedule, index=index, noise=step_noise)
        if inpainted is not None:
            alpha_prev = schedule.alphas_prev[index]
            x = inpaint_keyframes(x, *inpainted, alpha_prev=alpha_prev, noise=step_noise)
    return _kept(model, x, extra_args) if ends else ve_of(x, sigmas[-1])


def _with_scaled_noise(
    model: Any, x: torch.Tensor, sigma: torch.Tensor, strength: float
) -> torch.Tensor:
    """x, which is latent + sigma * noise, with `strength` times the noise, and so the noise of what a mask keeps.

    At the highest level ComfyUI adds sqrt(1 + sigma²) * noise, which is the same there in float32.
    """
    x = x + (strength - 1) * sigma * model.noise
    model.noise = strength * model.noise  # ComfyUI noises what a mask keeps with it, at every step
    return x


def _schedule(
    model_patcher: Model, sigmas: Sigmas, *, eta: float, base_scale: float
) -> tuple[Schedule, bool]:
    """(the Schedule along these sigmas, whether their last one is the level at which a video is decoded)."""
    timesteps = model_patcher.get_model_object("model_sampling").timestep(sigmas).tolist()
    end = None if float(sigmas[-1]) == 0 else timesteps[-1]
    try:
        schedule = schedule_along(timesteps[:-1], end=end, eta=eta, base_scale=base_scale)
    except TimestepsError as error:
        remedy = "Connect KeyVID Schedule, or choose another scheduler or fewer steps."
        raise SamplingError(f"{error} {remedy}") from error
    return schedule, end in (None, 0)


def _seeded_noise(
    x: torch.Tensor, schedule: Schedule, seed: int | None
) -> Callable[[int], torch.Tensor]:
    """Unit noise shaped like x by step, drawn on the CPU: the same on every device.

    Every timestep has its own seed, so that the parts of a run that Split Sigmas cuts never draw the same noise.
    """

    def draw(index: int) -> torch.Tensor:
        own_seed = ((seed or 0) + 1) * N_TIMESTEPS + schedule.timesteps[index]
        generator = torch.Generator("cpu").manual_seed(own_seed % 2**64)
        return torch.randn(x.shape, generator=generator, device="cpu").to(x)

    return draw


def _keyframes(guider: Guider) -> tuple[torch.Tensor, tuple[int, ...]] | None:
    """(scaled latents (1, 4, K, h, w), K frames) of the positive conditioning, for every clip; or None."""
    conditions = getattr(guider, "clip_conditions", guider.conds)  # of a clip in windows
    for entry in conditions.get("positive") or ():
        if KEYFRAME_LATENTS in entry:
            latents = guider.inner_model.process_latent_in(entry[KEYFRAME_LATENTS])
            return latents, entry[KEYFRAME_FRAMES]
    return None


def _kept(model: Any, x: torch.Tensor, extra_args: dict[str, Any]) -> torch.Tensor:
    """x where a noise mask is 1, and the latent that was sampled from where it is 0."""
    mask = extra_args.get("denoise_mask")
    return x if mask is None else x * mask + model.latent_image * (1 - mask)


class KeyframeNoise:
    """NOISE for the interpolation: between two keyframes, a mixture of theirs (published-model c.3)."""

    def __init__(self, noise: Noise) -> None:
        self.noise, self.seed = noise, noise.seed

    def generate_noise(self, input_latent: Latent) -> torch.Tensor:
        """(B, 4, T, h, w), unit normal at the keyframes. Raises SamplingError when the latent has no plan."""
        plan = input_latent.get(PLAN)
        if plan is None:
            raise SamplingError(
                "The latent on the sampler has no keyframe plan, so there are no keyframes to interpolate the noise "
                "between; connect the latent output of Interpolation Conditioning."
            )
        return interpolate_keyframe_noise(self.noise.generate_noise(input_latent), plan.frames)
