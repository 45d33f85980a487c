"""The timing half in the real ComfyUI: what comes out, what is cached, and Cancel."""

import io
import json
import urllib.parse

import av
import numpy as np
import pytest
from keyvid_pack.keyframes.timebase import n_samples_at
from keyvid_pack.preview.style import KIND_COLOURS
from keyvid_pack.tools.environment import ROOT

from ...helpers.graphs.prompts import executed, node, shown, succeed
from ...helpers.graphs.timing_graph import chain, edited_result, frames_of, moved_edit

WORKFLOW = json.loads((ROOT / "workflows/api/keyvid_timing.json").read_text(encoding="utf-8"))


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
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video)]
    assert len(images) == plan["n_frames"]
    assert flashes(images) == {k["frame"]: k["kind"] for k in plan["keyframes"]}


def flashes(images):
    """{frame: kind} of the frames whose upper edge is lit in a kind's colour."""
    found = {}
    for frame, image in enumerate(images):
        edge = image[1:3, 8:-8].astype(int)
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


# --- what the editor receives


def test_the_editor_receives_what_it_draws_snaps_to_and_plays(comfy):
    result = edited_result(succeed(comfy, chain()))
    assert result["onsets"] == result["curve_peaks"] == [12, 24, 30, 38]
    assert len(result["curve"]) == 48
    loudest = np.maximum(-np.array(result["peaks"]["min"]), result["peaks"]["max"])
    assert loudest.argmax() // 8 in result["onsets"]
    sound = comfy.get_bytes(f"/view?{urllib.parse.urlencode(result['audio'])}")
    with av.open(io.BytesIO(sound)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 2 * 16_000
    assert "images" not in succeed(comfy, chain())["edit"]


def test_a_cached_run_sends_the_result_again(comfy):
    first = edited_result(succeed(comfy, chain()))
    _, events = comfy.run(chain())
    sent = [
        data["output"] for kind, data in events if kind == "executed" and data["node"] == "edit"
    ]
    assert [output["keyvid_edit"][0] for output in sent] == [first]


def test_the_editor_receives_the_prediction_that_its_edit_does_not_fit(comfy):
    edit = moved_edit(comfy, 24, 26)
    prompt = chain(edit=edit)
    prompt["clip"]["inputs"]["n_frames"] = 36
    _, events = comfy.run(prompt)
    failed = dict(events)["execution_error"]
    (sent,) = [
        data["output"] for kind, data in events if kind == "executed" and data["node"] == "edit"
    ]
    (result,) = sent["keyvid_edit"]
    assert failed["node_id"] == "edit"
    assert result["plan"] is None
    assert result["prediction"]["n_frames"] == result["n_frames"] == 36
    assert result["error"] == failed["exception_message"].strip()


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


def test_cancel_stops_the_editors_listening(comfy):
    prompt = chain(length_s=300.0)
    prompt["clip"]["inputs"]["n_frames"] = 0

    def cancel_at_first_progress(kind, data):
        if kind == "progress" and data["node"] == "edit":
            comfy.interrupt()

    _, events = comfy.run(prompt, on_event=cancel_at_first_progress)
    assert dict(events)["execution_interrupted"]["node_id"] == "edit"


def test_cancel_stops_the_preview_leaves_no_file_and_the_next_run_succeeds(comfy):
    prompt = chain(length_s=120.0)
    prompt["clip"]["inputs"]["n_frames"] = 0
    prompt["image"] = node("LoadImage", image="keyvid_snare_drum.png")
    prompt["preview"] = node(
        "KeyVID_TimingPreview",
        image=["image", 0],
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
