"""All parts of a whole KeyVID or DynamiCrafter file, as ComfyUI's own objects."""

import logging
from pathlib import Path
from typing import Any

import torch

from ...models.checkpoint.checkpoint import open_checkpoint, refuse_part
from ...models.checkpoint.layouts import AUDIO, TEXT, TITLES, VAE, VISION
from ..sampling.model_facts import facts_of
from .audio_encoder import audio_encoder_of
from .encoders import clip_of, clip_vision_of, vae_of
from .video_model import video_model_of

log = logging.getLogger("keyvid")
# after the model: (part of the file, its loader, what to do when the file does not have it)
PARTS = (
    (
        TEXT,
        clip_of,
        "no text encoder; use Load CLIP with OpenCLIP ViT-H/14, the text encoder of Stable Diffusion 2 "
        "(type stable_diffusion)",
    ),
    (
        VISION,
        clip_vision_of,
        "no image encoder; use Load CLIP Vision with OpenCLIP ViT-H/14 (CLIP-ViT-H-14-laion2B-s32B-b79K)",
    ),
    (VAE, vae_of, "no VAE; use Load VAE with one for Stable Diffusion 1 or 2"),
    (
        AUDIO,
        audio_encoder_of,
        "no audio encoder; use Load Audio Encoder (KeyVID) with ImageBind",
    ),
)


def load_whole_file(path: str, *, dtype: torch.dtype | None = None) -> tuple[Any, ...]:
    """(MODEL, CLIP, CLIP_VISION, VAE, AUDIO_ENCODER) of a file; None for a missing part, which the log reports.

    dtype: to hold the model's weights in; None lets ComfyUI choose. Raises CheckpointError when the file is not a
    video model, or one of its parts is damaged.
    """
    checkpoint = open_checkpoint(path)
    loaded = [video_model_of(checkpoint, dtype=dtype)]
    has_audio = facts_of(loaded[0]).audio_width is not None
    for part, load, remedy in PARTS:
        if part in checkpoint.layout.parts:
            loaded.append(load(checkpoint))
            continue
        refuse_part(checkpoint)  # the rest is in the other parts of a split file
        loaded.append(None)
        if part != AUDIO or has_audio:
            log.warning("%s (%s) has %s.", Path(path).name, TITLES[checkpoint.kind], remedy)
    return tuple(loaded)
