"""What the UNet is told in each guidance pass, and the latents laid beside the noisy one (published-model d.6, e.7, f).

The concat latent, the frame rate and the frame indices are never dropped; text, image and sound are, one by one.
"""

import torch

from ..frame_index import checked_frames
from .guidance import PASSES

# pass -> has it the text, the image, the sound (else what stands for their absence)
GIVEN = {
    "none": (False, False, False),
    "image": (False, True, False),
    "image_text": (True, True, False),
    "full": (True, True, True),
}


def guidance_conditions(*, text, image, audio=None, **shared):
    """Keywords of the UNet for each of the four passes.

    text, image, audio: pairs (given, absent) of tensors shaped as the UNet takes them: text (B, 77, C) and that
    of the empty prompt, image (B, T, 16, C) and that of a grey picture, audio (B, T, L, D) and that of the zero
    mel, or None for a model without sound. shared: what all passes have alike: concat (B, 4, T, h, w), fps (B,),
    frame_index (B, T). Returns: a dict by the names in guidance.PASSES.
    """
    return {
        name: {
            "text": text[not GIVEN[name][0]],
            "image": image[not GIVEN[name][1]],
            "audio": None if audio is None else audio[not GIVEN[name][2]],
            **shared,
        }
        for name in PASSES
    }


def denoise(unet, x, timesteps, *, concat, **condition):
    """The UNet on a noisy latent with the concat latent beside it, as ddim.sample calls its model.

    x, concat: (B, 4, T, h, w); the rest as the UNet takes it. Returns: v (B, 4, T, h, w).
    """
    return unet(torch.cat([x, concat.to(x)], dim=1), timesteps, **condition)  # (B, 8, T, h, w)


def keyframe_concat(first_latent, n_frames):
    """The concat latent of the keyframe stage: that of the first frame, for every frame.

    first_latent: (B, 4, 1, h, w), scaled. Returns: (B, 4, n_frames, h, w).
    """
    return first_latent.expand(-1, -1, n_frames, -1, -1)


def interpolation_concat(latents, frames, n_frames):
    """The concat latent of the interpolation: keyframes where they stand, zeros between; no mask channel.

    latents: (B, 4, K, h, w), scaled; frames: K frames of the clip, where one is named twice the last counts.
    Returns: (B, 4, n_frames, h, w). Raises SamplingError for a frame outside the clip and unless
    there are as many frames as latents.
    """
    frames = checked_frames(frames, n_frames, n_latents=latents.shape[2])
    concat = latents.new_zeros(*latents.shape[:2], n_frames, *latents.shape[3:])
    for k, frame in enumerate(frames):
        concat[:, :, frame] = latents[:, :, k]
    return concat
