"""Segments from keyframe to keyframe, made by other nodes and joined, from a sound to a saved video."""

import pytest
import torch

from ...helpers.core_models.files import loaders, sampled, texts, write_core_models
from ...helpers.graphs.bridge_graphs import numbers_of, save, storyboard
from ...helpers.graphs.prompts import (
    check_message,
    complaint,
    node,
    saved_tensors,
    shown,
    succeed,
    with_inputs,
)
from ...helpers.graphs.saved_video import checked_frames, save_video


def segments(frames, **options):
    """The segments of a storyboard, made by a node that mixes first and last image, and joined."""
    given = {"grid": "4n+1", "shortest": 2, "longest": 0, "tail": "hold", **options}
    prompt = storyboard(len(frames))
    prompt["parts"] = node(
        "KeyVID_KeyframeSegments", plan=["fit", 0], images=["images", 0], **given
    )
    prompt["made"] = node(
        "KeyVIDTest_FirstLast", first=["parts", 0], last=["parts", 1], n_frames=["parts", 2]
    )
    prompt["join"] = joined("made")
    return prompt


def joined(source):
    return node("KeyVID_JoinSegments", segments=[source, 0], plan=["fit", 0], audio=["fit", 3])


def with_video(prompt):
    prompt["video"] = node(
        "CreateVideo", images=["join", 0], fps=["join", 1], audio=["join", 2], bit_depth=8
    )
    prompt["saved"] = save_video("video")
    prompt["save_audio"] = save(["fit", 3], "segments_audio")
    return prompt


@pytest.mark.parametrize("tail", ["hold", "segment"])
def test_joined_segments_have_exactly_the_plans_frames_and_its_sound(comfy, frames, tail):
    prompt = with_video(segments(frames, tail=tail))
    prompt |= {
        "save": save(["join", 0], "joined"),
        "save_images": save(["images", 0], "storyboard_images"),
    }
    names = ("frames", "seconds", "prompt", "count", "summary")
    prompt |= {f"show_{name}": shown("parts", i) for i, name in enumerate(names, start=2)}
    outputs = succeed(comfy, prompt)
    got = {name: outputs[f"show_{name}"]["text"] for name in names}
    (images,), (kept,) = (
        saved_tensors(comfy, name).values() for name in ("joined", "storyboard_images")
    )
    assert images.shape == (33, 32, 48, 3)
    assert torch.equal(images[frames], kept)
    n_segments = len(frames) - (tail == "hold")
    assert int(got["count"][0]) == n_segments == len(got["frames"])
    assert all(int(n) % 4 == 1 for n in got["frames"])
    assert len(got["summary"][0].splitlines()) == n_segments
    assert set(got["prompt"]) == {""}
    gaps = [b - a for a, b in zip(frames, [*frames[1:], 32], strict=True)][:n_segments]
    assert list(map(float, got["seconds"])) == [gap / 16 for gap in gaps]
    # between two keyframes every frame is a step further, none twice
    for start, end in zip(frames, frames[1:], strict=False):
        steps = images[start + 1 : end + 1] - images[start:end]
        assert (steps.abs().amax(dim=(1, 2, 3)) > 0).all()
    assert len(checked_frames(comfy, outputs, "segments_audio", fps=16)) == 33


def test_segments_follow_prompts_per_keyframe(comfy, frames):
    prompt = segments(frames)
    prompt["prompts"] = node(
        "KeyVID_KeyframePrompts",
        plan=["fit", 0],
        global_text="",
        lines="\n".join(f"image {frame}" for frame in frames),
        seed=0,
        seed_mode="fixed",
    )
    prompt["parts"]["inputs"]["prompts"] = ["prompts", 0]
    prompt["show"] = shown("parts", 4)
    assert succeed(comfy, prompt)["show"]["text"] == [f"image {frame}" for frame in frames[1:]]


def test_segments_of_another_plan_or_too_few_frames_are_named(comfy, frames):
    prompt = with_inputs(segments(frames), {"made": {"n_frames": 2}})
    prompt["save"] = save(["join", 0], "joined")
    check_message(complaint(comfy, prompt), ["Segment 1 has 2 frames", "needs"])
    prompt = segments(frames) | {"save": save(["join", 0], "joined")}
    prompt["join"]["inputs"]["segments"] = ["images", 0]
    check_message(complaint(comfy, prompt), ["There is 1 segment", f"{len(frames)} keyframes"])
    prompt = segments(frames, longest=4) | {"save": save(["join", 0], "joined")}
    check_message(complaint(comfy, prompt), ["longest is set to 4", "Edit Keyframes"])


def test_the_cores_frame_interpolation_fills_uneven_gaps_exactly(comfy, frames):
    write_core_models(comfy.base / "models")
    prompt = segments(frames)
    size = {"width": 96, "height": 72}  # the network mirrors images out to multiples of 64 pixels
    prompt["source"]["inputs"] |= size
    prompt["rife"] = node("FrameInterpolationModelLoader", model_name="tiny_rife.safetensors")
    for name, images, slot in (("once", ["parts", 7], 8), ("twice", ["once", 0], 9)):
        prompt[name] = node(
            "FrameInterpolate", interp_model=["rife", 0], images=images, multiplier=["parts", slot]
        )
    prompt["join"] = joined("twice")
    prompt = with_video(prompt)
    prompt |= {
        "save": save(["join", 0], "joined"),
        "save_images": save(["images", 0], "storyboard_images"),
    }
    outputs = succeed(comfy, prompt)
    (images,), (kept,) = (
        saved_tensors(comfy, name).values() for name in ("joined", "storyboard_images")
    )
    assert images.shape == (33, 72, 96, 3)
    assert torch.equal(images[frames], kept)
    assert numbers_of(images[frames]) == list(range(len(frames)))
    # in between: neither of the two images
    for start, end in zip(frames, frames[1:], strict=False):
        for frame in range(start + 1, end):
            assert not torch.equal(images[frame], images[start])
            assert not torch.equal(images[frame], images[end])
    assert len(checked_frames(comfy, outputs, "segments_audio", fps=16)) == 33


def test_wans_first_last_segments_become_the_plans_video(comfy):
    """The core's own nodes run once per segment, each with a length of its own, on random weights of Wan's layout."""
    size = {"width": 64, "height": 48}
    prompt = with_video(segments(range(4))) | loaders(comfy, "wan_i2v", "wan_vae") | texts(comfy)
    prompt["edit"]["inputs"]["edit"] = "0, 6, 12, 36"  # at 16 fps 0, 4, 8 and 24
    prompt["source"]["inputs"] |= size
    prompt["conditioned"] = node(
        "WanFirstLastFrameToVideo",
        positive=["text", 0],
        negative=["no_text", 0],
        vae=["vae", 0],
        **size,
        length=["parts", 2],
        batch_size=1,
        start_image=["parts", 0],
        end_image=["parts", 1],
    )
    prompt["sampled"] = sampled(["conditioned", 0], ["conditioned", 1], ["conditioned", 2], steps=1)
    prompt["made"] = node("VAEDecode", samples=["sampled", 0], vae=["vae", 0])
    prompt["lengths"] = shown("parts", 2)
    prompt["save"] = save(["join", 0], "joined")
    outputs = succeed(comfy, prompt)
    assert outputs["lengths"]["text"] == ["5", "5", "17"]
    (images,) = saved_tensors(comfy, "joined").values()
    assert images.shape == (33, 48, 64, 3)
    assert len(checked_frames(comfy, outputs, "segments_audio", fps=16)) == 33
