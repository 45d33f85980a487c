"""The timing half as a graph, from clicks to edited keyframes, and what it gives."""

import json

from .prompts import node, succeed

STRIKES = "0.5 1.0 1.25 1.6"


def clip_to_plan(*, n_frames=48, method="onset", **select):
    """Clip Audio -> Localize -> Select: nodes `clip`, `curve` and `plan`, of the audio of a node `sound`."""
    options = {
        "strategy": "strongest",
        "count": 0,
        "selection_seed": 0,
        "prominence": 0.1,
        "peak_distance": 5,
    }
    return {
        "clip": node(
            "KeyVID_ClipAudio", audio=["sound", 0], start_s=0.0, fps=24.0, n_frames=n_frames
        ),
        "curve": node(
            "KeyVID_LocalizeKeyframes",
            audio=["clip", 0],
            fps=["clip", 1],
            n_frames=["clip", 2],
            method=method,
        ),
        "plan": node("KeyVID_SelectKeyframes", curve=["curve", 0], **{**options, **select}),
    }


def chain(*, edit="", method="onset", times_s=STRIKES, length_s=3.0, **select):
    """Clicks -> Clip Audio -> Localize -> Select -> Edit."""
    return {
        "sound": node("KeyVIDTest_Clicks", times_s=times_s, length_s=length_s, sample_rate=16000),
        **clip_to_plan(method=method, **select),
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


def moved_edit(comfy, frm, to):
    """An edit that moved one keyframe of the chain's own prediction, as the editor writes it."""
    base = edited_result(succeed(comfy, chain()))["prediction"]
    plan = json.loads(json.dumps(base))
    for keyframe in plan["keyframes"]:
        if keyframe["frame"] == frm:
            keyframe.update(frame=to, kind="manual", source="edit")
    plan["keyframes"].sort(key=lambda keyframe: keyframe["frame"])
    return json.dumps({"version": 1, "plan": plan, "base": base})
