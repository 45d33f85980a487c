"""Words for one moment, painted by the pack's networks in the real ComfyUI: its moment changes, the others hardly."""

import json

import numpy as np
import pytest
from keyvid_pack.evaluation import renderer
from PIL import Image

from ...helpers.graphs.prompts import complaint, node, shown, succeed, up_to
from ...helpers.graphs.workflow_files import api_form

WORDS_AT = 18
NEIGHBOURS = (10, 22)  # keyframes before and behind it
CAPTION = "a ball bounces on the floor"


@pytest.fixture(scope="module")
def workflow():
    return api_form("keyvid_prompt_per_keyframe")


def only(graph, class_type):
    (key,) = [key for key, one in graph.items() if one["class_type"] == class_type]
    return key


def edit_of(graph):
    return json.loads(graph[only(graph, "KeyVID_EditKeyframes")]["inputs"]["edit"])


def with_edit(graph, **changes):
    """The graph with fields of the keyframe that has words replaced; None takes a field away."""
    edit = edit_of(graph)
    (keyframe,) = [one for one in edit["plan"]["keyframes"] if one["frame"] == WORDS_AT]
    keyframe |= changes
    for name in [name for name, value in keyframe.items() if value is None]:
        del keyframe[name]
    graph = json.loads(json.dumps(graph))
    graph[only(graph, "KeyVID_EditKeyframes")]["inputs"]["edit"] = json.dumps(edit)
    return graph


def painted(comfy, graph):
    """{"keyframes": (12, H, W, 3), "video": (48, H, W, 3)} as float, of a graph of the demo's stages."""
    sheet = graph[only(graph, "KeyVID_KeyframeSheet")]["inputs"]["images"]
    video = graph[only(graph, "CreateVideo")]["inputs"]["images"]
    kept = {}
    saved = {"keyframes": sheet, "video": video}
    for name, images in saved.items():
        saver = node("SaveImage", images=images, filename_prefix=f"words/{name}")
        kept |= up_to({**graph, name: saver}, name)
    outputs = succeed(comfy, kept)
    return {
        name: np.stack([_read(comfy.base, item) for item in outputs[name]["images"]])
        for name in saved
    }


def _read(base, item):
    with Image.open(base / "output" / item["subfolder"] / item["filename"]) as image:
        return np.asarray(image.convert("RGB"), float)


def change(one, other):
    """The mean difference of each image, in levels of 255."""
    return np.abs(one - other).mean(axis=(1, 2, 3))


@pytest.fixture(scope="module")
def runs(comfy, workflow):
    """What is painted with the words that the workflow comes with, and without any."""
    return painted(comfy, workflow), painted(comfy, with_edit(workflow, prompt=None))


def test_words_change_their_keyframe_far_more_than_any_other(workflow, runs):
    frames = [one["frame"] for one in edit_of(workflow)["plan"]["keyframes"]]
    levels = change(*(run["keyframes"] for run in runs))
    at = frames.index(WORDS_AT)
    # the VAE's and the PNG's rounding is below one level
    assert levels[at] > 3 and levels[at] > 4 * np.delete(levels, at).max(), levels.round(2)


def test_words_are_seen_in_the_video_between_the_keyframes_around_them(runs):
    levels = change(*(run["video"] for run in runs))
    before, behind = NEIGHBOURS
    inside = np.zeros(len(levels), bool)
    inside[before + 1 : behind] = True
    assert abs(int(levels.argmax()) - WORDS_AT) <= 1, levels.round(2)
    assert levels[inside].mean() > 3 * levels[~inside].mean(), levels.round(2)


def test_without_words_of_its_own_it_is_clip_text_encode_to_the_bit(comfy, workflow, runs):
    plain = with_edit(workflow, prompt=None)
    text = only(plain, "KeyVID_KeyframeText")
    clip = plain[text]["inputs"]["clip"]
    plain[text] = node("CLIPTextEncode", clip=clip, text=CAPTION)
    found = painted(comfy, plain)
    for name in ("keyframes", "video"):
        assert np.array_equal(found[name], runs[1][name])


def test_the_demo_and_this_workflow_paint_the_same_clip(workflow):
    demo = json.loads(renderer.GRAPH.read_text())
    for name in ("LoadAudio", "LoadImage", "KeyVID_ClipAudio"):
        assert workflow[only(workflow, name)]["inputs"] == demo[only(demo, name)]["inputs"]
    lines = workflow[only(workflow, "KeyVID_KeyframeText")]["inputs"]["lines"]
    assert lines.endswith(f": {CAPTION}")
    assert CAPTION in [one["inputs"].get("text") for one in demo.values()]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": "x" * 2001}, ["frame 18", "2001 characters", "2000 or fewer"]),
        ({"prompt": ["the door opens"]}, ["frame 18", "prompt", "use a text"]),
    ],
    ids=["too long", "no text"],
)
def test_a_prompt_that_cannot_be_kept_is_named(comfy, workflow, changes, words):
    graph = with_edit(workflow, **changes)
    message = complaint(comfy, up_to(graph, only(graph, "KeyVID_EditKeyframes")))
    assert all(word in message for word in words), message


def test_a_text_of_another_plan_is_named(comfy, workflow):
    graph = json.loads(json.dumps(workflow))
    text = only(graph, "KeyVID_KeyframeText")
    graph["other"] = node("KeyVID_FramesToPlan", text="0, 9", fps=24.0, n_frames=48)
    graph[text]["inputs"] |= {"plan": ["other", 0], "lines": "9: the door opens"}
    graph["show"] = shown(only(graph, "KeyVID_KeyframeConditioning"), 0)
    message = complaint(comfy, up_to(graph, "show"))
    assert "only this one has a keyframe at frame 1." in message
    assert "Connect the same plan to Keyframe Text" in message
