"""Multimodal guidance as a ComfyUI GUIDER: up to four passes per step, each with other conditions.

The maths is in models/diffusion/guidance.py (KeyVID, arXiv 2504.09656); here ComfyUI's denoised predictions become v
and back.
"""

import logging
from collections.abc import Mapping
from typing import Any

import comfy.samplers
import torch

from ...errors import SamplingError
from ...models.diffusion.conditioning import guidance_conditions
from ...models.diffusion.guidance import (
    UNGUIDED,
    check_guided,
    combine,
    is_guided,
    needed_passes,
    pass_weights,
)
from ..payloads import Conditioning, Guider, Model
from .condition_keys import AUDIO, IMAGE, WINDOWS
from .defaults import AUDIO_SCALE, GUIDED, IMAGE_SCALE, RESCALE, TEXT_SCALE
from .model_facts import facts_of
from .noise_scale import denoised_of, v_of
from .validation import check_pair, check_prediction
from .windowed_guider import CACHE, WindowedGuider
from .windows import window_of

log = logging.getLogger("keyvid")

# pass -> its name among ComfyUI's conditions, in this order: patches take the first for the prompt, the second
# for the absence of one. The full pass must be called "positive".
_CONDITIONS = {"full": "positive", "none": "none", "image": "image", "image_text": "image_text"}
# what other nodes replace ComfyUI's guidance with, which is not run here
_REPLACED = ("sampler_cfg_function", "sampler_pre_cfg_function", "sampler_calc_cond_batch_function")


class MultimodalGuider(comfy.samplers.CFGGuider):
    """Guides by image, text and audio, each with a scale of its own. Made by `multimodal_guider`."""

    def set_passes(
        self,
        conditions: Mapping[str, Conditioning],
        weights: Mapping[str, float],
        rescale: float,
        guided: tuple[float, float] = GUIDED,
    ) -> None:
        """conditions: {pass: CONDITIONING}; weights: {pass: weight} from pass_weights; rescale: 0 to 1.

        guided: from and until which share of the run; in other steps the full pass alone is run.
        """
        self.weights, self.rescale, self.guided = weights, rescale, guided
        passes = needed_passes(weights, rescale=rescale)
        kept = [name for name in _CONDITIONS if name in passes or name == "full"]
        self.inner_set_conds({_CONDITIONS[name]: conditions[name] for name in kept})

    def predict_noise(
        self,
        x: torch.Tensor,
        timestep: torch.Tensor,
        model_options: dict[str, Any] | None = None,
        seed: int | None = None,
    ) -> torch.Tensor:
        """The guided clean latent (B, 4, T, h, w), which ComfyUI calls the denoised prediction.

        x: (B, 4, T, h, w) in ComfyUI's scale; timestep: (B,), a sigma.
        """
        model_options = model_options or {}
        weights, rescale = self._guidance(timestep)
        passes = needed_passes(weights, rescale=rescale)
        conds = [self.conds[key] if name in passes else None for name, key in _CONDITIONS.items()]
        predictions = comfy.samplers.calc_cond_batch(
            self.inner_model, conds, x, timestep, model_options
        )
        denoised = dict(zip(_CONDITIONS, predictions, strict=True))
        v = {name: v_of(denoised[name], x, timestep) for name in passes}
        guided = denoised_of(combine(v, weights, rescale=rescale), x, timestep)
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

    def _guidance(self, sigma: torch.Tensor) -> tuple[Mapping[str, float], float]:
        """(weights, rescale) of a step at sigma (B,)."""
        timestep = self.model_patcher.get_model_object("model_sampling").timestep(sigma[0])
        if is_guided(float(timestep), self.guided):
            return self.weights, self.rescale
        return UNGUIDED, 0.0


def multimodal_guider(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    *,
    image_scale: float = IMAGE_SCALE,
    text_scale: float = TEXT_SCALE,
    audio_scale: float = AUDIO_SCALE,
    rescale: float = RESCALE,
    guided: tuple[float, float] = GUIDED,
) -> Guider:
    """A GUIDER for a KeyVID or DynamiCrafter MODEL.

    positive, negative: CONDITIONING of one KeyVID conditioning node. A model without an audio input takes its three
    passes, and audio_scale is not used. rescale: 0 to 1. guided: from and until which share of the run; in other steps
    only the pass with all conditions is run, as with scales 1. Raises KeyVIDError for another model or conditioning.
    """
    facts = facts_of(model)
    check_prediction(model)
    for name in _REPLACED:
        if model.model_options.get(name):
            log.warning(
                "Multimodal CFG does its own guidance: the node that set %s is not used.", name
            )
    _check_cache(model)
    check_guided(guided)
    check_pair(positive, negative, facts)
    has_audio = facts.audio_width is not None
    weights = pass_weights(image_scale, text_scale, audio_scale if has_audio else text_scale)

    def guider_of(positive: Conditioning, negative: Conditioning) -> MultimodalGuider:
        guider = MultimodalGuider(model)
        guider.set_cfg(text_scale)
        conditions = _passes(positive, negative, has_audio=has_audio)
        guider.set_passes(conditions, weights, rescale, guided)
        return guider

    windows = positive[0][1].get(WINDOWS)
    if windows is None:
        return guider_of(positive, negative)
    whole = WindowedGuider(model)
    whole.set_cfg(text_scale)
    whole.set_windows(
        lambda number: guider_of(window_of(positive, number), window_of(negative, number)),
        windows,
        positive,
    )
    return whole


def _check_cache(model: Model) -> None:
    """ComfyUI's LazyCache is not on the MODEL (else SamplingError); EasyCache may be.

    In a step that it skips, LazyCache adds to the noisy latent what the last prediction was more than the latent of its
    step, in ComfyUI's scale of noise. There the latents of these models fall from 4518 to 0, so that the prediction is
    wrong by all the noise that a step takes away.
    """
    cache = model.model_options.get("transformer_options", {}).get(CACHE)
    if type(cache).__name__ == "LazyCacheHolder":
        raise SamplingError(
            "LazyCache is on the model, and with KeyVID and DynamiCrafter the video falls apart in the steps that it "
            "skips. Remove it; to save time, set fewer steps in KeyVID Schedule and a lower guidance until in "
            "Multimodal CFG, or use EasyCache."
        )


def _passes(
    positive: Conditioning, negative: Conditioning, *, has_audio: bool
) -> dict[str, Conditioning]:
    """{pass: CONDITIONING}: each pass has the tokens of guidance_conditions; other keys are those of its text."""

    def both(key: str) -> tuple[torch.Tensor, torch.Tensor]:
        return positive[0][1][key], negative[0][1][key]

    conditions = guidance_conditions(
        text=(positive, negative), image=both(IMAGE), audio=both(AUDIO) if has_audio else None
    )
    passes = {}
    for name, condition in conditions.items():
        tokens = {IMAGE: condition["image"]}
        if has_audio:
            tokens[AUDIO] = condition["audio"]
        passes[name] = [[text, {**entry, **tokens}] for text, entry in condition["text"]]
    return passes
