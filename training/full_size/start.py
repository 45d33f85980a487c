"""What a training at full size starts from: networks out of weight files, and which of their weights it changes.

A file of plain DynamiCrafter becomes KeyVID's network (published-model a.1, a.3): audio attention whose keys and values
are zero, the frame index of the generator, and the image projection's latents stretched from 16 frames to 48. How large
a network is, its file tells, as in the loaders.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from diffusers import AutoencoderKL
from torch import nn

from ...errors import KeyVIDError
from ...keyframes.timebase import N_FRAMES
from ...models.build import build_audio, build_network, read_part
from ...models.checkpoint import layouts
from ...models.checkpoint.checkpoint import Checkpoint, open_checkpoint, refuse_kind
from ...models.encoders.imagebind import LOCALIZER_STRIDE, POSITIONS, AudioTower
from ...models.encoders.localizer import (
    PUBLISHED_LOCALIZER,
    TOWER,
    Localizer,
    init_localizer,
)
from ...models.encoders.mel import LOCALIZER_COLUMNS
from ...models.encoders.resampler import Resampler, resize_latents
from ...models.published import KEYFRAME_COUNT
from ...models.unet.blocks import TemporalConvolution
from ...models.unet.config import UNetConfig
from ...models.unet.transformers import TemporalTransformer
from ...models.unet.unet import VideoUNet, init_weights
from ..engine.state import Tensors
from ..vae.names import from_latent_diffusion
from ..vae.network import build_vae

GENERATOR, INTERPOLATOR, LOCALIZER = "generator", "interpolator", "localizer"
NETWORKS = (GENERATOR, INTERPOLATOR, LOCALIZER)
# what an added network takes the names of its trained weights from (published-model a.1)
_TRAINED_STEMS = ("fps_embedding.", "frame_idx_embedding.", "audio_proj_2.")
_TRAINED_ENDS = (".to_k_ap.weight", ".to_v_ap.weight", ".attn2.beta")
_FILES = {
    layouts.AUDIO: "the audio tower (ImageBind's file, or one of KeyVID's; `python dev.py weights imagebind`)",
    layouts.TEXT: "the text encoder (DynamiCrafter's file or KeyVID's generator has it)",
    layouts.VISION: "the image encoder (DynamiCrafter's file or KeyVID's generator has it)",
    layouts.VAE: "the VAE (DynamiCrafter's file or KeyVID's generator has it)",
}


class VideoNetworks(NamedTuple):
    """unet, resampler: whose weights the training changes, in part. text, vision, audio, vae: which it only uses.

    vae_tensors: the VAE as in its file. keyframe_counts, licence: what the first file states.
    """

    unet: VideoUNet
    resampler: Resampler
    text: nn.Module
    vision: nn.Module
    audio: AudioTower
    vae: AutoencoderKL
    vae_tensors: Tensors
    keyframe_counts: tuple[int, ...] = (KEYFRAME_COUNT,)
    licence: str = ""


def open_video_networks(
    paths: Sequence[Path], *, network: str, dropout: float, seed: int = 0
) -> VideoNetworks:
    """The VideoNetworks of files; each part comes from the first file that has it.

    network: "generator" or "interpolator". dropout: of the UNet's residual blocks while it is trained. seed: of new
    weights. Raises KeyVIDError (CheckpointError) for files that do not fit, and where a part is in none of them.
    """
    files = [open_checkpoint(path) for path in paths]
    first = files[0]
    if layouts.UNET not in first.layout.prefixes:
        refuse_kind(
            first,
            "a video model",
            "Name DynamiCrafter's file or one of KeyVID's first behind --from.",
        )
    audio = build_audio(_file_with(files, layouts.AUDIO), dtype=torch.float32)
    torch.manual_seed(seed)  # new layers draw their weights from the global generator
    unet = start_unet(
        first,
        has_frame_index=network == GENERATOR,
        audio_width=audio.config.width,
        dropout=dropout,
    )
    vae, vae_tensors = _vae(_file_with(files, layouts.VAE))
    return VideoNetworks(
        unet=unet,
        resampler=start_resampler(first),
        text=_network(_file_with(files, layouts.TEXT), layouts.TEXT),
        vision=_network(_file_with(files, layouts.VISION), layouts.VISION),
        audio=audio,
        vae=vae,
        vae_tensors=vae_tensors,
        keyframe_counts=first.metadata.keyframe_counts,
        licence=first.metadata.licence,
    )


def start_unet(
    checkpoint: Checkpoint, *, has_frame_index: bool, audio_width: int, dropout: float = 0.0
) -> VideoUNet:
    """A UNet in float32 with all weights that the file has, and new ones that at first change nothing.

    Where it has an embedding of the frame index and the network is to have none, that is left out.
    Raises KeyVIDError when the file's UNet hears tokens of another width.
    """
    part = read_part(checkpoint, layouts.UNET)
    have = cast(UNetConfig, part.config)
    if have.audio_width not in (None, audio_width):
        raise KeyVIDError(
            f"The video model reads sound as tokens {have.audio_width} wide, but the audio tower gives {audio_width}. "
            "Name the file with its own audio tower behind --from."
        )
    config = replace(
        have,
        audio_width=audio_width,
        learned_audio_scale=True,
        has_frame_index=has_frame_index,
        dropout=dropout,
    )
    unet = VideoUNet(config)
    init_weights(unet)
    names = unet.state_dict().keys()
    unet.load_state_dict(
        {name: tensor.float() for name, tensor in part.tensors.items() if name in names},
        strict=False,
    )
    return unet


def start_resampler(checkpoint: Checkpoint) -> Resampler:
    """The image projection of a file in float32, its latents stretched to 48 frames where they are for others."""
    part = read_part(checkpoint, layouts.RESAMPLER)
    if part.config.n_frames != N_FRAMES:
        latents = resize_latents(
            part.tensors["latents"].float(),
            part.config.n_frames,
            N_FRAMES,
            part.config.n_queries,
        )
        part = replace(
            part,
            config=replace(part.config, n_frames=N_FRAMES),
            tensors={**part.tensors, "latents": latents},
            shapes={**part.shapes, "latents": tuple(latents.shape)},
        )
    return cast(Resampler, build_network(part, dtype=torch.float32))


def choose_trained(unet: VideoUNet, resampler: nn.Module) -> None:
    """Let gradients reach what the published training changes, and nothing else (published-model a.1).

    Of the UNet: the transformers along time but the first one (init_attn), the convolutions along time, the embeddings
    of frame rate and frame index, and all that reads sound; and the whole image projection.
    """
    unet.requires_grad_(False)
    for name, module in unet.named_modules():
        along_time = isinstance(module, TemporalTransformer) and not name.startswith("init_attn")
        if along_time or isinstance(module, TemporalConvolution):
            module.requires_grad_(True)
    for name, parameter in unet.named_parameters():
        if name.startswith(_TRAINED_STEMS) or name.endswith(_TRAINED_ENDS):
            parameter.requires_grad_(True)
    resampler.requires_grad_(True)


def open_localizer(paths: Sequence[Path], *, seed: int = 0) -> tuple[Localizer, str]:
    """(a Localizer to train, the licence that its file states), from a localizer's file or an audio tower's.

    From a tower everything is taken but its positions and the token for the whole, which the localizer's finer grid
    has no use for; positions and head are random (published-model g.2). Raises KeyVIDError (CheckpointError).
    """
    checkpoint = open_checkpoint(paths[0])
    licence = checkpoint.metadata.licence
    if checkpoint.kind == layouts.LOCALIZER:
        return cast(Localizer, _network(checkpoint, layouts.LOCALIZER)).train(), licence
    if layouts.AUDIO not in checkpoint.layout.prefixes:
        refuse_kind(
            checkpoint,
            "a localizer or an audio tower",
            "Name ImageBind's file (`python dev.py weights imagebind`) or a localizer's behind --from.",
        )
    part = read_part(checkpoint, layouts.AUDIO)
    tower = replace(
        part.config, stride=LOCALIZER_STRIDE, n_columns=LOCALIZER_COLUMNS, has_cls=False
    )
    config = replace(PUBLISHED_LOCALIZER, n_tokens=tower.n_tokens, width=tower.width, tower=tower)
    localizer = init_localizer(Localizer(config), generator=torch.Generator().manual_seed(seed))
    names = localizer.state_dict().keys()
    kept = {
        TOWER + name: tensor.float()
        for name, tensor in part.tensors.items()
        if name != POSITIONS and TOWER + name in names
    }
    localizer.load_state_dict(kept, strict=False)
    return localizer, licence


def _network(checkpoint: Checkpoint, part: str) -> nn.Module:
    return build_network(read_part(checkpoint, part), dtype=torch.float32)


def _vae(checkpoint: Checkpoint) -> tuple[AutoencoderKL, Tensors]:
    part: Any = read_part(checkpoint, layouts.VAE)
    tensors = {name: part.tensors[name].float() for name in part.shapes}
    vae = build_vae(part.config)
    vae.load_state_dict(from_latent_diffusion(tensors, part.config, like=vae.state_dict()))
    return vae.eval(), {name: part.tensors[name] for name in part.shapes}


def _file_with(files: Sequence[Checkpoint], part: str) -> Checkpoint:
    for file in files:
        if part in file.layout.prefixes:
            return file
    raise KeyVIDError(
        f"None of the files behind --from has {_FILES[part]}. Name one more file behind it."
    )
