"""What a KeyVID model is conditioned on beside the text: image, audio and frame index (published-model d, f).

Positive and negative CONDITIONING are copied and get the keys of condition_keys.py; the negative gets the neutral
conditions: the tokens of a grey image and of the zero mel.
"""

from collections.abc import Mapping
from typing import Any

import comfy.model_management
import torch

from ...errors import AudioError, KeyVIDError, PlanError
from ...keyframes.plan import KeyframePlan
from ...keyframes.text import there_are
from ...models.checkpoint.layouts import GENERATOR, INTERPOLATOR
from ...models.diffusion.conditioning import interpolation_concat, keyframe_concat
from ...models.encoders.audio_tokens import interpolation_audio_tokens, keyframe_audio_tokens
from ...models.encoders.image_preprocess import clip_pixels
from ..audio import clip_samples_of
from ..images import FITS, check_images, fit_images, to_bchw
from ..payloads import Audio, AudioEncoder, ClipVision, Conditioning, Image, Latent, Model, Vae
from . import validation
from .condition_keys import (
    AUDIO,
    CONCAT,
    FPS,
    FRAME_INDEX,
    GRID,
    IMAGE,
    KEYFRAME_FRAMES,
    KEYFRAME_LATENTS,
    KIND,
    NO_AUDIO,
    PLAN,
)
from .defaults import FPS_CONDITIONS, HEIGHT, WIDTH
from .model_facts import ModelFacts, facts_of

_KEYS = (AUDIO, CONCAT, FPS, FRAME_INDEX, IMAGE, KEYFRAME_FRAMES, KEYFRAME_LATENTS, KIND)


def keyframe_conditioning(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    *,
    clip_vision: ClipVision | None,
    vae: Vae | None,
    image: Image,
    plan: KeyframePlan | None = None,
    audio_encoder: AudioEncoder | None = None,
    audio: Audio | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
    fit: str = FITS[0],
    fps_condition: int = 0,
) -> tuple[Conditioning, Conditioning, Latent]:
    """(positive, negative, latent) with which a generator paints the keyframes of a plan.

    A plain DynamiCrafter takes no plan: it paints every frame of its clip. The video starts with the first image
    of `image`. width, height: in pixels. fps_condition: 0 is the model's own. Raises KeyVIDError where the inputs do
    not fit together.
    """
    facts = facts_of(model)
    validation.check_kind(facts, GENERATOR)
    validation.check_keyframe_plan(plan, facts)
    validation.check_size(width, height, facts)
    _check_encoders(facts, positive, negative, clip_vision, vae, audio_encoder, audio)
    check_images(image)
    frames = list(range(facts.n_frames)) if plan is None else plan.frames
    frame_index = torch.tensor([frames])  # (1, T)
    audio_pair = audio_tokens(audio_encoder, audio, plan, facts, frame_index=frame_index)
    first = fit_images(image[:1], width=width, height=height, fit=fit)
    image_pair = vision_tokens(clip_vision, first)
    shared = {
        CONCAT: keyframe_concat(image_latents(vae, first), len(frames)),
        KIND: facts.kind,
        FRAME_INDEX: frame_index,
        FPS: _fps(fps_condition, facts),
    }
    positive, negative = _conditioned(positive, negative, image_pair, audio_pair, shared)
    return positive, negative, {"samples": _empty_like(shared[CONCAT])}


def interpolation_conditioning(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    *,
    clip_vision: ClipVision | None,
    vae: Vae | None,
    keyframes: Image,
    plan: KeyframePlan,
    image: Image | None = None,
    audio_encoder: AudioEncoder | None = None,
    audio: Audio | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
    fit: str = FITS[0],
    fps_condition: int = 0,
) -> tuple[Conditioning, Conditioning, Latent]:
    """(positive, negative, latent) with which an interpolator paints every frame between keyframes.

    keyframes: one image for every keyframe of the plan. image: the one for the vision tower, the first keyframe when
    None; the keyframes themselves reach the model through the concat latent only, as published. The latent carries
    the plan. width, height: in pixels. fps_condition: 0 is the model's own. Raises KeyVIDError where the inputs do
    not fit together.
    """
    facts = facts_of(model)
    validation.check_kind(facts, INTERPOLATOR)
    validation.check_plan(plan, facts)
    validation.check_size(width, height, facts)
    _check_encoders(facts, positive, negative, clip_vision, vae, audio_encoder, audio)
    check_images(keyframes, name="keyframes")
    if len(keyframes) != plan.count:
        raise PlanError(
            f"{there_are(len(keyframes), 'image')} on the keyframes input, but the plan has {plan.count} keyframes; "
            "connect the images that were painted with this same plan."
        )
    if image is None:
        image = keyframes
    else:
        check_images(image)
    audio_pair = audio_tokens(audio_encoder, audio, plan, facts)
    first = fit_images(image[:1], width=width, height=height, fit=fit)
    image_pair = vision_tokens(clip_vision, first)
    painted = fit_images(keyframes, width=width, height=height, fit=fit)
    latents = image_latents(vae, painted)  # (1, 4, K, h, w)
    shared = {
        CONCAT: interpolation_concat(latents, plan.frames, plan.n_frames),
        KIND: facts.kind,
        FRAME_INDEX: torch.arange(plan.n_frames)[None],
        FPS: _fps(fps_condition, facts),
    }
    positive, negative = _conditioned(positive, negative, image_pair, audio_pair, shared)
    if facts.kind == INTERPOLATOR:  # DynamiCrafter's sampling inpaints nothing
        inpainted = {KEYFRAME_LATENTS: latents, KEYFRAME_FRAMES: tuple(plan.frames)}
        positive = [[text, {**entry, **inpainted}] for text, entry in positive]
    return positive, negative, {"samples": _empty_like(shared[CONCAT]), PLAN: plan}


def vision_tokens(clip_vision: ClipVision, image: Image) -> tuple[torch.Tensor, torch.Tensor]:
    """The tokens (1, N, width) of CLIP's vision tower for an image, and those for a grey one.

    image: (1, H, W, 3) in [0, 1]. Not through encode_image, whose crop and rounding are not the model's.
    """
    comfy.model_management.load_model_gpu(clip_vision.patcher)
    centred = to_bchw(image) * 2 - 1  # (1, 3, H, W) in [-1, 1], where grey is 0
    pixels = clip_pixels(torch.cat([centred, centred * 0]), size=clip_vision.image_size)
    tokens = clip_vision.model(pixel_values=pixels.to(clip_vision.load_device))[0]  # (2, N, width)
    given, grey = tokens.to(comfy.model_management.intermediate_device()).split(1)
    return given, grey


def image_latents(vae: Vae, images: Image) -> torch.Tensor:
    """Unscaled latents (1, 4, K, h, w) of images (K, H, W, 3), each encoded by itself.

    Raises KeyVIDError when the VAE overflows.
    """
    latents = vae.encode(images)  # (K, 4, h, w)
    if not torch.isfinite(latents).all():
        raise KeyVIDError(
            "The VAE made latents that are not finite numbers; it probably cannot work in half precision. Start "
            "ComfyUI with --fp32-vae, or use another file of the VAE."
        )
    return latents.movedim(0, 1)[None]  # (1, 4, K, h, w)


def audio_tokens(
    audio_encoder: AudioEncoder,
    audio: Audio | None,
    plan: KeyframePlan | None,
    facts: ModelFacts,
    *,
    frame_index: torch.Tensor | None = None,
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """The audio tokens of each frame (1, T, L, width), and those of the zero mel; None twice without an audio input.

    frame_index: (1, T), the keyframes; None is every frame of the clip. Raises AudioError for the audio of another
    clip or another encoder.
    """
    if facts.audio_width is None or plan is None:  # only a model without audio input has no plan
        return None, None
    samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
    encoded = audio_encoder.encode_audio(torch.from_numpy(samples)[None], sample_rate)
    if NO_AUDIO not in encoded:
        raise AudioError(
            f"The audio encoder is another kind of network ({type(audio_encoder).__name__}); KeyVID needs "
            "ImageBind. Use Load Audio Encoder (KeyVID)."
        )
    pair = encoded["encoded_audio"], encoded[NO_AUDIO]  # (1, N, width) each
    if pair[0].shape[-1] != facts.audio_width:
        raise AudioError(
            f"The audio encoder makes tokens of width {pair[0].shape[-1]}, but this model reads tokens of width "
            f"{facts.audio_width}; use the audio encoder that belongs to it."
        )
    grid = {"n_segments": facts.n_frames, "n_rows": encoded[GRID][0]}
    if frame_index is None:
        given, absent = (interpolation_audio_tokens(tokens, **grid) for tokens in pair)
    else:
        given, absent = (keyframe_audio_tokens(tokens, frame_index, **grid) for tokens in pair)
    return given, absent


def _check_encoders(
    facts: ModelFacts,
    positive: Conditioning,
    negative: Conditioning,
    clip_vision: ClipVision | None,
    vae: Vae | None,
    audio_encoder: AudioEncoder | None,
    audio: Audio | None,
) -> None:
    validation.check_text(positive, facts, name="positive")
    validation.check_text(negative, facts, name="negative")
    validation.check_vision(clip_vision, facts)
    validation.check_vae(vae, facts)
    validation.check_audio_inputs(audio_encoder, audio, facts)


def _fps(fps_condition: int, facts: ModelFacts) -> torch.Tensor:
    return torch.tensor([fps_condition or FPS_CONDITIONS[facts.kind]])  # (1,)


def _conditioned(
    positive: Conditioning,
    negative: Conditioning,
    images: tuple[torch.Tensor, torch.Tensor],
    audio: tuple[torch.Tensor | None, torch.Tensor | None],
    shared: Mapping[str, Any],
) -> tuple[Conditioning, Conditioning]:
    """Both CONDITIONINGs with their image tokens, their audio tokens if there are any, and what they share."""
    new_positive, new_negative = (
        _with(conditioning, {IMAGE: image, **({} if sound is None else {AUDIO: sound}), **shared})
        for conditioning, image, sound in zip((positive, negative), images, audio, strict=True)
    )
    return new_positive, new_negative


def _with(conditioning: Conditioning, payload: Mapping[str, Any]) -> Conditioning:
    """The CONDITIONING with our keys set; keys left by an earlier KeyVID node are dropped."""
    return [
        [text, {**{key: value for key, value in entry.items() if key not in _KEYS}, **payload}]
        for text, entry in conditioning
    ]


def _empty_like(latent: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(latent, device=comfy.model_management.intermediate_device())
