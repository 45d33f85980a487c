"""The passes that Multimodal CFG announces in the browser are those that are run: one table for both languages."""

import json
from pathlib import Path

import pytest
from keyvid_pack.errors import SamplingError
from keyvid_pack.models.diffusion.guidance import (
    check_guided,
    is_guided,
    needed_passes,
    pass_weights,
)
from keyvid_pack.models.diffusion.schedule import ddim_timesteps

ROWS = json.loads((Path(__file__).parents[2] / "guidance_passes.json").read_text("utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_passes_are_as_many_as_the_table_says(row):
    image, text, audio, rescale = (row[name] for name in ("image", "text", "audio", "rescale"))
    weights = pass_weights(image, text, audio)
    assert len(needed_passes(weights, rescale=rescale)) == row["passes"]
    # a model without audio takes the scale of its text for both (host/sampling/guider.py)
    weights = pass_weights(image, text, text)
    assert len(needed_passes(weights, rescale=rescale)) == row["passes_without_sound"]


@pytest.mark.parametrize("n_steps", [10, 20, 25, 30, 90])
@pytest.mark.parametrize("guided", [(0.0, 1.0), (0.0, 0.5), (0.2, 0.8), (0.3, 0.3), (0.5, 1.0)])
def test_step_k_of_n_is_guided_where_k_of_n_lies_between_both_shares(n_steps, guided):
    timesteps = ddim_timesteps(n_steps, "uniform_trailing")[::-1]
    found = [is_guided(timestep, guided) for timestep in timesteps]
    # timesteps are whole: a step may stand half of one beside k / n
    for k, is_its in enumerate(found):
        nearest = min(abs(k / n_steps - share) for share in guided)
        if nearest == 0 or nearest > 0.0006:
            assert is_its == (guided[0] <= k / n_steps < guided[1]), k


@pytest.mark.parametrize("guided", [(0.6, 0.5), (-0.1, 1.0), (0.0, 1.1), (float("nan"), 1.0)])
def test_shares_that_are_none_are_refused(guided):
    with pytest.raises(SamplingError, match="from 0 .* to 1"):
        check_guided(guided)
    for good in ((0.0, 1.0), (0.0, 0.0), (0.5, 0.5)):
        check_guided(good)
