"""The passes that Multimodal CFG announces in the browser are those that are run: one table for both languages."""

import json
from pathlib import Path

import pytest
from keyvid_pack.models.diffusion.guidance import needed_passes, pass_weights

ROWS = json.loads((Path(__file__).parents[2] / "guidance_passes.json").read_text("utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_passes_are_as_many_as_the_table_says(row):
    image, text, audio, rescale = (row[name] for name in ("image", "text", "audio", "rescale"))
    weights = pass_weights(image, text, audio)
    assert len(needed_passes(weights, rescale=rescale)) == row["passes"]
    # a model without audio takes the scale of its text for both (host/sampling/guider.py)
    weights = pass_weights(image, text, text)
    assert len(needed_passes(weights, rescale=rescale)) == row["passes_without_sound"]
