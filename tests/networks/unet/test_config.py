"""The video UNet's sizes: read off a file, the names they give, and the files that are refused."""

import pytest
import torch
from keyvid_pack.errors import CheckpointError
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.unet.config import (
    DYNAMICRAFTER,
    GENERATOR,
    INTERPOLATOR,
    unet_config_from_shapes,
)
from keyvid_pack.models.unet.unet import VideoUNet

from ...helpers.published import shapes_of, unet_shapes
from ...helpers.small_unet import OTHERS, TINY


@pytest.mark.parametrize(
    ("kind", "constant", "n_tensors", "n_numbers"),
    [
        (layouts.GENERATOR, GENERATOR, 1570, 1_467_252_052),
        (layouts.INTERPOLATOR, INTERPOLATOR, 1566, 1_465_201_492),
        (layouts.DYNAMICRAFTER, DYNAMICRAFTER, 1516, 1_438_854_980),
    ],
)
def test_full_size_names_and_shapes(kind, constant, n_tensors, n_numbers):
    expected = unet_shapes(kind)
    config = unet_config_from_shapes(expected)
    assert config == constant
    unet = VideoUNet(config, device="meta")
    assert shapes_of(unet) == expected
    assert len(expected) == n_tensors
    assert sum(parameter.numel() for parameter in unet.parameters()) == n_numbers


@pytest.mark.parametrize("name", OTHERS)
def test_config_from_shapes(name):
    config = OTHERS[name]
    shapes = shapes_of(VideoUNet(config, device="meta"))
    assert unet_config_from_shapes(shapes, head_width=config.head_width) == config


def test_head_width_is_needed_for_small_models():
    shapes = shapes_of(VideoUNet(TINY, device="meta"))
    with pytest.raises(CheckpointError, match="48 and 128.*metadata"):
        unet_config_from_shapes(shapes)
    with pytest.raises(CheckpointError, match="heads of 36"):
        unet_config_from_shapes(shapes, head_width=36)


def without(shapes, word):
    return {name: shape for name, shape in shapes.items() if word not in name}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda s: without(s, "input_blocks.0."), r"lack.*input_blocks\.0\.0\.weight"),
        (lambda s: without(s, "input_blocks.1."), "without a gap"),
        (lambda s: without(s, "input_blocks.2."), "without a gap"),
        (lambda s: without(s, "input_blocks.1.0.in_layers."), r"lack.*input_blocks\.1\.0\.in"),
        (lambda s: without(s, "input_blocks.4.1."), "level 1"),
        (lambda s: without(s, "out.2"), r"lack.*out\.2"),
        (lambda s: without(s, "to_k_ip"), "to_k_ip"),
        (lambda s: {**s, "audio_proj_2.weight": (21, 12)}, "21 wide.*20"),
        (lambda s: {**s, "input_blocks.1.0.in_layers.2.weight": (96, 64, 3, 3)}, "96 channels"),
        (lambda s: {**s, "middle_block.1.proj_in.weight": (128, 128, 1, 1)}, "convolution"),
        (lambda s: {**s, "a.attn2.alpha": ()}, "alpha"),
        (lambda s: {}, r"lack.*input_blocks\.0"),
    ],
)
def test_other_networks_are_refused(change, match):
    shapes = shapes_of(VideoUNet(TINY, device="meta"))
    with pytest.raises(CheckpointError, match=match):
        unet_config_from_shapes(change(shapes), head_width=16)


def test_building_touches_no_weight():
    class Weightless:
        """Layers as ComfyUI makes them under dynamic memory: without weights until the file is read."""

        def __getattr__(self, name):
            def make(*arguments, **options):
                layer = getattr(torch.nn, name)(*arguments, **options)
                layer.weight = layer.bias = None
                return layer

            return make

    unet = VideoUNet(TINY, operations=Weightless(), dtype=torch.bfloat16, device="meta")
    assert {name.rsplit(".", 1)[1] for name, _ in unet.named_parameters()} == {"beta"}
    assert unet.dtype == torch.bfloat16
