"""Weight files: recognised by names and shapes, read in part, built into networks, refused with a sentence."""

import dataclasses
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import types

import pytest
import torch
from keyvid_pack.keyframes.errors import (
    CheckpointError,
    CheckpointFileError,
    CheckpointMetadataError,
    CheckpointNamesError,
    CheckpointUnknownError,
    CheckpointUnsafeError,
)
from keyvid_pack.models import (
    checkpoint_files,
    checkpoints,
    clip,
    imagebind,
    layouts,
    resampler,
    unet_config,
)
from keyvid_pack.models.metadata import Metadata, metadata_block, read_metadata
from keyvid_pack.models.names import compare_names
from keyvid_pack.models.vae_config import STABLE_DIFFUSION_VAE, vae_shapes
from keyvid_pack.tools.convert import convert
from safetensors.torch import load_file, save_file
from torchvision.models.optical_flow import raft_large

from . import small_checkpoint as small
from .weight_files import SAVES, same_tensors

GOLDENS = pathlib.Path(__file__).resolve().parents[1] / "goldens"
KINDS = (layouts.GENERATOR, layouts.INTERPOLATOR, layouts.DYNAMICRAFTER)


def listed(section):
    """{name: shape} of a section of the list of published names."""
    text = (GOLDENS / "state_dict_keys.txt").read_text(encoding="utf-8")
    block = re.search(rf"^## {section}\. .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL).group()
    rows = [line.split("\t") for line in block.splitlines() if line.count("\t") == 3]
    return {name: tuple(map(int, re.findall(r"\d+", shape))) for name, shape, _, _ in rows}


def stock(prefix, shapes):
    return {prefix + name: shape for name, shape in shapes.items()}


def published_shapes(kind):
    """{name: shape} of a published file; VAE and CLIP are stock networks, which the list does not spell out."""
    shapes = {
        **listed(1),
        **listed(4),
        **stock("first_stage_model.", vae_shapes(STABLE_DIFFUSION_VAE)),
    }
    shapes |= stock("cond_stage_model.model.", checkpoints.expected_shapes("text", clip.VIT_H_TEXT))
    vision = checkpoints.expected_shapes("vision", clip.VIT_H_VISION)
    shapes |= stock("embedder.model.visual.", vision)
    unet = listed(2 if kind == layouts.GENERATOR else 3)
    if kind == layouts.DYNAMICRAFTER:
        new = (".to_k_ap.weight", ".to_v_ap.weight", ".beta")
        unet = {n: s for n, s in unet.items() if not n.endswith(new) and "audio_proj_2" not in n}
        return {**shapes, **unet, "image_proj_model.latents": (1, 256, 1024)}
    return {**shapes, **unet, **listed(5), **listed(6)}


def checkpoint_of(shapes, metadata=None):
    return checkpoints.Checkpoint(layouts.recognise(shapes), metadata or Metadata(), shapes)


# The published sizes


@pytest.mark.parametrize("kind", KINDS)
def test_published_names_and_shapes_are_those_of_the_networks(kind):
    """Configurations are inferred from the list itself; the networks they give have its names and shapes."""
    checkpoint = checkpoint_of(published_shapes(kind))
    assert checkpoint.kind == kind
    parts = {"unet", "resampler", "vae", "text", "vision"}
    assert set(checkpoint.layout.parts) == parts | ({"audio"} if kind in KINDS[:2] else set())
    for part in checkpoint.layout.parts:
        config = checkpoints.config_of(checkpoint, part)
        assert checkpoints.expected_shapes(part, config) == checkpoints.part_shapes(
            checkpoint, part
        )


def n_elements(shapes):
    return sum(math.prod(shape) for shape in shapes.values())


def test_published_sizes_count_as_the_reference_counts():
    """Tensors and elements of table a.1, which was counted on the published networks."""
    counted = {
        "unet": (1570, 1_467_252_052),
        "resampler": (51, 49_311_744),
        "vae": (248, 83_653_863),
        "text": (294, 354_032_641),
        "audio": (173, 85_714_944),
    }
    checkpoint = checkpoint_of(published_shapes(layouts.GENERATOR))
    for part, expected in counted.items():
        shapes = checkpoints.expected_shapes(part, checkpoints.config_of(checkpoint, part))
        assert (len(shapes), n_elements(shapes)) == expected, part
    plain = checkpoints.part_shapes(checkpoint_of(published_shapes(layouts.DYNAMICRAFTER)), "unet")
    assert (len(plain), n_elements(plain)) == (1516, 1_438_854_980)


def test_published_configurations():
    expected = {
        layouts.GENERATOR: unet_config.GENERATOR,
        layouts.INTERPOLATOR: unet_config.INTERPOLATOR,
        layouts.DYNAMICRAFTER: unet_config.DYNAMICRAFTER,
    }
    for kind, config in expected.items():
        assert checkpoints.config_of(checkpoint_of(published_shapes(kind)), "unet") == config
    checkpoint = checkpoint_of(published_shapes(layouts.GENERATOR))
    assert checkpoints.config_of(checkpoint, "vae") == STABLE_DIFFUSION_VAE
    assert checkpoints.config_of(checkpoint, "text") == clip.VIT_H_TEXT
    assert checkpoints.config_of(checkpoint, "vision") == clip.VIT_H_VISION
    assert checkpoints.config_of(checkpoint, "audio") == imagebind.KEYVID_AUDIO
    assert checkpoints.config_of(checkpoint, "resampler") == resampler.PUBLISHED_RESAMPLER


def test_the_published_localizer():
    checkpoint = checkpoint_of(listed(7))
    assert checkpoint.kind == layouts.LOCALIZER
    config = checkpoints.config_of(checkpoint, "localizer")
    assert checkpoints.expected_shapes("localizer", config) == listed(7)


def test_what_is_not_read_is_left_out():
    """The split keeps what the networks need and nothing else."""
    shapes = {**published_shapes(layouts.GENERATOR), "embedder.model.logit_scale": ()}
    shapes["imagebind_model.modality_trunks.vision.blocks.0.norm_1.weight"] = (1280,)
    parts = layouts.split(shapes)
    kept = {part: len(names) for part, names in parts.items()}
    assert kept == {
        "unet": 1570,
        "resampler": 51,
        "vae": 248,
        "text": 294,
        "vision": 392,
        "audio": 173,
    }
    assert all(name.startswith("modality_") and ".audio." in name for name in parts["audio"])


# Recognition

WRAPPED = {"as it is": "", "by DataParallel": "module.", "by DeepSpeed": "_forward_module."}


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("kind", KINDS)
def test_prefixes_do_not_matter(kind, wrapped):
    whole = small.whole_shapes(kind)
    shapes = {WRAPPED[wrapped] + name: shape for name, shape in whole.items()}
    assert layouts.recognise(shapes).kind == kind
    assert layouts.split(shapes) == layouts.split(whole)


@pytest.mark.parametrize("prefix", ["", "diffusion_model."])
@pytest.mark.parametrize("kind", KINDS)
def test_unet_without_its_prefix(kind, prefix):
    whole = small.whole_shapes(kind)
    old = "model.diffusion_model."
    renamed = {
        prefix + n.removeprefix(old) if n.startswith(old) else n: s for n, s in whole.items()
    }
    assert layouts.recognise(renamed).kind == kind
    assert layouts.split(renamed) == layouts.split(whole)
    alone = {
        n: s for n, s in renamed.items() if n.removeprefix(prefix) in layouts.split(whole)["unet"]
    }
    assert layouts.split(alone) == {"unet": layouts.split(whole)["unet"]}


@pytest.mark.parametrize("missing", sorted(set(small.PREFIXES) - {"unet"}))
def test_pruned_files_have_fewer_parts(missing):
    shapes = {
        n: s for n, s in small.whole_shapes().items() if not n.startswith(small.PREFIXES[missing])
    }
    layout = layouts.recognise(shapes)
    assert layout.kind == layouts.GENERATOR
    assert set(layout.parts) == set(small.PREFIXES) - {missing}
    with pytest.raises(CheckpointError, match=f"without the part {missing}"):
        checkpoints.part_shapes(checkpoint_of(shapes), missing)


def stock_imagebind():
    shapes = checkpoints.expected_shapes("audio", imagebind.STOCK_AUDIO)
    others = {
        "modality_trunks.vision.blocks.0.norm_1.weight": (1280,),
        "modality_heads.audio.0.weight": (768,),
    }
    return {**shapes, **others}


def raft_shapes():
    raft = raft_large(weights=None, progress=False)
    return {name: tuple(tensor.shape) for name, tensor in raft.state_dict().items()}


def test_stock_imagebind_and_raft():
    layout = layouts.recognise(stock_imagebind())
    assert (layout.kind, layout.parts) == (layouts.IMAGEBIND, ("audio",))
    assert len(layouts.split(stock_imagebind())["audio"]) == 173
    assert layouts.recognise(raft_shapes()).kind == layouts.RAFT
    original = ("fnet.conv1.weight", "cnet.conv1.weight", "update_block.gru.convz1.weight")
    assert layouts.recognise({f"module.{name}": (1,) for name in original}).kind == layouts.RAFT


def test_localizer_among_other_modalities():
    shapes = {**listed(7), "imagebindMoodel.modality_trunks.vision.blocks.0.norm_1.weight": (1280,)}
    assert layouts.split(shapes) == {"localizer": listed(7)}


def without(shapes, part):
    return {name: shape for name, shape in shapes.items() if part not in name}


UNKNOWN = {
    "nothing of ours": (
        {"a.weight": (2, 3), "b.bias": (4,)},
        r"Looked for: .*Found 2 tensors, such as a.weight \[2, 3\]",
    ),
    "a LoRA": ({"lora_unet_x.lora_down.weight": (4, 8)}, "a LoRA"),
    "SD 1.5": ({"model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3)}, "diffusion network for pictures"),
    "diffusers": ({"down_blocks.0.resnets.0.conv1.weight": (320, 320, 3, 3)}, "diffusers"),
    "a VAE": (vae_shapes(STABLE_DIFFUSION_VAE), "Load VAE"),
    "small RAFT": ({"module.update_block.gru.convz.weight": (1,)}, "small RAFT"),
    "text to video": (without(small.whole_shapes(layouts.DYNAMICRAFTER), "_ip."), "not driven by a picture"),
    "DynamiCrafter 256": (
        {
            **small.whole_shapes(layouts.DYNAMICRAFTER),
            "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.alpha": (),
        },
        "DynamiCrafter 256",
    ),
    "index without audio": (without(small.whole_shapes(), "audio_proj_2"), "hears no audio"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_other_networks_are_refused_by_name(case):
    shapes, said = UNKNOWN[case]
    with pytest.raises(CheckpointUnknownError, match=said):
        layouts.recognise(shapes)


def test_the_older_twelve_frame_models_are_refused():
    """Their tokens would be cut up wrongly without a word (reference a.2)."""
    shapes = published_shapes(layouts.INTERPOLATOR)
    for n_latents, said in ((192, "12 frames"), (256, "48 frames"), (767, "48 frames")):
        changed = {**shapes, "image_proj_model.latents": (1, n_latents, 1024)}
        with pytest.raises(CheckpointUnknownError, match=said):
            checkpoints.open_tensors({n: torch.empty(s, device="meta") for n, s in changed.items()})


# Files


@pytest.fixture(scope="module")
def whole():
    return small.filled(small.whole_shapes())


def save(state, path, how):
    if how == "safetensors":
        save_file(state, path, metadata=metadata_block(small.METADATA))
    elif how == "wrapped":
        torch.save({"state_dict": state, "epoch": 3}, path)
    else:
        torch.save(state, path, **SAVES[how])


HOW = ("safetensors", "wrapped", "zip", "legacy")
NAMES = (
    "model.ckpt",
    "model.safetensors",
    "model.pt",
    "model.pth",
    "model.bin",
    "modèle 日本 #1.dat",
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("how", HOW)
def test_all_formats_and_types_give_the_same_tensors(tmp_path, how, dtype, whole):
    """The name of a file says nothing: each format is read under every name."""
    state = {name: tensor.to(dtype) for name, tensor in whole.items()}
    expected = layouts.split(state)
    for name in NAMES if dtype == torch.float32 else NAMES[:1]:
        save(state, tmp_path / name, how)
        checkpoint = checkpoints.open_checkpoint(tmp_path / name)
        assert checkpoint.kind == layouts.GENERATOR
        assert checkpoint.shapes == {name: tuple(tensor.shape) for name, tensor in state.items()}
        assert set(checkpoint.file.dtypes.values()) == {dtype}
        for part, tensors in expected.items():
            assert same_tensors(checkpoints.load_part(checkpoint, part), tensors)
        os.unlink(tmp_path / name)


@pytest.mark.parametrize("how", HOW)
def test_whole_small_file_becomes_networks(tmp_path, how, whole):
    save(whole, tmp_path / "model", how)
    opened = checkpoints.open_tensors(whole, small.METADATA)
    if how == "safetensors":
        opened = checkpoints.open_checkpoint(tmp_path / "model")
    assert opened.metadata == small.METADATA
    for part, config in small.CONFIGS.items():
        if part != "localizer":
            assert checkpoints.config_of(opened, part) == config
    assert checkpoints.check_part(opened, "vae").fits
    parts = layouts.split(whole)
    built = {
        "unet": checkpoints.build_unet(opened),
        "resampler": checkpoints.build_resampler(opened),
        "text": checkpoints.build_text(opened),
        "vision": checkpoints.build_vision(opened),
        "audio": checkpoints.build_audio(opened),
    }
    for part, network in built.items():
        assert not network.training
        assert not any(t.is_meta for t in (*network.parameters(), *network.buffers()))
        assert same_tensors(network.state_dict(), parts[part])


def run_unet(network, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(shape, generator=generator).to(dtype)

    with torch.no_grad():
        return network(
            normal(1, 8, 3, 4, 4),
            torch.tensor([500]),
            text=normal(1, 77, 24),
            image=normal(1, 3, 16, 24),
            audio=normal(1, 3, 12, 32),
            fps=torch.tensor([6]),
            frame_index=torch.tensor([[0, 2, 5]]),
        )


def test_a_built_network_runs_in_the_type_asked_for(whole):
    opened = checkpoints.open_tensors(whole, small.METADATA)
    network = checkpoints.build_unet(opened)
    assert network.dtype == torch.float32
    out = run_unet(network)
    assert out.shape == (1, 4, 3, 4, 4) and out.isfinite().all()
    half = checkpoints.build_unet(opened, dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16
    assert {p.dtype for p in half.parameters()} == {torch.bfloat16}
    assert run_unet(half, torch.bfloat16).isfinite().all()
    kept = checkpoints.build_unet(
        checkpoints.open_tensors({n: t.half() for n, t in whole.items()}, small.METADATA)
    )
    assert kept.dtype == torch.float16


def test_a_file_of_several_types_becomes_a_network_of_one(whole):
    mixed = {n: t if n.endswith("bias") else t.half() for n, t in whole.items()}
    opened = checkpoints.open_tensors(mixed, small.METADATA)
    network = checkpoints.build_unet(opened)
    assert {p.dtype for p in network.parameters()} == {network.dtype} == {torch.float32}
    assert run_unet(network).isfinite().all()

    class Operations:  # layers that cast for themselves keep what the file holds
        def __getattr__(self, name):
            return getattr(torch.nn, name)

    kept = checkpoints.build_unet(opened, operations=Operations())
    assert {p.dtype for p in kept.parameters()} == {torch.float16, torch.float32}


@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_quantised_weights_are_named(whole, dtype):
    quantised = {name: tensor.to(torch.int8) for name, tensor in whole.items()}
    opened = checkpoints.open_tensors(quantised, small.METADATA)
    with pytest.raises(CheckpointNamesError, match="quantised"):
        checkpoints.build_unet(opened, dtype=dtype)


PARTS = sorted(set(small.PREFIXES) - {"vae"})


@pytest.mark.parametrize("dtype", [None, torch.float16])
@pytest.mark.parametrize("part", PARTS)
def test_one_quantised_weight_is_named(whole, part, dtype):
    """A quantiser takes the large weights and leaves the others as they are."""
    short = next(name for name, shape in small.part_shapes(part).items() if len(shape) == 2)
    name = small.PREFIXES[part] + short
    opened = checkpoints.open_tensors({**whole, name: whole[name].to(torch.int8)}, small.METADATA)
    with pytest.raises(CheckpointNamesError, match=rf"quantised \({re.escape(short)}\)"):
        getattr(checkpoints, f"build_{part}")(opened, dtype=dtype)
    for other in set(PARTS) - {part}:
        assert checkpoints.check_part(opened, other).fits


@pytest.mark.parametrize("operations", [torch.nn, types.SimpleNamespace(**vars(torch.nn))])
@pytest.mark.parametrize("scale", ["scale_weight", "weight_scale", "weight_scale_inv"])
def test_fp8_is_taken_alone_and_refused_with_scales(tmp_path, whole, scale, operations):
    state = {n: t.to(torch.float8_e4m3fn) if t.ndim > 1 else t for n, t in whole.items()}
    save_file(state, tmp_path / "plain", metadata=metadata_block(small.METADATA))
    opened = checkpoints.open_checkpoint(tmp_path / "plain")
    network = checkpoints.build_unet(opened, operations=operations, dtype=torch.float32)
    rounded = layouts.split({name: tensor.float() for name, tensor in state.items()})["unet"]
    assert same_tensors(network.state_dict(), rounded)
    stem = "model.diffusion_model.out.2."
    state[f"{stem}{scale}"] = torch.tensor(0.5)
    save_file(state, tmp_path / "scaled", metadata=metadata_block(small.METADATA))
    with pytest.raises(CheckpointNamesError, match=rf"quantised \(out.2.{scale}\)"):
        checkpoints.build_unet(checkpoints.open_checkpoint(tmp_path / "scaled"))
    assert checkpoints.check_part(checkpoints.open_checkpoint(tmp_path / "scaled"), "text").fits


def test_a_file_of_fp8_alone_becomes_a_network_that_runs(whole):
    state = {name: tensor.to(torch.float8_e5m2) for name, tensor in whole.items()}
    network = checkpoints.build_unet(checkpoints.open_tensors(state, small.METADATA))
    assert network.dtype == torch.float16
    assert {p.dtype for p in network.parameters()} == {torch.float16}
    assert run_unet(network.float()).isfinite().all()


def test_layers_and_attention_can_be_handed_in(whole):
    made, called = [], []

    class Operations:
        def __getattr__(self, name):
            made.append(name)
            return getattr(torch.nn, name)

    def attention(q, k, v, heads, mask=None):
        called.append(heads)
        return torch.zeros_like(q)

    opened = checkpoints.open_tensors(whole, small.METADATA)
    network = checkpoints.build_unet(opened, operations=Operations(), attention=attention)
    run_unet(network)
    assert {"Linear", "Conv2d", "GroupNorm"} <= set(made)
    assert called


def test_image_projection_of_dynamicrafter_for_48_frames():
    """A ramp over 16 frames becomes the ramp that linear interpolation gives (reference a.3)."""
    name = "image_proj_model.latents"
    queries, width = 16, small.RESAMPLER.width
    ramp = torch.arange(16.0).reshape(1, -1, 1, 1).expand(1, 16, queries, width)
    state = small.filled(small.whole_shapes(layouts.DYNAMICRAFTER))
    state[name] = ramp.reshape(1, -1, width)
    metadata = Metadata(head_widths=small.METADATA.head_widths)
    opened = checkpoints.open_tensors(state, metadata)
    assert checkpoints.build_resampler(opened).config.n_frames == 16
    network = checkpoints.build_resampler(opened, n_frames=48)
    assert network.config == small.RESAMPLER
    found = network.latents.detach().reshape(48, queries, width)
    places = ((torch.arange(48) + 0.5) / 3 - 0.5).clamp(0, 15)
    torch.testing.assert_close(found, places[:, None, None].expand_as(found))
    assert torch.equal(state[name].reshape(16, queries, width), ramp[0])


def test_stock_imagebind_becomes_the_tower_of_keyvid():
    config = dataclasses.replace(small.AUDIO, stride=imagebind.STOCK_STRIDE)
    state = small.filled(checkpoints.expected_shapes("audio", config))
    opened = checkpoints.open_tensors(state, dataclasses.replace(small.METADATA, n_frames=None))
    network = checkpoints.build_audio(opened)
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
    assert checkpoints.build_audio(opened, stride=None).config == config


def test_localizer_is_built_and_does_without_what_nobody_reads():
    state = small.filled(checkpoints.expected_shapes("localizer", small.LOCALIZER))
    lacking = {name: tensor for name, tensor in state.items() if not name.startswith("ada_")}
    outs = []
    for tensors in (state, lacking):
        opened = checkpoints.open_tensors(tensors, small.METADATA)
        network = checkpoints.build_localizer(opened)
        assert network.config == small.LOCALIZER
        with torch.no_grad():
            outs.append(network(torch.ones(1, 1, 128, 204)))
    assert outs[0].shape == (1, 48)
    assert torch.equal(*outs)


def test_raft_is_built(tmp_path):
    state = raft_large(weights=None, progress=False).state_dict()
    torch.save(state, tmp_path / "raft.pth")
    network = checkpoints.build_raft(checkpoints.open_checkpoint(tmp_path / "raft.pth"))
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
        checkpoints.build_unet(checkpoints.open_tensors(lacking, small.METADATA))
    more = {**whole, f"{prefix}surprise": torch.zeros(2)}
    with caplog.at_level("INFO", logger="keyvid"):
        checkpoints.build_unet(checkpoints.open_tensors(more, small.METADATA))
    assert "1 not needed (surprise)" in caplog.text


@pytest.mark.parametrize("part", small.PREFIXES)
def test_no_tensor_can_be_missing_unnoticed(part, whole):
    """A needed tensor of each part, taken away, is missed by name; a dozen of them are tried."""
    opened = checkpoints.open_tensors(whole, small.METADATA)
    config = checkpoints.config_of(opened, part)
    names = checkpoints.expected_shapes(part, config)
    optional = {"text": {"logit_scale"}, "vision": {"ln_post.weight", "ln_post.bias"}}.get(
        part, set()
    )
    needed = sorted(set(names) - optional)
    for name in needed[:: len(needed) // 12 or 1]:
        shapes = {n: s for n, s in opened.shapes.items() if n != small.PREFIXES[part] + name}
        lacking = dataclasses.replace(opened, shapes=shapes)
        with pytest.raises(CheckpointNamesError, match=re.escape(name)):
            checkpoints.check_part(lacking, part, config)


# The metadata block


def test_metadata_survives_the_file():
    given = dataclasses.replace(
        small.METADATA,
        licence="CC0",
        name="ours",
        audio_stride=(10, 4),
        mel_columns=204,
        extra={"new": [1]},
    )
    assert read_metadata(metadata_block(given)) == given
    assert read_metadata({}) == Metadata()
    assert read_metadata({"format": "pt"}).published


BAD_METADATA = {
    "not JSON": "{",
    "no object": "[1]",
    "no version": "{}",
    "version 0": {"version": 0},
    "version text": {"version": "1"},
    "frames": {"version": 1, "n_frames": 0},
    "frames true": {"version": 1, "n_frames": True},
    "queries": {"version": 1, "queries": 1.5},
    "counts": {"version": 1, "keyframe_counts": []},
    "counts text": {"version": 1, "keyframe_counts": "12"},
    "stride": {"version": 1, "audio_stride": [10]},
    "widths": {"version": 1, "head_widths": {"unet": -1}},
    "widths list": {"version": 1, "head_widths": [64]},
    "other network": {"version": 1, "head_widths": {"net": 64}},
    "licence": {"version": 1, "licence": 5},
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("case", BAD_METADATA)
def test_malformed_metadata_is_named(case):
    block = BAD_METADATA[case]
    with pytest.raises(CheckpointMetadataError, match="metadata cannot be read"):
        read_metadata({"keyvid": block if isinstance(block, str) else json.dumps(block)})


def test_newer_metadata_asks_for_an_update():
    with pytest.raises(CheckpointMetadataError, match="version 2.*Update"):
        read_metadata({"keyvid": json.dumps({"version": 2, "n_frames": "many"})})


def test_metadata_that_contradicts_the_weights_is_refused(whole):
    with pytest.raises(CheckpointUnknownError, match="7 frames of 16"):
        checkpoints.open_tensors(whole, dataclasses.replace(small.METADATA, n_frames=7))
    odd = dataclasses.replace(small.METADATA, head_widths={"unet": 9})
    with pytest.raises(CheckpointError, match="heads of 9"):
        checkpoints.build_unet(checkpoints.open_tensors(whole, odd))


# Files that cannot be used

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
BROKEN = {
    "empty": (b"", "is empty"),
    "picture": (PNG, "a PNG picture"),
    "web page": (b"\n<!DOCTYPE html><html>", "a web page"),
    "git": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "placeholder that git leaves"),
    "gguf": (b"GGUF\x03\0\0\0" + b"\0" * 50, "a GGUF file"),
    "text": (b"hello, this is a text of some length", "neither a safetensors file nor"),
    "one byte": (b"P", "cut short"),
    "zeros": (b"\0" * 4096, "neither a safetensors file nor"),
    "a pickle": (b"\x80\x04N.", "neither a safetensors file nor"),
    "huge header": (b"\xff" * 7 + b"\x7f" + b"{}", "neither a safetensors file nor"),
    "header beyond the end": (b"\xff\xff\x00\x00\x00\x00\x00\x00" + b'{"a":', "cut short"),
    "not JSON": (b"\x08\0\0\0\0\0\0\0" + b"{broken}", "damaged list of tensors"),
    "no tensors": (b"\x02\0\0\0\0\0\0\0" + b"{}", "holds no tensors"),
    "a zip of something": (b"PK\x05\x06" + b"\0" * 18, "neither a safetensors file nor"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["x.safetensors", "x.ckpt"])
@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_weight_file_is_named(tmp_path, case, name):
    data, said = BROKEN[case]
    (tmp_path / name).write_bytes(data)
    for read in (
        checkpoints.open_checkpoint,
        lambda path: convert(path, tmp_path / "o.safetensors"),
    ):
        with pytest.raises(CheckpointFileError, match=said) as caught:
            read(tmp_path / name)
        assert name in str(caught.value)


def header(entries):
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]},
        {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": "22", "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2]},
        {"dtype": "F32", "shape": [1] * 33, "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [2], "data_offsets": [2**70, 2**70 + 8]},
        [],
    ],
)
def test_safetensors_headers_are_checked(tmp_path, entry):
    (tmp_path / "x.safetensors").write_bytes(header({"a": entry}) + b"\0" * 8)
    with pytest.raises(CheckpointFileError, match="damaged list of tensors"):
        checkpoint_files.read_file(tmp_path / "x.safetensors")


@pytest.mark.parametrize("how", HOW)
def test_a_file_cut_anywhere_is_said_to_be_cut(tmp_path, how):
    state = small.filled({f"layer.{i}.weight": (16, 16) for i in range(10)})
    save(state, tmp_path / "whole", how)
    data = (tmp_path / "whole").read_bytes()
    for size in [*range(1, 60, 7), *range(60, len(data), 211), len(data) - 1]:
        (tmp_path / "x.ckpt").write_bytes(data[:size])
        with pytest.raises(CheckpointFileError, match="x.ckpt.*[Dd]ownload"):
            checkpoint_files.load_tensors(tmp_path / "x.ckpt")


def test_folders_and_absent_files(tmp_path):
    with pytest.raises(CheckpointFileError, match="is a folder"):
        checkpoints.open_checkpoint(tmp_path)
    with pytest.raises(CheckpointFileError, match="There is no file"):
        checkpoints.open_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read everything"
)
def test_files_that_may_not_be_read(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(PNG)
    path.chmod(0)
    with pytest.raises(CheckpointFileError, match="cannot be read"):
        checkpoints.open_checkpoint(path)


def test_pickles_torch_does_not_load_safely_are_named(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "x.pt", pickle_protocol=4)
    with pytest.raises(CheckpointUnsafeError, match="dev.py convert"):
        checkpoint_files.load_tensors(tmp_path / "x.pt")
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
    assert same_tensors(load_file(tmp_path / "x.safetensors"), {"a": torch.ones(2)})


# From a trainer's file to a network, and the price of reading


def test_converted_files_give_the_same_networks(tmp_path, whole):
    source, target = tmp_path / "x.ckpt", tmp_path / "x.safetensors"
    torch.save({"state_dict": whole, "epoch": 1}, source)
    result = convert(source, target, prune=True)
    assert result.kind == layouts.GENERATOR
    assert set(result.left_out) == {"epoch", *small.UNUSED}
    found = layouts.split(load_file(target))
    for part, expected in layouts.split(whole).items():
        assert same_tensors(found[part], expected)


def test_converted_published_files_say_their_frames(tmp_path):
    """A block is written only where it says what a published file is known to be."""
    shapes = small.whole_shapes()
    torch.save(small.filled(shapes), tmp_path / "x.pt")
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
    opened = checkpoints.open_checkpoint(tmp_path / "x.safetensors")
    assert opened.metadata.n_frames == 48
    shapes["image_proj_model.latents"] = (1, 192, 2)
    torch.save(small.filled(shapes), tmp_path / "y.pt")
    convert(tmp_path / "y.pt", tmp_path / "y.safetensors")
    with pytest.raises(CheckpointUnknownError, match="12 frames"):
        checkpoints.open_checkpoint(tmp_path / "y.safetensors")


MEASURE = """
import importlib.util, pathlib, re, sys
root, path, prefix = sys.argv[1:]
places = {"submodule_search_locations": [root]}
spec = importlib.util.spec_from_file_location("keyvid_pack", root + "/__init__.py", **places)
pack = importlib.util.module_from_spec(spec); sys.modules["keyvid_pack"] = pack; spec.loader.exec_module(pack)
from keyvid_pack.models import checkpoint_files
def resident(field):
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(field + r":\\s+(\\d+)", status).group(1))
checkpoint_files.load_tensors(checkpoint_files.read_file(path), "nothing")  # what loading itself imports
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
before = resident("VmRSS")
shapes = checkpoint_files.read_shapes(path)
print(resident("VmHWM") - before)
tensors = checkpoint_files.load_tensors(path, prefix)
assert all(float(t.sum()) == t.numel() for t in tensors.values()) and len(tensors) == 1 and len(shapes) == 4
print(resident("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in Linux's units")
@pytest.mark.parametrize("how", ["safetensors", "wrapped"])
def test_only_the_part_asked_for_is_read(tmp_path, how):
    """400 MB in four tensors; a part of 100 MB costs no more memory than itself, and some."""
    state = {f"{name}.weight": torch.ones(25_000_000) for name in "abcd"}
    save(state, tmp_path / "big", how)
    root = pathlib.Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", MEASURE, root, tmp_path / "big", "c."]
    said = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    assert not said.returncode, said.stderr
    for_shapes, for_part = map(int, said.stdout.split())
    assert for_shapes < 20_000_000
    assert 90_000_000 < for_part < 150_000_000


def test_the_small_recorded_networks_are_recognised():
    """Weights of another width, written by the published code, without a prefix and without a block."""
    opened = checkpoints.open_checkpoint(GOLDENS / "unet_tiny_weights.safetensors")
    assert (opened.kind, opened.layout.parts) == (layouts.GENERATOR, ("unet",))
    manifest = json.loads((GOLDENS / "manifest.json").read_text(encoding="utf-8"))
    assert n_elements(opened.shapes) == manifest["unet_weights"]["n_params"]
    case = next(case for case in manifest["cases"] if case["id"] == "unet_v4_forward")
    metadata = Metadata(head_widths={"unet": case["config"]["num_head_channels"]})
    assert checkpoints.check_part(dataclasses.replace(opened, metadata=metadata), "unet").fits
