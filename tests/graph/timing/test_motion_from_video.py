"""Motion From Video and Blend Curves where artists use them: from a file in Load Video to keyframes."""

import json

import pytest
import torch
from keyvid_pack.training.world.clip import render_clip
from keyvid_pack.training.world.video import write_clip_mp4
from torchvision.models.optical_flow import raft_large

from ...helpers.graphs.prompts import check_message, complaint, node, shown, succeed
from ...helpers.graphs.timing_graph import chain, edited_result, frames_of

CLIP = render_clip(1_003_002, scene="drum")
FILE, RAFT_FILE = "drum_of_test.mp4", "raft of test.pth"


@pytest.fixture(scope="module", autouse=True)
def reference(comfy):
    write_clip_mp4(CLIP, comfy.base / "input" / FILE, enlarged=4)


@pytest.fixture
def raft_file(comfy):
    folder = comfy.base / "models" / "optical_flow"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.save(raft_large(weights=None).state_dict(), folder / RAFT_FILE)
    yield RAFT_FILE
    (folder / RAFT_FILE).unlink()


def reference_graph(**inputs):
    """Load Video -> Motion From Video -> Select -> Edit: nodes `video`, `curve`, `plan`, `edit`."""
    wanted = {
        "method": "flow without weights",
        "fps": 24.0,
        "n_frames": 0,
        "smoothing": "peaked",
        "images_fps": 24.0,
        "video": ["video", 0],
    }
    wanted = {name: value for name, value in (wanted | inputs).items() if value is not None}
    return {
        "video": node("LoadVideo", file=FILE),
        "parts": node("GetVideoComponents", video=["video", 0]),
        "curve": node("KeyVID_MotionFromVideo", **wanted),
        "plan": {**chain()["plan"]},
        "edit": node("KeyVID_EditKeyframes", plan=["plan", 0], curve=["curve", 0], edit=""),
    }


def peaks_of(plan):
    return [k["frame"] for k in plan["keyframes"] if k["kind"] == "peak"]


def check_strikes(frames):
    """Every strike of the drum has a frame, within one."""
    strikes = [event.frame for event in CLIP.events]
    assert len(frames) == len(strikes) == 3
    assert all(abs(a - b) <= 1 for a, b in zip(frames, strikes, strict=True))


@pytest.mark.parametrize(
    "inputs",
    [{}, {"video": None, "images": ["parts", 0], "images_fps": ["parts", 2]}],
    ids=["video", "images"],
)
def test_the_strikes_of_a_drum_become_keyframes(comfy, inputs):
    outputs = succeed(comfy, reference_graph(**inputs))
    plan = edited_result(outputs)["plan"]
    check_strikes(peaks_of(plan))
    assert (plan["fps"], plan["n_frames"]) == (24, 48) and len(frames_of(plan)) == 12
    assert outputs["curve"]["images"], "the node shows its curve"


def test_another_frame_rate_has_the_keyframes_at_the_same_times(comfy):
    prompt = reference_graph(fps=30.0)
    plan = edited_result(succeed(comfy, prompt))["plan"]
    assert plan["n_frames"] == 60
    # five frames are less time now, so that a smaller movement between two strikes may stand out too
    at_24 = [frame * 24 / 30 for frame in peaks_of(plan)]
    check_strikes([min(at_24, key=lambda at: abs(at - e.frame)) for e in CLIP.events])
    assert len(at_24) <= 4


def test_a_part_of_the_video_is_measured_alone(comfy):
    prompt = reference_graph(video=["part", 0])
    prompt["part"] = node(
        "Video Slice", video=["video", 0], start_time=0.75, duration=1.25, strict_duration=False
    )
    plan = edited_result(succeed(comfy, prompt))["plan"]
    assert plan["n_frames"] == 30
    later = [event.frame - 18 for event in CLIP.events if event.frame > 18]
    assert len(later) == 2
    assert all(min(abs(f - strike) for f in peaks_of(plan)) <= 1 for strike in later)


def test_raft_runs_from_a_file_in_comfyuis_folder(comfy, raft_file):
    prompt = reference_graph(method="RAFT", optical_flow=["raft", 0], video=["part", 0])
    prompt["raft"] = node("KeyVID_LoadOpticalFlow", optical_flow_name=raft_file)
    prompt["part"] = node(
        "Video Slice", video=["video", 0], start_time=0.0, duration=0.25, strict_duration=False
    )
    prompt["plan"]["inputs"]["count"] = 3
    prompt["values"] = node("KeyVID_CurveToValues", curve=["curve", 0], width=64, height=64)
    prompt["shown"] = shown("values", 1)
    (text,) = succeed(comfy, prompt)["shown"]["text"]
    assert text.count(":") == 6, "6 frames are a quarter of a second"
    # random weights: it runs; that it is RAFT's flow is in tests/host/test_motion.py
    assert "1.000" in text and "0.000" in text


def test_a_blend_keeps_the_strikes_of_the_sound_and_adds_the_movement(comfy):
    """Clicks of the chain, on frames 12, 24, 30, 38, and the drum's strikes on 13, 22, 35."""
    prompt = {**reference_graph(fps=["clip", 1], n_frames=["clip", 2]), **chain(count=12)}
    prompt["moving"] = reference_graph(fps=["clip", 1], n_frames=["clip", 2])["curve"]
    prompt["blend"] = node(
        "KeyVID_BlendCurves", sound_curve=["curve", 0], video_curve=["moving", 0], weight=0.5
    )
    prompt["plan"]["inputs"]["curve"] = ["blend", 0]
    prompt["edit"]["inputs"]["curve"] = ["blend", 0]
    result = edited_result(succeed(comfy, prompt))
    assert result["onsets"] == [12, 24, 30, 38]
    frames = frames_of(result["plan"])
    assert {12, 24, 30, 38} <= set(frames)
    assert any(abs(frame - 35) <= 1 for frame in frames), "what moves between two strikes"


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"video": None}, ["Neither video nor images", "Load Video"]),
        ({"images": ["parts", 0]}, ["Both video and images", "one of the two"]),
        ({"method": "RAFT"}, ["RAFT", "Load Optical Flow", "flow without weights"]),
        ({"n_frames": 1}, ["number of frames is 1"]),
    ],
)
def test_what_is_missing_is_said(comfy, inputs, words):
    check_message(complaint(comfy, reference_graph(**inputs)), words)


def test_curves_of_different_lengths_are_not_blended(comfy):
    prompt = {**reference_graph(n_frames=60), **chain()}
    prompt["moving"] = reference_graph(n_frames=60)["curve"]
    prompt["blend"] = node(
        "KeyVID_BlendCurves", sound_curve=["curve", 0], video_curve=["moving", 0], weight=0.5
    )
    check_message(complaint(comfy, prompt), ["48 frames", "60", "Clip Audio"])


def test_a_missing_raft_file_is_refused_with_where_it_comes_from(comfy):
    prompt = reference_graph(method="RAFT", optical_flow=["raft", 0])
    prompt["raft"] = node("KeyVID_LoadOpticalFlow", optical_flow_name="none.pth")
    text = complaint(comfy, prompt)
    for word in ("none.pth", "models/optical_flow", "raft-things.pth", "21 MB", "press R"):
        assert word in text
    assert "Traceback" not in text and json.dumps(text).isascii()
