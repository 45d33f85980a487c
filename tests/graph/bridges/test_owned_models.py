"""The workflows for models that artists own, from sound to saved video, with small random networks for the files."""

from itertools import pairwise

import pytest
import torch

from ...helpers.core_models.files import save
from ...helpers.graphs.owned_models import FILES, sound_and_length, tiny_form
from ...helpers.graphs.prompts import node, saved_tensors, shown, succeed
from ...helpers.graphs.saved_video import check_sound, read_video, video_of
from ...helpers.graphs.workflow_files import api_form

RATES = {
    "keyvid_ltx_sound": (97, 24),
    "keyvid_ltx_edits": (97, 25),
    "keyvid_wan_vace_edits": (65, 16),
    "keyvid_wan_segments": (65, 16),
    "keyvid_storyboard_interpolate": (192, 24),
}


@pytest.mark.parametrize("name", FILES)
def test_a_video_comes_out_as_long_as_the_plan_with_the_sound_itself(comfy, name):
    prompt = tiny_form(comfy, name)
    sound, length = sound_and_length(prompt)
    (saver,) = [k for k, e in prompt.items() if e["class_type"] == "SaveVideo"]
    prompt["sound"] = save(*sound, "owned_audio.safetensors")
    prompt["length"] = shown(*length)
    outputs = succeed(comfy, prompt)
    n_frames, fps, samples, rate = read_video(video_of(comfy, outputs, saver))
    assert (n_frames, fps) == RATES[name]
    assert int(outputs["length"]["text"][0]) == n_frames
    sound = saved_tensors(comfy, "owned_audio.safetensors")["waveform"][0, 0].numpy()
    check_sound(samples, sound, sample_rate=rate, n_frames=n_frames, fps=fps)


def test_interpolated_images_are_on_their_keyframes_and_others_between(comfy):
    """Through both interpolations, with the multipliers that the plan of the sample sound needs."""
    prompt = tiny_form(comfy, "keyvid_storyboard_interpolate")
    keys = {entry["class_type"]: key for key, entry in prompt.items()}
    plan = prompt[keys["KeyVID_JoinSegments"]]["inputs"]["plan"]
    prompt["frames"] = node("KeyVID_PlanToFrames", plan=plan, width=64, height=64)
    prompt["shown"] = shown("frames", 2)
    for name in ("KeyframeImages", "JoinSegments"):
        prompt[name] = save(keys[f"KeyVID_{name}"], 0, f"interpolated_{name}.safetensors")
    frames = list(map(int, succeed(comfy, prompt)["shown"]["text"][0].split(", ")))
    (kept,), (video,) = (
        saved_tensors(comfy, f"interpolated_{name}.safetensors").values()
        for name in ("KeyframeImages", "JoinSegments")
    )
    assert len(frames) == 24 and len({b - a for a, b in pairwise(frames)}) > 3, "gaps are even"
    assert torch.equal(video[frames], kept)
    for start, end in pairwise(frames):
        between = video[start + 1 : end]
        for image in (video[start], video[end]):
            assert (between != image).flatten(1).any(1).all()


def test_with_images_of_ones_own_nothing_is_edited(comfy):
    """As README says: without the box of Qwen, two images by kind."""
    prompt = tiny_form(comfy, "keyvid_ltx_edits")
    del prompt["edited"]
    (images,) = [e["inputs"] for e in prompt.values() if e["class_type"] == "KeyVID_KeyframeImages"]
    for number, name in enumerate(("strike", "raised")):
        prompt[name] = node("LoadImage", image=f"keyvid_snare_{name}.jpg")
        images[f"images.image{number}"] = [name, 0]
    images["fewer"] = "by kind"
    (saver,) = [k for k, e in prompt.items() if e["class_type"] == "SaveVideo"]
    n_frames, fps, _, _ = read_video(video_of(comfy, succeed(comfy, prompt), saver))
    assert (n_frames, fps) == RATES["keyvid_ltx_edits"]


@pytest.mark.parametrize("name", FILES)
def test_every_box_and_every_input_is_one_that_comfyui_has(comfy, name):
    known = comfy.object_info()
    for key, entry in api_form(name).items():
        described = known[entry["class_type"]]["input"]
        sockets = {**described.get("required", {}), **described.get("optional", {})}
        # those that grow, such as images.image0, are below the one that is described
        given = {socket.split(".")[0] for socket in entry["inputs"]}
        assert given <= sockets.keys(), (key, entry["class_type"])
        assert described.get("required", {}).keys() <= given, (key, entry["class_type"])
