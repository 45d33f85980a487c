"""Pictures through the embedded VAE and back: what is lost before anything is painted."""

import functools

from ..models.checkpoints import VAE, load_part, open_checkpoint
from ..training.release.export import WEIGHTS

GENERATOR_FILE = "keyvid_small_generator.safetensors"


def through_vae(frames):
    """Frames uint8 (n, H, W, 3), encoded and decoded: the same shape."""
    from ..training.vae.network import reconstruct  # needs diffusers, as nothing else here does

    return reconstruct(_vae(), frames)


@functools.cache
def _vae():
    from ..training.vae.file import vae_of

    return vae_of(load_part(open_checkpoint(WEIGHTS / GENERATOR_FILE), VAE))
