"""What a KeyVID model is conditioned on beside the text: image, audio and frame index (published-model d, f).

Positive and negative CONDITIONING are copied and get the keys of condition_keys.py; the negative gets the neutral
conditions: the tokens of a grey image and of the zero mel.
"""

from typing import Any

import comfy.model_management
import torch

from ...errors import KeyVIDError, PlanError
from ...keyframes.long_clips.windows import fill_windows, paint_windows
from ...keyframes.plan import KeyframePlan
from ...keyframes.text import there_are
from ...models.checkpoint.layouts import GENERATOR, INTERPOLATOR
from ...models.diffusion.conditioning import interpolation_concat, keyframe_concat
from ...models.encoders.image_preprocess import clip_pixels
from ..images import FITS, check_images, fit_images, to_bchw
from ..payloads import Audio, AudioEncoder, ClipVision, Conditioning, Image, Latent, Model, Vae
from . import validation
from .condition_keys import (
    AUDIO,
    CONCAT,
    FPS,
    FRAME_INDEX,
    IMAGE,
    KEYFRAME_FRAMES,
    KEYFRAME_LATENTS,
    KIND,
    PLAN,
    WINDOWS,
)
from .defaults import FPS_CONDITIONS, HEIGHT, WIDTH
from .model_facts import ModelFacts, facts_of
from .tokens.sound_tokens import clip_tokens, window_tokens
from .windows import Pair, Tokens, fill_conditions, paint_conditions

_KEYS = (AUDIO, CONCAT, FPS, FRAME_INDEX, IMAGE, KEYFRAME_FRAMES, KEYFRAME_LATENTS, KIND, WINDOWS)
Payload = dict[str, Any]


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
    _check_text_frames(positive, negative, plan, facts)
    check_images(image)
    frames = list(range(facts.n_frames)) if plan is None else plan.frames
    frame_index = torch.tensor([frames])  # (1, T)
    if plan is not None and is_long(plan, facts):
        sounds = _long(_painted_in_windows(audio_encoder, audio, plan, facts))
    else:
        sounds = _short(clip_tokens(audio_encoder, audio, plan, facts, frame_index=frame_index))
    first = fit_images(image[:1], width=width, height=height, fit=fit)
    image_pair = vision_tokens(clip_vision, first)
    shared = {
        CONCAT: keyframe_concat(image_latents(vae, first), len(frames)),
        KIND: facts.kind,
        FRAME_INDEX: frame_index,
        FPS: _fps(fps_condition, facts),
    }
    positive, negative = _conditioned(positive, negative, image_pair, sounds, shared)
    return positive, negative, {"samples": _empty_like(shared[CONCAT])}


def interpolation_conditioning(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    *,
    clip_vision: ClipVision | None,
    vae: Vae | None,
    keyframes: Image | Latent,
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

    keyframes: one image for every keyframe of the plan, or the latent that they were painted in. image: the one for the
    vision tower, the first keyframe when None; the keyframes themselves reach the model through the concat latent
    only, as published. The latent carries the plan. A clip that is longer than the model's has a condition for each
    window (WINDOWS). width, height: in pixels. fps_condition: 0 is the model's own. Raises KeyVIDError where the inputs
    do not fit together.
    """
    facts = facts_of(model)
    validation.check_kind(facts, INTERPOLATOR)
    validation.check_plan(plan, facts)
    validation.check_size(width, height, facts)
    _check_encoders(facts, positive, negative, clip_vision, vae, audio_encoder, audio)
    _check_text_frames(positive, negative, plan, facts)
    painted = _keyframe_latents(keyframes, vae, plan, width=width, height=height, fit=fit)
    if image is not None:
        check_images(image)
    elif isinstance(keyframes, torch.Tensor):
        image = keyframes
    else:
        raise KeyVIDError(
            "The keyframes are a latent, and the image that the video started with is missing; connect it to image."
        )
    first = fit_images(image[:1], width=width, height=height, fit=fit)
    image_pair = vision_tokens(clip_vision, first)
    if is_long(plan, facts):
        sounds = _long(_filled_in_windows(audio_encoder, audio, plan, facts))
        concat = painted  # each window makes its own of it
    else:
        sounds = _short(clip_tokens(audio_encoder, audio, plan, facts))
        concat = interpolation_concat(painted, plan.frames, plan.n_frames)
    shared = {
        CONCAT: concat,
        KIND: facts.kind,
        FRAME_INDEX: torch.arange(plan.n_frames)[None],
        FPS: _fps(fps_condition, facts),
    }
    positive, negative = _conditioned(positive, negative, image_pair, sounds, shared)
    if facts.kind == INTERPOLATOR:  # DynamiCrafter's sampling inpaints nothing
        inpainted = {KEYFRAME_LATENTS: painted, KEYFRAME_FRAMES: tuple(plan.frames)}
        positive = [[text, {**entry, **inpainted}] for text, entry in positive]
    empty = _empty_like(painted[:, :, :1].expand(-1, -1, plan.n_frames, -1, -1))
    return positive, negative, {"samples": empty, PLAN: plan}


def is_long(plan: KeyframePlan, facts: ModelFacts) -> bool:
    """Whether a clip is longer than those that the model makes, and so painted in windows."""
    return plan.n_frames > facts.n_frames


def _painted_in_windows(
    audio_encoder: AudioEncoder, audio: Audio | None, plan: KeyframePlan, facts: ModelFacts
) -> Pair:
    windows = paint_windows(
        plan.frames,
        n_frames=plan.n_frames,
        counts=facts.keyframe_counts,
        n_window=facts.n_frames,
    )
    tokens = window_tokens(
        audio_encoder,
        audio,
        plan,
        facts,
        starts=[window.start for window in windows],
        frame_indices=[window.frames for window in windows],
    )
    return paint_conditions(windows, tokens, n_keyframes=plan.count)


def _filled_in_windows(
    audio_encoder: AudioEncoder, audio: Audio | None, plan: KeyframePlan, facts: ModelFacts
) -> Pair:
    windows = fill_windows(plan.frames, n_frames=plan.n_frames, n_window=facts.n_frames)
    starts = [window.start for window in windows]
    tokens = window_tokens(audio_encoder, audio, plan, facts, starts=starts)
    return fill_conditions(windows, tokens, n_window=facts.n_frames)


def _keyframe_latents(
    keyframes: Image | Latent, vae: Vae, plan: KeyframePlan, *, width: int, height: int, fit: str
) -> torch.Tensor:
    """The latents (1, 4, K, h, w) of the plan's keyframes, given as images or as the latent that they were painted in.

    Raises PlanError for another number of them, KeyVIDError for a latent of another size.
    """
    if isinstance(keyframes, torch.Tensor):
        check_images(keyframes, name="keyframes")
        _check_count(len(keyframes), "image", plan)
        return image_latents(vae, fit_images(keyframes, width=width, height=height, fit=fit))
    latents = keyframes["samples"]
    validation.check_keyframe_latents(latents, width=width, height=height)
    _check_count(latents.shape[2], "keyframe latent", plan)
    return latents


def _check_count(n_found: int, what: str, plan: KeyframePlan) -> None:
    if n_found != plan.count:
        raise PlanError(
            f"{there_are(n_found, what)} on the keyframes input, but the plan has {plan.count} keyframes; "
            f"connect the {what}s that were painted with this same plan."
        )


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


def _check_text_frames(
    positive: Conditioning,
    negative: Conditioning,
    plan: KeyframePlan | None,
    facts: ModelFacts,
) -> None:
    for name, conditioning in (("positive", positive), ("negative", negative)):
        validation.check_text_frames(conditioning, plan, facts, name=name)


def _fps(fps_condition: int, facts: ModelFacts) -> torch.Tensor:
    return torch.tensor([fps_condition or FPS_CONDITIONS[facts.kind]])  # (1,)


def _conditioned(
    positive: Conditioning,
    negative: Conditioning,
    images: tuple[torch.Tensor, torch.Tensor],
    sounds: tuple[Payload, Payload],
    shared: Payload,
) -> tuple[Conditioning, Conditioning]:
    """Both CONDITIONINGs with their image tokens, what each hears, and what they share."""
    new_positive, new_negative = (
        _with(conditioning, {IMAGE: image, **sound, **shared})
        for conditioning, image, sound in zip((positive, negative), images, sounds, strict=True)
    )
    return new_positive, new_negative


def _short(tokens: Tokens) -> tuple[Payload, Payload]:
    """What positive and negative hear of a clip: nothing for a model without audio input."""
    given, absent = ({} if sound is None else {AUDIO: sound} for sound in tokens)
    return given, absent


def _long(windows: Pair) -> tuple[Payload, Payload]:
    """The same for a clip in windows. The whole has the first window's tokens, which say that there is a sound."""
    given, absent = ({AUDIO: one[0].changes[AUDIO], WINDOWS: one} for one in windows)
    return given, absent


def _with(conditioning: Conditioning, payload: Payload) -> Conditioning:
    """The CONDITIONING with our keys set; keys left by an earlier KeyVID node are dropped."""
    return [
        [text, {**{key: value for key, value in entry.items() if key not in _KEYS}, **payload}]
        for text, entry in conditioning
    ]


def _empty_like(latent: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(latent, device=comfy.model_management.intermediate_device())
