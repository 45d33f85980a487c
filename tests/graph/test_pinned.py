"""A storyboard of which some images are missing, in the real ComfyUI with the weights of the pack: each image is on its
keyframe, and the model paints the others."""

import numpy as np
import pytest
from keyvid_pack.tools.demo_clip import SHIPPED_SEED
from keyvid_pack.training.world.clip import render_clip
from PIL import Image

from ..helpers.graphs.prompts import node, succeed, up_to
from ..helpers.graphs.workflow_files import api_form

FRAMES = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44]
OWN = [12, 24, 36]


@pytest.fixture(scope="module")
def clip():
    return render_clip(SHIPPED_SEED)


@pytest.fixture(scope="module")
def keyframes(comfy, clip):
    """The painted keyframes, uint8 (12, H, W, 3)."""
    for frame in OWN:
        Image.fromarray(clip.frames[frame]).save(comfy.base / "input" / f"own_{frame}.png")
    prompt = api_form("keyvid_demo")
    (edit,) = [key for key, n in prompt.items() if n["class_type"] == "KeyVID_EditKeyframes"]
    prompt[edit]["inputs"]["edit"] = ", ".join(map(str, FRAMES))
    sampler, conditioning, frames, decode = (f"102:{number}" for number in (20, 15, 21, 22))
    assert prompt[sampler]["inputs"]["latent_image"][0] == conditioning
    for frame in OWN:
        prompt[f"own {frame}"] = node("LoadImage", image=f"own_{frame}.png")
    prompt["two"] = node("ImageBatch", image1=["own 12", 0], image2=["own 24", 0])
    prompt["three"] = node("ImageBatch", image1=["two", 0], image2=["own 36", 0])
    prompt["pin"] = node(
        "KeyVID_PinKeyframes",
        latent=[conditioning, 2],
        plan=[edit, 0],
        pinned=", ".join(map(str, OWN)),
        images=["three", 0],
        vae=prompt[decode]["inputs"]["vae"],
    )
    prompt[sampler]["inputs"]["latent_image"] = ["pin", 0]
    assert prompt[frames]["inputs"]["latent"] == [sampler, 0]
    prompt["saved"] = node("SaveImage", images=[decode, 0], filename_prefix="pinned/keyframe")
    outputs = succeed(comfy, up_to(prompt, "saved"))
    folder = comfy.base / "output" / "pinned"
    return np.stack(
        [
            np.asarray(Image.open(folder / i["filename"]).convert("RGB"))
            for i in outputs["saved"]["images"]
        ]
    )


def test_each_own_image_is_on_its_keyframe(clip, keyframes):
    assert len(keyframes) == len(FRAMES)
    for frame in OWN:
        errors = [np.abs(image.astype(int) - clip.frames[frame]).mean() for image in keyframes]
        assert FRAMES[int(np.argmin(errors))] == frame
        assert min(errors) < 3, "more than the VAE changes it"


def test_the_others_are_painted(clip, keyframes):
    """They show the world of the clip, and are neither empty nor copies of the first image."""
    for image, frame in zip(keyframes, FRAMES, strict=True):
        assert np.abs(image.astype(int) - clip.frames[frame]).mean() < 12, frame
    painted = [i for i, frame in enumerate(FRAMES) if frame not in (0, *OWN)]
    moved = [np.abs(keyframes[i].astype(int) - keyframes[0]).max() for i in painted]
    assert np.median(moved) > 60
