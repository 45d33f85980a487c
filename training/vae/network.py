"""The small VAE as a network: diffusers' AutoencoderKL at the recipe's sizes, and images as tensors and back."""

import numpy as np
import torch
from diffusers import AutoencoderKL

from ...models.encoders.vae_config import VAEConfig
from .. import recipe


def build_vae(config: VAEConfig = recipe.VAE) -> AutoencoderKL:
    """diffusers' AutoencoderKL of these sizes (models.vae_config.VAEConfig), with random weights."""
    n_levels = len(config.channel_mult)
    return AutoencoderKL(
        in_channels=config.in_channels,
        out_channels=config.in_channels,
        down_block_types=("DownEncoderBlock2D",) * n_levels,
        up_block_types=("UpDecoderBlock2D",) * n_levels,
        block_out_channels=tuple(config.channels * factor for factor in config.channel_mult),
        layers_per_block=config.num_res_blocks,
        latent_channels=config.z_channels,
        norm_num_groups=32,
    )


def to_pixels(frames: np.ndarray) -> torch.Tensor:
    """uint8 (n, H, W, 3) as float32 (n, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2) / 127.5 - 1


def to_frames(pixels: torch.Tensor) -> np.ndarray:
    """(n, 3, H, W) in [-1, 1] as uint8 (n, H, W, 3), an array."""
    levels = ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def reconstruct(vae: AutoencoderKL, frames: np.ndarray, *, batch_size: int = 16) -> np.ndarray:
    """Through the VAE and back without noise: uint8 (n, H, W, 3) to uint8 (n, H, W, 3)."""
    device = next(vae.parameters()).device
    parts = []
    for first in range(0, len(frames), batch_size):
        pixels = to_pixels(frames[first : first + batch_size]).to(device)
        parts.append(to_frames(vae.decode(vae.encode(pixels).latent_dist.mean).sample))
    return np.concatenate(parts)
