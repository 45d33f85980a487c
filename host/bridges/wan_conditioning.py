"""Keyframes for Wan's image-to-video, first-last and Fun inpainting weights: a masked video as concat conditioning.

The format is that of ComfyUI's WanFirstLastFrameToVideo and WanDancerVideo: `concat_latent_image` is the encoded
video, `concat_mask` (1, 4, latents, h, w) is 0 where a frame is kept, with the rows of `causal_groups.kept_rows`.
"""

import comfy.model_management
import node_helpers
import torch
from comfy.ldm.wan.vae import WanVAE
from comfy.ldm.wan.vae2_2 import WanVAE as Wan22VAE
from comfy.taesd.taehv import TAEHV

from ...errors import KeyVIDError
from ...keyframes.bridges.causal_groups import SIZE, kept_rows, n_groups
from ..payloads import ClipVisionOutput, Conditioning, Image, Latent, Vae


def check_wan_vae(vae: Vae, *, width: int, height: int) -> None:
    """Raises KeyVIDError unless the VAE is one of Wan's and its latents of this size in pixels fit Wan's patches.

    VAEs of other video models group frames in fours too (HunyuanVideo, CogVideoX), so its network decides. ComfyUI's
    small VAE for previews, TAEHV, is one network for several models, and passes.
    """
    scale = getattr(vae, "downscale_index_formula", None)
    networks = (WanVAE, Wan22VAE, TAEHV)
    is_wan = isinstance(getattr(vae, "first_stage_model", None), networks)
    if scale is None or scale[0] != SIZE or not is_wan:
        raise KeyVIDError(
            "The VAE is not one of Wan's. Connect Load VAE with a Wan 2.1 VAE; the 14B models of Wan 2.2 take that "
            "one too."
        )
    multiple = 2 * scale[1]  # a patch has 2 x 2 latents
    if width % multiple or height % multiple:
        raise KeyVIDError(
            f"The size is {width} x {height}, and Wan needs multiples of {multiple} with this VAE. Set it to "
            f"{max(1, width // multiple) * multiple} x {max(1, height // multiple) * multiple}."
        )


def masked_conditioning(
    positive: Conditioning,
    negative: Conditioning,
    *,
    vae: Vae,
    video: Image,
    frames: list[int],
    clip_vision_output: ClipVisionOutput | None = None,
) -> tuple[Conditioning, Conditioning, Latent]:
    """Positive and negative that keep `frames` of a video (N, height, width, 3), N = 4k + 1, and an empty latent."""
    n_frames = len(video)
    concat = vae.encode(video)  # (1, C, T, h, w)
    kept = torch.tensor(kept_rows(frames, n_frames), device=concat.device)
    rows = (~kept).to(concat.dtype).view(1, n_groups(n_frames), SIZE, 1, 1).transpose(1, 2)
    values = {
        "concat_latent_image": concat,
        "concat_mask": rows.expand(-1, -1, -1, *concat.shape[-2:]).contiguous(),  # (1, 4, T, h, w)
    }
    if clip_vision_output is not None:
        values["clip_vision_output"] = clip_vision_output
    positive = node_helpers.conditioning_set_values(positive, values)
    negative = node_helpers.conditioning_set_values(negative, values)
    empty = torch.zeros(concat.shape, device=comfy.model_management.intermediate_device())
    return positive, negative, {"samples": empty}
