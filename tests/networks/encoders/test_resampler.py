"""The resampler: names, an independent computation, frames chosen and frames resized, and what training needs."""

import math
import types

import pytest
import torch
from keyvid_pack.errors import CheckpointMetadataError, CheckpointNamesError, SelectionError
from keyvid_pack.models.encoders.resampler import (
    PUBLISHED_RESAMPLER,
    Resampler,
    ResamplerConfig,
    init_resampler,
    resampler_config_from_shapes,
    resize_latents,
    select_frames,
)
from torch import nn

from ...helpers.published import listed, shapes_of

SMALL = ResamplerConfig(
    in_width=24,
    width=40,
    out_width=36,
    depth=2,
    heads=3,
    head_width=8,
    ff_width=56,
    n_frames=5,
    n_queries=3,
)


def small(seed=0):
    return init_resampler(Resampler(SMALL), generator=torch.Generator().manual_seed(seed))


def picture_tokens():
    return torch.randn(2, 7, SMALL.in_width, generator=torch.Generator().manual_seed(9))


def test_published_names_and_shapes():
    shapes = listed(4, "image_proj_model.")
    assert len(shapes) == 51
    assert resampler_config_from_shapes(shapes) == PUBLISHED_RESAMPLER
    assert shapes_of(Resampler(PUBLISHED_RESAMPLER, device="meta")) == shapes


@pytest.mark.parametrize("n_frames", [12, 16, 48])
def test_the_number_of_frames_is_read_from_the_latents(n_frames):
    shapes = listed(4, "image_proj_model.") | {"latents": (1, n_frames * 16, 1024)}
    assert resampler_config_from_shapes(shapes).n_frames == n_frames


def test_small_sizes_are_read_with_the_help_of_metadata():
    shapes = shapes_of(small())
    assert resampler_config_from_shapes(shapes, head_width=8, n_queries=3) == SMALL
    with pytest.raises(CheckpointMetadataError, match="divided into frames of 16"):
        resampler_config_from_shapes(shapes, head_width=8)
    with pytest.raises(CheckpointMetadataError, match="does not say how wide a head is"):
        resampler_config_from_shapes(shapes, n_queries=3)
    with pytest.raises(CheckpointNamesError, match="lack the tensor latents"):
        resampler_config_from_shapes({})


def by_hand(weights, tokens):
    """The network in float64 as published-model d.4 words it, one head and one latent at a time."""
    w = {name: tensor.double() for name, tensor in weights.items()}

    def norm(x, name):
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return x * w[name + ".weight"] + w[name + ".bias"]

    x = tokens.double() @ w["proj_in.weight"].T + w["proj_in.bias"]
    latents = w["latents"].repeat(len(x), 1, 1)
    inner = SMALL.heads * SMALL.head_width
    for i in range(SMALL.depth):
        asked = norm(latents, f"layers.{i}.0.norm2")
        memory = torch.cat([norm(x, f"layers.{i}.0.norm1"), asked], dim=1)
        queries = asked @ w[f"layers.{i}.0.to_q.weight"].T
        keys = memory @ w[f"layers.{i}.0.to_kv.weight"][:inner].T
        values = memory @ w[f"layers.{i}.0.to_kv.weight"][inner:].T
        gathered = torch.zeros_like(queries)
        for head in range(SMALL.heads):
            part = slice(head * SMALL.head_width, (head + 1) * SMALL.head_width)
            for row in range(queries.shape[1]):
                scores = (keys[:, :, part] * queries[:, row, None, part]).sum(-1)
                shares = torch.softmax(scores / math.sqrt(SMALL.head_width), dim=-1)
                gathered[:, row, part] = (shares[:, :, None] * values[:, :, part]).sum(1)
        latents = latents + gathered @ w[f"layers.{i}.0.to_out.weight"].T
        hidden = norm(latents, f"layers.{i}.1.0") @ w[f"layers.{i}.1.1.weight"].T
        hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
        latents = latents + hidden @ w[f"layers.{i}.1.3.weight"].T
    return norm(latents @ w["proj_out.weight"].T + w["proj_out.bias"], "norm_out")


def test_equals_a_computation_by_hand():
    network = small()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.4, generator=generator)
        found = network(picture_tokens())
    assert found.shape == (2, 5, 3, 36)
    expected = by_hand(network.state_dict(), picture_tokens())
    torch.testing.assert_close(found.flatten(1, 2).double(), expected, atol=2e-5, rtol=0)


def test_gradients_reach_every_parameter():
    network = small()
    (network(picture_tokens()) ** 3).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_initial_weights_are_reproducible():
    first, second = small(1).state_dict(), small(1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["latents"], small(2).state_dict()["latents"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_reduced_precision_is_finite_and_near(dtype):
    network = small()
    with torch.no_grad():
        exact = network(picture_tokens())
        rounded = network.to(dtype)(picture_tokens().to(dtype))
    assert rounded.dtype == dtype and rounded.isfinite().all()
    assert (rounded - exact).abs().mean() < 0.03 * exact.abs().mean()


def test_the_latents_follow_the_input():
    network = small()
    with torch.no_grad():
        exact = network(picture_tokens())
        network.latents = nn.Parameter(network.latents.double())
        found = network(picture_tokens())
    assert found.dtype == torch.float32 and torch.equal(found, exact)


def test_every_layer_comes_from_operations_and_attention_is_the_given_one():
    made = {name: type(name, (getattr(nn, name),), {}) for name in ("Linear", "LayerNorm")}
    calls = []

    def attention(q, k, v, heads, mask=None):
        calls.append((q.shape, k.shape, v.shape, heads, mask))
        return q

    network = Resampler(SMALL, operations=types.SimpleNamespace(**made), attention=attention)
    init_resampler(network)(picture_tokens())
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.LayerNorm)):
            assert type(module) in made.values()
    assert calls == [((2, 15, 24), (2, 22, 24), (2, 22, 24), 3, None)] * SMALL.depth


def test_frames_are_selected_per_sample():
    tokens = torch.arange(2 * 5 * 3 * 4).reshape(2, 5, 3, 4)
    frame_index = torch.tensor([[0, 4, 4], [3, 1, 2]])
    found = select_frames(tokens, frame_index)
    assert found.shape == (2, 3, 3, 4)
    for b in range(2):
        for t in range(3):
            assert torch.equal(found[b, t], tokens[b, int(frame_index[b, t])])


@pytest.mark.parametrize("frame", [-1, 5])
def test_a_frame_outside_is_an_error(frame):
    with pytest.raises(SelectionError, match=f"Keyframe {frame} lies .*image projection.*0 to 4"):
        select_frames(torch.zeros(1, 5, 3, 4), torch.tensor([[0, frame]]))


def test_a_batch_of_one_serves_the_other():
    tokens, frame_index = torch.randn(2, 5, 3, 4), torch.tensor([[0, 4], [3, 1]])
    one_plan = select_frames(tokens, frame_index[:1])
    assert torch.equal(one_plan, tokens[:, [0, 4]])
    one_image = select_frames(tokens[:1], frame_index)
    assert torch.equal(one_image, torch.stack([tokens[0, [0, 4]], tokens[0, [3, 1]]]))


@pytest.mark.parametrize("shape", [(3, 2), (0, 2), (2,), (2, 2, 1)])
def test_frames_of_another_batch_are_named(shape):
    with pytest.raises(SelectionError, match="the image projection of 2 clips.*same batch"):
        select_frames(torch.zeros(2, 5, 3, 4), torch.zeros(shape, dtype=torch.int64))


@pytest.mark.parametrize(("n_from", "n_to"), [(16, 48), (16, 12), (16, 16)])
def test_latents_are_resized_as_one_bilinear_image(n_from, n_to):
    latents = torch.randn(1, n_from * 16, 8, generator=torch.Generator().manual_seed(6))
    image = latents.reshape(1, n_from, 16, 8).permute(0, 3, 1, 2)
    expected = nn.functional.interpolate(
        image, size=(n_to, 16), mode="bilinear", align_corners=False
    )
    expected = expected.permute(0, 2, 3, 1).reshape(1, n_to * 16, 8)
    found = resize_latents(latents, n_from, n_to)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    if n_from == n_to:
        assert torch.equal(found, latents)


def test_resized_latents_keep_their_dtype_and_ramps_stay_ramps():
    ramp = torch.arange(16.0).repeat_interleave(2)[None, :, None].expand(1, 32, 3)
    found = resize_latents(ramp.half(), 16, 48, 2)
    assert found.dtype == torch.float16
    frames = found.reshape(48, 2, 3)
    expected = ((torch.arange(48) + 0.5) / 3 - 0.5).clamp(0, 15)
    torch.testing.assert_close(
        frames.float(), expected[:, None, None].expand(48, 2, 3), atol=5e-3, rtol=0
    )


def test_latents_of_another_file_are_refused():
    with pytest.raises(
        CheckpointNamesError, match="768 latents, but 16 frames of 16 queries are 256"
    ):
        resize_latents(torch.zeros(1, 768, 8), 16, 48)
