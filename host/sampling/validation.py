"""Do the things wired together belong together? Every answer "no" is a sentence that says what to change."""

import torch

from ...errors import AudioError, KeyVIDError, PlanError, PlanMismatchError, SelectionError
from ...keyframes.timebase import same_rate
from ...models.checkpoint.layouts import DYNAMICRAFTER, GENERATOR, INTERPOLATOR

PIXELS_PER_LATENT = 8  # along an edge, of Stable Diffusion's VAE
_PLACES = {GENERATOR: "Keyframe Conditioning", INTERPOLATOR: "Interpolation Conditioning"}


def check_kind(facts, wanted):
    """Raises KeyVIDError unless a model (ModelFacts) is of the wanted kind, GENERATOR or INTERPOLATOR, or a
    DynamiCrafter, which does either."""
    if facts.kind not in (wanted, DYNAMICRAFTER):
        other = GENERATOR if wanted == INTERPOLATOR else INTERPOLATOR
        raise KeyVIDError(
            f"The model is a {facts.title}, but {_PLACES[wanted]} needs the {wanted}. Load the {wanted}'s file for "
            f"this node; the {other} belongs to {_PLACES[other]}."
        )


def check_size(width, height, facts):
    """Raises KeyVIDError unless the model can paint pictures of this size; names the nearest sizes it can."""
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


def check_plan(plan, facts):
    """Raises PlanMismatchError unless the plan is for a clip that the model makes.

    A KeyVID model makes clips of one length and frame rate; of a DynamiCrafter only the number of frames is fixed.
    """
    is_keyvid = facts.kind != DYNAMICRAFTER
    is_same_rate = not is_keyvid or same_rate(plan.fps, facts.fps, n_frames=facts.n_frames)
    if plan.n_frames == facts.n_frames and is_same_rate:
        return
    makes = f"{facts.n_frames} frames"
    if is_keyvid:
        makes += f" at {facts.fps:g} fps ({facts.n_frames / facts.fps:.2f} s)"
    raise PlanMismatchError(
        f"The plan is for {plan.n_frames} frames at {plan.fps:g} fps ({plan.n_frames / plan.fps:.2f} s), but this "
        f"model makes clips of {makes}. Set frames and fps in Clip Audio to these numbers."
    )


def check_keyframe_plan(plan, facts):
    """Raises KeyVIDError unless a generator has a plan, of its clip and of as many keyframes as it was trained on,
    and a plain DynamiCrafter, which is not told where its frames stand, has none."""
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
    if plan.count in facts.keyframe_counts:
        return
    counts = " or ".join(map(str, facts.keyframe_counts))
    raise SelectionError(
        f"The plan has {plan.count} keyframes, but this model was trained on {counts}. Set count to "
        f"{facts.keyframe_counts[0]} in Select Keyframes, or add and delete keyframes in Edit Keyframes."
    )


def check_text(conditioning, facts, *, name):
    """Raises KeyVIDError unless a CONDITIONING holds text of the width that the model reads."""
    if not conditioning:
        raise KeyVIDError(f"The {name} conditioning is empty; connect CLIP Text Encode to {name}.")
    for text, _ in conditioning:
        width = text.shape[-1] if isinstance(text, torch.Tensor) and text.ndim == 3 else None
        if width != facts.context_width:
            found = "no text" if width is None else f"text that is {width} numbers wide"
            raise KeyVIDError(
                f"The {name} conditioning holds {found}, but this model reads text that is {facts.context_width} "
                "wide. Use the CLIP that belongs to it: OpenCLIP ViT-H, the text encoder of Stable Diffusion 2."
            )


def check_vision(clip_vision, facts):
    """Raises KeyVIDError unless a CLIP_VISION is the tower that the model's image projection reads."""
    if facts.vision_width is None:
        raise no_image_projection()
    if clip_vision is None:
        raise KeyVIDError(
            "There is no CLIP vision on the clip_vision input; load OpenCLIP ViT-H with Load CLIP Vision."
        )
    kind, width = clip_vision.model_type, clip_vision.config.get("hidden_size")
    if kind != "clip_vision_model" or width != facts.vision_width:
        raise KeyVIDError(
            f"The CLIP vision model ({kind}) makes tokens {width} numbers wide, but this model reads tokens of a CLIP "
            f"vision model that are {facts.vision_width} wide. Use the one that belongs to it: OpenCLIP ViT-H."
        )


def no_image_projection():
    """The error of a model that is given a picture and was loaded from a file that cannot see it."""
    return KeyVIDError(
        "The model's file has no image projection (image_proj_model), so it cannot see the picture; use the whole file."
    )


def check_vae(vae, facts):
    """Raises KeyVIDError unless a VAE makes latents of the family that the model paints."""
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
    for_what = {1: "sounds", 2: "pictures", 3: "videos"}.get(vae.latent_dim, "other things")
    raise KeyVIDError(
        f"The VAE is of another family: one for {for_what} with {vae.latent_channels} latent channels, each standing "
        f"for {scale} x {scale} pixels, but this model needs one for pictures with {facts.latent_channels} channels "
        f"and {PIXELS_PER_LATENT} x {PIXELS_PER_LATENT} pixels. Use the VAE of Stable Diffusion 1.5 or 2."
    )


def check_sound(audio_encoder, audio, facts):
    """Raises AudioError unless sound and encoder are both there for a model that hears, and neither for one that
    does not."""
    if facts.audio_width is None:
        if audio is not None or audio_encoder is not None:
            raise AudioError(
                f"This model is a {facts.title} and cannot hear. Disconnect audio and audio_encoder, or use a KeyVID "
                "model."
            )
        return
    if audio is None:
        raise AudioError(
            f"This model ({facts.title}) moves to sound, but there is none on the audio input; connect the audio of "
            "Clip Audio."
        )
    if audio_encoder is None:
        raise AudioError(
            "There is sound, but no audio encoder to hear it with; connect Load Audio Encoder, or the audio encoder "
            "of Load KeyVID Checkpoint."
        )


def _multiple(side, multiple, up):
    """The next multiple of a side in pixels, at least one."""
    return max(1, -(-side // multiple) if up else side // multiple) * multiple
