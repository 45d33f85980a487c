"""One DDIM step from a v prediction, what KeyVID adds to it, and a plain loop (arXiv 2010.02502, equation 12).

Latents are variance preserving: x = sqrt(alpha bar) x0 + sqrt(1 - alpha bar) eps, as the networks see them.
A caller with a loop of its own (ComfyUI) takes ddim_step one step at a time.
"""

import numpy as np
import torch

from ...errors import SamplingError
from ..frame_index import checked_frames
from .guidance import RESCALE, combine, needed_passes, pass_weights, wide

INPAINTED_STEPS = 1  # how many of the first steps set the keyframes (inpainting_end_step 0)


def ddim_step(x, v, *, schedule, index, noise=None):
    """From the latent at step `index` to the latent at the next one.

    x, v: (B, ...) latent and prediction of one shape; schedule: a Schedule; index: 0 is the noisiest step;
    noise: unit normal, shaped like x, needed where the schedule adds noise. The clean latent counts in
    full for eps and dynamically rescaled for the next latent (published-model e.1, e.2, e.5). After the last step
    the latent stands at noise level 0, which has noise too, and keeps the scale of the last step: published models
    are decoded as it is.
    Returns: the next latent, and the clean latent as rescaled; float32 or wider. Raises SamplingError.
    """
    _check_index(schedule, index)
    x, v = wide(x), wide(v)
    root, root_noise = schedule.sqrt_alphas[index], schedule.sqrt_one_minus_alphas[index]
    eps = root * v + root_noise * x
    x0 = (root * x - root_noise * v) * _rescale(schedule, index)
    x_next = _root32(schedule.alphas_prev[index]) * x0 + schedule.directions[index] * eps
    sigma = schedule.sigmas[index]
    if sigma > 0:
        if noise is None:
            raise SamplingError(
                f"Step {index + 1} adds noise (eta is {schedule.eta}), and none was given; "
                "give noise, or take eta 0."
            )
        x_next = x_next + sigma * noise.to(x)
    return x_next, x0


def interpolate_keyframe_noise(noise, keyframes):
    """The first latent of the interpolation: noise between two keyframes becomes a mixture of theirs.

    noise: (B, C, T, h, w) unit normal; keyframes: frames, in any order; the last frame counts as one. Frame j
    between p and q becomes (j - p) / (q - p) of p and (q - j) / (q - p) of q: as published, each takes most from
    the keyframe farther away, and midway the variance is 1/2 (published-model c.3). Keyframes, and frames before
    the first one, stay as they are. Returns: a new tensor (B, C, T, h, w). Raises SamplingError.
    """
    n_frames = noise.shape[2]
    anchors = sorted({*checked_frames(keyframes, n_frames), n_frames - 1})
    mixed = noise.clone()
    for p, q in zip(anchors, anchors[1:], strict=False):
        for j in range(p + 1, q):
            share = (j - p) / (q - p)
            mixed[:, :, j] = share * noise[:, :, p] + (q - j) / (q - p) * noise[:, :, q]
    return mixed


def inpaint_keyframes(x, latents, frames, *, alpha_prev, noise):
    """Sets keyframes of a latent to known ones at its noise level (published-model f.5).

    x: (B, C, T, h, w), the latent after a step; latents: (B or 1, C, K, h, w) clean; frames: K frames of x, where one
    is named twice the last counts; alpha_prev: alpha bar of x, schedule.alphas_prev; noise: unit normal,
    shaped like x, that of the same step. Unlike the published code it needs no sigma, so eta may be 0.
    Returns: a new tensor (B, C, T, h, w). Raises SamplingError.
    """
    frames = checked_frames(frames, x.shape[2], n_latents=latents.shape[2])
    if noise is None:
        raise SamplingError(
            "Setting keyframes in the first step needs noise; give it, also at eta 0."
        )
    last = {frame: k for k, frame in enumerate(frames)}  # frame -> its latent
    at, k = list(last), list(last.values())
    clean, unit = latents[:, :, k].to(x), noise[:, :, at].to(x)  # (B, C, K, h, w)
    x = x.clone()
    x[:, :, at] = _root32(alpha_prev) * clean + _root32(1 - alpha_prev) * unit
    return x


def sample(
    model,
    x,
    conditions,
    *,
    schedule,
    weights=None,
    rescale=RESCALE,
    noise=None,
    keyframes=None,
    inpainted_steps=INPAINTED_STEPS,
    batched=False,
    on_step=None,
):
    """Runs a whole schedule: from noise to the latent that is decoded.

    model: callable (x, timesteps, **condition) -> v, x and v (B, C, T, h, w), timesteps (B,) int64.
    x: the first latent. conditions: dict by pass (guidance.PASSES) of dicts of keywords for the model; a pass
    that has no weight may be missing. weights: from pass_weights. noise: a sequence of one unit normal per
    step, shaped like x, or a CPU torch.Generator, which is drawn from once per step, or None at eta 0.
    keyframes: (latents (B, C, K, h, w), frames) to set in the first inpainted_steps steps, or None.
    batched: all passes in one call of the model; the tensors of their conditions must then be of equal shapes.
    on_step(index, x, x0): called after every step; what it raises ends the run.
    Gradients are as the caller sets them. Returns: (B, C, T, h, w), float32 or wider. Raises SamplingError.
    """
    weights = pass_weights() if weights is None else weights
    passes = needed_passes(weights, rescale=rescale)
    missing = [name for name in passes if name not in conditions]
    if missing:
        raise SamplingError(
            f"There is no condition for the pass {' and '.join(map(repr, missing))}."
        )
    if isinstance(noise, (list, tuple)) and len(noise) < len(schedule):
        raise SamplingError(
            f"There is noise for {len(noise)} steps of {len(schedule)}; give one each."
        )
    run, x = _run_together if batched else _run_apart, wide(x)
    for index, timestep in enumerate(schedule.timesteps):
        outputs = run(model, x, timestep, {name: conditions[name] for name in passes})
        v = combine(outputs, weights, rescale=rescale)
        unit = _draw(noise, index, x)
        x, x0 = ddim_step(x, v, schedule=schedule, index=index, noise=unit)
        if keyframes is not None and index < inpainted_steps:
            alpha_prev = schedule.alphas_prev[index]
            x = inpaint_keyframes(x, *keyframes, alpha_prev=alpha_prev, noise=unit)
        if on_step is not None:
            on_step(index, x, x0)
    return x


def _run_apart(model, x, timestep, conditions):
    timesteps = torch.full((len(x),), timestep, device=x.device)
    return {name: model(x, timesteps, **condition) for name, condition in conditions.items()}


def _run_together(model, x, timestep, conditions):
    n = len(conditions)
    timesteps = torch.full((n * len(x),), timestep, device=x.device)
    several = x.repeat(n, *[1] * (x.ndim - 1))  # (passes*B, C, T, h, w)
    values = list(conditions.values())
    joined = {key: _join([condition[key] for condition in values]) for key in values[0]}
    outputs = model(several, timesteps, **joined).chunk(n)  # n of (B, C, T, h, w)
    return dict(zip(conditions, outputs, strict=True))


def _join(values):
    return torch.cat(values) if isinstance(values[0], torch.Tensor) else values[0]


def _draw(noise, index, x):
    if isinstance(noise, torch.Generator):
        # on the CPU: the same noise on every device
        return torch.randn(x.shape, generator=noise, device="cpu").to(x)
    return None if noise is None else noise[index]


def _rescale(schedule, index):
    """The factor of the clean latent, a float32 quotient as published."""
    return float(np.float32(schedule.scales_prev[index]) / np.float32(schedule.scales[index]))


def _root32(number):
    """The float32 square root of a number as float32 holds it."""
    return float(np.sqrt(np.float32(number)))


def _check_index(schedule, index):
    if not 0 <= index < len(schedule):
        raise SamplingError(
            f"There is no step {index}; the schedule has steps 0 to {len(schedule) - 1}."
        )
