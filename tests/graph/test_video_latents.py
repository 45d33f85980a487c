"""What ComfyUI does with the latent of a video as if it were an image's: previews while it samples, and decoding."""

import io
import subprocess
import sys

import pytest
import torch
from keyvid_pack.tools import environment
from PIL import Image

from ..helpers.graphs.prompts import followed, node, saved_tensors, up_to
from ..helpers.graphs.whole_graph import SIZE, whole_graph

STEPS = 3
DECODER = """
import sys
import comfy.cli_args
comfy.cli_args.args.cpu = True
import safetensors.torch
from comfy.taesd.taesd import Decoder
safetensors.torch.save_file(Decoder().state_dict(), sys.argv[1])
"""


@pytest.fixture(scope="module")
def taesd(comfy):
    """The decoder of Stable Diffusion's previews, with random weights, where ComfyUI looks for it."""
    path = comfy.base / "models" / "vae_approx" / "taesd_decoder.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", DECODER, path], cwd=environment.COMFYUI, check=True)
    yield
    path.unlink()


def core_sampler():
    """ComfyUI's own KSampler in the place of the nodes that sample."""
    return node(
        "KSampler",
        model=["parts", 0],
        positive=["keyframes_conditioning", 0],
        negative=["keyframes_conditioning", 1],
        latent_image=["keyframes_conditioning", 2],
        seed=1,
        steps=STEPS,
        cfg=2.0,
        sampler_name="euler",
        scheduler="simple",
        denoise=1.0,
    )


def save(source, file):
    return node("KeyVIDTest_SaveTensors", value=source, file=file)


@pytest.mark.parametrize("sampler", ["KeyVID Sampler", "KSampler"])
def test_the_preview_method_taesd_shows_previews_and_stops_nothing(comfy, taesd, sampler):
    prompt = whole_graph(comfy, steps=STEPS)
    if sampler == "KSampler":
        prompt["keyframes"] = core_sampler()
    prompt = up_to(prompt, "keyframes") | {"save": save(["keyframes", 0], "taesd.safetensors")}
    _, events = followed(comfy, prompt, extra_data={"preview_method": "taesd"})
    images = [Image.open(io.BytesIO(data[8:])) for kind, data in events if kind == "binary"]
    assert len(images) == STEPS
    for image in images:
        assert image.width / image.height == SIZE["width"] / SIZE["height"]


def test_vae_decode_straight_on_the_sampler_gives_every_frame(comfy):
    prompt = up_to(whole_graph(comfy, steps=STEPS), "keyframes_images")
    straight = {"samples": ["keyframes", 0], "vae": ["parts", 3]}
    tiles = {"tile_size": 512, "overlap": 64, "temporal_size": 64, "temporal_overlap": 8}
    prompt |= {
        "whole": node("VAEDecode", **straight),
        "tiled": node("VAEDecodeTiled", **straight, **tiles),
        "save": save(["keyframes_images", 0], "one_by_one.safetensors"),
        "save_whole": save(["whole", 0], "whole.safetensors"),
        "save_tiled": save(["tiled", 0], "tiled.safetensors"),
    }
    followed(comfy, prompt)
    names = ("one_by_one", "whole", "tiled")
    (expected,), (whole,), (tiled,) = (
        saved_tensors(comfy, f"{name}.safetensors").values() for name in names
    )
    # one tile holds a whole frame, which is decoded three times, alone, and averaged: other roundings of float32 on the
    # way through the decoder, far below a level of eight bits (4e-3); batches of another size may round so too
    torch.testing.assert_close(whole, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(tiled, expected, rtol=0, atol=1e-4)
