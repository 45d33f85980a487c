"""What audio tower and localizer have alike: sizes refused, training, number types, ComfyUI's layers."""

import types

import pytest
import torch
from keyvid_pack.errors import AudioError
from keyvid_pack.models.encoders.imagebind import init_audio_tower
from keyvid_pack.models.encoders.localizer import Localizer, init_localizer
from torch import nn
from torch.nn import functional as F

from ...helpers.small_audio import LOCALIZER, NETWORKS, TOWER, a_mel, small


@pytest.mark.parametrize("shape", [(2, 32, 30), (2, 1, 32, 29), (2, 1, 31, 30), (2, 2, 32, 30)])
def test_a_mel_of_another_size_is_named(shape):
    for network in (small(), small(Localizer(LOCALIZER))):
        with pytest.raises(AudioError, match="32, 30"):
            network(torch.zeros(shape))


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
