"""ImageBind's audio tower and the localizer: names, an independent computation, sizes, and what training needs."""

import dataclasses
import types

import pytest
import torch
from keyvid_pack.errors import AudioError, CheckpointError
from keyvid_pack.models.encoders.imagebind import (
    KEYVID_AUDIO,
    POSITIONS,
    STOCK_AUDIO,
    AudioTower,
    AudioTowerConfig,
    change_stride,
    init_audio_tower,
    interpolate_positions,
    tower_config_from_shapes,
)
from keyvid_pack.models.encoders.localizer import (
    LOCALIZER_AUDIO,
    PUBLISHED_LOCALIZER,
    Localizer,
    LocalizerConfig,
    init_localizer,
    localizer_config_from_shapes,
)
from torch import nn
from torch.nn import functional as F

from ..helpers.published import listed, shapes_of

TOWER = AudioTowerConfig(
    width=24,
    layers=2,
    heads=3,
    mlp_width=40,
    kernel=(8, 6),
    stride=(7, 3),
    n_bins=32,
    n_columns=30,
)
NO_CLS = dataclasses.replace(TOWER, has_cls=False)
HEARING = LocalizerConfig(n_tokens=36, width=24, hidden=5, n_scores=11, tower=NO_CLS)


def without_heads(shapes):
    return {
        name: shape
        for name, shape in shapes.items()
        if not name.startswith(("modality_heads.", "modality_postprocessors."))
    }


def small(network=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    network = AudioTower(TOWER) if network is None else network
    init = init_audio_tower if isinstance(network, AudioTower) else init_localizer
    init(network, generator=generator)
    with torch.no_grad():  # nothing at zero, so that nothing can be left out unseen
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return network


def a_mel(batch=2, seed=7, *, n_columns=30):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 1, 32, n_columns, generator=generator)


def oracle_tokens(weights, mel, config):
    """The tower once more, from torch's own MultiheadAttention with its learned extra key and value."""
    stem = "modality_preprocessors.audio."
    patches = F.conv2d(mel, weights[f"{stem}rgbt_stem.proj.weight"], stride=config.stride)
    tokens = patches.flatten(2).transpose(1, 2)
    norm = f"{stem}rgbt_stem.norm_layer."
    tokens = F.layer_norm(
        tokens, (config.width,), weights[f"{norm}weight"], weights[f"{norm}bias"], 1e-5
    )
    if config.has_cls:
        cls = weights[f"{stem}cls_token"].repeat(len(mel), 1, 1)
        tokens = torch.cat([cls, tokens], dim=1)
    tokens = tokens + weights[POSITIONS]
    for i in range(config.layers):
        block = f"modality_trunks.audio.blocks.{i}."
        of_block = {name[len(block) :]: w for name, w in weights.items() if name.startswith(block)}
        tokens = _oracle_block(of_block, tokens, config)
    return tokens


def _oracle_block(weights, tokens, config):
    def normed(which):
        parts = weights[f"{which}.weight"], weights[f"{which}.bias"]
        return F.layer_norm(tokens, (config.width,), *parts, 1e-6)

    attention = nn.MultiheadAttention(
        config.width, config.heads, bias=True, add_bias_kv=True, batch_first=True
    )
    of_attention = {
        name[len("attn.") :]: w for name, w in weights.items() if name.startswith("attn.")
    }
    attention.load_state_dict(of_attention)
    x = normed("norm_1")
    tokens = tokens + attention(x, x, x, need_weights=False)[0]
    inner = F.gelu(F.linear(normed("norm_2"), weights["mlp.fc1.weight"], weights["mlp.fc1.bias"]))
    return tokens + F.linear(inner, weights["mlp.fc2.weight"], weights["mlp.fc2.bias"])


@pytest.mark.parametrize("config", [TOWER, NO_CLS], ids=["with CLS", "without"])
def test_tower_equals_torchs_attention(config):
    tower = small(AudioTower(config))
    with torch.no_grad():
        found = tower(a_mel())
        expected = oracle_tokens(tower.state_dict(), a_mel(), config)
    assert found.shape == (2, 4 * 9 + config.has_cls, 24)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_the_norms_keep_their_distance_from_zero():
    """With numbers as small as here the epsilons decide: 1e-5 in the stem, 1e-6 in the blocks."""
    tower = small()
    with torch.no_grad():
        for name, parameter in tower.modality_preprocessors.named_parameters():
            if not name.endswith("proj.weight"):
                parameter.mul_(1e-3)
        found = tower(1e-3 * a_mel())
        expected = oracle_tokens(tower.state_dict(), 1e-3 * a_mel(), TOWER)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_full_size_tower_has_the_published_names_and_shapes():
    shapes = without_heads(listed(6, "imagebind_model."))
    assert len(shapes) == 173
    assert tower_config_from_shapes(shapes) == KEYVID_AUDIO
    tower = AudioTower(KEYVID_AUDIO, device="meta")
    assert shapes_of(tower) == shapes
    assert sum(p.numel() for p in tower.parameters()) == 85_714_944
    assert KEYVID_AUDIO.grid == (12, 48)


def test_stock_file_is_told_by_its_positions():
    shapes = {**without_heads(listed(6, "imagebind_model.")), POSITIONS: (1, 229, 768)}
    assert tower_config_from_shapes(shapes) == STOCK_AUDIO
    assert STOCK_AUDIO.grid == (12, 19)


def test_full_size_localizer_has_the_published_names_and_shapes():
    shapes = listed(7)
    assert len(shapes) == 180
    assert localizer_config_from_shapes(shapes) == PUBLISHED_LOCALIZER
    assert shapes_of(Localizer(PUBLISHED_LOCALIZER, device="meta")) == shapes
    assert LOCALIZER_AUDIO.grid == (29, 46)


def test_second_variant_of_the_localizer_is_told_by_its_shapes():
    tower = dataclasses.replace(LOCALIZER_AUDIO, stride=(10, 4))
    second = LocalizerConfig(n_tokens=552, width=768, hidden=16, n_scores=46, tower=tower)
    shapes = shapes_of(Localizer(second, device="meta"))
    heads = {name: shapes[f"{name}.weight"] for name in ("linear1", "linear2", "linear3")}
    assert heads == {"linear1": (46, 552), "linear2": (16, 768), "linear3": (46, 736)}
    assert localizer_config_from_shapes(shapes) == second


def test_third_variant_of_the_localizer_is_refused():
    shapes = {
        **listed(7),
        "linear1.weight": (16, 768),
        "linear2.weight": (64, 192),
        "linear3.weight": (1, 64),
    }
    with pytest.raises(CheckpointError, match='variants "1" and "2"'):
        localizer_config_from_shapes(shapes)


@pytest.mark.parametrize("config", [TOWER, NO_CLS], ids=["with CLS", "without"])
def test_small_sizes_are_told_from_shapes(config):
    shapes = shapes_of(AudioTower(config))
    sizes = {"head_width": 8, "stride": (7, 3), "n_columns": 30, "n_bins": 32}
    assert tower_config_from_shapes(shapes, **sizes) == config


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"head_width": None}, "head"),
        ({"head_width": 7}, "7"),
        ({"stride": None}, "stride"),
        ({"stride": 7}, "37 positions"),
        ({"n_columns": 40}, "37 positions"),
        ({"n_bins": 4}, "37 positions"),
    ],
)
def test_sizes_that_contradict_the_shapes_are_named(change, words):
    shapes = shapes_of(AudioTower(TOWER))
    sizes = {"head_width": 8, "stride": (7, 3), "n_columns": 30, "n_bins": 32, **change}
    with pytest.raises(CheckpointError, match=words):
        tower_config_from_shapes(shapes, **sizes)


@pytest.mark.parametrize("missing", [POSITIONS, "modality_trunks.audio.blocks.0.mlp.fc1.weight"])
def test_missing_tensors_are_named(missing):
    shapes = without_heads(listed(6, "imagebind_model."))
    del shapes[missing]
    with pytest.raises(CheckpointError, match=missing):
        tower_config_from_shapes(shapes)


def test_positions_are_stretched_bilinearly_and_cls_keeps_its_own():
    positions = torch.randn(1, 1 + 2 * 3, 5, generator=torch.Generator().manual_seed(2))
    found = interpolate_positions(positions, grid_from=(2, 3), grid_to=(2, 6))
    assert torch.equal(found[:, :1], positions[:, :1])
    rows = positions[0, 1:].view(2, 3, 5)
    for column in range(6):  # centres of halves: a quarter from one, three quarters from the other
        place = min(max((column + 0.5) / 2 - 0.5, 0), 2)
        low, part = int(place), place - int(place)
        expected = (1 - part) * rows[:, low] + part * rows[:, min(low + 1, 2)]
        torch.testing.assert_close(found[0, 1:].view(2, 6, 5)[:, column], expected)
    without = interpolate_positions(positions[:, 1:], grid_from=(2, 3), grid_to=(2, 6))
    assert torch.equal(without, found[:, 1:])
    half = interpolate_positions(positions.half(), grid_from=(2, 3), grid_to=(4, 6))
    assert half.shape == (1, 25, 5) and half.dtype == torch.float16
    with pytest.raises(CheckpointError, match="7 positions"):
        interpolate_positions(positions, grid_from=(2, 2), grid_to=(2, 6))


def test_a_stock_tower_is_made_keyvids():
    weights = small().state_dict()
    before = weights[POSITIONS].clone()
    changed, config = change_stride(weights, TOWER, stride=(7, 2))
    assert config.grid == (4, 13) and changed[POSITIONS].shape == (1, 53, 24)
    assert torch.equal(weights[POSITIONS], before)
    tower = AudioTower(config)
    tower.load_state_dict(changed)
    assert tower(a_mel()).shape == (2, 53, 24)
    same, config = change_stride(weights, TOWER, stride=TOWER.stride)
    assert config == TOWER and same[POSITIONS] is weights[POSITIONS]


def test_localizer_is_its_formula():
    network = small(Localizer(HEARING))
    with torch.no_grad():
        found = network(a_mel())
        z = oracle_tokens(network.imagebindMoodel.state_dict(), a_mel(), NO_CLS)
        w = network.state_dict()
        frames = torch.einsum("sn,bnd->bsd", w["linear1.weight"], z) + w["linear1.bias"][:, None]
        features = F.relu(frames) @ w["linear2.weight"].T + w["linear2.bias"]  # (B, 11, 5)
        flat = F.relu(features.reshape(2, 55))
        expected = flat @ w["linear3.weight"].T + w["linear3.bias"] + frames.mean(dim=-1)
    assert found.shape == (2, 11)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_localizer_hears_only_the_columns_it_knows():
    network = small(Localizer(HEARING))
    mel = a_mel(n_columns=36)
    with torch.no_grad():
        assert torch.equal(network(mel), network(mel[..., :30]))


def test_localizer_without_tower_takes_tokens():
    head = dataclasses.replace(HEARING, tower=None)
    network = small(Localizer(head))
    assert not any(name.startswith("imagebind") for name in network.state_dict())
    assert localizer_config_from_shapes(shapes_of(network)) == head
    assert network(torch.zeros(3, 36, 24)).shape == (3, 11)
    with pytest.raises(AudioError, match="36, 24"):
        network(torch.zeros(3, 35, 24))


@pytest.mark.parametrize("shape", [(2, 32, 30), (2, 1, 32, 29), (2, 1, 31, 30), (2, 2, 32, 30)])
def test_a_mel_of_another_size_is_named(shape):
    for network in (small(), small(Localizer(HEARING))):
        with pytest.raises(AudioError, match="32, 30"):
            network(torch.zeros(shape))


NETWORKS = {
    "tower": lambda **kw: AudioTower(TOWER, **kw),
    "localizer": lambda **kw: Localizer(HEARING, **kw),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_gradients_reach_every_trainable_parameter(kind):
    network = small(NETWORKS[kind]())
    network(a_mel()).square().mean().backward()
    trainable = {n: p for n, p in network.named_parameters() if p.requires_grad}
    frozen = set(dict(network.named_parameters())) - set(trainable)
    assert frozen == ({"ada_weight", "ada_bias"} if kind == "localizer" else set())
    for name, parameter in trainable.items():
        assert parameter.grad is not None and (parameter.grad != 0).any(), name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize(("dtype", "atol"), [(torch.bfloat16, 0.2), (torch.float16, 0.02)])
@pytest.mark.parametrize("kind", NETWORKS)
def test_half_precision_is_finite_and_near(kind, dtype, atol):
    network = small(NETWORKS[kind]())
    with torch.no_grad():
        expected = network(a_mel())
        found = network.to(dtype)(a_mel().to(dtype))
    assert found.dtype == dtype and torch.isfinite(found).all()
    torch.testing.assert_close(found.float(), expected, atol=atol, rtol=0.05)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_fresh_network_gives_finite_numbers_and_follows_the_generator(kind):
    init = init_audio_tower if kind == "tower" else init_localizer
    one, same, other = (
        init(NETWORKS[kind](), generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    found = one(a_mel())
    assert torch.isfinite(found).all() and found.abs().max() < 100
    assert torch.equal(found, same(a_mel())) and not torch.equal(found, other(a_mel()))


def comfy_like_operations():
    """Layers in ComfyUI's manner: cast to their input when called, no weights to look at before the file is loaded.

    Returns (operations, state); state.made lists the kinds of layers, state.loaded = True opens the weights.
    """
    state = types.SimpleNamespace(made=[], loaded=False)

    def guarded(layer, call):
        class Layer(layer):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.built = True
                state.made.append(layer.__name__)

            def __getattr__(self, name):
                if name in ("weight", "bias") and "built" in self.__dict__ and not state.loaded:
                    raise AssertionError(f"{layer.__name__}.{name} was looked at before loading")
                return super().__getattr__(name)

            def forward(self, x):
                bias = None if self.bias is None else self.bias.to(x)
                return call(self, x, self.weight.to(x), bias)

        return Layer

    operations = types.SimpleNamespace(
        Linear=guarded(nn.Linear, lambda self, x, w, b: F.linear(x, w, b)),
        Conv2d=guarded(nn.Conv2d, lambda self, x, w, b: F.conv2d(x, w, b, self.stride)),
        LayerNorm=guarded(
            nn.LayerNorm,
            lambda self, x, w, b: F.layer_norm(x, self.normalized_shape, w, b, self.eps),
        ),
    )
    return operations, state


@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        ("tower", {"Conv2d": 1, "LayerNorm": 1 + 2 * 2, "Linear": 2 * 3}),
        ("localizer", {"Conv2d": 1, "LayerNorm": 1 + 2 * 2, "Linear": 2 * 3 + 3}),
    ],
)
def test_comfyuis_layers_and_attention_can_take_over(kind, layers):
    calls = []

    def attention(q, k, v, heads, mask=None):
        calls.append((q.shape, k.shape, v.shape, heads, mask))
        q, k, v = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        weights = (q @ k.transpose(2, 3) * q.shape[3] ** -0.5).softmax(dim=-1)
        return (weights @ v).transpose(1, 2).flatten(2)

    expected = small(NETWORKS[kind]()).to(torch.bfloat16)
    operations, state = comfy_like_operations()
    network = NETWORKS[kind](operations=operations, attention=attention, dtype=torch.bfloat16)
    assert all(p.dtype == torch.bfloat16 for p in network.parameters())
    state.loaded = True
    network.load_state_dict(expected.state_dict())
    assert {name: state.made.count(name) for name in set(state.made)} == layers
    with torch.no_grad():
        found = network(a_mel())  # float32 in, bfloat16 weights: computed in float32
        torch.testing.assert_close(found, expected.float()(a_mel()), atol=2e-5, rtol=0)
    n = TOWER.n_tokens - (kind == "localizer")
    assert calls == [((2, n, 24), (2, n + 1, 24), (2, n + 1, 24), 3, None)] * 2
