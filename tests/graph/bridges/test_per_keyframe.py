"""Lists with one element per keyframe: what follows runs once for each."""

import json

import pytest

from ...helpers.graphs.bridge_graphs import fitted
from ...helpers.graphs.prompts import (
    check_message,
    complaint,
    executed,
    followed,
    node,
    shown,
    succeed,
)


def prompts_of(**options):
    given = {
        "global_text": "a snare drum",
        "lines": "peak: the stick hits it\nvalley: the stick is up",
        "seed": 7,
        "seed_mode": "per keyframe",
    }
    prompt = fitted()
    prompt["prompts"] = node("KeyVID_KeyframePrompts", plan=["fit", 0], **{**given, **options})
    return prompt


def test_plan_to_frames_gives_lists_beside_what_it_gave(comfy, frames):
    prompt = fitted()
    names = ("keyframes", "times", "text", "schedule", None, "list", "time", "fraction", "indices")
    prompt |= {f"show_{name}": shown("frames", i) for i, name in enumerate(names) if name}
    outputs = succeed(comfy, prompt)
    got = {name: outputs[f"show_{name}"]["text"] for name in names if name}
    assert [json.loads(text) for text in got["keyframes"]] == [frames]
    assert got["text"] == [", ".join(map(str, frames))]
    assert list(map(int, got["list"])) == frames
    assert list(map(float, got["time"])) == [frame / 16 for frame in frames]
    assert list(map(float, got["fraction"])) == pytest.approx([frame / 33 for frame in frames])
    assert got["indices"] == [", ".join(map(str, frames[1:]))]


def test_two_sentences_become_a_prompt_and_a_seed_for_every_keyframe(comfy, frames):
    prompt = prompts_of()
    names = ("prompts", "frames", "seeds", "count", "text", "schedule", "texts", "lengths")
    prompt |= {f"show_{name}": shown("prompts", i) for i, name in enumerate(names)}
    outputs = succeed(comfy, prompt)
    got = {name: outputs[f"show_{name}"]["text"] for name in names}
    assert len(got["prompts"]) == len(frames) >= 10
    assert set(got["prompts"]) == {
        "a snare drum",
        "a snare drum, the stick hits it",
        "a snare drum, the stick is up",
    }
    by_frame = dict(zip(frames, got["prompts"], strict=True))
    # strikes at 0.5, 1.0, 1.25 and 1.6 s
    assert all(by_frame[f] == "a snare drum, the stick hits it" for f in (8, 16, 20, 26))
    assert list(map(int, got["frames"])) == frames
    assert list(map(int, got["seeds"])) == [7 + frame for frame in frames]
    assert got["count"] == [str(len(frames))]
    assert got["text"] == ["\n".join(got["prompts"])]
    assert json.loads("{" + got["schedule"][0] + "}") == {str(k): v for k, v in by_frame.items()}
    assert got["texts"][0].count("|") == len(frames) - 1
    assert sum(map(int, got["lengths"][0].split(","))) == 33


def test_a_line_that_cannot_be_understood_is_named(comfy):
    prompt = prompts_of(lines="peak: hit\n9: up") | {"show": shown("prompts", 4)}
    text = complaint(comfy, prompt)
    check_message(text, ["Line 2", "frame 9", "no keyframe"])


def test_what_follows_a_list_runs_once_per_keyframe_and_nothing_runs_twice(comfy, frames):
    prompt = prompts_of(global_text="a drum")
    prompt["long"] = node("StringConcatenate", string_a=["prompts", 0], string_b=".", delimiter="")
    prompt["show"] = shown("long", 0)
    outputs, _ = followed(comfy, prompt)
    assert len(outputs["show"]["text"]) == len(frames)
    assert all(text.startswith("a drum") and text.endswith(".") for text in outputs["show"]["text"])
    _, events = followed(comfy, prompt)
    assert executed(events) == set()
