"""Training the small VAE's decoder further, after its latents have been used for everything else.

The encoder is unchanged, and so are all latents, the data, and every network trained on them.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from .. import recipe
from ..data.records import Report
from ..engine.loop import Scalars, Task
from ..vae.file import load_vae
from ..vae.names import DECODER
from .image_training import held_out_images, image_loss, image_task, training_images


def make_task(state_dir: Path, *, report: Report | None = None) -> Task:
    """The Task of the decoder of the frozen VAE in state_dir."""
    images = training_images(state_dir, report=report)
    return decoder_task(load_vae(state_dir / "vae"), images, held_out_images(state_dir))


def decoder_task(vae: AutoencoderKL, images: np.ndarray, held_out: np.ndarray) -> Task:
    """The Task of a frozen VAE's decoder on images and held-out images: arrays (n,) of IMAGE."""
    for name, parameter in vae.named_parameters():
        parameter.requires_grad_(name.startswith(DECODER))
    return image_task(
        "decoder",
        vae,
        images,
        held_out,
        loss=decoder_loss,
        learning_rate=recipe.DECODER_LEARNING_RATE,
        decay_steps=recipe.DECODER_DECAY_STEPS,
    )


def decoder_loss(
    vae: AutoencoderKL, pixels: torch.Tensor, moving: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, Scalars]:
    """(loss, scalars) of decoding the frozen encoder's latents with a little noise."""
    with torch.no_grad():
        latent = vae.encode(pixels).latent_dist.mean.float()
    noise = torch.randn(latent.shape, generator=generator).to(latent.device)
    noise *= (
        recipe.VAE_NOISE / recipe.SCALE_FACTOR
    )  # the frozen VAE's latents have this standard deviation
    return image_loss(vae.decode(latent + noise).sample.float(), pixels, moving)
