"""What a KeyVID model is told beside the text: picture, sound, where its frames stand (published-model d, f).

Positive and negative CONDITIONING are copied and given the keys of condition_keys.py; the negative gets what stands
for nothing: a grey picture and the zero mel.
"""

import comfy.model_management
import torch

from ...errors import AudioError, KeyVIDError, PlanError
from ...models.checkpoint.layouts import DYNAMICRAFTER, GENERATOR, INTERPOLATOR
from ...models.diffusion.conditioning import interpolation_concat, keyframe_concat
from ...models.encoders.audio_tokens import interpolation_audio_tokens, keyframe_audio_tokens
from ...models.encoders.image_preprocess import clip_pixels
from ..audio import clip_samples_of
from ..images import FITS, check_pictures, fitted_pictures
from ..loaders.audio_encoder import GRID, NO_AUDIO
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
)
from .video_model import facts_of

WIDTH, HEIGHT = 512, 320  # pixels, of the published models (published-model e.6)
# the published fps conditions (published-model e.6): nominal ones, not the frame rate of the video
FPS_CONDITIONS = {GENERATOR: 6, INTERPOLATOR: 24, DYNAMICRAFTER: 24}
_KEYS = (AUDIO, CONCAT, FPS, FRAME_INDEX, IMAGE, KEYFRAME_FRAMES, KEYFRAME_LATENTS, KIND)


def keyframe_conditioning(
    model,
    positive,
    negative,
    *,
    clip_vision,
    vae,
    image,
    plan=None,
    audio_encoder=None,
    audio=None,
    width=WIDTH,
    height=HEIGHT,
    fit=FITS[0],
    fps_condition=0,
):
    """(positive, negative, latent) with which a generator paints the keyframes of a plan.

    A plain DynamiCrafter takes no plan: it paints every frame of its clip. The video starts with the first picture
    of `image`. fps_condition: 0 is the model's own. Raises KeyVIDError for what does not belong together.
    """
    facts = facts_of(model)
    validation.check_kind(facts, GENERATOR)
    validation.check_keyframe_plan(plan, facts)
    validation.check_size(width, height, facts)
    _check_encoders(facts, positive, negative, clip_vision, vae, audio_encoder, audio)
    check_pictures(image)
    frames = list(range(facts.n_frames)) if plan is None else plan.frames
    frame_index = torch.tensor([frames])  # (1, T)
    sound = sound_tokens(audio_encoder, audio, plan, facts, frame_index=frame_index)
    first = fitted_pictures(image[:1], width=width, height=height, fit=fit)
    pictures = vision_tokens(clip_vision, first)
    shared = {
        CONCAT: keyframe_concat(picture_latents(vae, first), len(frames)),
        KIND: facts.kind,
        FRAME_INDEX: frame_index,
        FPS: _fps(fps_condition, facts),
    }
    positive, negative = _told(positive, negative, pictures, sound, shared)
    return positive, negative, {"samples": _empty_like(shared[CONCAT])}


def interpolation_conditioning(
    model,
    positive,
    negative,
    *,
    clip_vision,
    vae,
    keyframes,
    plan,
    image=None,
    audio_encoder=None,
    audio=None,
    width=WIDTH,
    height=HEIGHT,
    fit=FITS[0],
    fps_condition=0,
):
    """(positive, negative, latent) with which an interpolator paints every frame between keyframes.

    keyframes: IMAGE, one picture for every keyframe of the plan. image: what the model looks at, the first keyframe
    when None; the keyframes themselves reach it through the concat latent only, as released. The latent carries the
    plan. fps_condition: 0 is the model's own. Raises KeyVIDError for what does not belong together.
    """
    facts = facts_of(model)
    validation.check_kind(facts, INTERPOLATOR)
    validation.check_plan(plan, facts)
    validation.check_size(width, height, facts)
    _check_encoders(facts, positive, negative, clip_vision, vae, audio_encoder, audio)
    check_pictures(keyframes, name="keyframes")
    if len(keyframes) != plan.count:
        raise PlanError(
            f"There are {len(keyframes)} pictures on the keyframes input, but the plan has {plan.count} keyframes; "
            "connect the pictures that were painted with this very plan."
        )
    image = keyframes if image is None else image
    check_pictures(image)
    sound = sound_tokens(audio_encoder, audio, plan, facts)
    first = fitted_pictures(image[:1], width=width, height=height, fit=fit)
    pictures = vision_tokens(clip_vision, first)
    painted = fitted_pictures(keyframes, width=width, height=height, fit=fit)
    latents = picture_latents(vae, painted)  # (1, 4, K, h, w)
    shared = {
        CONCAT: interpolation_concat(latents, plan.frames, plan.n_frames),
        KIND: facts.kind,
        FRAME_INDEX: torch.arange(plan.n_frames)[None],
        FPS: _fps(fps_condition, facts),
    }
    positive, negative = _told(positive, negative, pictures, sound, shared)
    if facts.kind == INTERPOLATOR:  # DynamiCrafter's sampling inpaints nothing
        inpainted = {KEYFRAME_LATENTS: latents, KEYFRAME_FRAMES: tuple(plan.frames)}
        positive = [[text, {**entry, **inpainted}] for text, entry in positive]
    return positive, negative, {"samples": _empty_like(shared[CONCAT]), PLAN: plan}


def vision_tokens(clip_vision, picture):
    """The tokens (1, N, width) that CLIP's vision tower makes of a picture, and those of a grey one.

    picture: (1, H, W, 3) in [0, 1]. Not through encode_image, whose crop and rounding are not the model's.
    """
    comfy.model_management.load_model_gpu(clip_vision.patcher)
    seen = picture.movedim(-1, 1) * 2 - 1  # (1, 3, H, W) in [-1, 1], where grey is 0
    pixels = clip_pixels(torch.cat([seen, seen * 0]), size=clip_vision.image_size)
    tokens = clip_vision.model(pixel_values=pixels.to(clip_vision.load_device))[0]  # (2, N, width)
    return tokens.to(comfy.model_management.intermediate_device()).split(1)


def picture_latents(vae, pictures):
    """Unscaled latents (1, 4, K, h, w) of pictures (K, H, W, 3), each encoded by itself."""
    latents = vae.encode(pictures)  # (K, 4, h, w)
    if not torch.isfinite(latents).all():
        raise KeyVIDError(
            "The VAE made latents that are not finite numbers; it probably cannot work in half precision. Start "
            "ComfyUI with --fp32-vae, or use another file of the VAE."
        )
    return latents.movedim(0, 1)[None]


def sound_tokens(audio_encoder, audio, plan, facts, *, frame_index=None):
    """What each frame hears (1, T, L, width), and what stands for no sound; None twice for a model without sound.

    frame_index: (1, T), the keyframes; None is every frame of the clip. Raises AudioError for the sound of another
    clip or another encoder.
    """
    if facts.audio_width is None:
        return None, None
    samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
    encoded = audio_encoder.encode_audio(torch.from_numpy(samples)[None], sample_rate)
    if NO_AUDIO not in encoded:
        raise AudioError(
            f"The audio encoder is another kind of network ({type(audio_encoder).__name__}); KeyVID hears with "
            "ImageBind. Use Load Audio Encoder (KeyVID)."
        )
    pair = encoded["encoded_audio"], encoded[NO_AUDIO]  # (1, N, width) each
    if pair[0].shape[-1] != facts.audio_width:
        raise AudioError(
            f"The audio encoder makes tokens {pair[0].shape[-1]} numbers wide, but this model reads tokens "
            f"{facts.audio_width} wide; use the audio encoder that belongs to it."
        )
    grid = {"n_segments": facts.n_frames, "n_rows": encoded[GRID][0]}
    if frame_index is None:
        return tuple(interpolation_audio_tokens(tokens, **grid) for tokens in pair)
    return tuple(keyframe_audio_tokens(tokens, frame_index, **grid) for tokens in pair)


def _check_encoders(facts, positive, negative, clip_vision, vae, audio_encoder, audio):
    validation.check_text(positive, facts, name="positive")
    validation.check_text(negative, facts, name="negative")
    validation.check_vision(clip_vision, facts)
    validation.check_vae(vae, facts)
    validation.check_sound(audio_encoder, audio, facts)


def _fps(fps_condition, facts):
    return torch.tensor([fps_condition or FPS_CONDITIONS[facts.kind]])  # (1,)


def _told(positive, negative, pictures, sound, shared):
    """Both CONDITIONINGs with their picture, their sound if there is any, and what they share."""
    return tuple(
        _with(conditioning, {IMAGE: picture, **({} if heard is None else {AUDIO: heard}), **shared})
        for conditioning, picture, heard in zip((positive, negative), pictures, sound, strict=True)
    )


def _with(conditioning, payload):
    """The CONDITIONING with our keys set, and none left of an earlier KeyVID node."""
    return [
        [text, {**{key: value for key, value in entry.items() if key not in _KEYS}, **payload}]
        for text, entry in conditioning
    ]


def _empty_like(latent):
    return torch.zeros_like(latent, device=comfy.model_management.intermediate_device())
