"""The bridges to Wan in the real ComfyUI: from a sound to a saved video with that sound, and what is refused."""

import pytest

from ...helpers.core_models.files import loaders, sampled, save, saved_video, texts, timing
from ...helpers.graphs.prompts import (
    check_message,
    complaint,
    node,
    saved_tensors,
    succeed,
    with_inputs,
)
from ...helpers.graphs.saved_video import check_sound, read_video, video_of

MODEL = "Wan 2.1 and 2.2 14B, 16 fps"
N_FRAMES, FPS, COUNT = 17, 16, 4
SIZE = {"width": 64, "height": 48}


def vace(comfy):
    return {
        **loaders(comfy, "wan_vace", "wan_vae"),
        **common(comfy),
        "bridge": node("KeyVID_KeyframeControlVideo", **keyframes(), hold="group"),
        "conditioned": node(
            "WanVaceToVideo",
            **prompts(),
            **SIZE,
            length=["bridge", 2],
            batch_size=1,
            strength=1.0,
            control_video=["bridge", 0],
            control_masks=["bridge", 1],
        ),
    }


def image_to_video(comfy):
    return {
        **loaders(comfy, "wan_i2v", "wan_vae"),
        **common(comfy),
        "conditioned": node("KeyVID_WanKeyframesToVideo", **prompts(), **keyframes()),
    }


def dancer(comfy):
    """WanDancerVideo with image-to-video weights, whose inputs are the same; Dancer's own come in one size."""
    return {
        **loaders(comfy, "wan_i2v", "wan_vae"),
        **common(comfy),
        "bridge": node("KeyVID_KeyframeMaskedVideo", **keyframes(), between="black"),
        "conditioned": node(
            "WanDancerVideo",
            **prompts(),
            **SIZE,
            length=["bridge", 2],
            start_image=["bridge", 0],
            mask=["bridge", 1],
        ),
    }


def common(comfy):
    return {**texts(comfy), **timing(model=MODEL, count=COUNT)}


def prompts():
    return {"positive": ["text", 0], "negative": ["no_text", 0], "vae": ["vae", 0]}


def keyframes():
    return {"images": ["images", 0], "plan": ["fitted", 0], **SIZE}


def ours(prompt):
    """The name of the pack's node in a graph of this file."""
    return "bridge" if "bridge" in prompt else "conditioned"


@pytest.mark.parametrize("graph", [vace, image_to_video, dancer])
def test_a_video_with_the_sound_comes_out(comfy, graph):
    prompt = graph(comfy)
    latent = ["conditioned", 2]
    prompt["sampled"] = sampled(["conditioned", 0], ["conditioned", 1], latent, cfg=1.0)
    prompt |= saved_video(["sampled", 0], prefix=f"bridges/{graph.__name__}")
    prompt["save_audio"] = save("fitted", 3, "wan_audio.safetensors")
    outputs = succeed(comfy, prompt)
    n_frames, fps, samples, rate = read_video(video_of(comfy, outputs))
    assert (n_frames, fps) == (N_FRAMES, FPS)
    audio = saved_tensors(comfy, "wan_audio.safetensors")["waveform"][0, 0].numpy()
    check_sound(samples, audio, sample_rate=rate, n_frames=N_FRAMES, fps=FPS)


@pytest.mark.parametrize("graph", [vace, image_to_video, dancer])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"OURS": {"plan": ["plan", 0]}}, ["24 frames", "4n+1", "21 or 25"]),
        ({"images": {"count": 3}}, ["3 images", "4 keyframes", "Keyframe Images before this node"]),
    ],
)
def test_what_does_not_belong_together_is_refused(comfy, graph, changes, words):
    check_message(complaint(comfy, refused(comfy, graph, changes)), words)


def test_wan_needs_its_own_vae_and_size(comfy):
    prompt = refused(comfy, image_to_video, {"conditioned": {"width": 72}})
    check_message(complaint(comfy, prompt), ["72 x 48", "multiples of 16", "64 x 48"])
    prompt = refused(comfy, image_to_video, {"vae": {"vae_name": "tiny_ltx_vae.safetensors"}})
    check_message(complaint(comfy, prompt), ["The VAE", "Wan"])


def refused(comfy, graph, changes):
    prompt = graph(comfy)
    changes = {name.replace("OURS", ours(prompt)): inputs for name, inputs in changes.items()}
    prompt = with_inputs(prompt, changes)
    prompt["out"] = save(ours(prompt), 2, "wan_refused.safetensors")
    return prompt
