"""Lists of numbers as other packs give them: floats, arrays and tensors are frames and values all the same."""

import json

import pytest

from ...helpers.graphs.prompts import check_message, complaint, node, shown, succeed
from ...helpers.graphs.timing_graph import chain, edited_result

FRAMES = [0, 12, 31]
FORMS = [
    "plain",
    "tuple",
    "generator",
    "dict keys",
    "array",
    "float32 array",
    "list of float32",
    "list of int64",
    "tensor",
    "float tensor",
    "list of tensors",
]


def frames_to_plan(value, form="plain"):
    return {
        "list": node("KeyVIDTest_AnyValue", value=json.dumps(value), form=form),
        "plan": node(
            "KeyVID_FramesToPlan", text="0, 5", fps=24.0, n_frames=48, frame_list=["list", 0]
        ),
        "out": node("KeyVID_PlanToFrames", plan=["plan", 0], width=64, height=64),
        "show": shown("out", 2),
    }


def values_to_curve(value, form="plain"):
    return {
        "list": node("KeyVIDTest_AnyValue", value=json.dumps(value), form=form),
        "curve": node("KeyVID_ValuesToCurve", values=["list", 0], fps=24.0, normalise=False),
        "out": node("KeyVID_CurveToValues", curve=["curve", 0], width=64, height=64),
        "show": shown("out", 1),
    }


@pytest.mark.parametrize("form", FORMS)
def test_frames_of_any_type_make_the_plan(comfy, form):
    for value in (FRAMES, [float(frame) for frame in FRAMES]):
        shows = succeed(comfy, frames_to_plan(value, form))["show"]
        assert shows["text"][0] == "0, 12, 31"


@pytest.mark.parametrize(
    ("value", "form", "words"),
    [
        ([0, 12.5], "plain", ["12.5", "whole number"]),
        ([0, 12.5], "list of float32", ["12.5", "whole number"]),
        ([0, 12.5], "float tensor", ["12.5", "whole number"]),
        ([0, float("nan")], "list of float32", ["NaN"]),
        ([0, float("inf")], "list of tensors", ["Infinity"]),
        ([False, True], "tensor", ["false"]),
        ([False, 12], "plain", ["false"]),
        ([[0, 12], [31, 40]], "tensor", ["[0, 12]"]),
        (["0", "12"], "plain", ['"0"']),
        (12, "tensor", ["list of numbers", "12 came in"]),
        ("0, 12", "plain", ["list of numbers"]),
        ([0.0, 48.0], "plain", ["Frame 48 ", "48 frames"]),
    ],
)
def test_what_is_no_list_of_frames_is_shown_as_it_is(comfy, value, form, words):
    check_message(complaint(comfy, frames_to_plan(value, form)), words)


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form not in ("dict keys", "list of int64")]
)
def test_values_of_any_type_make_the_curve(comfy, form):
    shows = succeed(comfy, values_to_curve([0.0, 0.5, 0.25], form))["show"]
    assert shows["text"][0] == "0:(0.000), 1:(0.500), 2:(0.250)"


def test_what_is_no_list_of_values_is_shown(comfy):
    check_message(complaint(comfy, values_to_curve(0.5, "tensor")), ["list of numbers", "0.5"])
    check_message(complaint(comfy, values_to_curve([0.5, None])), ["number"])


@pytest.mark.parametrize("form", ["float tensor", "float32 array"])
def test_clip_audio_takes_numbers_of_another_library(comfy, form):
    prompt = chain()
    for name, number in [("start_s", 0.5), ("fps", 12), ("n_frames", 24)]:
        prompt[name] = node("KeyVIDTest_AnyValue", value=str(number), form=form)
        prompt["clip"]["inputs"][name] = [name, 0]
    plan = edited_result(succeed(comfy, prompt))["plan"]
    assert (plan["fps"], plan["n_frames"]) == (12, 24)
