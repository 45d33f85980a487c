"""The frozen VAE: a weight file that all later training data is made with.

Its latents are scaled here, inside the 1 x 1 convolutions around them: ComfyUI multiplies the latent of a KL-f8 VAE by
0.18215, and the diffusion networks' latents shall have mean 0 and standard deviation 1 in every channel. So no further
constants are needed.
"""

import logging
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from ...errors import KeyVIDError
from ...models.encoders.vae_config import VAEConfig
from .. import recipe
from ..engine.state import Tensors, write_atomically
from .names import DECODER, from_latent_diffusion, to_latent_diffusion
from .network import build_vae, to_frames, to_pixels

logger = logging.getLogger("keyvid.training")
FILE_NAME = "vae.safetensors"


def freeze_vae(vae: AutoencoderKL, frames: np.ndarray, folder: Path) -> Path:
    """Scale a trained VAE's latents by their statistics on frames (uint8 (n, H, W, 3)) and write it into the folder,
    in fp16 and under latent diffusion's names. Returns the path."""
    mean, std = latent_statistics(vae, frames)
    tensors = to_latent_diffusion(vae.state_dict(), recipe.VAE)
    tensors = scaled(tensors, mean=mean, factor=1 / (recipe.SCALE_FACTOR * std))
    tensors = {name: tensor.half().contiguous().cpu() for name, tensor in tensors.items()}
    path = folder / FILE_NAME
    write_atomically(path, lambda part: save_file(tensors, part))
    logger.info("latents had means %s and deviations %s", mean.tolist(), std.tolist())
    return path


def same_encoder(one: Tensors, other: Tensors) -> bool:
    """Whether two VAEs ({latent diffusion's name: tensor}) make the same latents, to fp16's rounding."""
    names = [name for name in one if not name.startswith(DECODER)]
    return all(torch.allclose(one[name].float(), other[name].float(), atol=1e-3) for name in names)


def load_vae(folder: Path) -> AutoencoderKL:
    """diffusers' AutoencoderKL of the file that freeze_vae wrote, in fp32 and set to evaluation.

    Raises KeyVIDError when it is not there.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise KeyVIDError(
            f"There is no trained VAE in {folder}; run: python dev.py train vae, then python dev.py train data"
        )
    return vae_of(load_file(path))


def vae_of(tensors: Tensors, config: VAEConfig = recipe.VAE) -> AutoencoderKL:
    """diffusers' AutoencoderKL of {latent diffusion's name: tensor}, in fp32 and set to evaluation."""
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    vae = build_vae(config)
    vae.load_state_dict(from_latent_diffusion(tensors, config, like=vae.state_dict()))
    return vae.eval().requires_grad_(False)


@torch.no_grad()
def encode(vae: AutoencoderKL, frames: np.ndarray, *, batch_size: int = 16) -> torch.Tensor:
    """The latents of the diffusion networks, float32 (n, 4, H / 8, W / 8), of frames uint8 (n, H, W, 3)."""
    device = next(vae.parameters()).device
    parts = [
        vae.encode(
            to_pixels(frames[first : first + batch_size]).to(device)
        ).latent_dist.mean.float()
        for first in range(0, len(frames), batch_size)
    ]
    return recipe.SCALE_FACTOR * torch.cat(parts)


@torch.no_grad()
def decode(vae: AutoencoderKL, latents: torch.Tensor) -> np.ndarray:
    """Frames uint8 (n, H, W, 3) of latents (n, 4, h, w) as encode gives them."""
    return to_frames(vae.decode(latents / recipe.SCALE_FACTOR).sample.float())


def latent_statistics(vae: AutoencoderKL, frames: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """(mean (4,), standard deviation (4,)) of the VAE's latents, not multiplied by anything, per channel."""
    latents = encode(vae, frames) / recipe.SCALE_FACTOR  # (n, 4, h, w)
    return latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))


def scaled(tensors: Tensors, *, mean: torch.Tensor, factor: torch.Tensor) -> Tensors:
    """The tensors of a VAE (latent diffusion's names) whose latent is (latent - mean) * factor; images stay the same.

    mean, factor: (4,), per channel. The log-variance follows the scale.
    """
    weight, bias = tensors["quant_conv.weight"], tensors["quant_conv.bias"]  # (8, 8, 1, 1), (8,)
    mean_weight, log_variance_weight = weight.chunk(2)
    mean_bias, log_variance_bias = bias.chunk(2)
    back = tensors["post_quant_conv.weight"]  # (4, 4, 1, 1), columns are latent channels
    return {
        **tensors,
        "quant_conv.weight": torch.cat(
            [mean_weight * factor[:, None, None, None], log_variance_weight]
        ),
        "quant_conv.bias": torch.cat(
            [(mean_bias - mean) * factor, log_variance_bias + 2 * factor.log()]
        ),
        "post_quant_conv.weight": back / factor[None, :, None, None],
        "post_quant_conv.bias": tensors["post_quant_conv.bias"] + back[:, :, 0, 0] @ mean,
    }
