"""Training the small VAE: pictures of the world to latents of an eighth of their size, and back.

The network is the KL autoencoder of latent diffusion (Rombach et al., CVPR 2022), but only its mean is used, by ComfyUI
and here: the noise that the decoder must bear is small and fixed, because a latent that begins as noise learns slowly.
There is no adversarial loss; the world's pictures are plain enough for pixels and edges alone. Errors count
more where something moves, because a stick or a drop has few pixels and is all there is to see.
"""

import torch

from .. import recipe
from ..engine.loop import load_averages
from ..vae.file import FILE_NAME, freeze_vae
from ..vae.network import build_vae, to_pixels
from ..vae.start import start_as_mosaic
from .image_task import checked_pictures, picture_loss, picture_task, training_pictures

N_FITTED = 48  # pictures that the training's start is fitted to
N_SCALED_ON = 50  # every so many pictures the latents are scaled by one


def make_task(state_dir, *, report=None):
    """The Task of the VAE; pictures that are not in state_dir yet are rendered first."""
    pictures = training_pictures(state_dir, report=report)
    torch.manual_seed(0)
    vae = build_vae()
    start_as_mosaic(vae, to_pixels(pictures["frame"][:: len(pictures) // N_FITTED]))
    return vae_task(vae, pictures, checked_pictures(state_dir))


def vae_task(vae, pictures, held_out):
    """The Task of a VAE on pictures and held-out pictures: arrays (n,) of pictures.PICTURE."""
    return picture_task(
        "vae",
        vae,
        pictures,
        held_out,
        loss=vae_loss,
        learning_rate=recipe.VAE_LEARNING_RATE,
        decay_steps=recipe.VAE_DECAY_STEPS,
    )


def vae_loss(vae, pixels, moving, generator):
    """(loss, scalars): that of the pictures, and what keeps the latent's channels at mean square 1, beside which the
    noise is small."""
    latent = vae.encode(pixels).latent_dist.mean.float()
    noise = torch.randn(latent.shape, generator=generator).to(latent.device)
    decoded = vae.decode(latent + recipe.VAE_NOISE * noise).sample.float()
    loss, scalars = picture_loss(decoded, pixels, moving)
    size = (latent.square().mean(dim=(0, 2, 3)) - 1).square().mean()
    return loss + recipe.VAE_SIZE_WEIGHT * size, {**scalars, "size": size.detach()}


def ensure_vae(state_dir):
    """Freeze the VAE as the training in state_dir left it, unless that was done before.

    What has been made with a frozen VAE belongs to it: to use a newer one, remove its file, the data and the states of
    decoder, generator and interpolator.
    """
    folder = state_dir / "vae"
    if not (folder / FILE_NAME).is_file():
        vae = build_vae().eval()
        load_averages("vae", {"vae": vae}, state_dir=state_dir)
        freeze_vae(vae, training_pictures(state_dir)["frame"][::N_SCALED_ON], folder)
