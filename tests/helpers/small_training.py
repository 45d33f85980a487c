"""Networks of a few thousand weights and clips with made-up latents, for tests of what trains them."""

import functools
from dataclasses import replace

import numpy as np
import torch
from keyvid_pack.models.encoders.clip import (
    CLIPTextConfig,
    CLIPTextTower,
    CLIPVisionConfig,
    CLIPVisionTower,
    init_clip_tower,
)
from keyvid_pack.models.encoders.imagebind import AudioTowerConfig
from keyvid_pack.models.encoders.mel import waveform_to_mel
from keyvid_pack.models.encoders.resampler import Resampler, ResamplerConfig, init_resampler
from keyvid_pack.models.unet.config import UNetConfig
from keyvid_pack.models.unet.unet import VideoUNet, init_weights
from keyvid_pack.training.data import clips as clip_data
from keyvid_pack.training.tasks.audio import make_audio_tower
from keyvid_pack.training.world.clip import SCENES, render_clip

AUDIO = AudioTowerConfig(width=24, layers=1, heads=1, mlp_width=32)
TEXT = CLIPTextConfig(
    width=16, layers=2, heads=1, mlp_width=32, vocabulary=49_408, context=77, projection_width=16
)
VISION = CLIPVisionConfig(
    width=24, layers=1, heads=1, mlp_width=32, patch_size=16, image_size=32, projection_width=16
)
RESAMPLER = ResamplerConfig(
    in_width=24, width=16, out_width=16, depth=1, heads=1, head_width=16, ff_width=32, n_frames=48, n_queries=2
)  # fmt: skip
GENERATOR = UNetConfig(
    model_channels=32,
    channel_mult=(1, 2),
    num_res_blocks=(1, 1),
    attention_levels=(1,),
    head_width=32,
    init_heads=0,
    context_width=16,
    audio_width=24,
)
INTERPOLATOR = replace(GENERATOR, has_frame_index=False)
CLIP = np.dtype(
    [("latent", np.float16, (48, 4, 4, 4))]
    + [(name, clip_data.CLIP[name]) for name in clip_data.CLIP.names if name != "latent"]
)


def modules():
    """What `generator.make_modules` gives, at the smallest sizes; the same weights at every call."""
    generator = torch.Generator().manual_seed(3)
    torch.manual_seed(3)
    unet = VideoUNet(GENERATOR)
    init_weights(unet)
    return {
        "unet": unet,
        "text": init_clip_tower(CLIPTextTower(TEXT), generator=generator),
        "vision": init_clip_tower(CLIPVisionTower(VISION), generator=generator),
        "resampler": init_resampler(Resampler(RESAMPLER), generator=generator),
        "audio": make_audio_tower(AUDIO, generator=generator),
    }


@functools.cache
def clips(n):
    """n records of the world like `clips.CLIP`, whose latents are 4 x 4 mean brightness and colours."""
    records = np.zeros(n, CLIP)
    for seed, record in enumerate(records):
        clip = render_clip(seed)
        blocks = clip.frames.reshape(48, 4, 24, 4, 32, 3).mean(axis=(2, 4)) / 64 - 2
        record["latent"][:, :3] = blocks.transpose(0, 3, 1, 2)
        record["latent"][:, 3] = blocks.mean(axis=-1)
        record["mel"] = waveform_to_mel(clip.audio[None])[0].numpy()
        record["motion"] = clip.motion
        record["event_frames"] = clip_data.NO_EVENT
        for place, event in enumerate(clip.events):
            record["event_frames"][place] = event.frame
            record["event_strengths"][place] = event.strength
        record["first_frame"] = clip.frames[0]
        record["caption"] = clip_data.CAPTIONS.index(clip.caption)
        record["scene"] = SCENES.index(clip.scene)
    return records
