"""The timing half in the real ComfyUI: what comes out, what is cached, and what bad input is told."""

import json

import av
import pytest
from keyvid_pack.keyframes.timebase import n_samples_at
from keyvid_pack.preview.style import KIND_COLOURS
from keyvid_pack.tools.environment import ROOT

from .prompts import check_sentence, complaint, executed, node, shown, succeed

STRIKES = "0.5 1.0 1.25 1.6"
WORKFLOW = json.loads((ROOT / "workflows/api/keyvid_timing.json").read_text(encoding="utf-8"))


def chain(*, edit="", method="onset", times_s=STRIKES, length_s=3.0, **select):
    """Clicks -> Clip Audio -> Localize -> Select -> Edit -> Plan Info -> Preview Any."""
    options = {
        "strategy": "strongest",
        "count": 0,
        "selection_seed": 0,
        "prominence": 0.1,
        "peak_distance": 5,
    }
    return {
        "sound": node("KeyVIDTest_Clicks", times_s=times_s, length_s=length_s, sample_rate=16000),
        "clip": node("KeyVID_ClipAudio", audio=["sound", 0], start_s=0.0, fps=24.0, n_frames=48),
        "curve": node(
            "KeyVID_LocalizeKeyframes",
            audio=["clip", 0],
            fps=["clip", 1],
            n_frames=["clip", 2],
            method=method,
        ),
        "plan": node("KeyVID_SelectKeyframes", curve=["curve", 0], **{**options, **select}),
        "edit": node(
            "KeyVID_EditKeyframes",
            plan=["plan", 0],
            curve=["curve", 0],
            audio=["clip", 0],
            edit=edit,
        ),
    }


def frames_of(document):
    return [keyframe["frame"] for keyframe in document["keyframes"]]


def edited_result(outputs):
    return outputs["edit"]["keyvid_edit"][0]


# --- what comes out


def test_strikes_become_peaks_on_their_frames(comfy):
    plan = edited_result(succeed(comfy, chain()))["plan"]
    kinds = {keyframe["frame"]: keyframe["kind"] for keyframe in plan["keyframes"]}
    assert [frame for frame, kind in kinds.items() if kind == "peak"] == [12, 24, 30, 38]
    assert kinds[0] == "first"
    assert plan["count"] == 12 == len(kinds)


def test_shipped_workflow_makes_an_exact_mp4_that_flashes_on_the_plan(comfy):
    outputs = succeed(comfy, WORKFLOW)
    by_class = {entry["class_type"]: outputs.get(name) for name, entry in WORKFLOW.items()}
    plan = by_class["KeyVID_EditKeyframes"]["keyvid_edit"][0]["plan"]
    saved = by_class["SaveVideo"]["images"][0]
    path = comfy.base / "output" / saved["subfolder"] / saved["filename"]
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.average_rate == 24
        rate = audio.sample_rate
        expected = n_samples_at(plan["n_frames"], fps=24, sample_rate=rate)
        assert audio.duration * audio.time_base * rate == expected
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video)]
    assert len(pictures) == plan["n_frames"]
    assert flashes(pictures) == {k["frame"]: k["kind"] for k in plan["keyframes"]}


def flashes(pictures):
    """{frame: kind} of the frames whose upper edge is lit in a kind's colour."""
    found = {}
    for frame, picture in enumerate(pictures):
        edge = picture[1:3, 8:-8].astype(int)
        for kind, colour in KIND_COLOURS.items():
            if abs(edge - colour).max() < 40:
                found[frame] = kind
    return found


def test_running_twice_executes_nothing_the_second_time(comfy):
    succeed(comfy, WORKFLOW)
    history, events = comfy.run(WORKFLOW)
    assert executed(events) == set()
    assert set(dict(events)["execution_cached"]["nodes"]) == set(WORKFLOW)


def test_plan_info_and_bridges_speak_plain_lists(comfy):
    prompt = chain(strategy="uniform", count=4)
    prompt["info"] = node("KeyVID_PlanInfo", plan=["edit", 0])
    prompt["frames"] = node("KeyVID_PlanToFrames", plan=["edit", 0], width=64, height=64)
    prompt["again"] = node(
        "KeyVID_FramesToPlan", text="5", fps=24.0, n_frames=48, frame_list=["frames", 0]
    )
    prompt["again_frames"] = node("KeyVID_PlanToFrames", plan=["again", 0], width=64, height=64)
    prompt["values"] = node("KeyVID_CurveToValues", curve=["curve", 0], width=64, height=64)
    prompt["back"] = node(
        "KeyVID_ValuesToCurve", values=["values", 0], fps=["info", 0], normalise=False
    )
    prompt["back_values"] = node("KeyVID_CurveToValues", curve=["back", 0], width=64, height=64)
    wanted = {
        "fps": ("info", 0),
        "n": ("info", 1),
        "count": ("info", 2),
        "summary": ("info", 3),
        "list": ("frames", 0),
        "times": ("frames", 1),
        "text": ("frames", 2),
        "list2": ("again_frames", 0),
        "v": ("values", 0),
        "v2": ("back_values", 0),
        "schedule": ("values", 1),
    }
    prompt |= {f"show_{key}": shown(*link) for key, link in wanted.items()}
    prompt["mask"] = node("MaskToImage", mask=["frames", 4])
    prompt["save_mask"] = node("PreviewImage", images=["mask", 0])
    outputs = succeed(comfy, prompt)
    got = {key: outputs[f"show_{key}"]["text"][0] for key in wanted}
    plan = frames_of(edited_result(outputs)["plan"])
    assert got["text"] == ", ".join(map(str, plan))
    assert json.loads(got["list"]) == plan == json.loads(got["list2"])
    assert json.loads(got["times"]) == pytest.approx([frame / 24 for frame in plan])
    assert (float(got["fps"]), int(got["n"]), int(got["count"])) == (24.0, 48, 4)
    assert got["summary"].startswith("48 frames at 24 fps (2.00 s), 4 keyframes")
    assert json.loads(got["v"]) == json.loads(got["v2"])
    assert got["schedule"].count(":(") == 48
    assert len(outputs["save_mask"]["images"]) == 48


def test_timing_file_gives_the_same_plan_back(comfy):
    prompt = chain()
    prompt["save"] = node(
        "KeyVID_SaveTiming",
        plan=["edit", 0],
        curve=["curve", 0],
        filename_prefix="kept/strikes",
    )
    prompt["name"] = shown("save", 0)
    outputs = succeed(comfy, prompt)
    name = outputs["name"]["text"][0]
    assert (comfy.base / "output" / name).is_file()
    loaded = {
        "load": node("KeyVID_LoadTiming", file=f"{name} [output]"),
        "plan": node("KeyVID_PlanToFrames", plan=["load", 0], width=64, height=64),
        "curve": node("KeyVID_CurveToValues", curve=["load", 1], width=64, height=64),
        "text": shown("plan", 2),
        "values": shown("curve", 0),
    }
    again = succeed(comfy, loaded)
    plan = frames_of(edited_result(outputs)["plan"])
    assert again["text"]["text"][0] == ", ".join(map(str, plan))
    assert len(json.loads(again["values"]["text"][0])) == 48


# --- the edit


def test_empty_edit_passes_the_prediction_on(comfy):
    result = edited_result(succeed(comfy, chain(edit="")))
    assert result["plan"] == result["prediction"]
    assert result["notice"] == ""


def test_typed_frames_are_the_plan(comfy):
    frames = [0, 3, 9, 12, 31]
    text = ", ".join(map(str, frames))
    assert frames_of(edited_result(succeed(comfy, chain(edit=text)))["plan"]) == frames


def moved_edit(comfy, frm, to):
    """An edit that moved one keyframe of the chain's own prediction, as the editor writes it."""
    base = edited_result(succeed(comfy, chain()))["prediction"]
    plan = json.loads(json.dumps(base))
    for keyframe in plan["keyframes"]:
        if keyframe["frame"] == frm:
            keyframe.update(frame=to, kind="manual", source="edit")
    plan["keyframes"].sort(key=lambda keyframe: keyframe["frame"])
    return json.dumps({"version": 1, "plan": plan, "base": base})


def test_more_hand_placed_keyframes_than_the_count_are_named(comfy):
    edit = json.loads(moved_edit(comfy, 24, 26))
    for keyframe in edit["plan"]["keyframes"][1:]:
        keyframe["locked"] = True
    text = complaint(comfy, chain(edit=json.dumps(edit), count=6))
    check_sentence(text, ["12 keyframes", "room for 6", "count"])


def test_a_move_survives_another_prediction(comfy):
    edit = moved_edit(comfy, 24, 26)
    result = edited_result(succeed(comfy, chain(edit=edit, method="beats", count=14)))
    frames = frames_of(result["plan"])
    assert 26 in frames
    assert 24 not in frames
    assert len(frames) == 14


def test_another_sound_of_the_same_length_warns_and_keeps_the_edit(comfy):
    edit = moved_edit(comfy, 24, 26)
    result = edited_result(succeed(comfy, chain(edit=edit, times_s="0.2 1.9")))
    assert 26 in frames_of(result["plan"])
    assert "another sound" in result["notice"]


# --- what bad input is told: what is wrong, the value, what to do


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
    check_sentence(text, words)


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
    check_sentence(complaint(comfy, chain(edit=edit)), words)


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
    check_sentence(complaint(comfy, prompt), words)


@pytest.mark.parametrize("start_s", [-1.0, float("inf")])
def test_a_start_over_a_wire_is_checked_too(comfy, start_s):
    prompt = chain()
    prompt["number"] = node("KeyVIDTest_Numbers", numbers=str(start_s))
    prompt["one"] = node("KeyVIDTest_First", numbers=["number", 0])
    prompt["clip"]["inputs"]["start_s"] = ["one", 0]
    check_sentence(complaint(comfy, prompt), [str(start_s).split(".")[0], "0 or more"])


@pytest.mark.parametrize(("target", "slot"), [("clip", 1), ("curve", 0)])
def test_a_list_wired_into_a_number_is_named(comfy, target, slot):
    prompt = chain()
    prompt["other"] = node("KeyVID_FramesToPlan", text="0, 5", fps=24.0, n_frames=48)
    prompt["lists"] = node("KeyVID_PlanToFrames", plan=["other", 0], width=64, height=64)
    prompt[target]["inputs"]["start_s" if target == "clip" else "n_frames"] = ["lists", slot]
    check_sentence(complaint(comfy, prompt))


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
    check_sentence(complaint(comfy, prompt), ["no motion curve"])


@pytest.mark.parametrize("prefix", ["kept/a\0b", "x" * 300, "afile/timing"])
def test_names_that_cannot_be_written(comfy, prefix):
    (comfy.base / "output").mkdir(exist_ok=True)
    (comfy.base / "output" / "afile").write_text("in the way")
    prompt = chain()
    prompt["save"] = node("KeyVID_SaveTiming", plan=["edit", 0], filename_prefix=prefix)
    text = complaint(comfy, prompt)
    assert text.endswith(".")
    assert "file" in text


def test_an_empty_picture_batch_is_named(comfy):
    prompt = chain()
    prompt["picture"] = node("KeyVIDTest_NoPicture")
    prompt["preview"] = node(
        "KeyVID_TimingPreview",
        image=["picture", 0],
        audio=["clip", 0],
        plan=["edit", 0],
        width=640,
    )
    check_sentence(complaint(comfy, prompt), ["no picture", "Load Image"])


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
    check_sentence(complaint(comfy, prompt), words)


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
    check_sentence(complaint(comfy, prompt), words)


def test_a_prefix_cannot_leave_the_output_folder(comfy):
    prompt = chain()
    prompt["save"] = node(
        "KeyVID_SaveTiming", plan=["edit", 0], filename_prefix="../../outside/timing"
    )
    check_sentence(complaint(comfy, prompt), ["outside"])
    assert not (comfy.base.parent / "outside").exists()


# --- cancel


@pytest.mark.parametrize("method", ["onset", "beats"])
def test_cancel_stops_the_localizer(comfy, method):
    prompt = chain(length_s=1200.0, method=method)
    prompt["clip"]["inputs"]["n_frames"] = 0

    def cancel_at_first_progress(kind, data):
        if kind == "progress" and data["node"] == "curve":
            comfy.interrupt()

    _, events = comfy.run(prompt, on_event=cancel_at_first_progress)
    assert "execution_interrupted" in dict(events)
    assert not [data for kind, data in events if kind == "executing" and data["node"] == "plan"]


def test_cancel_stops_the_preview_leaves_no_file_and_the_next_run_succeeds(comfy):
    prompt = chain(length_s=120.0)
    prompt["clip"]["inputs"]["n_frames"] = 0
    prompt["picture"] = node("LoadImage", image="keyvid_snare_drum.png")
    prompt["preview"] = node(
        "KeyVID_TimingPreview",
        image=["picture", 0],
        audio=["clip", 0],
        plan=["edit", 0],
        curve=["curve", 0],
        width=640,
    )
    before = set((comfy.base / "temp").rglob("keyvid_timing*"))

    def cancel_at_first_progress(kind, data):
        if kind == "progress" and data["node"] == "preview":
            comfy.interrupt()

    _, events = comfy.run(prompt, on_event=cancel_at_first_progress)
    assert "execution_interrupted" in dict(events)
    steps = [d["value"] for k, d in events if k == "progress" and d["node"] == "preview"]
    assert max(steps) < 2880
    assert set((comfy.base / "temp").rglob("keyvid_timing*")) == before
    prompt["clip"]["inputs"]["n_frames"] = 24
    succeed(comfy, prompt)
