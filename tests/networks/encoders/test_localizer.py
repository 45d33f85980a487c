"""The localizer: names, its formula, sizes."""

import dataclasses

import pytest
import torch
from keyvid_pack.errors import AudioError, CheckpointError
from keyvid_pack.models.encoders.localizer import (
    LOCALIZER_AUDIO,
    PUBLISHED_LOCALIZER,
    Localizer,
    LocalizerConfig,
    localizer_config_from_shapes,
)
from torch.nn import functional as F

from ...helpers.published import listed, shapes_of
from ...helpers.small_audio import LOCALIZER, NO_CLS, a_mel, small
from ...oracles.imagebind_tokens import oracle_tokens


def test_full_size_localizer_has_the_published_names_and_shapes():
    shapes = listed(7)
    assert len(shapes) == 180
    assert localizer_config_from_shapes(shapes) == PUBLISHED_LOCALIZER
    assert shapes_of(Localizer(PUBLISHED_LOCALIZER, device="meta")) == shapes
    assert LOCALIZER_AUDIO.grid == (29, 46)


def test_second_variant_of_the_localizer_is_recognised_by_its_shapes():
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


def test_localizer_is_its_formula():
    network = small(Localizer(LOCALIZER))
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
    network = small(Localizer(LOCALIZER))
    mel = a_mel(n_columns=36)
    with torch.no_grad():
        assert torch.equal(network(mel), network(mel[..., :30]))


def test_localizer_without_tower_takes_tokens():
    head = dataclasses.replace(LOCALIZER, tower=None)
    network = small(Localizer(head))
    assert not any(name.startswith("imagebind") for name in network.state_dict())
    assert localizer_config_from_shapes(shapes_of(network)) == head
    assert network(torch.zeros(3, 36, 24)).shape == (3, 11)
    with pytest.raises(AudioError, match="36, 24"):
        network(torch.zeros(3, 35, 24))
