"""What the UNet is conditioned on in each guidance pass, and the concat latents (published-model d.6, e.7, f).

The concat latent, the frame rate and the frame indices are never dropped; text, image and audio are, one by one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..frame_index import checked_frames
from .guidance import PASSES

# pass -> whether it has the text, the image, the audio (else what represents their absence)
_HAS = {
    "none": (False, False, False),
    "image": (False, True, False),
    "image_text": (True, True, False),
    "full": (True, True, True),
}


def guidance_conditions(
    *, text: Sequence[Any], image: Sequence[Any], audio: Sequence[Any] | None = None, **shared: Any
) -> dict[str, dict[str, Any]]:
    """What each of the four passes is conditioned on, {pass: {"text", "image", "audio", *shared}}.

    text, image, audio: pairs (given, absent). For `VideoUNet` they are tensors: text (B, 77, C) and that of the
    empty prompt, image (B, T, 16, C) and that of a grey image, audio (B, T, L, D) and that of the zero mel, or None
    for a model without audio. shared: what all passes have alike: concat (B, 4, T, h, w), fps (B,),
    frame_index (B, T). Returns: a dict by the names in guidance.PASSES.
    """
    conditions = {}
    for name in PASSES:
        has_text, has_image, has_audio = _HAS[name]
        conditions[name] = {
            "text": text[not has_text],
            "image": image[not has_image],
            "audio": None if audio is None else audio[not has_audio],
            **shared,
        }
    return conditions


def denoise(
    unet: Callable[..., torch.Tensor],
    x: torch.Tensor,
    timesteps: torch.Tensor,
    *,
    concat: torch.Tensor,
    **condition: Any,
) -> torch.Tensor:
    """The UNet on a noisy latent with the concat latent behind it on the channel axis, as ddim.sample calls a model.

    x, concat: (B, 4, T, h, w); the rest as the UNet takes it. Returns: v (B, 4, T, h, w).
    """
    return unet(torch.cat([x, concat.to(x)], dim=1), timesteps, **condition)  # (B, 8, T, h, w)


def keyframe_concat(first_latent: torch.Tensor, n_frames: int) -> torch.Tensor:
    """The concat latent of the keyframe stage: that of the first frame, for every frame.

    first_latent: (B, 4, 1, h, w), scaled. Returns: (B, 4, n_frames, h, w).
    """
    return first_latent.expand(-1, -1, n_frames, -1, -1)


def interpolation_concat(
    latents: torch.Tensor, frames: Sequence[int], n_frames: int
) -> torch.Tensor:
    """The concat latent of the interpolation: the keyframes' latents at their frames, else zeros; no mask channel.

    latents: (B, 4, K, h, w), scaled; frames: K frames of the clip; of two for one frame the last counts.
    Returns: (B, 4, n_frames, h, w). Raises SamplingError for a frame outside the clip and unless
    there are as many frames as latents.
    """
    frames = checked_frames(frames, n_frames, n_latents=latents.shape[2])
    concat = latents.new_zeros(*latents.shape[:2], n_frames, *latents.shape[3:])
    for k, frame in enumerate(frames):
        concat[:, :, frame] = latents[:, :, k]
    return concat
