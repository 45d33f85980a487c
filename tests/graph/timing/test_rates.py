"""A rate in three decimals and the same rate exactly are one rate, wherever two are compared."""

import json

import pytest

from ...helpers.graphs.prompts import check_message, complaint, node, shown, succeed
from ...helpers.graphs.timing_graph import chain, edited_result, frames_of

EXACT = [nominal * 1000 / 1001 for nominal in (24, 30, 48, 60, 120)]


def at(fps, **options):
    """The chain with its clip at another rate, two seconds long."""
    prompt = chain(**options)
    prompt["clip"]["inputs"].update(fps=fps, n_frames=round(2 * fps))
    return prompt


def edit_made_at(comfy, fps):
    """An edit that moved the last keyframe of the prediction at this rate by one frame, and its frames."""
    base = edited_result(succeed(comfy, at(fps)))["prediction"]
    plan = json.loads(json.dumps(base))
    frames = frames_of(base)
    to = frames[-1] + (1 if frames[-1] < base["n_frames"] - 1 else -1)
    plan["keyframes"][-1].update(frame=to, kind="manual", source="edit")
    return json.dumps({"version": 1, "plan": plan, "base": base}), frames_of(plan)


@pytest.mark.parametrize("exact", EXACT)
def test_an_edit_fits_the_clip_of_the_same_rate_written_another_way(comfy, exact):
    typed = round(exact, 3)
    for made_at, clip in [(typed, exact), (exact, typed)]:
        edit, frames = edit_made_at(comfy, made_at)
        plan = edited_result(succeed(comfy, at(clip, edit=edit)))["plan"]
        assert (frames_of(plan), plan["fps"]) == (frames, clip)


def test_an_edit_still_does_not_fit_another_rate(comfy):
    edit, _ = edit_made_at(comfy, 23.976)
    prompt = at(24.0, edit=edit)
    check_message(complaint(comfy, prompt), ["23.976 fps", "has 24;", "Clip Audio"])


def test_a_timing_file_fits_the_curve_and_the_sound_of_the_same_rate(comfy):
    saved = at(23.976)
    saved["save"] = node("KeyVID_SaveTiming", plan=["edit", 0], filename_prefix="rates")
    saved["name"] = shown("save", 0)
    name = succeed(comfy, saved)["name"]["text"][0]
    prompt = at(24000 / 1001)
    prompt["load"] = node("KeyVID_LoadTiming", file=f"{name} [output]")
    prompt["edit"]["inputs"]["plan"] = ["load", 0]
    prompt["image"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0)
    prompt["preview"] = node(
        "KeyVID_TimingPreview",
        image=["image", 0],
        audio=["clip", 0],
        plan=["load", 0],
        curve=["curve", 0],
        width=256,
    )
    outputs = succeed(comfy, prompt)
    assert edited_result(outputs)["plan"]["fps"] == 23.976  # the plan's, which came with the file
    assert "preview" in outputs
