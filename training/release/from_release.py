"""`python dev.py train from-release`: initialises the state of every training from the weights that the pack ships.

So a machine that has never trained anything can improve them. Weights have fp16's precision; optimizers and networks
that are discarded after a training (the probe heads) start fresh. The step is 0 again: what depends on the step, such
as the learning rate and the loss of whole frames, starts from the beginning.
"""

import logging
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ...errors import KeyVIDError
from ...models.checkpoint import layouts
from ...models.checkpoint.checkpoint import open_checkpoint, part_tensors
from .. import recipe
from ..engine.state import Tensors, load_state, save_state, write_atomically
from ..vae import file as vae_file
from ..vae.names import from_latent_diffusion
from ..vae.network import build_vae
from .export import FILES, WEIGHTS

logger = logging.getLogger("keyvid.training")
GENERATOR, INTERPOLATOR, LOCALIZER = FILES
# training -> (the file with what it reached, the parts of it)
SOURCES = {
    "vae": (GENERATOR, (layouts.VAE,)),
    "audio": (GENERATOR, (layouts.AUDIO,)),
    "localizer": (LOCALIZER, (layouts.LOCALIZER,)),
    "generator": (
        GENERATOR,
        (layouts.UNET, layouts.RESAMPLER, layouts.TEXT, layouts.VISION),
    ),
    "interpolator": (INTERPOLATOR, (layouts.UNET,)),
}


def write_states(state_dir: Path, *, seed: int = 0, weights: Path = WEIGHTS) -> list[str]:
    """Write a state at step 0 for every training that has none in state_dir, and the frozen VAE.

    Returns the names of the trainings. Raises KeyVIDError when a weight file is not there, and when the VAE in
    state_dir is another one: the shipped networks know no latents but their own.
    """
    initialised = []
    _check_vae(state_dir / "vae" / vae_file.FILE_NAME, weights / f"{GENERATOR}.safetensors")
    for training, (file_name, parts) in SOURCES.items():
        folder = state_dir / training
        if load_state(folder) is not None:
            continue
        path = weights / f"{file_name}.safetensors"
        if not path.is_file():
            raise KeyVIDError(
                f"There is no {path.name} in {weights} to begin with; "
                f"train from nothing: python dev.py train {training}"
            )
        checkpoint = open_checkpoint(path)
        modules = {part: _whole(part_tensors(checkpoint, part)) for part in parts}
        if training == "vae":
            _freeze(modules["vae"], folder)
            modules["vae"] = _trainable(modules["vae"])
        save_state(folder, step=0, state={"seed": seed, "modules": modules, "averages": modules})
        initialised.append(training)
    return initialised


def report(initialised: list[str]) -> None:
    """Say in the log which trainings have a state now."""
    if initialised:
        logger.info("these trainings start from the shipped weights: %s", ", ".join(initialised))
    else:
        logger.info("every training has its own state already; nothing was changed")


def _whole(tensors: Tensors) -> Tensors:
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def _check_vae(frozen: Path, shipped: Path) -> None:
    if not (frozen.is_file() and shipped.is_file()):
        return
    if not vae_file.same_encoder(
        load_file(frozen), part_tensors(open_checkpoint(shipped), layouts.VAE)
    ):
        raise KeyVIDError(
            f"The trainings in {frozen.parent.parent} have a VAE of their own, and the shipped networks belong to "
            "another; begin in an empty folder with --state-dir."
        )


def _freeze(tensors: Tensors, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: tensor.half().contiguous() for name, tensor in tensors.items()}
    path = folder / vae_file.FILE_NAME
    if not path.is_file():
        write_atomically(path, lambda part: save_file(halves, part))


def _trainable(tensors: Tensors) -> Tensors:
    """diffusers' names, and latents of mean square 1, which the training keeps, instead of 1 / 0.18215."""
    n_latent = recipe.VAE.embed_channels
    factor = torch.full((n_latent,), recipe.SCALE_FACTOR)
    tensors = vae_file.scaled(tensors, mean=torch.zeros(n_latent), factor=factor)
    return from_latent_diffusion(tensors, recipe.VAE, like=build_vae().state_dict())
