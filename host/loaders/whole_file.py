"""Everything that a whole KeyVID or DynamiCrafter file holds, as ComfyUI's own objects."""

import logging

from ...models.checkpoint.checkpoint import open_checkpoint, refuse_part
from ...models.checkpoint.layouts import AUDIO, TEXT, TITLES, VAE, VISION
from ..sampling.video_model import facts_of, video_model_of
from .audio_encoder import audio_encoder_of
from .encoders import clip_of, clip_vision_of, vae_of

log = logging.getLogger("keyvid")
# after the model: (part of the file, what makes it, what to do when the file lacks it)
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


def load_whole_file(path, *, dtype=None):
    """(MODEL, CLIP, CLIP_VISION, VAE, AUDIO_ENCODER) of a file; None for each part that it lacks, said in the log.

    dtype: to hold the model's weights in; None lets ComfyUI choose. Raises CheckpointError when the file is no video
    model, or one of its parts is damaged.
    """
    checkpoint = open_checkpoint(path)
    loaded = [video_model_of(checkpoint, dtype=dtype)]
    hears = facts_of(loaded[0]).audio_width is not None
    for part, load, remedy in PARTS:
        if part in checkpoint.layout.parts:
            loaded.append(load(checkpoint))
            continue
        refuse_part(checkpoint)  # the rest is in the other parts of a split file
        loaded.append(None)
        if part != AUDIO or hears:
            log.warning("%s (%s) has %s.", checkpoint.file.name, TITLES[checkpoint.kind], remedy)
    return tuple(loaded)
