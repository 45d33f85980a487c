"""Do the things that are wired together belong together? The checks, and their error messages.

`facts` are the ModelFacts of the MODEL. The docstring of a check states what must be true; if it is not, the check
raises a KeyVIDError (or the subclass in brackets) that says what to change.
"""

from collections.abc import Mapping
from typing import Any

import comfy.model_sampling
import torch

from ...errors import (
    AudioError,
    KeyVIDError,
    PlanError,
    PlanMismatchError,
    SamplingError,
    SelectionError,
)
from ...keyframes.plan import KeyframePlan
from ...keyframes.timebase import same_rate
from ...models.checkpoint.layouts import DYNAMICRAFTER, GENERATOR, INTERPOLATOR, TITLES
from ..payloads import Audio, AudioEncoder, ClipVision, Conditioning, Model, Vae
from .condition_keys import (
    AUDIO,
    CONCAT,
    FPS,
    FRAME_INDEX,
    IMAGE,
    KEYFRAME_TEXT,
    KIND,
    WINDOWS,
)
from .model_facts import PIXELS_PER_LATENT, ModelFacts, facts_of

_PLACES = {GENERATOR: "Keyframe Conditioning", INTERPOLATOR: "Interpolation Conditioning"}


def check_kind(facts: ModelFacts, wanted: str) -> None:
    """The model is of the wanted kind, GENERATOR or INTERPOLATOR, or a DynamiCrafter, which does either."""
    if facts.kind not in (wanted, DYNAMICRAFTER):
        other = GENERATOR if wanted == INTERPOLATOR else INTERPOLATOR
        raise KeyVIDError(
            f"The model is a {facts.title}, but {_PLACES[wanted]} needs the {wanted}. Load the {wanted}'s file for "
            f"this node; the {other} belongs to {_PLACES[other]}."
        )


def check_size(width: int, height: int, facts: ModelFacts) -> None:
    """The model can paint images of width x height pixels; else the message names the nearest sizes."""
    multiple = facts.size_multiple
    if width > 0 and height > 0 and width % multiple == 0 and height % multiple == 0:
        return
    smaller, larger = (
        " x ".join(str(_multiple(side, multiple, up)) for side in (width, height))
        for up in (False, True)
    )
    choice = smaller if smaller == larger else f"{smaller} or {larger}"
    raise KeyVIDError(
        f"The size {width} x {height} does not suit this model, whose width and height are multiples of "
        f"{multiple} pixels; set it to {choice}."
    )


def check_plan(plan: KeyframePlan, facts: ModelFacts) -> None:
    """The plan is for a clip that the model makes (else PlanMismatchError).

    A KeyVID model makes clips of one length, longer ones in windows of it, at one frame rate; for a DynamiCrafter only
    the number of frames is fixed.
    """
    is_keyvid = facts.kind != DYNAMICRAFTER
    if is_keyvid:
        fits = plan.n_frames >= facts.n_frames
        fits = fits and same_rate(plan.fps, facts.fps, n_frames=plan.n_frames)
    else:
        fits = plan.n_frames == facts.n_frames
    if fits:
        return
    makes = f"{facts.n_frames} frames"
    if is_keyvid:
        makes += f" at {facts.fps:g} fps ({facts.n_frames / facts.fps:.2f} s), or longer ones at this rate"
    raise PlanMismatchError(
        f"The plan is for {plan.n_frames} frames at {plan.fps:g} fps ({plan.n_frames / plan.fps:.2f} s), but this "
        f"model makes clips of {makes}. Set frames and fps in Clip Audio to these numbers."
    )


def check_keyframe_plan(plan: KeyframePlan | None, facts: ModelFacts) -> None:
    """A generator has a plan for its clip, with as many keyframes as it paints; a plain DynamiCrafter, which is not
    conditioned on a frame index, has none."""
    if facts.kind == DYNAMICRAFTER:
        if plan is not None:
            raise PlanMismatchError(
                f"This model is a {facts.title} and paints all {facts.n_frames} frames of its clip: it cannot follow "
                "a plan. Disconnect the plan, or use a KeyVID keyframe generator."
            )
        return
    if plan is None:
        raise PlanError(
            "There is no plan on the plan input, so the model does not know which keyframes to paint; connect "
            "Select Keyframes or Edit Keyframes."
        )
    check_plan(plan, facts)
    if facts.paints(plan.count) or plan.n_frames > facts.n_frames:
        return
    counts = " or ".join(map(str, facts.keyframe_counts))
    raise SelectionError(
        f"The plan has {plan.count} keyframes, but this model was trained on {counts}. Set count to "
        f"{facts.keyframe_counts[0]} in Select Keyframes, or add and delete keyframes in Edit Keyframes. For more at "
        "once connect Windowed Attention before this node."
    )


def check_text(conditioning: Conditioning, facts: ModelFacts, *, name: str) -> None:
    """A CONDITIONING holds text tokens of the width that the model reads; name: of the input."""
    if not conditioning:
        raise KeyVIDError(f"The {name} conditioning is empty; connect CLIP Text Encode to {name}.")
    for text, _ in conditioning:
        width = text.shape[-1] if isinstance(text, torch.Tensor) and text.ndim == 3 else None
        if width != facts.context_width:
            found = "no text" if width is None else f"text tokens of width {width}"
            raise KeyVIDError(
                f"The {name} conditioning holds {found}, but this model reads text tokens of width "
                f"{facts.context_width}. Use the CLIP that belongs to it: OpenCLIP ViT-H, the text encoder of Stable "
                "Diffusion 2."
            )


def check_text_frames(
    conditioning: Conditioning, plan: KeyframePlan | None, facts: ModelFacts, *, name: str
) -> None:
    """A text per keyframe was made with the plan that is painted (else PlanMismatchError); name: of the input.

    Without a plan it has to be for as many frames as the model makes.
    """
    for _, entry in conditioning:
        text = entry.get(KEYFRAME_TEXT)
        if text is None:
            continue
        n_frames = facts.n_frames if plan is None else plan.n_frames
        if text.n_frames != n_frames:
            found = f"is for a clip of {text.n_frames} frames, and this one has {n_frames}"
        elif plan is not None and list(text.frames) != plan.frames:
            first = min(set(text.frames) ^ set(plan.frames))
            where = "that one" if first in text.frames else "this one"
            found = f"was made with another plan than this node has: only {where} has a keyframe at frame {first}"
        else:
            continue
        raise PlanMismatchError(
            f"The text on the {name} input {found}. Connect the same plan to Keyframe Text and to this node."
        )


def check_vision(clip_vision: ClipVision | None, facts: ModelFacts) -> None:
    """A CLIP_VISION is the tower whose tokens the model's image projection reads."""
    if facts.vision_width is None:
        raise no_image_projection()
    if clip_vision is None:
        raise KeyVIDError(
            "There is no CLIP vision on the clip_vision input; load OpenCLIP ViT-H with Load CLIP Vision."
        )
    kind, width = clip_vision.model_type, clip_vision.config.get("hidden_size")
    if kind != "clip_vision_model" or width != facts.vision_width:
        raise KeyVIDError(
            f"The CLIP vision model ({kind}) makes tokens of width {width}, but this model reads tokens of a CLIP "
            f"vision model of width {facts.vision_width}. Use the one that belongs to it: OpenCLIP ViT-H."
        )


def no_image_projection() -> KeyVIDError:
    """The error of a model that is conditioned on an image and was loaded from a file without the part for it."""
    return KeyVIDError(
        "The model's file has no image projection (image_proj_model), so it cannot use the image; load the whole file."
    )


def check_vae(vae: Vae | None, facts: ModelFacts) -> None:
    """A VAE makes latents like those that the model was trained on."""
    if vae is None:
        raise KeyVIDError(
            "There is no VAE on the vae input; load the one of Stable Diffusion 1.5 or 2."
        )
    scale = vae.spacial_compression_encode()
    if (
        vae.latent_channels == facts.latent_channels
        and vae.latent_dim == 2
        and scale == PIXELS_PER_LATENT
    ):
        return
    for_what = {1: "audio", 2: "images", 3: "videos"}.get(vae.latent_dim, "something else")
    raise KeyVIDError(
        f"The VAE is of another family: one for {for_what} with {vae.latent_channels} latent channels, each for "
        f"{scale} x {scale} pixels, but this model needs one for images with {facts.latent_channels} channels "
        f"and {PIXELS_PER_LATENT} x {PIXELS_PER_LATENT} pixels. Use the VAE of Stable Diffusion 1.5 or 2."
    )


def check_audio_inputs(
    audio_encoder: AudioEncoder | None, audio: Audio | None, facts: ModelFacts
) -> None:
    """Audio and encoder are both there for a model with an audio input, and neither is for one without."""
    if facts.audio_width is None:
        if audio is not None or audio_encoder is not None:
            raise AudioError(
                f"This model is a {facts.title}, which has no audio input. Disconnect audio and audio_encoder, or use "
                "a KeyVID model."
            )
        return
    if audio is None:
        raise AudioError(
            f"This model ({facts.title}) moves to sound, but there is none on the audio input; connect the audio of "
            "Clip Audio."
        )
    if audio_encoder is None:
        raise AudioError(
            "There is sound, but no audio encoder to encode it; connect Load Audio Encoder, or the audio encoder "
            "of Load KeyVID Checkpoint."
        )


def check_prediction(model: Model) -> None:
    """No other node has made the MODEL predict something else than v (else SamplingError)."""
    if not isinstance(model.get_model_object("model_sampling"), comfy.model_sampling.V_PREDICTION):
        raise SamplingError(
            "A node between the loader and here tells ComfyUI that the model does not predict v, but KeyVID and "
            "DynamiCrafter do. Remove it, or set ModelSamplingDiscrete to v_prediction with zsnr."
        )


def check_can_be_sampled(model: Model) -> None:
    """KeyVID Sampler can sample the MODEL (else SamplingError)."""
    try:
        facts_of(model)
    except KeyVIDError:
        raise SamplingError(
            "KeyVID Sampler is made for KeyVID and DynamiCrafter, and the model is neither; choose another "
            "sampler with KSampler Select, or load a KeyVID model."
        ) from None


def check_pair(positive: Conditioning, negative: Conditioning, facts: ModelFacts) -> None:
    """Positive and negative come from one KeyVID conditioning node (else SamplingError)."""
    for name, conditioning in (("positive", positive), ("negative", negative)):
        if not conditioning or not all(IMAGE in entry for _, entry in conditioning):
            raise SamplingError(
                f"The {name} conditioning has no image for this model; connect the {name} output of Keyframe "
                "Conditioning or Interpolation Conditioning."
            )
        if facts.audio_width is not None and not all(AUDIO in entry for _, entry in conditioning):
            raise _no_audio(f"{name} conditioning", facts)
    (_, given), (_, absent) = positive[0], negative[0]
    if not all(_equal(given.get(key), absent.get(key)) for key in (CONCAT, FPS, FRAME_INDEX)):
        raise SamplingError(
            "The positive and the negative conditioning were made for different images or plans; connect both "
            "outputs of the same conditioning node."
        )


def check_conditioning(conditioning: Mapping[str, Any], facts: ModelFacts) -> None:
    """One entry of a CONDITIONING has what a KeyVID conditioning node gives it (else SamplingError)."""
    needed = (CONCAT, IMAGE, "cross_attn")  # the last is ComfyUI's name for the text
    if any(conditioning.get(key) is None for key in needed):
        raise SamplingError(
            f"The conditioning was not made for this model ({facts.title}): it does not have both a text and an "
            "image to start from. Put Keyframe Conditioning or Interpolation Conditioning between the text and the "
            "sampler."
        )
    if conditioning.get(WINDOWS) is not None:
        raise SamplingError(
            f"This clip is longer than the {facts.n_frames} frames of the model, and only Multimodal CFG (KeyVID) "
            "paints it in windows; use its guider with Sampler Custom Advanced or Render Video."
        )
    made_for = conditioning.get(KIND, facts.kind)
    if made_for != facts.kind:
        raise SamplingError(
            f"The conditioning was made for another model ({TITLES.get(made_for, made_for)}) than the one that samples "
            f"({facts.title}); connect the same model to the conditioning node, Multimodal CFG and KeyVID Schedule."
        )
    if facts.audio_width is not None and conditioning.get(AUDIO) is None:
        raise _no_audio("conditioning", facts)
    for key, name in (("control", "ControlNet"), ("gligen", "GLIGEN")):
        if conditioning.get(key) is not None:
            raise SamplingError(
                f"The conditioning has a {name}, which is made for single images of another model; take it out "
                "of the conditioning of KeyVID and DynamiCrafter."
            )


def check_keyframe_latents(latents: torch.Tensor, *, width: int, height: int) -> None:
    """Latents of keyframes (1, 4, K, h, w) belong to images of width x height pixels."""
    if latents.ndim != 5 or latents.shape[:2] != (1, 4):
        raise KeyVIDError(
            f"The latent on the keyframes input has shape {tuple(latents.shape)} and is not one of keyframes; connect "
            "the latent of the keyframes' sampler itself, not that of Frames From Latent."
        )
    if latents.shape[-2:] != (height // PIXELS_PER_LATENT, width // PIXELS_PER_LATENT):
        raise KeyVIDError(
            f"The keyframes on the keyframes input are {_pixels(latents)} pixels, but width and height here say "
            f"{width} x {height}; set both nodes to the same size."
        )


def check_latent(noise: torch.Tensor, concat: torch.Tensor) -> None:
    """The latent that is sampled has the shape of the conditioning's concat latent (else SamplingError)."""
    remedy = "connect the latent output of the same conditioning node."
    if noise.ndim != concat.ndim or noise.shape[1] != concat.shape[1]:
        raise SamplingError(
            f"The latent on the sampler has shape {tuple(noise.shape)}, but this model paints videos (clips, "
            f"{concat.shape[1]} channels, frames, height, width); {remedy}"
        )
    n_frames, wanted = noise.shape[2], concat.shape[2]
    if n_frames != wanted:
        # ComfyUI makes clips of one frame out of a batch of images
        found = "is for single images" if n_frames == 1 else f"has {n_frames} frames"
        raise SamplingError(
            f"The latent on the sampler {found}, but the conditioning was made for {wanted} frames; {remedy}"
        )
    if noise.shape[-2:] != concat.shape[-2:]:
        found, wanted_size = (_pixels(latent) for latent in (noise, concat))
        raise SamplingError(
            f"The latent on the sampler is for images of {found} pixels, but the conditioning was made for "
            f"{wanted_size}; {remedy}"
        )


def _no_audio(where: str, facts: ModelFacts) -> SamplingError:
    return SamplingError(
        f"The model ({facts.title}) moves to sound, and the {where} has none; connect audio and an audio encoder to "
        "the conditioning node."
    )


def _equal(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and torch.equal(one, other)


def _pixels(latent: torch.Tensor) -> str:
    """The size of a latent's images (..., h, w), as an error message names it."""
    height, width = (PIXELS_PER_LATENT * side for side in latent.shape[-2:])
    return f"{width} x {height}"


def _multiple(side: int, multiple: int, up: bool) -> int:
    """The nearest multiple of at least (up) or at most a side in pixels; at least one multiple."""
    return max(1, -(-side // multiple) if up else side // multiple) * multiple
