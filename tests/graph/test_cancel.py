"""Cancel while sampling, previews while sampling, and many runs in a row."""

import io
import struct

import pytest
from PIL import Image, ImageStat

from ..helpers.graphs.prompts import followed, node, saved_tensors, succeed, up_to, with_inputs
from ..helpers.graphs.whole_graph import SIZE, keyframe_graph, watch, whole_graph

HELD = 2  # the forward, and so the step, in which Cancel is pressed
LIVE = "live.safetensors"


def test_cancel_ends_the_step_it_falls_into_and_the_next_run_succeeds(comfy):
    prompt = keyframe_graph(comfy, steps=6, file="cancelled.safetensors")
    held = with_inputs(prompt, {"keyframes_watched": {"hold": HELD}})

    def cancel_in_the_held_step(kind, _data):
        if kind == "keyvid_test.holding":
            comfy.interrupt()

    _, events = comfy.run(held, on_event=cancel_in_the_held_step)
    assert "execution_interrupted" in dict(events)
    assert dict(events)["execution_interrupted"]["node_id"] == "keyframes"
    seen = saved_tensors(comfy, "steps_cancelled.safetensors")
    assert len(seen["passes"]) == HELD + 1, "a forward was begun after Cancel"
    assert len(seen["x"]) == HELD, "the cancelled step was finished"
    succeed(comfy, prompt)
    assert len(saved_tensors(comfy, "steps_cancelled.safetensors")["x"]) == 6


def test_every_step_sends_a_preview_of_the_image(comfy):
    prompt = keyframe_graph(comfy, steps=5, file="previews.safetensors")
    _, events = followed(comfy, prompt, extra_data={"preview_method": "latent2rgb"})
    images = [_preview(data) for kind, data in events if kind == "binary"]
    assert len(images) == 5
    width, height = SIZE["width"], SIZE["height"]
    for image in images:
        assert image.width / image.height == width / height
        assert max(ImageStat.Stat(image).stddev) > 1, "a blank preview"
    assert images[0].tobytes() != images[-1].tobytes()
    values = [data["value"] for kind, data in events if kind == "progress"]
    assert [v for v in values if v] == [1, 2, 3, 4, 5]


def _preview(message):
    """The image in one of the server's binary messages: kind, format, then an image file."""
    kind, _ = struct.unpack(">II", message[:8])
    assert kind == 1, "not a preview"
    return Image.open(io.BytesIO(message[8:]))


@pytest.mark.long
def test_twenty_runs_keep_no_conditioning(comfy):
    """Together they keep less than a hundredth of what one run keeps that leaks it on purpose."""
    prompt = up_to(whole_graph(comfy, steps=1), "video")
    watch(prompt, "video", file="memory_steps.safetensors")
    prompt["live"] = node("KeyVIDTest_LiveTensors", after=["video", 0], file=LIVE)
    held = [_held_after_a_run(comfy, prompt, seed=seed) for seed in range(22)]
    leaking = with_inputs(prompt, {"video_watched": {"leak": True}})
    leaked = _held_after_a_run(comfy, leaking, seed=22) - held[-1]
    print(f"20 runs: {held[-1] - held[1]:+} bytes, one that leaks: {leaked:+} bytes")
    assert leaked > 500_000, "what the network is conditioned on for 48 frames is twice that"
    assert held[-1] - held[1] < leaked / 100  # the first run fills caches


def _held_after_a_run(comfy, prompt, *, seed):
    """Bytes that all tensors in the server hold when a video has been sampled."""
    succeed(comfy, with_inputs(prompt, {"video_seed": {"noise_seed": 1000 + seed}}))
    return saved_tensors(comfy, LIVE)["n_bytes"].item()
