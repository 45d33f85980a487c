"""Whose weights a file holds: the published names and shapes, every prefix, and other networks by name."""

import dataclasses
import json
import math

import pytest
import torch
from keyvid_pack.errors import CheckpointError, CheckpointUnknownError
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.checkpoint import (
    Checkpoint,
    open_checkpoint,
    open_tensors,
    part_shapes,
)
from keyvid_pack.models.checkpoint.metadata import Metadata
from keyvid_pack.models.encoders import clip, imagebind, resampler
from keyvid_pack.models.encoders.vae_config import vae_shapes
from keyvid_pack.models.unet import config as unet_config
from torchvision.models.optical_flow import raft_large

from ...helpers import small_checkpoint as small
from ...helpers.published import (
    GOLDENS,
    KINDS,
    STABLE_DIFFUSION_VAE,
    STOCK_AUDIO,
    file_shapes,
    listed,
)


def checkpoint_of(shapes, metadata=None):
    return Checkpoint(layouts.recognise(shapes), metadata or Metadata(), shapes)


# The published sizes


@pytest.mark.parametrize("kind", KINDS)
def test_published_names_and_shapes_are_those_of_the_networks(kind):
    """Configurations are inferred from the list itself; the networks they give have its names and shapes."""
    checkpoint = checkpoint_of(file_shapes(kind))
    assert checkpoint.kind == kind
    parts = {"unet", "resampler", "vae", "text", "vision"}
    assert set(checkpoint.layout.parts) == parts | ({"audio"} if kind in KINDS[:2] else set())
    for part in checkpoint.layout.parts:
        config = build.config_of(checkpoint, part)
        assert build.expected_shapes(part, config) == part_shapes(checkpoint, part)


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
    checkpoint = checkpoint_of(file_shapes(layouts.GENERATOR))
    for part, expected in counted.items():
        shapes = build.expected_shapes(part, build.config_of(checkpoint, part))
        assert (len(shapes), n_elements(shapes)) == expected, part
    plain = part_shapes(checkpoint_of(file_shapes(layouts.DYNAMICRAFTER)), "unet")
    assert (len(plain), n_elements(plain)) == (1516, 1_438_854_980)


def test_published_configurations():
    expected = {
        layouts.GENERATOR: unet_config.GENERATOR,
        layouts.INTERPOLATOR: unet_config.INTERPOLATOR,
        layouts.DYNAMICRAFTER: unet_config.DYNAMICRAFTER,
    }
    for kind, config in expected.items():
        assert build.config_of(checkpoint_of(file_shapes(kind)), "unet") == config
    checkpoint = checkpoint_of(file_shapes(layouts.GENERATOR))
    assert build.config_of(checkpoint, "vae") == STABLE_DIFFUSION_VAE
    assert build.config_of(checkpoint, "text") == clip.VIT_H_TEXT
    assert build.config_of(checkpoint, "vision") == clip.VIT_H_VISION
    assert build.config_of(checkpoint, "audio") == imagebind.KEYVID_AUDIO
    assert build.config_of(checkpoint, "resampler") == resampler.PUBLISHED_RESAMPLER


def test_the_published_localizer():
    checkpoint = checkpoint_of(listed(7))
    assert checkpoint.kind == layouts.LOCALIZER
    config = build.config_of(checkpoint, "localizer")
    assert build.expected_shapes("localizer", config) == listed(7)


def test_what_is_not_read_is_left_out():
    """The split keeps what the networks need and nothing else."""
    shapes = {**file_shapes(layouts.GENERATOR), "embedder.model.logit_scale": ()}
    shapes["imagebind_model.modality_trunks.vision.blocks.0.norm_1.weight"] = (1280,)
    parts = small.split_parts(shapes)
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
    assert small.split_parts(shapes) == small.split_parts(whole)


@pytest.mark.parametrize("prefix", ["", "diffusion_model."])
@pytest.mark.parametrize("kind", KINDS)
def test_unet_without_its_prefix(kind, prefix):
    whole = small.whole_shapes(kind)
    old = "model.diffusion_model."
    renamed = {
        prefix + n.removeprefix(old) if n.startswith(old) else n: s for n, s in whole.items()
    }
    assert layouts.recognise(renamed).kind == kind
    assert small.split_parts(renamed) == small.split_parts(whole)
    alone = {
        n: s
        for n, s in renamed.items()
        if n.removeprefix(prefix) in small.split_parts(whole)["unet"]
    }
    assert small.split_parts(alone) == {"unet": small.split_parts(whole)["unet"]}


@pytest.mark.parametrize("missing", sorted(set(small.PREFIXES) - {"unet"}))
def test_pruned_files_have_fewer_parts(missing):
    shapes = {
        n: s for n, s in small.whole_shapes().items() if not n.startswith(small.PREFIXES[missing])
    }
    layout = layouts.recognise(shapes)
    assert layout.kind == layouts.GENERATOR
    assert set(layout.parts) == set(small.PREFIXES) - {missing}
    with pytest.raises(CheckpointError, match=f"without the part {missing}"):
        part_shapes(checkpoint_of(shapes), missing)


def stock_imagebind():
    shapes = build.expected_shapes("audio", STOCK_AUDIO)
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
    assert len(small.split_parts(stock_imagebind())["audio"]) == 173
    assert layouts.recognise(raft_shapes()).kind == layouts.RAFT
    original = ("fnet.conv1.weight", "cnet.conv1.weight", "update_block.gru.convz1.weight")
    assert layouts.recognise({f"module.{name}": (1,) for name in original}).kind == layouts.RAFT


def test_localizer_among_other_modalities():
    shapes = {**listed(7), "imagebindMoodel.modality_trunks.vision.blocks.0.norm_1.weight": (1280,)}
    assert small.split_parts(shapes) == {"localizer": listed(7)}


def without(shapes, part):
    return {name: shape for name, shape in shapes.items() if part not in name}


UNKNOWN = {
    "no network of KeyVID": (
        {"a.weight": (2, 3), "b.bias": (4,)},
        r"Looked for: .*Found 2 tensors, such as a.weight \[2, 3\]",
    ),
    "a LoRA": ({"lora_unet_x.lora_down.weight": (4, 8)}, "a LoRA"),
    "SD 1.5": ({"model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3)}, "diffusion network for images"),
    "diffusers": ({"down_blocks.0.resnets.0.conv1.weight": (320, 320, 3, 3)}, "diffusers"),
    "a VAE": (vae_shapes(STABLE_DIFFUSION_VAE), "Load VAE"),
    "small RAFT": ({"module.update_block.gru.convz.weight": (1,)}, "small RAFT"),
    "text to video": (without(small.whole_shapes(layouts.DYNAMICRAFTER), "_ip."), "not conditioned on an image"),
    "DynamiCrafter 256": (
        {
            **small.whole_shapes(layouts.DYNAMICRAFTER),
            "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.alpha": (),
        },
        "DynamiCrafter 256",
    ),
    "index without audio": (without(small.whole_shapes(), "audio_proj_2"), "but no audio input"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_other_networks_are_refused_by_name(case):
    shapes, said = UNKNOWN[case]
    with pytest.raises(CheckpointUnknownError, match=said):
        layouts.recognise(shapes)


def test_the_older_twelve_frame_models_are_refused():
    """Their tokens would be cut up wrongly without a word (published-model a.2)."""
    shapes = file_shapes(layouts.INTERPOLATOR)
    for n_latents, said in ((192, "12 frames"), (256, "48 frames"), (767, "48 frames")):
        changed = {**shapes, "image_proj_model.latents": (1, n_latents, 1024)}
        with pytest.raises(CheckpointUnknownError, match=said):
            open_tensors({n: torch.empty(s, device="meta") for n, s in changed.items()})


def test_the_small_recorded_networks_are_recognised():
    """Weights of another width, written by the published code, without a prefix and without a block."""
    opened = open_checkpoint(GOLDENS / "unet_tiny_weights.safetensors")
    assert (opened.kind, opened.layout.parts) == (layouts.GENERATOR, ("unet",))
    manifest = json.loads((GOLDENS / "manifest.json").read_text(encoding="utf-8"))
    assert n_elements(opened.shapes) == manifest["unet_weights"]["n_params"]
    case = next(case for case in manifest["cases"] if case["id"] == "unet_v4_forward")
    metadata = Metadata(head_widths={"unet": case["config"]["num_head_channels"]})
    assert build.check_part(dataclasses.replace(opened, metadata=metadata), "unet").fits
