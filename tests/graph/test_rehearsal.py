"""The rehearsal of the released path, with files of a size that fits into a test."""

import json
import math
import struct

import pytest
import torch
from keyvid_pack.errors import CheckpointUnsafeError
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.files import read_file
from keyvid_pack.models.checkpoint.metadata import metadata_block
from keyvid_pack.models.encoders.imagebind import AudioTowerConfig
from keyvid_pack.models.encoders.localizer import LocalizerConfig
from keyvid_pack.models.encoders.vae_config import vae_shapes
from keyvid_pack.released.published_files import FILES, GENERATOR, INTERPOLATOR, LOCALIZER
from keyvid_pack.tools.rehearsal import rehearse as module
from keyvid_pack.tools.rehearsal.released_shapes import released_shapes
from keyvid_pack.tools.rehearsal.training_file import write_training_file

from ..helpers.graphs.whole_files import VAE
from ..helpers.graphs.workflow_files import SMALL
from ..helpers.small_checkpoint import METADATA, PREFIXES, whole_shapes

# the published widths, from which heads are counted, and one layer
TOWER = AudioTowerConfig(
    width=768, layers=1, heads=12, mlp_width=64, stride=(4, 4), n_columns=198, has_cls=False
)
LOCALIZER_SHAPES = build.expected_shapes(
    "localizer", LocalizerConfig(n_tokens=1334, width=768, hidden=16, n_scores=48, tower=TOWER)
)


def small(kind):
    shapes = {
        name: shape
        for name, shape in whole_shapes(kind).items()
        if not name.startswith(PREFIXES["vae"])
    }
    return shapes | {PREFIXES["vae"] + name: shape for name, shape in vae_shapes(VAE).items()}


def state_the_widths(path):
    """Small files are of no published width, so they have to state the widths of their heads."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    block = metadata_block(METADATA.__class__(**{**vars(METADATA), "keyframe_counts": (12,)}))
    header["__metadata__"] = {**header.get("__metadata__", {}), **block}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def test_the_released_path_from_the_page_to_the_video(tmp_path):
    files = {
        GENERATOR: small(layouts.GENERATOR),
        INTERPOLATOR: small(layouts.INTERPOLATOR),
        LOCALIZER: LOCALIZER_SHAPES,
    }
    size = module.Size(
        files, {**SMALL, **module.ONE_PASS, "KeyVID_Schedule": {"steps": 1}}, state_the_widths
    )
    rows = module.rehearse(tmp_path, size, cpu=True)
    models = tmp_path / "comfyui" / "models" / "keyvid"
    assert sorted(path.name for path in models.iterdir()) == sorted(
        [LOCALIZER.name, GENERATOR.target, INTERPOLATOR.target]
    )
    assert not list((tmp_path / "page").rglob("*.ckpt"))  # one original at a time is on the disk
    stages = [row.what.split(":")[0] for row in rows]
    for stage in (
        "write generator_checkpoint.ckpt",
        "download and convert keyvid_generator.safetensors",
    ):
        assert stage in stages
    assert all(row.memory > 0 for row in rows)
    output = tmp_path / "comfyui" / "output"
    videos = sorted(path.name.split("_")[0] for path in output.rglob("*.mp4"))
    assert videos == ["full", "timing"]
    executed = {row.what.split(": ")[0] for row in rows if ": " in row.what}
    assert executed <= {module.TIMING, *module.WORKFLOWS}
    said = module.table(rows)
    assert said.count("\n") == len(rows) + 1 and "| peak memory |" in said


def test_a_stage_that_fails_is_named(tmp_path):
    wrong = {GENERATOR: small(layouts.INTERPOLATOR)}
    with pytest.raises(module.RehearsalError, match="keyvid_generator.safetensors was not made"):
        module.rehearse(tmp_path, module.Size(wrong), cpu=True)


def test_full_size_is_the_published_size():
    shapes = released_shapes()
    count = {file.key: (len(s), sum(map(math.prod, s.values()))) for file, s in shapes.items()}
    assert count["generator"] == (3936, 3_887_401_667)
    assert count["interpolator"] == (3932, 3_885_351_107)
    for file, found in shapes.items():
        layout = layouts.recognise(found)
        kept = [name for part in layout.parts for name in layouts.part_names(layout, part, found)]
        n_values = sum(math.prod(found[name]) for name in kept)
        assert abs(n_values / 1e6 - FILES[file.key].million_values) < 1


def test_a_rehearsed_file_is_what_a_trainer_writes(tmp_path):
    path, shapes = tmp_path / "a.ckpt", {"a.weight": (3, 4), "a.bias": (4,), "scale": ()}
    write_training_file(path, shapes, seed=0)
    with pytest.raises(CheckpointUnsafeError, match="keyvid_rehearsed_training.*dev.py convert"):
        read_file(path)
    write_training_file(path, shapes, seed=0, lightning=False)
    state = torch.load(path, weights_only=True)
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes
    assert state["a.weight"].unique().numel() == 12
    assert all(
        tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in state.values()
    )
