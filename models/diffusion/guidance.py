"""Guidance by text, image and audio, each with a scale of its own (KeyVID, arXiv 2504.09656; published-model e.4).

Four conditions build on each other: "none", "image" (the picture), "image_text" (and the prompt), "full" (and the
sound). A pass is one run of the network with one of them; an answer is its v prediction.
"""

import math

import torch

from ...errors import SamplingError

PASSES = ("none", "image", "image_text", "full")
IMAGE_SCALE, TEXT_SCALE, AUDIO_SCALE = 2.0, 7.5, 7.5  # keyframes, scripts/generation.sh
RESCALE = 0.7  # arXiv 2305.08891, section 3.4


def pass_weights(image_scale=IMAGE_SCALE, text_scale=TEXT_SCALE, audio_scale=AUDIO_SCALE):
    """What each answer is multiplied with in the guided one; the four weights add up to 1.

    v = none + image_scale (image - none) + text_scale (image_text - image) + audio_scale (full - image_text),
    sorted by answers. With audio_scale equal to text_scale "image_text" has no weight: give a model
    without sound its picture and prompt as "full" and both scales alike, and it takes its own three passes.
    Returns: a dict by the names in PASSES. Raises SamplingError for a scale that is not a finite number.
    """
    scales = {"image": image_scale, "text": text_scale, "audio": audio_scale}
    for name, scale in scales.items():
        if not math.isfinite(scale):
            raise SamplingError(f"The {name} guidance is {scale}; take a number, for example 7.5.")
    weights = (1 - image_scale, image_scale - text_scale, text_scale - audio_scale, audio_scale)
    return dict(zip(PASSES, map(float, weights), strict=True))


def needed_passes(weights, *, rescale=0.0):
    """The passes that have to be run, in the order of PASSES: those with a weight, and "full" for the rescale."""
    return tuple(name for name in PASSES if weights[name] != 0 or (name == "full" and rescale > 0))


def combine(outputs, weights, *, rescale=0.0):
    """The guided answer out of the answers of single passes.

    outputs: dict of v by pass, tensors (B, ...) of one shape; passes without weight may be missing and are
    never looked at. weights: from pass_weights. rescale: how far, 0 to 1, the spread of the result is brought
    back to that of "full" (arXiv 2305.08891, equations 15 and 16): unbiased standard deviations over all axes
    but the batch. Returns: v, shaped like the outputs, float32 or wider: scales of 9 would show the rounding of
    half precision. Raises SamplingError when a pass is missing.
    """
    if not 0 <= rescale <= 1:
        raise SamplingError(f"The guidance rescale is {rescale}; take 0 (none) to 1 (all the way).")
    missing = [name for name in needed_passes(weights, rescale=rescale) if name not in outputs]
    if missing:
        raise SamplingError(
            f"Guidance needs the answer of the pass {' and '.join(map(repr, missing))}, which was not run."
        )
    v = sum(weights[name] * wide(outputs[name]) for name in PASSES if weights[name] != 0)
    return rescaled(v, wide(outputs["full"]), rescale) if rescale > 0 else v


def rescaled(v, full, rescale):
    """v with its spread brought towards that of full, sample by sample. v, full: (B, ...)."""
    axes = tuple(range(1, v.ndim))
    spread, wanted = (x.std(dim=axes, keepdim=True) for x in (v, full))  # (B, 1, ...)
    factor = (wanted / spread).where(spread > 0, 1.0)  # a flat answer has no spread to change
    return rescale * (v * factor) + (1 - rescale) * v


def wide(x):
    """x in float32, or in its own type where that is wider."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
