"""Training the small VAE: from images of the world to latents of an eighth of their size, and back.

The network is the KL autoencoder of latent diffusion (Rombach et al., CVPR 2022), but only its mean is used, by ComfyUI
and here: the noise added for the decoder is small and fixed, because a latent that begins as noise learns slowly.
There is no adversarial loss; the world's images are plain enough for losses of pixels and edges. Errors weigh more
where something moves, because a stick or a drop has few pixels.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from .. import recipe
from ..data.records import Report
from ..engine.loop import Scalars, Task, load_averages
from ..vae.file import FILE_NAME, freeze_vae
from ..vae.network import build_vae, to_pixels
from ..vae.start import init_structured
from .image_training import held_out_images, image_loss, image_task, training_images

N_FITTED = 48  # images that the initial weights are fitted to
N_SCALED_ON = 50  # the latents are scaled on every N_SCALED_ON-th image


def make_task(state_dir: Path, *, report: Report | None = None) -> Task:
    """The Task of the VAE; images that are not in state_dir yet are rendered first."""
    images = training_images(state_dir, report=report)
    torch.manual_seed(0)
    vae = build_vae()
    init_structured(vae, to_pixels(images["frame"][:: len(images) // N_FITTED]))
    return vae_task(vae, images, held_out_images(state_dir))


def vae_task(vae: AutoencoderKL, images: np.ndarray, held_out: np.ndarray) -> Task:
    """The Task of a VAE on images and held-out images: arrays (n,) of IMAGE."""
    return image_task(
        "vae",
        vae,
        images,
        held_out,
        loss=vae_loss,
        learning_rate=recipe.VAE_LEARNING_RATE,
        decay_steps=recipe.VAE_DECAY_STEPS,
    )


def vae_loss(
    vae: AutoencoderKL, pixels: torch.Tensor, moving: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, Scalars]:
    """(loss, scalars): the image loss, plus a penalty that keeps the latent's channels at mean square 1, so that the
    noise stays small in comparison."""
    latent = vae.encode(pixels).latent_dist.mean.float()
    noise = torch.randn(latent.shape, generator=generator).to(latent.device)
    decoded = vae.decode(latent + recipe.VAE_NOISE * noise).sample.float()
    loss, scalars = image_loss(decoded, pixels, moving)
    size = (latent.square().mean(dim=(0, 2, 3)) - 1).square().mean()
    return loss + recipe.VAE_SIZE_WEIGHT * size, {**scalars, "size": size.detach()}


def ensure_vae(state_dir: Path) -> None:
    """Freeze the VAE of the training in state_dir, unless that was done before.

    Everything made with a frozen VAE depends on it: to use a newer one, remove its file, the data and the states of
    decoder, generator and interpolator.
    """
    folder = state_dir / "vae"
    if not (folder / FILE_NAME).is_file():
        vae = build_vae().eval()
        load_averages("vae", {"vae": vae}, state_dir=state_dir)
        freeze_vae(vae, training_images(state_dir)["frame"][::N_SCALED_ON], folder)
