"""One DDIM step from a v prediction, what KeyVID adds to it, and a plain loop (arXiv 2010.02502, equation 12).

Latents are variance preserving: x_t = sqrt(ab_t) x_0 + sqrt(1 - ab_t) eps with ab the cumulative product of alphas
("alpha bar"; the paper writes alpha), as the networks see them. A caller with a loop of its own takes ddim_step one
step at a time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ...errors import SamplingError
from ..frame_index import checked_frames
from .guidance import (
    GUIDED,
    PASSES,
    RESCALE,
    UNGUIDED,
    at_least_float32,
    check_guided,
    combine,
    is_guided,
    needed_passes,
    pass_weights,
)
from .schedule import Schedule

INPAINTED_STEPS = 1  # how many of the first steps set the keyframes (inpainting_end_step 0)

Model = Callable[..., torch.Tensor]
Condition = Mapping[str, Any]
# one unit normal per step, or where they are drawn from
Noise = Sequence[torch.Tensor] | torch.Generator


def ddim_step(
    x: torch.Tensor,
    v: torch.Tensor,
    *,
    schedule: Schedule,
    index: int,
    noise: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """From the latent x_t at step `index` to the latent x_s at the next one (published-model e.1, e.2, e.5).

        1. eps = sqrt(ab_t) v + sqrt(1 - ab_t) x_t             the noise in x_t
        2. x_0 = sqrt(ab_t) x_t - sqrt(1 - ab_t) v             the clean latent in x_t
        3. x_0 = x_0 scale_s / scale_t                         dynamic rescale, after eps was computed without it
        4. direction = sqrt(1 - ab_s - sigma_t^2) eps          "direction pointing to x_t"
        5. x_s = sqrt(ab_s) x_0 + direction + sigma_t noise    equation 12, sigma_t of equation 16 (noise_std)

    After the last step the latent is at noise level 0, which is not free of noise, and keeps the scale of the last
    step: published models decode it as it is.
    x, v: (B, ...) latent and prediction of one shape; index: 0 is the noisiest step; noise: unit normal, shaped like
    x, needed where the schedule adds noise.
    Returns: x_s, and x_0 as rescaled; float32 or wider. Raises SamplingError.
    """
    _check_index(schedule, index)
    x, v = at_least_float32(x), at_least_float32(v)
    sqrt_ab, sqrt_one_minus_ab = schedule.sqrt_alphas[index], schedule.sqrt_one_minus_alphas[index]
    eps = sqrt_ab * v + sqrt_one_minus_ab * x
    x0 = (sqrt_ab * x - sqrt_one_minus_ab * v) * _rescale(schedule, index)
    x_next = _sqrt_float32(schedule.alphas_prev[index]) * x0 + schedule.directions[index] * eps
    noise_std = schedule.noise_std[index]
    if noise_std > 0:
        if noise is None:
            raise SamplingError(
                f"Step {index + 1} adds noise (eta is {schedule.eta}), and none was given; "
                "give noise, or take eta 0."
            )
        x_next = x_next + noise_std * noise.to(x)
    return x_next, x0


def interpolate_keyframe_noise(noise: torch.Tensor, keyframes: Iterable[int]) -> torch.Tensor:
    """The first latent of the interpolation: noise between two keyframes becomes a mixture of theirs.

    Between neighbouring keyframes p < j < q (published-model c.3):

        noise[j] = (j - p) / (q - p) noise[p] + (q - j) / (q - p) noise[q]

    As published, each frame takes most from the keyframe farther away, and midway the variance is 1/2. Keyframes, and
    frames before the first one, stay as they are.
    noise: (B, C, T, h, w) unit normal; keyframes: frames, in any order; the last frame of the clip counts as one.
    Returns: a new tensor (B, C, T, h, w). Raises SamplingError.
    """
    n_frames = noise.shape[2]
    anchors = sorted({*checked_frames(keyframes, n_frames), n_frames - 1})
    mixed = noise.clone()
    for p, q in zip(anchors, anchors[1:], strict=False):
        for j in range(p + 1, q):
            share = (j - p) / (q - p)
            mixed[:, :, j] = share * noise[:, :, p] + (q - j) / (q - p) * noise[:, :, q]
    return mixed


def inpaint_keyframes(
    x: torch.Tensor,
    latents: torch.Tensor,
    frames: Iterable[int],
    *,
    alpha_prev: float,
    noise: torch.Tensor | None,
) -> torch.Tensor:
    """Sets keyframes of a latent to known ones at its noise level (published-model f.5).

        x[frame] = sqrt(ab_s) latent + sqrt(1 - ab_s) noise[frame]

    x: (B, C, T, h, w), the latent after a step; latents: (B or 1, C, K, h, w) clean; frames: K frames of x; of two
    for one frame the last counts; alpha_prev: ab_s of x, an entry of schedule.alphas_prev; noise: unit normal, shaped
    like x, that of the same step. Unlike the published code this divides by no sigma, so eta may be 0.
    Returns: a new tensor (B, C, T, h, w). Raises SamplingError.
    """
    frames = checked_frames(frames, x.shape[2], n_latents=latents.shape[2])
    if noise is None:
        raise SamplingError(
            "Setting keyframes in the first step needs noise; give it, also at eta 0."
        )
    latent_of = {frame: k for k, frame in enumerate(frames)}
    frames, k = list(latent_of), list(latent_of.values())
    clean, unit = latents[:, :, k].to(x), noise[:, :, frames].to(x)  # (B, C, K, h, w)
    x = x.clone()
    x[:, :, frames] = _sqrt_float32(alpha_prev) * clean + _sqrt_float32(1 - alpha_prev) * unit
    return x


def sample(
    model: Model,
    x: torch.Tensor,
    conditions: Mapping[str, Condition],
    *,
    schedule: Schedule,
    weights: Mapping[str, float] | None = None,
    rescale: float = RESCALE,
    noise: Noise | None = None,
    keyframes: tuple[torch.Tensor, Iterable[int]] | None = None,
    inpainted_steps: int = INPAINTED_STEPS,
    guided: tuple[float, float] = GUIDED,
    batched: bool = False,
    on_step: Callable[[int, torch.Tensor, torch.Tensor], object] | None = None,
) -> torch.Tensor:
    """Runs a whole schedule: from noise to the latent that is decoded.

    model: callable (x, timesteps, **condition) -> v, x and v (B, C, T, h, w), timesteps (B,) int64.
    x: the first latent. conditions: {pass: keywords for the model}, as guidance_conditions gives them; a pass
    without weight may be missing. weights: from pass_weights. noise: a sequence of one unit normal per
    step, shaped like x, or a CPU torch.Generator, which is drawn from once per step, or None at eta 0.
    keyframes: (latents (B, C, K, h, w), frames) to set in the first inpainted_steps steps, or None.
    guided: from and until which share of the run; in other steps the pass "full" alone is run.
    batched: all passes in one call of the model; the tensors of their conditions must then be of equal shapes.
    on_step(index, x, x0): called after every step; what it raises ends the run.
    Gradients are as the caller sets them. Returns: (B, C, T, h, w), float32 or wider. Raises SamplingError.
    """
    check_guided(guided)
    weights = pass_weights() if weights is None else weights
    guidance = (weights, rescale), (UNGUIDED, 0.0)
    its_steps = [guidance[not is_guided(timestep, guided)] for timestep in schedule.timesteps]
    needed = {
        name for its, its_rescale in its_steps for name in needed_passes(its, rescale=its_rescale)
    }
    missing = [name for name in PASSES if name in needed and name not in conditions]
    if missing:
        raise SamplingError(
            f"There is no condition for the pass {' and '.join(map(repr, missing))}."
        )
    if isinstance(noise, Sequence) and len(noise) < len(schedule):
        raise SamplingError(
            f"There is noise for {len(noise)} steps of {len(schedule)}; give one each."
        )
    run, x = _run_batched if batched else _run_one_by_one, at_least_float32(x)
    for index, timestep in enumerate(schedule.timesteps):
        its_weights, its_rescale = its_steps[index]
        passes = needed_passes(its_weights, rescale=its_rescale)
        outputs = run(model, x, timestep, {name: conditions[name] for name in passes})
        v = combine(outputs, its_weights, rescale=its_rescale)
        unit = _draw(noise, index, x)
        x, x0 = ddim_step(x, v, schedule=schedule, index=index, noise=unit)
        if keyframes is not None and index < inpainted_steps:
            alpha_prev = schedule.alphas_prev[index]
            x = inpaint_keyframes(x, *keyframes, alpha_prev=alpha_prev, noise=unit)
        if on_step is not None:
            on_step(index, x, x0)
    return x


def _run_one_by_one(
    model: Model, x: torch.Tensor, timestep: int, conditions: Mapping[str, Condition]
) -> dict[str, torch.Tensor]:
    timesteps = torch.full((len(x),), timestep, device=x.device)
    return {name: model(x, timesteps, **condition) for name, condition in conditions.items()}


def _run_batched(
    model: Model, x: torch.Tensor, timestep: int, conditions: Mapping[str, Condition]
) -> dict[str, torch.Tensor]:
    n = len(conditions)
    timesteps = torch.full((n * len(x),), timestep, device=x.device)
    repeated = x.repeat(n, *[1] * (x.ndim - 1))  # (passes*B, C, T, h, w)
    values = list(conditions.values())
    joined = {key: _join([condition[key] for condition in values]) for key in values[0]}
    outputs = model(repeated, timesteps, **joined).chunk(n)  # n of (B, C, T, h, w)
    return dict(zip(conditions, outputs, strict=True))


def _join(values: list[Any]) -> Any:
    return torch.cat(values) if isinstance(values[0], torch.Tensor) else values[0]


def _draw(noise: Noise | None, index: int, x: torch.Tensor) -> torch.Tensor | None:
    if isinstance(noise, torch.Generator):
        # on the CPU: the same noise on every device
        return torch.randn(x.shape, generator=noise, device="cpu").to(x)
    return None if noise is None else noise[index]


def _rescale(schedule: Schedule, index: int) -> float:
    """The factor of the clean latent, a float32 quotient as published."""
    return float(np.float32(schedule.scales_prev[index]) / np.float32(schedule.scales[index]))


def _sqrt_float32(number: float) -> float:
    """The float32 square root of a number rounded to float32."""
    return float(np.sqrt(np.float32(number)))


def _check_index(schedule: Schedule, index: int) -> None:
    if not 0 <= index < len(schedule):
        raise SamplingError(
            f"There is no step {index}; the schedule has steps 0 to {len(schedule) - 1}."
        )
