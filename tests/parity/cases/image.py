"""Cases of the image and text side: the resampler, the CLIP preprocessing and both CLIP towers."""

import torch
from keyvid_pack.models.encoders import clip, image_preprocess, resampler

from ..compare import load_tensors, max_abs_err


def image_resampler(case, folder):
    """[(label, largest absolute error)] of the resampler and of its selected frames."""
    tensors, weights = _load(case, folder)
    sizes = case["config"]
    config = resampler.resampler_config_from_shapes(
        _shapes(weights), head_width=sizes["dim_head"], n_queries=sizes["num_queries"]
    )
    network = _with_weights(resampler.Resampler(config), weights)
    tokens = network(tensors["in.x"])
    selected = resampler.select_frames(tokens, tensors["in.frame_idx"])
    return [
        ("out", max_abs_err(tokens.flatten(1, 2), tensors["out"])),
        ("out_selected", max_abs_err(selected.flatten(1, 2), tensors["out_selected"])),
    ]


def clip_image_and_text(case, folder):
    """[(label, largest absolute error)] of the preprocessing, the vision tower and the text tower."""
    tensors, weights = _load(case, folder)
    sizes = case["config"]
    vision = {
        name[len("visual.") :]: w for name, w in weights.items() if name.startswith("visual.")
    }
    text = {name: w for name, w in weights.items() if not name.startswith("visual.")}
    vision_config = clip.clip_vision_config_from_shapes(
        _shapes(vision), head_width=sizes["vision"]["head_width"]
    )
    text_config = clip.clip_text_config_from_shapes(
        _shapes(text), head_width=sizes["text"]["width"] // sizes["text"]["heads"]
    )
    vision_tower = _with_weights(clip.CLIPVisionTower(vision_config), vision)
    text_tower = _with_weights(clip.CLIPTextTower(text_config), text)
    image = recorded_image(*sizes["image_hw"])
    size = vision_config.image_size
    pixels = image_preprocess.clip_pixels(image, size=size)
    grey = image_preprocess.clip_pixels(torch.zeros_like(image), size=size)
    found = {
        "preprocessed_every4th": pixels[:, :, ::4, ::4],
        "vision_tokens": vision_tower(pixels),
        "vision_tokens_zero_image": vision_tower(grey),
        "text_penultimate": text_tower(tensors["in.text_tokens"]),
    }
    return [(label, max_abs_err(value, tensors[f"out.{label}"])) for label, value in found.items()]


def recorded_image(height, width):
    """The image that the manifest describes by formula, (1, 3, height, width) in [-1, 1]."""
    y = torch.arange(height, dtype=torch.float32)[:, None]
    x = torch.arange(width, dtype=torch.float32)[None, :]
    red = torch.sin(0.11 * x + 0.05 * y)
    green = torch.cos(0.07 * x - 0.13 * y)
    blue = torch.sin(0.3 * x) * torch.cos(0.21 * y)
    return torch.stack([red, green, blue])[None]


def _load(case, folder):
    """(tensors of the case, its state dict without the prefix `sd.`)"""
    tensors = load_tensors(case, folder)
    weights = {name[len("sd.") :]: t for name, t in tensors.items() if name.startswith("sd.")}
    return tensors, weights


def _shapes(weights):
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _with_weights(network, weights):
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)
