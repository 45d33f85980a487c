"""Cases of the video UNet: one forward of the keyframe generator, and the interpolator at two lengths."""

import pathlib

import torch
from keyvid_pack.models.published import QUERIES_PER_FRAME
from keyvid_pack.models.unet.config import unet_config_from_shapes
from keyvid_pack.models.unet.unet import VideoUNet
from safetensors.torch import load_file

from ..compare import load_tensors, max_abs_err


def unet_v4_forward(case, folder):
    """[(label, largest absolute error)] of the output, for other frame positions, and without audio."""
    tensors, unet = load_tensors(case, folder), load_unet(case, folder)
    inputs = forward_inputs(tensors)
    variants = {
        "out": {},
        "out_frame_idx_alt": {"frame_index": tensors["in.frame_idx_alt"]},
        "out_audio_zero_tokens": {"audio": torch.zeros_like(inputs["audio"])},
    }
    return [
        (name, max_abs_err(unet(**{**inputs, **change}), tensors[name]))
        for name, change in variants.items()
    ]


def unet_freenoise_T2x(case, folder):
    """[(label, largest absolute error)] over all frames as in the published code, and in windows as in the paper."""
    tensors, unet = load_tensors(case, folder), load_unet(case, folder)
    inputs, sizes = forward_inputs(tensors), case["config"]
    windowed = unet(**inputs, temporal_window=(sizes["window_size"], sizes["window_stride"]))
    return [
        ("out_released", max_abs_err(unet(**inputs), tensors["out_released_full_attention"])),
        ("out_windowed", max_abs_err(windowed, tensors["out_windowed_intended"])),
    ]


def unet_freenoise_T4x(case, folder):
    """The same at another length."""
    return unet_freenoise_T2x(case, folder)


def load_unet(case, folder):
    """The network of a case: its weights by name, its sizes from their shapes and the manifest's head width."""
    sizes = case["config"].get("unet", case["config"])
    weights = load_file(pathlib.Path(folder) / case["weights_file"])
    if sizes.get("add_frame_idx") is False:
        weights = {n: t for n, t in weights.items() if not n.startswith("frame_idx_embedding.")}
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    config = unet_config_from_shapes(shapes, head_width=sizes.get("num_head_channels"))
    unet = VideoUNet(config)
    unet.load_state_dict(weights)  # stored in float16, computed in float32
    return unet.eval().requires_grad_(False)


def forward_inputs(tensors):
    """Recorded inputs as the arguments of a forward; the published context is [text | image tokens of each frame]."""
    n_frames = tensors["in.x"].shape[2]
    n_image = QUERIES_PER_FRAME * n_frames
    text, image = tensors["in.context"].tensor_split([-n_image], dim=1)
    return {
        "x": tensors["in.x"],
        "timesteps": tensors["in.timesteps"],
        "text": text,
        "image": image.unflatten(1, (n_frames, QUERIES_PER_FRAME)),
        "audio": tensors["in.c_audio"],
        "fps": tensors["in.fs"],
        "frame_index": tensors.get("in.frame_idx"),
    }
