"""Training the small VAE's decoder further, when everything else is made of its latents already.

The encoder stays as it is, so do all latents, and with them the data and every network that learned from them.
"""

import torch

from .. import recipe
from ..vae.file import load_vae
from ..vae.names import DECODER
from .image_task import checked_pictures, picture_loss, picture_task, training_pictures


def make_task(state_dir, *, report=None):
    """The Task of the decoder of the frozen VAE in state_dir."""
    pictures = training_pictures(state_dir, report=report)
    return decoder_task(load_vae(state_dir / "vae"), pictures, checked_pictures(state_dir))


def decoder_task(vae, pictures, held_out):
    """The Task of a frozen VAE's decoder on pictures and held-out pictures: arrays (n,) of pictures.PICTURE."""
    for name, parameter in vae.named_parameters():
        parameter.requires_grad_(name.startswith(DECODER))
    return picture_task(
        "decoder",
        vae,
        pictures,
        held_out,
        loss=decoder_loss,
        learning_rate=recipe.DECODER_LEARNING_RATE,
        decay_steps=recipe.DECODER_DECAY_STEPS,
    )


def decoder_loss(vae, pixels, moving, generator):
    """(loss, scalars) of what the decoder makes of the frozen encoder's latents with a little noise."""
    with torch.no_grad():
        latent = vae.encode(pixels).latent_dist.mean.float()
    noise = torch.randn(latent.shape, generator=generator).to(latent.device)
    noise *= recipe.VAE_NOISE / recipe.SCALE_FACTOR  # the frozen VAE's latents have this spread
    return picture_loss(vae.decode(latent + noise).sample.float(), pixels, moving)
