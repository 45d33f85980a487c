"""From a sound to a storyboard on another model's grid, in the real ComfyUI."""

import json

import pytest
import torch
from keyvid_pack.keyframes.timebase import n_samples_at

from ...helpers.graphs.bridge_graphs import SIZE, fitted, numbers_of, save, storyboard
from ...helpers.graphs.prompts import (
    check_message,
    complaint,
    followed,
    node,
    saved_tensors,
    shown,
    succeed,
    with_inputs,
)


def test_a_plan_gets_the_models_rate_length_and_sound(comfy):
    prompt = fitted()
    wanted = {"fps": 1, "n": 2, "summary": 4}
    prompt |= {f"show_{key}": shown("fit", slot) for key, slot in wanted.items()}
    prompt |= {"show_frames": shown("frames", 2), "audio": save(["fit", 3], "fit_audio")}
    prompt["curve_values"] = node("KeyVID_CurveToValues", curve=["fit", 5], width=64, height=64)
    prompt["show_curve"] = shown("curve_values", 0)
    prompt["fit"]["inputs"]["any_length"] = True  # so that it does not come from the cache
    outputs, events = followed(comfy, prompt)
    got = {key: outputs[f"show_{key}"]["text"][0] for key in [*wanted, "frames", "curve"]}
    assert (float(got["fps"]), int(got["n"])) == (16.0, 33)
    # strikes at 0.5, 1.0, 1.25 and 1.6 s
    assert {0, 8, 16, 20, 26} <= set(map(int, got["frames"].split(", ")))
    assert got["summary"].startswith("48 frames at 24 fps became 33 frames at 16 fps (2.06 s)")
    texts = [data for kind, data in events if kind == "binary"]
    assert any(got["summary"].encode() in text for text in texts), "the node does not show it"
    assert "The sound ends with 0.062 s of silence." in got["summary"]
    assert len(json.loads(got["curve"])) == 33
    (audio,) = saved_tensors(comfy, "fit_audio").values()
    n_samples = n_samples_at(33, fps=16, sample_rate=16000)
    assert audio.shape[-1] == n_samples == 33000
    assert audio[..., 32000:].abs().max() == 0 < audio[..., :32000].abs().max()


def test_what_the_model_does_not_make_is_refused_in_a_sentence(comfy):
    prompt = fitted(n_frames=50) | {"show": shown("fit", 2)}
    check_message(complaint(comfy, prompt), ["50 frames", "4n+1", "49 or 53"])
    prompt = fitted(model="custom", custom_fps=["rate", 0]) | {"show": shown("fit", 2)}
    prompt["rate"] = node("KeyVIDTest_AnyValue", value="0.0", form="float tensor")
    check_message(complaint(comfy, prompt), ["frame rate is 0", "from 1 to 240"])


def test_a_plan_of_three_minutes_is_refused_with_what_to_set_and_made_when_asked_for(comfy):
    prompt = fitted(model="LTX-2.x, 24 fps") | {"show": shown("fit", 2)}
    changes = {"sound": {"length_s": 180.0}, "clip": {"n_frames": 0}}
    prompt = with_inputs(prompt, changes)
    text = complaint(comfy, prompt)
    check_message(text, ["4321 frames", "481", "Clip Audio", "any length"])
    prompt["fit"]["inputs"]["any_length"] = True
    assert succeed(comfy, prompt)["show"]["text"][0] == "4321"


def test_a_batch_becomes_one_image_per_keyframe_and_a_list(comfy, frames):
    prompt = storyboard(len(frames))
    prompt["list"] = node("RebatchImages", images=["images", 1], batch_size=50)
    prompt |= {"save": save(["images", 0], "batch"), "save_list": save(["list", 0], "list")}
    wanted = {"width": 2, "height": 3, "count": 4}
    prompt |= {f"show_{key}": shown("images", slot) for key, slot in wanted.items()}
    outputs = succeed(comfy, prompt)
    (batch,), (listed,) = (saved_tensors(comfy, name).values() for name in ("batch", "list"))
    assert numbers_of(batch) == list(range(len(frames)))
    assert torch.equal(batch, listed)
    got = {key: int(outputs[f"show_{key}"]["text"][0]) for key in wanted}
    assert got == {**SIZE, "count": len(frames)}


def test_a_list_and_single_images_of_other_sizes_arrive_in_order(comfy, frames):
    n = len(frames)
    prompt = storyboard(n, width=40, height=24)
    prompt["single"] = node("KeyVIDTest_NumberedImages", count=1, width=20, height=20)
    prompt["part"] = node("ImageFromBatch", image=["source", 0], batch_index=2, length=2)
    rest = {"image": ["source", 0], "batch_index": 4, "length": n - 4}
    prompt["rest"] = node("ImageFromBatch", **rest)
    prompt["one_by_one"] = node("RebatchImages", images=["rest", 0], batch_size=1)
    inputs = prompt["images"]["inputs"]
    inputs["images.image0"] = ["single", 0]
    inputs |= {"images.image1": ["single", 0], "images.image2": ["part", 0]}
    inputs["images.image3"] = ["one_by_one", 0]
    prompt["save"] = save(["images", 0], "mixed")
    succeed(comfy, prompt)
    (batch,) = saved_tensors(comfy, "mixed").values()
    assert batch.shape == (n, 24, 40, 3)
    assert numbers_of(batch) == [0, 0, *range(2, n)]


def test_a_wrong_number_of_images_is_named_and_fewer_may_repeat(comfy, frames):
    prompt = storyboard(3) | {"save": save(["images", 0], "repeated")}
    missing = ", ".join(map(str, frames[3:]))
    check_message(complaint(comfy, prompt), [f"3 images for the {len(frames)}", missing])
    prompt["images"]["inputs"]["fewer"] = "repeat"
    succeed(comfy, prompt)
    (batch,) = saved_tensors(comfy, "repeated").values()
    assert numbers_of(batch) == [number % 3 for number in range(len(frames))]
    prompt["source"] = node("KeyVIDTest_NoImage")
    check_message(complaint(comfy, prompt), ["no image", "images"])


@pytest.mark.parametrize(("between", "level"), [("black", 0.0), ("grey", 0.5)])
def test_images_stand_on_their_frames_and_only_there(comfy, frames, between, level):
    prompt = storyboard(len(frames))
    prompt["placed"] = node(
        "KeyVID_ImagesOnFrames", images=["images", 0], plan=["fit", 0], between=between
    )
    prompt["masks"] = node("MaskToImage", mask=["placed", 1])
    prompt |= {"save": save(["images", 0], "sheet"), "save_frames": save(["placed", 0], "placed")}
    prompt["save_masks"] = save(["masks", 0], "masks")
    succeed(comfy, prompt)
    names = ("sheet", "placed", "masks")
    (sheet,), (placed,), (masks,) = (saved_tensors(comfy, name).values() for name in names)
    assert placed.shape == (33, 32, 48, 3)
    assert torch.equal(placed[frames], sheet)
    others = [frame for frame in range(33) if frame not in frames]
    assert (placed[others] == level).all()
    assert (masks[frames] == 1).all() and (masks[others] == 0).all()
