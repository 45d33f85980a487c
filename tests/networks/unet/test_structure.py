"""Our forward against the published block structure, its layouts in memory, and stored keys and values."""

import pytest
import torch
import torch.nn.functional as F
from keyvid_pack.models.cpu_layers import FastLayers, has_fast_layers
from keyvid_pack.models.unet.token_store import TokenStore

from ...helpers import part_seconds
from ...helpers.small_unet import OTHERS, TINY, assert_same, in_float64, make_inputs, make_unet, run
from ...helpers.tolerance import float32_tolerance
from ...oracles.published_blocks import published_forward


def published(unet, inputs):
    with torch.no_grad():
        return published_forward(unet, **inputs)


# the published block structure


@pytest.mark.parametrize("name", OTHERS)
def test_the_published_block_structure_gives_the_same(name):
    config = OTHERS[name]
    unet, inputs = in_float64(make_unet(config), make_inputs(config, size=(8, 4)))
    expected = published(unet, inputs)
    assert_same(run(unet, inputs), expected)
    other = {**inputs, "text": inputs["text"].flip(0)}
    assert (run(unet, other) - expected).abs().max() > 1e-3


def test_both_structures_are_profiled_by_the_same_parts():
    """The benchmark's table: equal work in equal parts, and all of it in one that it belongs to."""
    unet, inputs, work = make_unet(), make_inputs(n_clips=1), {}
    with torch.inference_mode():
        for name, forward in (
            ("ours", unet),
            ("published", lambda **i: published_forward(unet, **i)),
        ):
            with part_seconds.PartSeconds() as parts:
                forward(**inputs)
            work[name] = parts.operations
    for part in (part_seconds.SPACE, part_seconds.TIME, part_seconds.ATTENTION):
        assert work["ours"][part] == work["published"][part] > 0, part
    # keys and values of the text: one clip against one per frame
    assert 0 < work["ours"][part_seconds.LINEAR] < work["published"][part_seconds.LINEAR]
    assert not any(work["ours"][part] for part in (part_seconds.REST, part_seconds.COPIES))


def test_frames_keep_channels_last_in_memory():
    """On a CPU, where a copy from one layout to another is paid for in every block."""
    unet, inputs, seen = make_unet(), make_inputs(n_clips=1, n_frames=4, size=(16, 16)), []

    def record(module, arguments, out):
        x = arguments[0]
        last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(x.ndim)
        if last is not None and min(x.shape) > 1:
            seen.append(x.is_contiguous(memory_format=last))

    kinds = (torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.GroupNorm)
    for module in unet.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(record)
    run(unet, inputs)
    assert len(seen) > 50 and all(seen)
    with torch.no_grad():
        published_forward(unet, **inputs)
    assert not all(seen)


# layers on a CPU


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 7), (2, 3, 4, 7)])
def test_fast_linear_is_linear(shape, bias):
    torch.manual_seed(0)
    x, weight = torch.randn(shape), torch.randn(6, 7)
    b = torch.randn(6) if bias else None
    views = {
        "whole": (x, weight),
        "other order": (x.transpose(0, -2), weight),
        "part": (x[1:], torch.randn(7, 6).T),
        "channels before tokens": (x.mT.contiguous().mT, weight),
    }
    with torch.no_grad():
        for what, (tokens, w) in views.items():
            with FastLayers():
                found = F.linear(tokens, w, b)
            expected = F.linear(tokens.double(), w.double(), None if b is None else b.double())
            assert found.shape == expected.shape, what
            assert (found - expected).abs().max() < float32_tolerance() * expected.abs().max(), what


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_fast_convolution_over_time_is_one(dtype):
    torch.manual_seed(0)
    x, bias = torch.randn(2, 8, 5, 4, 6, dtype=dtype), torch.randn(16, dtype=dtype)
    rounding = float32_tolerance() if dtype == torch.float32 else 2**-7
    layouts = (torch.contiguous_format, torch.channels_last_3d)
    with torch.no_grad():
        for kernel, padding in (((3, 1, 1), (1, 0, 0)), ((3, 1, 1), 0), ((3, 3, 3), 1)):
            weight = torch.randn(16, 8, *kernel, dtype=dtype)
            expected = F.conv3d(x.double(), weight.double(), bias.double(), padding=padding)
            layer = torch.nn.Conv3d(8, 16, kernel, padding=padding, dtype=dtype)
            layer.weight.copy_(weight), layer.bias.copy_(bias)
            for layout in layouts:
                with FastLayers():
                    found = layer(x.contiguous(memory_format=layout))
                assert found.shape == expected.shape and found.dtype == dtype
                assert (found - expected).abs().max() <= rounding * expected.abs().max()


def test_a_convolution_with_a_kernel_of_one_is_linear():
    torch.manual_seed(0)
    tokens = torch.randn(3, 5, 8)
    for kernel, options in ((1, {}), (1, {"groups": 2}), (1, {"stride": 2}), (3, {"padding": 1})):
        layer = torch.nn.Conv1d(8, 6, kernel, **options)
        with torch.no_grad():
            expected = layer(tokens.mT)
            with FastLayers():
                found = layer(tokens.mT)
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < float32_tolerance() * expected.abs().max()


def test_what_fast_layers_are_not_for_stays_as_it_was():
    x, weight = torch.randn(3, 7), torch.randn(6, 7)
    with torch.no_grad():
        for dtype in (torch.float64, torch.bfloat16):
            expected = F.linear(x.to(dtype), weight.to(dtype))
            with FastLayers():
                assert torch.equal(F.linear(x.to(dtype), weight.to(dtype)), expected)
        with FastLayers():
            assert F.linear(x[:0], weight).shape == (0, 6)
            assert F.linear(x[0], weight).shape == (6,)
            assert F.linear(x, weight=weight).shape == (3, 6)
        assert has_fast_layers(x) and not has_fast_layers(x.to("meta"))
    assert not has_fast_layers(x)  # gradients are wanted


# stored keys and values


def _counted(unet):
    """The forwards of every layer that makes keys or values of tokens, as they come."""
    names = ("to_k", "to_v", "to_k_ip", "to_v_ip", "to_k_ap", "to_v_ap")
    calls = []
    for name, module in unet.named_modules():
        if ".attn2." in name and name.endswith(names) and module.in_features == TINY.context_width:
            module.register_forward_hook(lambda *_, name=name: calls.append(name))
    return calls


def test_a_stored_run_equals_one_without():
    unet, first = in_float64(make_unet(), make_inputs())
    later = {**first, "x": first["x"].flip(0), "timesteps": torch.tensor([3, 700])}
    expected = [run(unet, inputs) for inputs in (first, later)]
    calls, store = _counted(unet), TokenStore(2**30)
    found = [run(unet, inputs, token_store=store) for inputs in (first, later)]
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)
    n_layers = 6 * sum(".attn2.to_k_ap." in name for name, _ in unet.named_parameters())
    assert len(calls) == len(set(calls)) == n_layers  # each once in two forwards


@pytest.mark.parametrize("name", ["text", "image", "audio"])
def test_other_tokens_are_never_taken_for_those_stored(name):
    unet, inputs = in_float64(make_unet(), make_inputs())
    store = TokenStore(2**30)
    first = run(unet, inputs, token_store=store)
    for changed in (inputs[name].flip(0), 1.1 * inputs[name], inputs[name][..., :2, :]):
        expected = run(unet, inputs, **{name: changed})
        assert (expected - first).abs().max() > 1e-6
        assert torch.equal(run(unet, inputs, token_store=store, **{name: changed}), expected)
    assert torch.equal(run(unet, inputs, token_store=store), first)


def test_tokens_changed_in_place_are_seen():
    unet, inputs = in_float64(make_unet(), make_inputs())
    inputs = {
        name: value.double() if value.is_floating_point() else value
        for name, value in inputs.items()
    }
    store = TokenStore(2**30)
    run(unet, inputs, token_store=store)
    inputs["image"].mul_(2)  # the very tensor that was stored
    assert torch.equal(run(unet, inputs, token_store=store), run(unet, inputs))


def test_a_store_holds_no_more_than_it_may():
    unet, inputs = make_unet(), make_inputs()
    store = TokenStore(2**30)
    expected = run(unet, inputs, token_store=store)
    whole = store.n_bytes
    held = sum(
        tensor.numel() * tensor.element_size()
        for _, tokens, stored in store._entries
        for tensor in (tokens, *(t for pair in stored.values() for t in pair))
    )
    assert held == whole > 0
    for limit in (whole, whole - 1, 0):
        small = TokenStore(limit)
        for _ in range(2):
            assert torch.equal(run(unet, inputs, token_store=small), expected)
            assert small.n_bytes <= limit
    store.clear()
    assert store.n_bytes == 0 and not store._entries


def test_nothing_is_stored_in_training():
    unet, inputs, store = make_unet(), make_inputs(), TokenStore(2**30)
    unet(**inputs, token_store=store).sum().backward()
    assert store.n_bytes == 0
