"""From a weight file to networks: read in part, built at the file's sizes, and every name accounted for."""

import dataclasses
import functools
import os
import re

import pytest
import torch
from keyvid_pack.errors import CheckpointNamesError, CheckpointUnknownError
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint, open_tensors, part_tensors
from keyvid_pack.models.checkpoint.metadata import metadata_block
from keyvid_pack.models.checkpoint.state_dict_diff import compare_names
from keyvid_pack.models.encoders import imagebind
from keyvid_pack.released.convert import convert
from safetensors.torch import load_file
from torchvision.models.optical_flow import raft_large

from ..helpers import small_checkpoint as small
from ..helpers.weight_files import FORMATS, same_tensors, save

NAMES = (
    "model.ckpt",
    "model.safetensors",
    "model.pt",
    "model.pth",
    "model.bin",
    "modèle 日本 #1.dat",
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("how", FORMATS)
def test_all_formats_and_types_give_the_same_tensors(tmp_path, how, dtype, whole):
    """The name of a file does not matter: each format is read under every name."""
    state = {name: tensor.to(dtype) for name, tensor in whole.items()}
    expected = small.split_parts(state)
    for name in NAMES if dtype == torch.float32 else NAMES[:1]:
        save(state, tmp_path / name, how)
        checkpoint = open_checkpoint(tmp_path / name)
        assert checkpoint.kind == layouts.GENERATOR
        assert checkpoint.shapes == {name: tuple(tensor.shape) for name, tensor in state.items()}
        assert set(checkpoint.file.dtypes.values()) == {dtype}
        for part, tensors in expected.items():
            assert same_tensors(part_tensors(checkpoint, part), tensors)
        os.unlink(tmp_path / name)


@pytest.mark.parametrize("how", FORMATS)
def test_whole_small_file_becomes_networks(tmp_path, how, whole):
    save(whole, tmp_path / "model", how, metadata_block(small.METADATA))
    opened = open_tensors(whole, small.METADATA)
    if how == "safetensors":
        opened = open_checkpoint(tmp_path / "model")
    assert opened.metadata == small.METADATA
    for part, config in small.CONFIGS.items():
        if part != "localizer":
            assert build.config_of(opened, part) == config
    assert build.check_part(opened, "vae").fits
    parts = small.split_parts(whole)
    built = {
        "unet": small.network_of("unet", opened),
        "resampler": small.network_of("resampler", opened),
        "text": small.network_of("text", opened),
        "vision": small.network_of("vision", opened),
        "audio": build.build_audio(opened),
    }
    for part, network in built.items():
        assert not network.training
        assert not any(t.is_meta for t in (*network.parameters(), *network.buffers()))
        assert same_tensors(network.state_dict(), parts[part])


def test_layers_and_attention_can_be_handed_in(whole):
    made, called = [], []

    class Operations:
        def __getattr__(self, name):
            made.append(name)
            return getattr(torch.nn, name)

    def attention(q, k, v, heads, mask=None):
        called.append(heads)
        return torch.zeros_like(q)

    opened = open_tensors(whole, small.METADATA)
    network = small.network_of("unet", opened, operations=Operations(), attention=attention)
    small.run_unet(network)
    assert {"Linear", "Conv2d", "GroupNorm"} <= set(made)
    assert called


class LateLayers:
    """Layers as ComfyUI makes them under dynamic memory: without weights until a file is loaded into them."""

    def __getattr__(self, name):
        def make(*arguments, **options):
            layer = getattr(torch.nn, name)(*arguments, **options)
            layer.weight = layer.bias = None
            layer._load_from_state_dict = functools.partial(self.load, layer)
            return layer

        return make

    @staticmethod
    def load(layer, state_dict, prefix, *_):
        for name in ("weight", "bias"):
            tensor = state_dict.get(prefix + name)
            setattr(layer, name, None if tensor is None else torch.nn.Parameter(tensor))


@pytest.mark.parametrize("part", sorted(set(small.PREFIXES) - {"vae"}))
def test_layers_may_be_without_weights_until_the_file_is_loaded(whole, part):
    opened = open_tensors(whole, small.METADATA)
    make = functools.partial(small.network_of, part)
    network = make(opened, operations=LateLayers())
    assert same_tensors(network.state_dict(), small.split_parts(whole)[part])
    if part == "unet":
        assert torch.equal(small.run_unet(network), small.run_unet(make(opened)))


def test_stock_imagebind_becomes_the_tower_of_keyvid():
    config = dataclasses.replace(small.AUDIO, stride=imagebind.STOCK_STRIDE)
    state = small.filled(build.expected_shapes("audio", config))
    opened = open_tensors(state, dataclasses.replace(small.METADATA, n_frames=None))
    network = build.build_audio(opened)
    assert network.config == small.AUDIO
    positions = imagebind.POSITIONS
    expected = imagebind.interpolate_positions(
        state[positions], grid_from=(12, 19), grid_to=(12, 48)
    )
    assert torch.equal(network.state_dict()[positions], expected)
    assert same_tensors(
        {n: t for n, t in network.state_dict().items() if n != positions},
        {n: t for n, t in state.items() if n != positions},
    )
    assert build.build_audio(opened, stride=None).config == config


def test_localizer_is_built_without_tensors_that_nothing_reads():
    state = small.filled(build.expected_shapes("localizer", small.LOCALIZER))
    lacking = {name: tensor for name, tensor in state.items() if not name.startswith("ada_")}
    outs = []
    for tensors in (state, lacking):
        opened = open_tensors(tensors, small.METADATA)
        network = build.build_localizer(opened)
        assert network.config == small.LOCALIZER
        with torch.no_grad():
            outs.append(network(torch.ones(1, 1, 128, 204)))
    assert outs[0].shape == (1, 48)
    assert torch.equal(*outs)


def test_raft_is_built(tmp_path):
    state = raft_large(weights=None, progress=False).state_dict()
    torch.save(state, tmp_path / "raft.pth")
    network = build.build_raft(open_checkpoint(tmp_path / "raft.pth"))
    assert same_tensors(network.state_dict(), state)


# Names


def test_report_of_names():
    report = compare_names(
        {"a": (1,), "b": (2,), "c": (3,), "d": ()}, {"b": (2,), "c": (4,), "x": (5,)}
    )
    assert report.missing == ("a", "d")
    assert report.unexpected == ("x",)
    assert report.misshaped == (("c", (3,), (4,)),)
    assert not report.fits
    assert (
        str(report) == "2 missing (a, d); 1 of another shape (c is [4], not [3]); 1 not needed (x)"
    )
    many = compare_names({f"n{i}": () for i in range(9)}, {})
    assert str(many) == "9 missing (n0, n1, n2 and 6 more)"
    assert compare_names({"a": (1,)}, {"a": (1,), "b": (1,)}).fits
    assert str(compare_names({"a": (1,)}, {"a": (1,)})) == "all names and shapes agree"


def test_missing_and_misshaped_tensors_are_errors_and_leftovers_are_not(whole, caplog):
    prefix = "model.diffusion_model."
    norm, conv = f"{prefix}out.0.weight", f"{prefix}input_blocks.1.0.out_layers.3.weight"
    lacking = {name: tensor for name, tensor in whole.items() if name != norm}
    lacking[conv] = torch.zeros(1, 2, 3, 3)
    with pytest.raises(
        CheckpointNamesError,
        match=r"1 missing \(out.0.weight\).*is \[1, 2, 3, 3\], not \[32, 32, 3, 3\]",
    ):
        small.network_of("unet", open_tensors(lacking, small.METADATA))
    more = {**whole, f"{prefix}surprise": torch.zeros(2)}
    with caplog.at_level("INFO", logger="keyvid"):
        small.network_of("unet", open_tensors(more, small.METADATA))
    assert "1 not needed (surprise)" in caplog.text


@pytest.mark.parametrize("part", small.PREFIXES)
def test_no_tensor_can_be_missing_unnoticed(part, whole):
    """A needed tensor of each part, taken away, is missed by name; a dozen of them are tried."""
    opened = open_tensors(whole, small.METADATA)
    config = build.config_of(opened, part)
    names = build.expected_shapes(part, config)
    optional = {"text": {"logit_scale"}, "vision": {"ln_post.weight", "ln_post.bias"}}.get(
        part, set()
    )
    needed = sorted(set(names) - optional)
    for name in needed[:: len(needed) // 12 or 1]:
        shapes = {n: s for n, s in opened.shapes.items() if n != small.PREFIXES[part] + name}
        lacking = dataclasses.replace(opened, shapes=shapes)
        with pytest.raises(CheckpointNamesError, match=re.escape(name)):
            build.check_part(lacking, part, names)


# From a trainer's file to a network


def test_converted_files_give_the_same_networks(tmp_path, whole):
    source, target = tmp_path / "x.ckpt", tmp_path / "x.safetensors"
    torch.save({"state_dict": whole, "epoch": 1}, source)
    result = convert(source, target, prune=True)
    assert result.kind == layouts.GENERATOR
    assert set(result.left_out) == {"epoch", *small.UNUSED}
    found = small.split_parts(load_file(target))
    for part, expected in small.split_parts(whole).items():
        assert same_tensors(found[part], expected)


def test_converted_published_files_say_their_frames(tmp_path):
    """A block is written only where it says what a published file is known to be."""
    shapes = small.whole_shapes()
    torch.save(small.filled(shapes), tmp_path / "x.pt")
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
    opened = open_checkpoint(tmp_path / "x.safetensors")
    assert opened.metadata.n_frames == 48
    shapes["image_proj_model.latents"] = (1, 192, 2)
    torch.save(small.filled(shapes), tmp_path / "y.pt")
    convert(tmp_path / "y.pt", tmp_path / "y.safetensors")
    with pytest.raises(CheckpointUnknownError, match="12 frames"):
        open_checkpoint(tmp_path / "y.safetensors")
