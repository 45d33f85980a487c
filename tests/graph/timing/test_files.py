"""Load Timing in the real ComfyUI: what it lists, which name means which file, and its error message without one."""

import json

import pytest
from PIL import Image

from ...helpers.graphs.prompts import (
    check_message,
    complaint,
    executed,
    followed,
    node,
    shown,
    succeed,
)
from ...helpers.graphs.timing_graph import chain


@pytest.fixture(scope="module")
def saved(comfy):
    """The name of a saved timing file in the output folder; a copy of it is in a folder inside input."""
    prompt = chain()
    prompt["save"] = node("KeyVID_SaveTiming", plan=["edit", 0], filename_prefix="named/timing")
    prompt["name"] = shown("save", 0)
    name = succeed(comfy, prompt)["name"]["text"][0]
    copy = comfy.base / "input" / "my timings" / "copy.keyvid.json"
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes((comfy.base / "output" / name).read_bytes())
    return name


def load(**inputs):
    return {
        "load": node("KeyVID_LoadTiming", **inputs),
        "info": node("KeyVID_PlanInfo", plan=["load", 0]),
        "show": shown("info", 3),
    }


def test_the_list_has_subfolders_and_what_save_timing_wrote(comfy, saved):
    inputs = comfy.object_info()["KeyVID_LoadTiming"]["input"]
    (_, options) = inputs["optional"]["file"]
    assert {"my timings/copy.keyvid.json", f"{saved} [output]"} <= set(options["options"])


@pytest.mark.parametrize(
    "name", ["my timings\\copy.keyvid.json", " my timings/copy.keyvid.json", "{} [output]"]
)
def test_a_name_from_another_system_is_found(comfy, saved, name):
    for written in {name.format(saved), name.format(saved.replace("/", "\\"))}:
        assert "48 frames at 24 fps" in succeed(comfy, load(file=written))["show"]["text"][0]


def test_a_plan_of_a_file_is_read_again_when_one_of_its_images_changed(comfy, saved):
    timing = json.loads((comfy.base / "output" / saved).read_text(encoding="utf-8"))
    timing["plan"]["keyframes"][1]["image"] = "named.png"
    name = "with an image.keyvid.json"
    (comfy.base / "input" / name).write_text(json.dumps(timing), encoding="utf-8")
    ran = []
    for colour in (None, "red", None, "blue"):
        if colour:
            Image.new("RGB", (8, 8), colour).save(comfy.base / "input" / "named.png")
        _, events = followed(comfy, load(file=name))
        ran.append("load" in executed(events))
    assert ran == [True, True, False, True]


@pytest.mark.parametrize(
    "inputs",
    [{}, {"file": None}, {"file": "no timing file yet: run Save Timing, or put one into input"}],
    ids=["absent", "null", "of an empty list"],
)
def test_without_a_file_the_message_names_a_remedy(comfy, inputs):
    before = len(comfy.log())
    text = complaint(comfy, load(**inputs))
    check_message(text, ["No timing file is chosen", "Save Timing", "input folder", "press R"])
    assert (
        "WARNING: " not in comfy.log()[before:]
    )  # how ComfyUI tells that a node could not say what changed


def test_a_name_over_a_wire_is_read_and_nothing_is_logged(comfy, saved):
    before = len(comfy.log())
    prompt = load(file=["name", 0])
    prompt["name"] = node(
        "KeyVIDTest_AnyValue", value='"my timings\\\\copy.keyvid.json"', form="plain"
    )
    assert "48 frames" in succeed(comfy, prompt)["show"]["text"][0]
    assert (
        "WARNING: " not in comfy.log()[before:]
    )  # how ComfyUI tells that a node could not say what changed
    prompt["name"]["inputs"]["value"] = "12.5"
    check_message(complaint(comfy, prompt), ["12.5", "not a file name"])
