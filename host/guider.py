"""Multimodal guidance as a ComfyUI GUIDER: up to four passes per step, told apart by what each of them is told.

The maths is in models/guidance.py (KeyVID, arXiv 2504.09656); here ComfyUI's denoised predictions become v and back.
"""

import comfy.samplers

from ..keyframes.errors import SamplingError
from ..models.guidance import (
    AUDIO_SCALE,
    IMAGE_SCALE,
    RESCALE,
    TEXT_SCALE,
    combine,
    needed_passes,
    pass_weights,
)
from .condition_keys import AUDIO, IMAGE
from .video_model import facts_of
from .vp import denoised_of, v_of

# pass -> its name among ComfyUI's conditions, in this order: patches take the first for the prompt, the second
# for the absence of one. The full pass must be called "positive".
_CONDITIONS = {"full": "positive", "none": "none", "image": "image", "image_text": "image_text"}


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

    positive, negative: CONDITIONING of a KeyVID conditioning node. A model without sound takes its three passes:
    audio_scale is then not used. Raises KeyVIDError for another model or conditioning.
    """
    facts = facts_of(model)
    hears = facts.audio_width is not None and all(AUDIO in entry for _, entry in positive)
    conditions = _passes(positive, negative, hears=hears)
    guider = MultimodalGuider(model)
    guider.set_cfg(text_scale)
    weights = pass_weights(image_scale, text_scale, audio_scale if hears else text_scale)
    guider.set_passes(conditions, weights, rescale)
    return guider


def _passes(positive, negative, *, hears):
    """{pass: CONDITIONING}; the two passes in the middle take pieces of both."""
    for name, conditioning in (("positive", positive), ("negative", negative)):
        if not conditioning or not all(IMAGE in entry for _, entry in conditioning):
            raise SamplingError(
                f"The {name} conditioning brings no picture for this model; connect the {name} output of Keyframe "
                "Conditioning or Interpolation Conditioning."
            )
    picture = positive[0][1][IMAGE]
    image = [[text, {**entry, IMAGE: picture}] for text, entry in negative]
    image_text = positive
    if hears:
        silence = negative[0][1].get(AUDIO)
        if silence is None:
            raise SamplingError(
                "The positive conditioning has sound and the negative has nothing that stands for silence; connect "
                "both outputs of the same conditioning node."
            )
        image_text = [[text, {**entry, AUDIO: silence}] for text, entry in positive]
    return {"full": positive, "none": negative, "image": image, "image_text": image_text}
