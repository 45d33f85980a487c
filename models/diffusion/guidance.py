"""Guidance by text, image and audio, each with a scale of its own (KeyVID, arXiv 2504.09656; published-model e.4).

Four passes build on each other: "none", "image" (the image), "image_text" (and the prompt), "full" (and the audio).
A pass is one run of the network, conditioned on these; its output is a v prediction.
"""

import math
from collections.abc import Mapping

import torch

from ...errors import SamplingError
from .schedule import N_TIMESTEPS

PASSES = ("none", "image", "image_text", "full")
IMAGE_SCALE, TEXT_SCALE, AUDIO_SCALE = 2.0, 7.5, 7.5  # keyframes, scripts/generation.sh
RESCALE = 0.7  # arXiv 2305.08891, section 3.4
GUIDED = (0.0, 1.0)  # from, until: shares of the run
# outside of it: the prediction of one pass, as it is
UNGUIDED = {"none": 0.0, "image": 0.0, "image_text": 0.0, "full": 1.0}


def pass_weights(
    image_scale: float = IMAGE_SCALE,
    text_scale: float = TEXT_SCALE,
    audio_scale: float = AUDIO_SCALE,
) -> dict[str, float]:
    """What the prediction of each pass is multiplied with in the guided one; the four weights add up to 1.

        v = v_none + s_image (v_image - v_none) + s_text (v_image_text - v_image) + s_audio (v_full - v_image_text)
          = (1 - s_image) v_none + (s_image - s_text) v_image + (s_text - s_audio) v_image_text + s_audio v_full

    With audio_scale equal to text_scale "image_text" has no weight: give a model without audio its image and prompt
    as "full" and both scales alike, and it takes its own three passes.
    Returns: a dict by the names in PASSES. Raises SamplingError for a scale that is not a finite number.
    """
    scales = {"image": image_scale, "text": text_scale, "audio": audio_scale}
    for name, scale in scales.items():
        if not math.isfinite(scale):
            raise SamplingError(f"The {name} guidance is {scale}; take a number, for example 7.5.")
    weights = (1 - image_scale, image_scale - text_scale, text_scale - audio_scale, audio_scale)
    return dict(zip(PASSES, map(float, weights), strict=True))


def needed_passes(weights: Mapping[str, float], *, rescale: float = 0.0) -> tuple[str, ...]:
    """The passes that have to be run, in the order of PASSES: those with a weight, and "full" for the rescale."""
    return tuple(name for name in PASSES if weights[name] != 0 or (name == "full" and rescale > 0))


def check_guided(guided: tuple[float, float]) -> None:
    """Raises SamplingError unless 0 <= from <= until <= 1."""
    start, end = guided
    if not 0 <= start <= end <= 1:  # not for NaN either
        raise SamplingError(
            f"Guidance lasts from {start:g} until {end:g} of the run; take two numbers from 0 (its first step) to 1 "
            "(its last), the smaller one first."
        )


def is_guided(timestep: float, guided: tuple[float, float] = GUIDED) -> bool:
    """Whether a step is guided: from <= share < until, where the share of the run that lies behind a timestep t is

        (999 - t) / 1000

    so that of n evenly spaced steps step k, counted from 0, has the share k / n. It depends on the noise level alone,
    not on how many steps a run has or where it was split (an interval of noise levels, as in arXiv 2404.07724).
    """
    start, end = guided
    return start <= (N_TIMESTEPS - 1 - timestep) / N_TIMESTEPS < end


def combine(
    outputs: Mapping[str, torch.Tensor], weights: Mapping[str, float], *, rescale: float = 0.0
) -> torch.Tensor:
    """The guided prediction: the weighted sum of the passes, rescaled towards the contrast of "full".

        v = sum_p w_p v_p,  then  v = rescale * v * std(v_full) / std(v) + (1 - rescale) * v

    with unbiased standard deviations over all axes but the batch (arXiv 2305.08891, equations 15 and 16).
    outputs: v by pass, tensors (B, ...) of one shape; passes without weight may be missing and are never read.
    weights: from pass_weights. rescale: 0 to 1. Returns: v, shaped like the outputs, float32 or wider: scales of 9
    would show the rounding of half precision. Raises SamplingError when a pass is missing.
    """
    if not 0 <= rescale <= 1:
        raise SamplingError(f"The guidance rescale is {rescale}; take 0 (none) to 1 (all the way).")
    missing = [name for name in needed_passes(weights, rescale=rescale) if name not in outputs]
    if missing:
        raise SamplingError(
            f"Guidance needs the prediction of the pass {' and '.join(map(repr, missing))}, which was not run."
        )
    terms = (weights[p] * at_least_float32(outputs[p]) for p in PASSES if weights[p] != 0)
    v = sum(terms, torch.zeros(()))
    return rescaled(v, at_least_float32(outputs["full"]), rescale) if rescale > 0 else v


def rescaled(v: torch.Tensor, full: torch.Tensor, rescale: float) -> torch.Tensor:
    """v with its standard deviation brought towards that of full, sample by sample. v, full: (B, ...)."""
    axes = tuple(range(1, v.ndim))
    std, wanted = (x.std(dim=axes, keepdim=True) for x in (v, full))  # (B, 1, ...)
    factor = (wanted / std).where(std > 0, 1.0)  # a constant prediction cannot be rescaled
    return rescale * (v * factor) + (1 - rescale) * v


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """x in float32, or in its own type where that is wider."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
