"""A storyboard that moves without any model, from a sound to a saved video, frame by frame."""

import numpy as np
import pytest
import torch

from ...helpers.graphs.bridge_graphs import save, storyboard
from ...helpers.graphs.prompts import (
    check_message,
    complaint,
    executed,
    followed,
    node,
    saved_tensors,
    shown,
    succeed,
    with_inputs,
)
from ...helpers.graphs.saved_video import checked_frames, save_video

LEVELS = (20, 120, 220)


def blended(n_images, blend="linear", **options):
    prompt = storyboard(n_images, **options)
    prompt["source"] = node("KeyVIDTest_GreyImages", levels=" ".join(map(str, LEVELS)))
    prompt["blend"] = node(
        "KeyVID_BlendBetweenKeyframes",
        images=["images", 0],
        plan=["fit", 0],
        audio=["fit", 3],
        blend=blend,
        fewer="refuse",
    )
    prompt["saved"] = save_video("blend")
    prompt["save_audio"] = save(["fit", 3], "blend_audio")
    return prompt


@pytest.mark.parametrize("blend", ["hold", "linear", "eased"])
def test_every_image_is_on_its_keyframe_and_the_sound_is_the_original(comfy, frames, blend):
    outputs = succeed(comfy, blended(3, blend, fewer="repeat"))
    video = checked_frames(comfy, outputs, "blend_audio", fps=16)
    assert len(video) == 33
    found = video.mean(axis=(1, 2, 3))
    at_keyframes = [LEVELS[number % 3] for number in range(len(frames))]
    # of plain images H.264 changes a level or two
    assert np.abs(found[frames] - at_keyframes).max() < 4
    for i, (start, end) in enumerate(zip(frames, [*frames[1:], 33], strict=True)):
        a, b = at_keyframes[i], at_keyframes[min(i + 1, len(frames) - 1)]
        progress = (np.arange(start, end) - start) / (end - start)
        weight = {"hold": 0 * progress, "linear": progress}.get(
            blend, progress * progress * (3 - 2 * progress)
        )
        assert np.abs(found[start:end] - (a + weight * (b - a))).max() < 4
    assert outputs["blend"]["images"][0]["filename"].startswith("keyvid_blend_")


def test_a_second_run_executes_nothing(comfy):
    prompt = blended(3, fewer="repeat")
    succeed(comfy, prompt)
    _, events = followed(comfy, prompt)
    assert executed(events) == set()


def test_a_wrong_number_of_images_or_another_sound_is_named(comfy, frames):
    prompt = blended(3, fewer="repeat")
    prompt["blend"]["inputs"]["images"] = ["source", 0]
    check_message(complaint(comfy, prompt), ["3 images for the", "keyframes"])
    prompt = with_inputs(blended(3, fewer="repeat"), {"blend": {"audio": ["sound", 0]}})
    check_message(complaint(comfy, prompt), ["3.00 s", "2.06 s"])


def test_cancel_stops_a_long_blend_and_leaves_no_file(comfy):
    prompt = blended(3, fewer="repeat")
    prompt["sound"]["inputs"]["length_s"] = 180.0
    prompt["clip"]["inputs"]["n_frames"] = 0
    prompt["fit"]["inputs"]["any_length"] = True
    before = set((comfy.base / "temp").rglob("keyvid_blend*"))

    def cancel_at_first_progress(kind, data):
        if kind == "progress" and data["node"] == "blend":
            comfy.interrupt()

    _, events = comfy.run(prompt, on_event=cancel_at_first_progress)
    assert "execution_interrupted" in dict(events)
    steps = [d["value"] for k, d in events if k == "progress" and d["node"] == "blend"]
    assert steps and max(steps) < 2881
    assert set((comfy.base / "temp").rglob("keyvid_blend*")) == before


def test_the_images_that_a_storyboard_shows_are_those_that_came_in(comfy, frames):
    """The chain in front of the blend changes no pixel of an image that has its size already."""
    prompt = storyboard(len(frames))
    prompt |= {"save": save(["images", 0], "out"), "save_source": save(["source", 0], "in")}
    succeed(comfy, prompt)
    (out,), (source,) = (saved_tensors(comfy, name).values() for name in ("out", "in"))
    assert torch.equal(out, source)


def test_few_images_go_by_kind_straight_into_the_blend(comfy, frames):
    prompt = blended(3, "hold", fewer="repeat")
    prompt["blend"]["inputs"] |= {"images": ["source", 0], "fewer": "by kind"}
    prompt["info"] = node("KeyVID_PlanInfo", plan=["fit", 0])
    prompt["summary"] = shown("info", 3)
    outputs = succeed(comfy, prompt)
    kinds = [line.rsplit(" ", 1)[1] for line in outputs["summary"]["text"][0].splitlines()[1:]]
    assert {"first", "peak", "valley"} <= set(kinds)
    video = checked_frames(comfy, outputs, "blend_audio", fps=16)
    expected = [LEVELS[{"peak": 0, "valley": 1}.get(kind, 2)] for kind in kinds]
    assert np.abs(video.mean(axis=(1, 2, 3))[frames] - expected).max() < 4
