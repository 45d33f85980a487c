"""Multimodal guidance as a ComfyUI GUIDER: up to four passes per step, told apart by what each of them is told.

The maths is in models/diffusion/guidance.py (KeyVID, arXiv 2504.09656); here ComfyUI's denoised predictions become v
and back.
"""

import logging

import comfy.samplers
import torch

from ...errors import SamplingError
from ...models.diffusion.conditioning import guidance_conditions
from ...models.diffusion.guidance import (
    AUDIO_SCALE,
    IMAGE_SCALE,
    RESCALE,
    TEXT_SCALE,
    combine,
    needed_passes,
    pass_weights,
)
from .condition_keys import AUDIO, CONCAT, FPS, FRAME_INDEX, IMAGE
from .noise_scale import denoised_of, v_of
from .video_model import check_prediction, facts_of

log = logging.getLogger("keyvid")

# pass -> its name among ComfyUI's conditions, in this order: patches take the first for the prompt, the second
# for the absence of one. The full pass must be called "positive".
_CONDITIONS = {"full": "positive", "none": "none", "image": "image", "image_text": "image_text"}
# what other nodes put in the place of ComfyUI's guidance, which is not run here
_REPLACED = ("sampler_cfg_function", "sampler_pre_cfg_function", "sampler_calc_cond_batch_function")


class MultimodalGuider(comfy.samplers.CFGGuider):
    """Guides by picture, text and sound, each with a scale of its own. Made by `multimodal_guider`."""

    def set_passes(self, conditions, weights, rescale):
        """conditions: {pass: CONDITIONING}; weights: of the passes, from pass_weights; rescale: 0 to 1."""
        self.weights, self.rescale = weights, rescale
        self.passes = needed_passes(weights, rescale=rescale)
        kept = [name for name in _CONDITIONS if name in self.passes or name == "full"]
        self.inner_set_conds({_CONDITIONS[name]: conditions[name] for name in kept})

    def predict_noise(self, x, timestep, model_options=None, seed=None):
        """The guided clean latent (B, 4, T, h, w): what ComfyUI calls the denoised prediction."""
        model_options = model_options or {}
        conds = [
            self.conds[key] if name in self.passes else None for name, key in _CONDITIONS.items()
        ]
        answers = comfy.samplers.calc_cond_batch(
            self.inner_model, conds, x, timestep, model_options
        )
        denoised = dict(zip(_CONDITIONS, answers, strict=True))
        v = {name: v_of(denoised[name], x, timestep) for name in self.passes}
        guided = denoised_of(combine(v, self.weights, rescale=self.rescale), x, timestep)
        for function in model_options.get("sampler_post_cfg_function", []):
            guided = function(
                {
                    "denoised": guided,
                    "cond": self.conds["positive"],
                    "uncond": self.conds.get("none"),
                    "cond_scale": self.cfg,
                    "model": self.inner_model,
                    "uncond_denoised": denoised["none"],
                    "cond_denoised": denoised["full"],
                    "sigma": timestep,
                    "model_options": model_options,
                    "input": x,
                }
            )
        return guided


def multimodal_guider(
    model,
    positive,
    negative,
    *,
    image_scale=IMAGE_SCALE,
    text_scale=TEXT_SCALE,
    audio_scale=AUDIO_SCALE,
    rescale=RESCALE,
):
    """A GUIDER for a KeyVID or DynamiCrafter MODEL.

    positive, negative: CONDITIONING of one KeyVID conditioning node. A model without sound takes its three passes:
    audio_scale is then not used. Raises KeyVIDError for another model or conditioning.
    """
    hears = facts_of(model).audio_width is not None
    check_prediction(model)
    for name in _REPLACED:
        if model.model_options.get(name):
            log.warning(
                "Multimodal CFG does its own guidance: the node that set %s is not used.", name
            )
    _check_pair(positive, negative, hears=hears)
    conditions = _passes(positive, negative, hears=hears)
    guider = MultimodalGuider(model)
    guider.set_cfg(text_scale)
    weights = pass_weights(image_scale, text_scale, audio_scale if hears else text_scale)
    guider.set_passes(conditions, weights, rescale)
    return guider


def _check_pair(positive, negative, *, hears):
    """Raises SamplingError unless both come from one KeyVID conditioning node."""
    for name, conditioning in (("positive", positive), ("negative", negative)):
        if not conditioning or not all(IMAGE in entry for _, entry in conditioning):
            raise SamplingError(
                f"The {name} conditioning brings no picture for this model; connect the {name} output of Keyframe "
                "Conditioning or Interpolation Conditioning."
            )
        if hears and not all(AUDIO in entry for _, entry in conditioning):
            raise SamplingError(
                f"The model moves to sound, and the {name} conditioning brings none; connect audio and an audio "
                "encoder to the conditioning node."
            )
    (_, given), (_, absent) = positive[0], negative[0]
    if not all(_alike(given.get(key), absent.get(key)) for key in (CONCAT, FPS, FRAME_INDEX)):
        raise SamplingError(
            "The positive and the negative conditioning were made for different pictures or plans; connect both "
            "outputs of the same conditioning node."
        )


def _alike(one, other):
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and torch.equal(one, other)


def _passes(positive, negative, *, hears):
    """{pass: CONDITIONING}: each pass has what guidance_conditions gives it; the rest comes with its text."""

    def both(key):
        return positive[0][1][key], negative[0][1][key]

    conditions = guidance_conditions(
        text=(positive, negative), image=both(IMAGE), audio=both(AUDIO) if hears else None
    )
    passes = {}
    for name, condition in conditions.items():
        tokens = {IMAGE: condition["image"]}
        if hears:
            tokens[AUDIO] = condition["audio"]
        passes[name] = [[text, {**entry, **tokens}] for text, entry in condition["text"]]
    return passes
