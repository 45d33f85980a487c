"""Every method of Localize Keyframes, from clicks to keyframes."""

import pytest

from ...helpers.graphs.prompts import check_message, complaint, node, succeed
from ...helpers.graphs.timing_graph import chain, edited_result, frames_of

STRUCK = [12, 24, 30, 38]  # frames of timing_graph.STRIKES
NETWORKS = ["network", "onset + network"]


def localized(method, **inputs):
    """The chain with a method, and the shipped localizer where it needs one."""
    prompt = chain(method=method)
    if method in NETWORKS:
        prompt["localizer"] = node(
            "KeyVID_LoadLocalizer", localizer_name="keyvid_small_localizer.safetensors"
        )
        inputs["localizer"] = ["localizer", 0]
    prompt["curve"]["inputs"] |= inputs
    return prompt


@pytest.mark.parametrize(
    "method", ["onset", "network", "onset + network", "librosa onset", "librosa beats"]
)
def test_clicks_have_keyframes_by_every_method(comfy, method):
    frames = frames_of(edited_result(succeed(comfy, localized(method)))["plan"])
    missed = [frame for frame in STRUCK if not any(abs(frame - found) <= 1 for found in frames)]
    # a pulse is no single strike: the beats fall on some of them
    assert len(missed) <= (2 if method == "librosa beats" else 0)


@pytest.mark.parametrize("sensitivity", [0.0, 1.0])
def test_clicks_are_clear_at_every_sensitivity(comfy, sensitivity):
    result = edited_result(succeed(comfy, localized("onset", sensitivity=sensitivity)))
    assert result["onsets"] == STRUCK


@pytest.mark.parametrize("method", NETWORKS)
def test_a_missing_localizer_is_named(comfy, method):
    prompt = chain(method=method)
    check_message(complaint(comfy, prompt), ["needs a localizer", "Load Localizer"])
