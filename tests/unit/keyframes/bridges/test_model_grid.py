"""The lengths that models make, and what is said of those that they do not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.bridges.model_grid import (
    CUSTOM,
    GRIDS,
    MODELS,
    PRESETS,
    length_for,
    model_preset,
)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("any", [2, 3, 4]),
        ("8n+1", [9, 17, 25]),
        ("4n+1", [5, 9, 13]),
        ("17k+5", [5, 22, 39]),
    ],
)
def test_a_grid_begins_with_its_shortest_lengths(name, first):
    grid = GRIDS[name]
    assert [n for n in range(first[-1] + 1) if grid.has(n)] == first


@given(st.sampled_from(list(GRIDS.values())), st.integers(0, 5000))
def test_the_shortest_length_that_holds_a_plan(grid, n_frames):
    length = grid.at_least(n_frames)
    assert length >= max(n_frames, grid.shortest)
    assert (length - grid.offset) % grid.step == 0
    shorter = length - grid.step
    assert shorter < max(n_frames, grid.shortest)


@pytest.mark.parametrize(
    ("model", "n_frames", "expected"),
    # a plan of 2 s at 24 fps, as research and the cores' nodes have it
    [("LTX-2.x, 24 fps", 48, 49), ("Wan 2.1 and 2.2 14B, 16 fps", 32, 33)]
    + [("MiniMax H3, 24 fps", 48, 56), ("MiniMax H3, 24 fps", 124, 124)],
)
def test_a_plan_gets_the_next_length_of_the_model(model, n_frames, expected):
    preset = model_preset(model, fps=1, grid="any")
    assert length_for(preset, n_frames, any_length=False) == expected


def test_the_bounds_of_every_preset_are_lengths_it_makes():
    assert len(PRESETS) + 1 == len(MODELS)
    for preset in PRESETS.values():
        assert preset.longest and preset.grid.has(preset.longest)
        assert preset.trained_from is None or preset.grid.has(preset.trained_from)
        assert f"{preset.fps:g} fps" in preset.name


@pytest.mark.parametrize(
    ("needed", "n_frames", "words"),
    [
        (48, 50, ["50 frames", "8n+1", "49 or 57", "(49)"]),
        (48, 8, ["8 frames", "9"]),
        (48, 1, ["1;", "from 2"]),
        (48, 49.5, ["49.5"]),
        (4320, 0, ["4321 frames", "180.04 s", "481", "20.04 s", "Clip Audio", "any length"]),
        (48, 489, ["489 frames", "481"]),
    ],
)
def test_what_the_model_does_not_make_is_refused_with_what_to_set(needed, n_frames, words):
    preset = model_preset("LTX-2.x, 24 fps", fps=1, grid="any")
    with pytest.raises(PlanError) as error:
        length_for(preset, needed, n_frames=n_frames, any_length=False)
    assert all(word in str(error.value) for word in words), error.value
    assert str(error.value).endswith(".") and len(str(error.value)) < 400


@pytest.mark.parametrize("seconds", [2, 4, 10, 30, 180])
@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_from_2_s_to_3_min_a_plan_gets_a_length_of_the_model_or_what_to_set(preset, seconds):
    needed = math.ceil(seconds * preset.fps)
    assert preset.longest is not None
    if preset.grid.at_least(needed) <= preset.longest:
        length = length_for(preset, needed, any_length=False)
        assert preset.grid.has(length) and needed <= length <= preset.longest
        return
    with pytest.raises(PlanError) as error:
        length_for(preset, needed, any_length=False)
    words = [preset.name, f"at most {preset.longest}", "Clip Audio", "Keyframe Segments"]
    assert all(word in str(error.value) for word in words), error.value
    assert length_for(preset, needed, n_frames=preset.longest, any_length=False) == preset.longest
    assert preset.grid.has(length_for(preset, needed, any_length=True))


def test_any_length_lets_a_long_one_pass():
    preset = model_preset("LTX-2.x, 24 fps", fps=1, grid="any")
    assert length_for(preset, 4320, any_length=True) == 4321
    assert length_for(preset, 4320, n_frames=481, any_length=False) == 481


def test_custom_takes_its_own_rate_and_grid():
    preset = model_preset(CUSTOM, fps=12.5, grid="4n+1")
    assert (preset.fps, length_for(preset, 4000, any_length=False)) == (12.5, 4001)
    with pytest.raises(PlanError, match="no model .*choose one of"):
        model_preset("Sora", fps=24, grid="any")
    with pytest.raises(PlanError, match="no grid .*choose one of"):
        model_preset(CUSTOM, fps=24, grid="5n")
    with pytest.raises(ValueError, match="from 1 to 240"):
        model_preset(CUSTOM, fps=0, grid="any")
