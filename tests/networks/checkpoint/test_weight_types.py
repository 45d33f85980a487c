"""The number types of weights: one for a network that computes in one, and quantised files by name."""

import re
import types

import pytest
import torch
from keyvid_pack.errors import CheckpointNamesError
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint, open_tensors
from keyvid_pack.models.checkpoint.metadata import metadata_block
from safetensors.torch import save_file

from ...helpers import small_checkpoint as small
from ...helpers.weight_files import same_tensors


def test_a_built_network_runs_in_the_type_asked_for(whole):
    opened = open_tensors(whole, small.METADATA)
    network = small.network_of("unet", opened)
    assert network.dtype == torch.float32
    out = small.run_unet(network)
    assert out.shape == (1, 4, 3, 4, 4) and out.isfinite().all()
    half = small.network_of("unet", opened, dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16
    assert {p.dtype for p in half.parameters()} == {torch.bfloat16}
    assert small.run_unet(half, torch.bfloat16).isfinite().all()
    kept = small.network_of(
        "unet", open_tensors({n: t.half() for n, t in whole.items()}, small.METADATA)
    )
    assert kept.dtype == torch.float16


def test_a_file_of_several_types_becomes_a_network_of_one(whole):
    mixed = {n: t if n.endswith("bias") else t.half() for n, t in whole.items()}
    opened = open_tensors(mixed, small.METADATA)
    network = small.network_of("unet", opened)
    assert {p.dtype for p in network.parameters()} == {network.dtype} == {torch.float32}
    assert small.run_unet(network).isfinite().all()

    class Operations:  # layers that cast for themselves keep what the file holds
        def __getattr__(self, name):
            return getattr(torch.nn, name)

    kept = small.network_of("unet", opened, operations=Operations())
    assert {p.dtype for p in kept.parameters()} == {torch.float16, torch.float32}


@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_quantised_weights_are_named(whole, dtype):
    quantised = {name: tensor.to(torch.int8) for name, tensor in whole.items()}
    opened = open_tensors(quantised, small.METADATA)
    with pytest.raises(CheckpointNamesError, match="quantised"):
        small.network_of("unet", opened, dtype=dtype)


PARTS = sorted(set(small.PREFIXES) - {"vae"})


@pytest.mark.parametrize("dtype", [None, torch.float16])
@pytest.mark.parametrize("part", PARTS)
def test_one_quantised_weight_is_named(whole, part, dtype):
    """A quantiser takes the large weights and leaves the others as they are."""
    short = next(name for name, shape in small.part_shapes(part).items() if len(shape) == 2)
    name = small.PREFIXES[part] + short
    opened = open_tensors({**whole, name: whole[name].to(torch.int8)}, small.METADATA)
    with pytest.raises(CheckpointNamesError, match=rf"quantised \({re.escape(short)}\)"):
        small.network_of(part, opened, dtype=dtype)
    for other in set(PARTS) - {part}:
        assert build.check_part(opened, other).fits


@pytest.mark.parametrize("operations", [torch.nn, types.SimpleNamespace(**vars(torch.nn))])
@pytest.mark.parametrize("scale", ["scale_weight", "weight_scale", "weight_scale_inv"])
def test_fp8_is_taken_alone_and_refused_with_scales(tmp_path, whole, scale, operations):
    state = {n: t.to(torch.float8_e4m3fn) if t.ndim > 1 else t for n, t in whole.items()}
    save_file(state, tmp_path / "plain", metadata=metadata_block(small.METADATA))
    opened = open_checkpoint(tmp_path / "plain")
    network = small.network_of("unet", opened, operations=operations, dtype=torch.float32)
    rounded = small.split_parts({name: tensor.float() for name, tensor in state.items()})["unet"]
    assert same_tensors(network.state_dict(), rounded)
    stem = "model.diffusion_model.out.2."
    state[f"{stem}{scale}"] = torch.tensor(0.5)
    save_file(state, tmp_path / "scaled", metadata=metadata_block(small.METADATA))
    with pytest.raises(CheckpointNamesError, match=rf"quantised \(out.2.{scale}\)"):
        small.network_of("unet", open_checkpoint(tmp_path / "scaled"))
    assert build.check_part(open_checkpoint(tmp_path / "scaled"), "text").fits


def test_a_file_of_fp8_alone_becomes_a_network_that_runs(whole):
    state = {name: tensor.to(torch.float8_e5m2) for name, tensor in whole.items()}
    network = small.network_of("unet", open_tensors(state, small.METADATA))
    assert network.dtype == torch.float16
    assert {p.dtype for p in network.parameters()} == {torch.float16}
    assert small.run_unet(network.float()).isfinite().all()
