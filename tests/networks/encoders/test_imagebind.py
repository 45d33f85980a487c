"""ImageBind's audio tower: names, an independent computation, sizes."""

import pytest
import torch
from keyvid_pack.errors import CheckpointError
from keyvid_pack.models.encoders.imagebind import (
    KEYVID_AUDIO,
    POSITIONS,
    AudioTower,
    change_stride,
    interpolate_positions,
    tower_config_from_shapes,
)

from ...helpers.published import STOCK_AUDIO, listed, shapes_of
from ...helpers.small_audio import NO_CLS, TOWER, a_mel, small
from ...oracles.imagebind_tokens import oracle_tokens


def without_heads(shapes):
    return {
        name: shape
        for name, shape in shapes.items()
        if not name.startswith(("modality_heads.", "modality_postprocessors."))
    }


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


def test_stock_file_is_recognised_by_its_positions():
    shapes = {**without_heads(listed(6, "imagebind_model.")), POSITIONS: (1, 229, 768)}
    assert tower_config_from_shapes(shapes) == STOCK_AUDIO
    assert STOCK_AUDIO.grid == (12, 19)


@pytest.mark.parametrize("config", [TOWER, NO_CLS], ids=["with CLS", "without"])
def test_small_sizes_are_inferred_from_shapes(config):
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
