"""LoRA as such: which layers, what it computes, its file, and merging."""

import json

import pytest
import torch
from keyvid_pack.errors import CheckpointFileError, CheckpointNamesError
from keyvid_pack.models.unet.unet import VideoUNet
from keyvid_pack.training.lora import adapter
from safetensors import safe_open

from ...helpers import small_checkpoint
from ...helpers.tolerance import float32_tolerance

RANK, SCALE = 3, 0.5


def small_unet():
    torch.manual_seed(0)
    return VideoUNet(small_checkpoint.UNET).eval()


def random_adapters(unet, *, rank=RANK):
    """Low-rank layers whose every value shows in the output."""
    generator = torch.Generator().manual_seed(1)
    adapters = adapter.make_adapters(unet, rank=rank, generator=generator)
    for low_rank in adapters.values():
        torch.nn.init.normal_(low_rank.up, generator=generator)
    return adapters


def facts(**changes):
    known = {"kind": "generator", "base": "a.safetensors", "rank": RANK, "alpha": 1.5, "steps": 7}
    return adapter.LoraFacts(**{**known, "captions": ("a dög",), **changes})


def test_every_projection_of_every_attention_is_adapted_and_nothing_else():
    layers = adapter.attention_layers(small_unet())
    kinds = {name.split(".", 1)[1].split("transformer_blocks.0.")[1] for name in layers}
    of_spatial = {"to_k_ip", "to_v_ip", "to_k_ap", "to_v_ap"}
    plain = {"to_q", "to_k", "to_v", "to_out.0"}
    assert kinds == {f"attn1.{p}" for p in plain} | {f"attn2.{p}" for p in plain | of_spatial}
    state = small_unet().state_dict()
    expected = {n for n in state if ".attn" in n and n.endswith(".weight")}
    assert {f"{name}.weight" for name in layers} == expected


def test_it_begins_as_no_change_and_its_hooks_can_be_removed():
    unet = small_unet()
    before = small_checkpoint.run_unet(unet)
    fresh = adapter.make_adapters(unet, rank=RANK, generator=torch.Generator().manual_seed(0))
    adapter.attach(unet, fresh, scale=SCALE)
    assert torch.equal(small_checkpoint.run_unet(unet), before)
    handles = adapter.attach(unet, random_adapters(unet), scale=SCALE)
    assert not torch.allclose(small_checkpoint.run_unet(unet), before, atol=1e-2)
    for handle in handles:
        handle.remove()
    assert torch.equal(small_checkpoint.run_unet(unet), before)


@pytest.mark.parametrize("rank", [1, RANK, 200], ids=lambda rank: f"rank {rank}")
def test_attached_and_merged_give_the_same(rank):
    unet, merged_unet = small_unet(), small_unet()
    adapters = random_adapters(unet, rank=rank)
    # what a file keeps: fp16
    for low_rank in adapters.values():
        low_rank.down.data, low_rank.up.data = (
            value.data.half().float() for value in (low_rank.down, low_rank.up)
        )
    tensors = adapter.file_tensors(adapters.state_dict(), scale=SCALE)
    merged_unet.load_state_dict(adapter.merged(merged_unet.state_dict(), tensors))
    adapter.attach(unet, adapters, scale=SCALE)
    found, expected = (small_checkpoint.run_unet(one) for one in (unet, merged_unet))
    # W x + s up (down x) and (W + s up down) x add the same numbers in another order; the terms of a rank of 200 are
    # larger than their sum
    tolerance = float32_tolerance(amplification=8 * min(rank, 24))
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()
    assert not torch.allclose(expected, small_checkpoint.run_unet(small_unet()), atol=1e-2)


def test_the_scale_of_a_narrow_layer_is_that_of_the_others():
    """A layer of 24 inputs has no more than 24 directions; ComfyUI divides alpha by the rank that it finds."""
    unet = small_unet()
    tensors = adapter.file_tensors(random_adapters(unet, rank=200).state_dict(), scale=SCALE)
    ranks = {len(t) for name, t in tensors.items() if name.endswith(adapter.DOWN)}
    assert len(ranks) > 1 and max(ranks) < 200
    for name, alpha in tensors.items():
        if name.endswith(adapter.ALPHA):
            rank = len(tensors[name.removesuffix(adapter.ALPHA) + adapter.DOWN])
            assert float(alpha) / rank == SCALE


def test_merging_counts_with_strength_and_keeps_types():
    weights = {name: value.half() for name, value in small_unet().state_dict().items()}
    lora = adapter.file_tensors(random_adapters(small_unet()).state_dict(), scale=SCALE)
    none, whole = (adapter.merged(weights, lora, strength=s) for s in (0.0, 1.0))
    assert all(torch.equal(none[name], weights[name]) for name in weights)
    assert {value.dtype for value in whole.values()} == {torch.float16}
    changed = {name for name in weights if not torch.equal(whole[name], weights[name])}
    assert changed == {f"{name}.weight" for name in adapter.attention_layers(small_unet())}
    name = next(iter(sorted(changed)))
    key = adapter.PREFIX + name.removesuffix(".weight")
    change = lora[key + adapter.UP].double() @ lora[key + adapter.DOWN].double()
    expected = weights[name].double() + SCALE * change
    # one rounding to fp16: half of its last place
    assert ((whole[name].double() - expected).abs() <= 2.0**-11 * expected.abs() + 2.0**-24).all()


def test_a_file_holds_what_was_written(tmp_path):
    tensors = adapter.file_tensors(random_adapters(small_unet()).state_dict(), scale=SCALE)
    path = tmp_path / "new" / "a.safetensors"
    adapter.write_lora(path, tensors, facts())
    found = adapter.read_lora(path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    with safe_open(path, "pt") as file:
        said = json.loads(file.metadata()[adapter.METADATA_KEY])
    assert (said["kind"], said["steps"], said["captions"]) == ("generator", 7, ["a dög"])
    assert all(p.suffix == ".safetensors" for p in path.parent.iterdir()), "a part was left"


def test_what_does_not_fit_is_refused(tmp_path):
    weights = small_unet().state_dict()
    lora = adapter.file_tensors(random_adapters(small_unet()).state_dict(), scale=SCALE)
    name = next(name for name in lora if name.endswith(adapter.UP))
    wide = {**lora, name: torch.cat([lora[name], lora[name]])}
    other = {key.replace("to_q", "to_other"): value for key, value in lora.items()}
    for wrong in (wide, other):
        with pytest.raises(CheckpointNamesError, match="the model that it was trained for"):
            adapter.merged(weights, wrong)
    with pytest.raises(CheckpointNamesError, match="no LoRA"):
        adapter.merged(weights, {"a.weight": torch.zeros(1)})
    (tmp_path / "broken.safetensors").write_bytes(b"no file")
    for name in ("broken.safetensors", "absent.safetensors"):
        with pytest.raises(CheckpointFileError, match="cannot be read"):
            adapter.read_lora(tmp_path / name)
