"""The model to fine-tune, told by its file as the loader nodes do, and the encoders that belong to it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from diffusers import AutoencoderKL
from torch import nn

from ...errors import KeyVIDError
from ...keyframes.timebase import N_FRAMES
from ...models.build import build_audio, build_network, config_of, read_part
from ...models.checkpoint.checkpoint import Checkpoint, open_checkpoint, refuse_kind, refuse_part
from ...models.checkpoint.layouts import (
    AUDIO,
    GENERATOR,
    INTERPOLATOR,
    RESAMPLER,
    TEXT,
    UNET,
    VAE,
    VISION,
)
from ...models.unet.unet import VideoUNet
from .. import recipe
from ..datasets.clips import HEIGHT, WIDTH
from ..release.export import WEIGHTS
from ..vae.file import vae_of

# the networks that the pack brings, by the word for them
EMBEDDED = {
    GENERATOR: WEIGHTS / "keyvid_small_generator.safetensors",
    INTERPOLATOR: WEIGHTS / "keyvid_small_interpolator.safetensors",
}
END_BYTES = 2**20  # names and shapes are at the beginning of a file, values at its end
ENCODING_PARTS = (TEXT, VISION, RESAMPLER, AUDIO, VAE)


@dataclass(frozen=True)
class Base:
    """model: the file of the UNet to fine-tune. sources: {part: the file that it is taken from} for ENCODING_PARTS."""

    path: Path
    model: Checkpoint
    sources: dict[str, Checkpoint]

    @property
    def is_published(self) -> bool:
        """Whether it is a file of KeyVID's authors, and not one of a training of this repository."""
        return self.model.metadata.published

    @property
    def is_generator(self) -> bool:
        """Whether it makes keyframes, and not the frames between them."""
        return self.model.kind == GENERATOR

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the frames that it was trained on."""
        return (HEIGHT, WIDTH) if self.is_published else (recipe.HEIGHT, recipe.WIDTH)


def open_base(model: str, encoders: str | None = None) -> Base:
    """The Base of a file, or of an embedded network by its word (EMBEDDED).

    encoders: a file with what the model's lacks; None: for an embedded network the embedded generator's. Raises
    KeyVIDError when the file is no generator or interpolator, is for another number of frames, or a part is missing.
    """
    path = EMBEDDED.get(model) or Path(model).expanduser()
    checkpoint = open_checkpoint(path)
    if checkpoint.kind not in EMBEDDED:
        refuse_kind(
            checkpoint,
            "a network of KeyVID's to fine-tune",
            "Name a file of the keyframe generator or of the interpolator.",
        )
    if encoders is None and model in EMBEDDED:
        encoders = str(EMBEDDED[GENERATOR])
    files = [checkpoint]
    if encoders is not None:
        files.append(open_checkpoint(Path(encoders).expanduser()))
    sources = {part: _source(part, files, path) for part in ENCODING_PARTS}
    n_frames = config_of(sources[RESAMPLER], RESAMPLER).n_frames
    if n_frames != N_FRAMES:
        raise KeyVIDError(
            f"{path.name} is for clips of {n_frames} frames; fine-tuning knows clips of {N_FRAMES}. Use such a file."
        )
    return Base(path, checkpoint, sources)


def load_unet(base: Base) -> VideoUNet:
    """The UNet, fp32, on the CPU. Large ones save memory in training by computing intermediates twice."""
    unet = cast(VideoUNet, build_network(read_part(base.model, UNET), dtype=torch.float32))
    unet.gradient_checkpointing = base.is_published
    return unet


def load_encoders(base: Base) -> tuple[dict[str, nn.Module], AutoencoderKL]:
    """({"text", "vision", "resampler", "audio": network}, the VAE), fp32, in evaluation mode."""
    networks = {
        part: build_network(read_part(base.sources[part], part), dtype=torch.float32)
        for part in (TEXT, VISION, RESAMPLER)
    }
    networks[AUDIO] = build_audio(base.sources[AUDIO], dtype=torch.float32)
    for network in networks.values():
        network.requires_grad_(False)
    vae = read_part(base.sources[VAE], VAE)
    return networks, vae_of(dict(vae.tensors), vae.config)


def fingerprint(base: Base) -> str:
    """A short name of the files that a base is made of, by their sizes and both of their ends: a copy is the same."""
    digest = hashlib.sha256()
    for checkpoint in (base.model, *base.sources.values()):
        path = Path(checkpoint.file.path) if checkpoint.file else base.path
        size = path.stat().st_size
        digest.update(f"{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(END_BYTES))
            file.seek(max(0, size - END_BYTES))
            digest.update(file.read())
    return digest.hexdigest()[:16]


def _source(part: str, files: list[Checkpoint], path: Path) -> Checkpoint:
    for checkpoint in files:
        if part in checkpoint.layout.parts:
            return checkpoint
    refuse_part(files[0])  # of a split file the rest is in the others
    raise KeyVIDError(
        f"{path.name} has no {part} network, which fine-tuning needs. Name a whole file that has it, such as the "
        "keyframe generator's: --encoders FILE."
    )
