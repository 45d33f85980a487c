"""Small video UNets for the tests, what they are given, and how two outputs are compared."""

import dataclasses
import functools

import torch
from keyvid_pack.models.unet.config import UNetConfig
from keyvid_pack.models.unet.unet import VideoUNet

# two channels per norm group: with one, a norm would undo every bias before it and its gradient would be zero
TINY = UNetConfig(
    model_channels=64,
    channel_mult=(1, 2),
    num_res_blocks=(1, 2),
    attention_levels=(1,),
    head_width=16,
    init_heads=3,
    context_width=20,
    audio_width=12,
)

OTHERS = {
    "tiny": TINY,
    "three levels, attention in the middle one": dataclasses.replace(
        TINY, channel_mult=(1, 3, 2), num_res_blocks=(2, 1, 3), attention_levels=(1,)
    ),
    "no attention on the way": dataclasses.replace(TINY, attention_levels=()),
    "no_audio": dataclasses.replace(TINY, audio_width=None, learned_audio_scale=False),
    "fixed audio scale": dataclasses.replace(TINY, learned_audio_scale=False),
    "no init_attn": dataclasses.replace(TINY, init_heads=0),
    "no fps, no frame index": dataclasses.replace(TINY, has_fps=False, has_frame_index=False),
    "two blocks per transformer": dataclasses.replace(TINY, transformer_depth=2),
    "one level, other channels": dataclasses.replace(
        TINY, channel_mult=(2,), num_res_blocks=(1,), attention_levels=(0,), in_channels=9
    ),
}


def make_unet(config=TINY, *, seed=0, **options):
    """A UNet whose every parameter is random and none is zero."""
    torch.manual_seed(seed)
    unet = VideoUNet(config, **options)
    with torch.no_grad():
        for parameter in unet.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return unet.eval()


def make_inputs(config=TINY, *, n_clips=2, n_frames=3, size=(4, 6), seed=1):
    generator = torch.Generator().manual_seed(seed)
    noise = functools.partial(torch.randn, generator=generator)
    return {
        "x": noise(n_clips, config.in_channels, n_frames, *size),
        "timesteps": torch.tensor([999, 17, 401][:n_clips]),
        "text": noise(n_clips, 7, config.context_width),
        "image": noise(n_clips, n_frames, 5, config.context_width),
        "audio": noise(n_clips, n_frames, 4, config.audio_width) if config.audio_width else None,
        "fps": torch.tensor([6, 24, 8][:n_clips]),
        "frame_index": torch.arange(n_clips * n_frames).reshape(n_clips, n_frames),
    }


def in_float64(unet, inputs):
    """Both in float64, where another order of the same sums shows in the twelfth digit and a mistake in the first."""
    return unet.double(), {**inputs, "x": inputs["x"].double()}


def assert_same(found, expected):
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


def run(unet, inputs, **changes):
    with torch.no_grad():
        return unet(**{**inputs, **changes})
