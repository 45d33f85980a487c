"""Cancel while sampling, previews while sampling, and many runs in a row."""

import io
import struct

import psutil
import pytest
from PIL import Image, ImageStat

from .prompts import followed, saved_tensors, succeed, with_inputs
from .whole_graph import SIZE, keyframe_graph

HELD = 2  # the forward, and so the step, in which Cancel is pressed


def test_cancel_ends_the_step_it_falls_into_and_the_next_run_succeeds(comfy):
    prompt = keyframe_graph(comfy, steps=6, file="cancelled.safetensors")
    held = with_inputs(prompt, {"keyframes_watched": {"hold": HELD}})

    def cancel_in_the_held_step(kind, data):
        if kind == "progress" and data["node"] == "keyframes" and data["value"] == HELD:
            comfy.interrupt()

    _, events = comfy.run(held, on_event=cancel_in_the_held_step)
    assert "execution_interrupted" in dict(events)
    assert dict(events)["execution_interrupted"]["node_id"] == "keyframes"
    seen = saved_tensors(comfy, "steps_cancelled.safetensors")
    assert len(seen["passes"]) == HELD + 1, "a forward was begun after Cancel"
    assert len(seen["x"]) == HELD, "the cancelled step was finished"
    succeed(comfy, prompt)
    assert len(saved_tensors(comfy, "steps_cancelled.safetensors")["x"]) == 6


def test_every_step_sends_a_preview_of_the_picture(comfy):
    prompt = keyframe_graph(comfy, steps=5, file="previews.safetensors")
    _, events = followed(comfy, prompt, extra_data={"preview_method": "latent2rgb"})
    pictures = [_preview(data) for kind, data in events if kind == "binary"]
    assert len(pictures) == 5
    width, height = SIZE["width"], SIZE["height"]
    for picture in pictures:
        assert picture.width / picture.height == width / height
        assert max(ImageStat.Stat(picture).stddev) > 1, "a blank preview"
    assert pictures[0].tobytes() != pictures[-1].tobytes()
    values = [data["value"] for kind, data in events if kind == "progress"]
    assert [v for v in values if v] == [1, 2, 3, 4, 5]


def _preview(message):
    """The picture in one of the server's binary messages: kind, format, then an image file."""
    kind, _ = struct.unpack(">II", message[:8])
    assert kind == 1, "not a preview"
    return Image.open(io.BytesIO(message[8:]))


@pytest.mark.long
def test_twenty_runs_leave_no_memory_behind(comfy):
    prompt = keyframe_graph(comfy, file="memory.safetensors")
    process = psutil.Process(comfy.process.pid)
    sizes_mb = []
    for seed in range(25):
        succeed(comfy, with_inputs(prompt, {"keyframes_seed": {"noise_seed": 1000 + seed}}))
        sizes_mb.append(process.memory_info().rss / 2**20)
    settled = sizes_mb[5:]  # the first runs fill caches
    print(f"RSS over 20 runs: {min(settled):.1f} to {max(settled):.1f} MiB")
    assert settled[-1] - settled[0] < 30, [round(size) for size in sizes_mb]
