"""What the timing nodes say of bad input, through the real ComfyUI: what is wrong, the value, what to do."""

import json

import pytest

from ...helpers.graphs.prompts import check_message, complaint, node, shown, succeed
from ...helpers.graphs.timing_graph import chain, moved_edit


def test_more_hand_placed_keyframes_than_the_count_are_named(comfy):
    edit = json.loads(moved_edit(comfy, 24, 26))
    for keyframe in edit["plan"]["keyframes"][1:]:
        keyframe["locked"] = True
    text = complaint(comfy, chain(edit=json.dumps(edit), count=6))
    check_message(text, ["12 keyframes", "room for 6", "count"])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("none", ["no sound", "Connect"]),
        ("image", ["no sound", "Connect"]),
        ("zero_length", []),
        ("no_channels", []),
        ("nan", []),
        ("infinite", []),
        ("flat", ["(1, 32000)"]),
        ("batch", ["3 sounds"]),
        ("rate_zero", ["rate is 0;"]),
        ("rate_low", ["rate is 100;"]),
        ("rate_high", ["rate is 1000000;"]),
        ("rate_text", ["fast"]),
    ],
)
def test_a_sound_that_cannot_be_used(comfy, kind, words):
    prompt = chain()
    prompt["sound"] = node("KeyVIDTest_BrokenAudio", kind=kind)
    text = complaint(comfy, prompt)
    check_message(text, words)


def edit_document(**changes):
    keyframes = [
        {"frame": 0, "kind": "first"},
        {"frame": 7, "kind": "manual", "source": "edit"},
    ]
    plan = {"version": 1, "fps": 24, "n_frames": 48, "count": 2, "keyframes": keyframes, **changes}
    return json.dumps({"version": 1, "plan": plan})


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ('{"version": 1,\n "plan": oops}', ["line 2", "JSON"]),
        (edit_document(n_frames=96), ["96", "48", "Clip Audio"]),
        (edit_document(fps=30), ["30 fps", "24", "Clip Audio"]),
        (edit_document(version=99), ["99", "update"]),
        (edit_document(keyframes=[{"frame": 0, "kind": "first"}] * 2), ["frame 0"]),
        (edit_document(keyframes="all of them"), ["all of them"]),
        (json.dumps({"version": 7, "plan": {}}), ["7", "update"]),
        ("0, 7, seven", ["seven"]),
        ("7, 12", ["7", "0"]),
        ("[]", []),
        ("true", []),
    ],
)
def test_an_edit_that_cannot_be_used(comfy, edit, words):
    check_message(complaint(comfy, chain(edit=edit)), words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plan": {"count": 49}}, ["49", "48"]),
        ({"plan": {"count": 1}}, ["1"]),
        ({"clip": {"n_frames": 480}}, ["480 frames", "3.00 s", "72"]),
        ({"clip": {"start_s": 9.0}}, ["9 s", "3.00 s"]),
        ({"curve": {"n_frames": ["info", 2]}}, ["2.00 s", "Clip Audio"]),
        ({"edit": {"audio": ["sound", 0]}}, ["3.00 s", "2.00 s", "Clip Audio"]),
    ],
)
def test_numbers_that_do_not_fit(comfy, changes, words):
    prompt = chain()
    if changes.get("curve"):
        prompt["other"] = node(
            "KeyVID_FramesToPlan", text="0, 5", fps=24.0, n_frames=48
        )  # whose count is 2
        prompt["info"] = node("KeyVID_PlanInfo", plan=["other", 0])
    for name, inputs in changes.items():
        prompt[name]["inputs"].update(inputs)
    check_message(complaint(comfy, prompt), words)


@pytest.mark.parametrize("start_s", [-1.0, float("inf")])
def test_a_start_over_a_wire_is_checked_too(comfy, start_s):
    prompt = chain()
    prompt["number"] = node("KeyVIDTest_Numbers", numbers=str(start_s))
    prompt["one"] = node("KeyVIDTest_First", numbers=["number", 0])
    prompt["clip"]["inputs"]["start_s"] = ["one", 0]
    check_message(complaint(comfy, prompt), [str(start_s).split(".")[0], "0 or more"])


@pytest.mark.parametrize(("target", "slot"), [("clip", 1), ("curve", 0)])
def test_a_list_wired_into_a_number_is_named(comfy, target, slot):
    prompt = chain()
    prompt["other"] = node("KeyVID_FramesToPlan", text="0, 5", fps=24.0, n_frames=48)
    prompt["lists"] = node("KeyVID_PlanToFrames", plan=["other", 0], width=64, height=64)
    prompt[target]["inputs"]["start_s" if target == "clip" else "n_frames"] = ["lists", slot]
    check_message(complaint(comfy, prompt))


def test_a_timing_file_without_a_curve_says_so_where_one_is_needed(comfy):
    saved = chain()
    saved["save"] = node("KeyVID_SaveTiming", plan=["edit", 0], filename_prefix="bare")
    saved["name"] = shown("save", 0)
    name = succeed(comfy, saved)["name"]["text"][0]
    prompt = {
        "load": node("KeyVID_LoadTiming", file=f"{name} [output]"),
        "values": node("KeyVID_CurveToValues", curve=["load", 1], width=64, height=64),
        "show": shown("values", 1),
    }
    check_message(complaint(comfy, prompt), ["no motion curve"])


@pytest.mark.parametrize("prefix", ["kept/a\0b", "x" * 300, "afile/timing"])
def test_names_that_cannot_be_written(comfy, prefix):
    (comfy.base / "output").mkdir(exist_ok=True)
    (comfy.base / "output" / "afile").write_text("in the way")
    prompt = chain()
    prompt["save"] = node("KeyVID_SaveTiming", plan=["edit", 0], filename_prefix=prefix)
    text = complaint(comfy, prompt)
    assert text.endswith(".")
    assert "file" in text


def test_an_empty_image_batch_is_named(comfy):
    prompt = chain()
    prompt["image"] = node("KeyVIDTest_NoImage")
    prompt["preview"] = node(
        "KeyVID_TimingPreview",
        image=["image", 0],
        audio=["clip", 0],
        plan=["edit", 0],
        width=640,
    )
    check_message(complaint(comfy, prompt), ["no image", "Load Image"])


@pytest.mark.parametrize(
    ("numbers", "words"),
    [("0.5 nan 0.5", ["nan", "frame 1"]), ("0 2 5", ["5", "0 and 1"]), ("0.5", ["at least 2"])],
)
def test_values_that_make_no_curve(comfy, numbers, words):
    prompt = {
        "numbers": node("KeyVIDTest_Numbers", numbers=numbers),
        "curve": node("KeyVID_ValuesToCurve", values=["numbers", 0], fps=24.0, normalise=False),
        "out": node("KeyVID_CurveToValues", curve=["curve", 0], width=64, height=64),
        "show": shown("out", 1),
    }
    check_message(complaint(comfy, prompt), words)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("nowhere.keyvid.json", ["nowhere"]),
        ("../../secret.keyvid.json", ["secret"]),
        ("/etc/passwd", ["passwd"]),
        ("empty.keyvid.json", ["JSON"]),
        ("other.keyvid.json", ["keyvid_timing"]),
        ("future.keyvid.json", ["9", "Update"]),
        ("binary.keyvid.json", ["text"]),
    ],
)
def test_timing_files_that_cannot_be_read(comfy, file, words):
    folder = comfy.base / "input"
    (folder / "empty.keyvid.json").write_text("")
    (folder / "other.keyvid.json").write_text('{"nodes": []}')
    (folder / "future.keyvid.json").write_text('{"keyvid_timing": 9}')
    (folder / "binary.keyvid.json").write_bytes(b"\xff\xfe\x00")
    prompt = {
        "load": node("KeyVID_LoadTiming", file=file),
        "info": node("KeyVID_PlanInfo", plan=["load", 0]),
        "show": shown("info", 3),
    }
    check_message(complaint(comfy, prompt), words)


def test_a_prefix_cannot_leave_the_output_folder(comfy):
    prompt = chain()
    prompt["save"] = node(
        "KeyVID_SaveTiming", plan=["edit", 0], filename_prefix="../../outside/timing"
    )
    check_message(complaint(comfy, prompt), ["outside"])
    assert not (comfy.base.parent / "outside").exists()
