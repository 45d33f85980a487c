"""Keyframes that stay while others are painted anew: a latent that holds them, and a noise mask."""

import torch

from ...errors import KeyVIDError, PlanError
from ...keyframes.plan import KeyframePlan
from ...keyframes.text import NO_FRAMES, frames_from_text, frames_to_text, there_are
from ...keyframes.values import shown
from ..images import check_images, fit_images
from ..payloads import Image, Latent, Vae
from .conditioning import image_latents
from .model_facts import PIXELS_PER_LATENT

LOCKED = "locked"


def pinned_latent(
    latent: Latent,
    plan: KeyframePlan,
    *,
    pinned: str,
    images: Image | None = None,
    vae: Vae | None = None,
) -> Latent:
    """A LATENT of keyframes (1, 4, K, h, w) in which some are kept: where its noise_mask is 0.

    A sampler paints the others, and sees those that are kept. latent: of a sampler, whose keyframes are kept, or of
    Keyframe Conditioning. pinned: frames of keyframes, such as "12, 24", LOCKED, those that are locked in the plan, or
    NO_FRAMES, and the latent stays as it is. images: one for each of them, in their place, which the vae encodes.
    Raises KeyVIDError where these do not fit together.
    """
    samples = latent["samples"]
    if samples.ndim != 5 or samples.shape[2] != plan.count:
        found = samples.shape[2] if samples.ndim == 5 else len(samples)
        raise PlanError(
            f"{there_are(found, 'keyframe')} in the latent, but the plan has {plan.count}; connect the latent of "
            "Keyframe Conditioning or of its sampler, and the plan that they have."
        )
    frames = _pinned_frames(plan, pinned)
    if not frames:
        return _unpinned(latent, images)
    numbers = [plan.frames.index(frame) for frame in frames]
    samples = samples.clone()
    if images is not None:
        samples[:, :, numbers] = _encoded(images, vae, frames, samples)
    elif not torch.count_nonzero(samples[:, :, numbers]):
        raise KeyVIDError(
            "The latent is empty, so there is nothing to keep: connect the latent of a sampler that has painted the "
            "keyframes, or images and a vae."
        )
    mask = torch.ones(1, 1, *samples.shape[2:])
    mask[:, :, numbers] = 0
    return {**latent, "samples": samples, "noise_mask": mask}


def _pinned_frames(plan: KeyframePlan, pinned: str) -> list[int]:
    if not isinstance(pinned, str):
        raise KeyVIDError(
            f"Pinned is {shown(pinned)}; name frames, such as 12, 24, or locked, or none."
        )
    if pinned.strip().lower() == NO_FRAMES:
        return []
    if pinned.strip().lower() == LOCKED:
        frames = [keyframe.frame for keyframe in plan.keyframes if keyframe.locked]
        if frames:
            return frames
        raise PlanError(
            "No keyframe of the plan is locked. Lock some in Edit Keyframes (the key L), or type their frames into "
            "pinned."
        )
    frames = frames_from_text(pinned)
    missing = [frame for frame in frames if frame not in plan.frames]
    if missing:
        raise PlanError(
            f"The plan has no keyframe at frame {frames_to_text(missing[:6])}; its keyframes are at "
            f"{frames_to_text(plan.frames[:24])}{' ...' if plan.count > 24 else ''}."
        )
    return frames


def _unpinned(latent: Latent, images: Image | None) -> Latent:
    if images is None:
        return latent
    raise PlanError(
        "There are images, but none is pinned; type their frames into pinned, or connect frames of Storyboard Images."
    )


def _encoded(images: Image, vae: Vae | None, frames: list[int], like: torch.Tensor) -> torch.Tensor:
    """The latents (1, 4, n, h, w) of one image for each frame, at the size of `like`."""
    check_images(images, name="images")
    if vae is None:
        raise KeyVIDError("There are images, but no VAE that could encode them; connect vae.")
    if len(images) != len(frames):
        raise PlanError(
            f"{there_are(len(images), 'image')} for the {len(frames)} pinned keyframes at frames "
            f"{frames_to_text(frames[:24])}; connect one for each, in this order."
        )
    height, width = (PIXELS_PER_LATENT * side for side in like.shape[-2:])
    return image_latents(vae, fit_images(images, width=width, height=height)).to(like)
