"""Wrong wires and missing files: an error message for the artist, for a missing file before anything runs."""

import pytest
import torch
from keyvid_pack.models.checkpoint.layouts import DYNAMICRAFTER

from ..helpers.graphs.prompts import (
    check_message,
    complaint,
    node,
    put_tensors,
    up_to,
    with_inputs,
)
from ..helpers.graphs.whole_files import COUNT, put_whole_file
from ..helpers.graphs.whole_graph import whole_graph


@pytest.fixture(scope="module")
def graph(comfy):
    """The whole graph, and beside it things that do not belong into it."""
    silent = put_whole_file(comfy, "small_dynamicrafter.safetensors", kind=DYNAMICRAFTER)
    wide = put_tensors(comfy, "wide_latents.safetensors", {"latents": torch.zeros(2, 16, 8, 16)})
    wav2vec = put_tensors(comfy, "wav2vec.safetensors", {"tokens": torch.zeros(1, 99, 32)})
    narrow = {"tokens": torch.zeros(1, 577, 7), "tokens_of_silence": torch.zeros(1, 577, 7)}
    narrow = put_tensors(comfy, "narrow.safetensors", narrow)
    vision = {"tokens": torch.zeros(1, 5, 7), "tokens_of_grey": torch.zeros(1, 5, 7)}
    vision = put_tensors(comfy, "vision.safetensors", vision)
    text = put_tensors(comfy, "sdxl.safetensors", {"text": torch.zeros(1, 77, 2048)})
    whole = whole_graph(comfy, steps=1)
    # so that the second stage can be asked without running the first
    whole["images"] = node("KeyVIDTest_NumberedImages", count=COUNT, width=128, height=64)
    whole["video_conditioning"]["inputs"]["keyframes"] = ["images", 0]
    whole["sheet"]["inputs"]["images"] = ["images", 0]
    return {
        **whole,
        "silent": node("KeyVID_LoadCheckpoint", ckpt_name=silent, weight_dtype="default"),
        "foreign": node("KeyVIDTest_ForeignModel"),
        "wide_vae": node("KeyVIDTest_RecordedVAE", file=wide, ratio=8),
        "coarse_vae": node("KeyVIDTest_RecordedVAE", file=wide, ratio=16),
        "wav2vec": node("KeyVIDTest_RecordedAudioEncoder", file=wav2vec, n_rows=12),
        "narrow_encoder": node("KeyVIDTest_RecordedAudioEncoder", file=narrow, n_rows=12),
        "other_vision": node("KeyVIDTest_RecordedVision", file=vision, hidden_size=7),
        "other_text": node("KeyVIDTest_Conditioning", file=text),
        "image_latent": node("EmptyLatentImage", width=128, height=64, batch_size=COUNT),
        "odd": node("PrimitiveInt", value=100),
        "short_plan": node("KeyVID_FramesToPlan", text="0, 5, 11", fps=24.0, n_frames=24),
        "slow_plan": node("KeyVID_FramesToPlan", text="0, 5, 11", fps=12.0, n_frames=48),
        "seven": node(
            "KeyVID_FramesToPlan", text="0, 5, 11, 17, 24, 30, 41", fps=24.0, n_frames=48
        ),
        "karras": node(
            "BasicScheduler", model=["parts", 0], scheduler="karras", steps=20, denoise=1.0
        ),
    }


def graph_to(graph, name, **inputs):
    """The part of the graph up to a node, with these inputs on it."""
    changed = with_inputs(graph, {name: inputs})
    return {**up_to(changed, name), "end": node("PreviewAny", source=[name, 0])}


SILENT = {"audio": None, "audio_encoder": None}
WIRES = {
    # keyframe conditioning
    "the interpolator as generator": (
        "keyframes_conditioning", {"model": ["interpolator", 0]}, ["interpolator", "generator"]),
    "a foreign model": ("keyframes_conditioning", {"model": ["foreign", 0]}, ["KeyVID", "Load KeyVID"]),
    "sound for a model without audio input": (
        "keyframes_conditioning", {"model": ["silent", 0]}, ["DynamiCrafter"]),
    "a plan for a DynamiCrafter": (
        "keyframes_conditioning", {"model": ["silent", 0], **SILENT}, ["plan", "Disconnect"]),
    "no plan": ("keyframes_conditioning", {"plan": None}, ["plan"]),
    "no sound": ("keyframes_conditioning", SILENT, ["audio", "Clip Audio"]),
    "no encoder in the file": (
        "keyframes_conditioning", {"audio_encoder": ["silent", 4]}, ["Load Audio Encoder"]),
    "another kind of audio encoder": (
        "keyframes_conditioning", {"audio_encoder": ["wav2vec", 0]}, ["ImageBind"]),
    "an audio encoder of another width": (
        "keyframes_conditioning", {"audio_encoder": ["narrow_encoder", 0]}, ["7", "32"]),
    "the uncut sound": ("keyframes_conditioning", {"audio": ["sound", 0]}, ["2.00 s", "Clip Audio"]),
    "a shorter plan": (
        "keyframes_conditioning", {"plan": ["short_plan", 0]}, ["24 frames", "48 frames", "Clip Audio"]),
    "a plan of another frame rate": (
        "keyframes_conditioning", {"plan": ["slow_plan", 0]}, ["12 fps", "24 fps"]),
    "a count it was not trained on": (
        "keyframes_conditioning", {"plan": ["seven", 0]}, ["7 keyframes", "4 or 6"]),
    "a VAE of more channels": ("keyframes_conditioning", {"vae": ["wide_vae", 0]}, ["16 latent channels"]),
    "a VAE of coarser latents": ("keyframes_conditioning", {"vae": ["coarse_vae", 0]}, ["VAE"]),
    "another CLIP vision": (
        "keyframes_conditioning", {"clip_vision": ["other_vision", 0]}, ["7", "40", "ViT-H"]),
    "another CLIP": ("keyframes_conditioning", {"positive": ["other_text", 0]}, ["2048", "24"]),
    "a width between": (
        "keyframes_conditioning", {"width": ["odd", 0]}, ["100 x 64", "96 x 64", "112 x 64"]),
    # interpolation conditioning
    "the generator as interpolator": (
        "video_conditioning", {"model": ["parts", 0]}, ["interpolator", "generator"]),
    "fewer images than keyframes": (
        "video_conditioning", {"keyframes": ["image", 0]}, ["There is 1 image", f"{COUNT} keyframes"]),
    # sampling
    "text without image": (
        "keyframes_guider", {"positive": ["text", 0]}, ["Keyframe Conditioning"]),
    "text without image as negative": (
        "keyframes_guider", {"negative": ["no_text", 0]}, ["negative"]),
    "a foreign model to guide": ("keyframes_guider", {"model": ["foreign", 0]}, ["KeyVID"]),
    "a foreign model's schedule": ("keyframes_sigmas", {"model": ["foreign", 0]}, ["KeyVID"]),
    "noise between keyframes without a plan": (
        "keyframes", {"noise": ["video_start", 0]}, ["plan", "Interpolation Conditioning"]),
    "a latent of other frames": (
        "keyframes", {"latent_image": ["video_conditioning", 2]}, ["48 frames", f"{COUNT} frames"]),
    "a latent of images": (
        "keyframes", {"latent_image": ["image_latent", 0]}, ["single images"]),
    "levels the model does not know": ("keyframes", {"sigmas": ["karras", 0]}, ["KeyVID Schedule"]),
    # after sampling
    "images into frames": (
        "keyframes_latents", {"latent": ["image_latent", 0]}, ["VAE Decode"]),
    "a sheet of another plan": ("sheet", {"plan": ["seven", 0]}, ["7 keyframes"]),
}  # fmt: skip


@pytest.mark.parametrize("wire", WIRES)
def test_a_wrong_wire(comfy, graph, wire):
    name, inputs, words = WIRES[wire]
    check_message(complaint(comfy, graph_to(graph, name, **inputs)), words)


LOADERS = {
    "KeyVID_LoadModel": "model_name",
    "KeyVID_LoadCheckpoint": "ckpt_name",
    "KeyVID_LoadAudioEncoder": "audio_encoder_name",
    "KeyVID_LoadLocalizer": "localizer_name",
}


def loading(class_type, name):
    dtype = {} if "Audio" in class_type or "Localizer" in class_type else {"weight_dtype": "fp32"}
    load = node(class_type, **{LOADERS[class_type]: name}, **dtype)
    return {"load": load, "end": node("PreviewAny", source=["load", 0])}


@pytest.mark.parametrize("class_type", LOADERS)
@pytest.mark.parametrize("name", ["not_here.safetensors", "../../secret.safetensors"])
def test_a_missing_file_is_refused_before_anything_runs(comfy, class_type, name):
    history, events = comfy.run(loading(class_type, name))
    assert events == []
    assert list(history["node_errors"]) == ["load"]
    (error,) = history["node_errors"]["load"]["errors"]
    text = error["details"]
    assert text.endswith((".", ").")) and name in text
    assert "models/keyvid" in text and (
        "Hugging Face" in text or "GitHub" in text or "page" in text
    )


@pytest.mark.parametrize("class_type", LOADERS)
def test_a_file_that_is_no_weight_file(comfy, class_type):
    broken = comfy.base / "models" / "keyvid" / "broken.safetensors"
    broken.write_bytes(b"<html>404 not found</html>")
    text = complaint(comfy, loading(class_type, broken.name))
    check_message(text, ["broken.safetensors"])


def test_a_video_model_is_no_localizer(comfy, graph):
    name = graph["parts"]["inputs"]["ckpt_name"]
    check_message(complaint(comfy, loading("KeyVID_LoadLocalizer", name)))
