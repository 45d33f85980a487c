"""ComfyUI's own video models with small random weights, in a running server; and graphs around them."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from keyvid_pack.tools import environment

from ..graphs.prompts import node, put_tensors
from ..graphs.timing_graph import clip_to_plan

_START = """
import runpy, sys
import comfy.cli_args
comfy.cli_args.args.cpu = True  # before anything asks for the graphics card
runpy.run_path(sys.argv[1], run_name="__main__")
"""
_SCRIPT = Path(__file__).with_name("networks.py")
_LAST = "frame_interpolation/tiny_rife.safetensors"  # of networks.MODELS
T5_WIDTH = 4096  # of the text of LTX-Video and Wan
LTX2_TEXT_WIDTH = (
    192  # of LTX-2's: networks.LTXAV_TRANSFORMER, its widths for video and sound together
)


def write_core_models(folder):
    """Write the files of networks.MODELS below a models folder, unless they are there."""
    if (Path(folder) / _LAST).is_file():
        return
    paths = {**os.environ, "PYTHONPATH": str(environment.COMFYUI)}
    command = [sys.executable, "-c", _START, str(_SCRIPT), str(folder)]
    subprocess.run(command, env=paths, check=True)


def loaders(comfy, model, vae):
    """Nodes `model` and `vae` that load tiny_`model` and tiny_`vae`, and write them first."""
    write_core_models(comfy.base / "models")
    return {
        "model": node("UNETLoader", unet_name=f"tiny_{model}.safetensors", weight_dtype="default"),
        "vae": node("VAELoader", vae_name=f"tiny_{vae}.safetensors"),
    }


def texts(comfy, *, width=T5_WIDTH, n_tokens=5):
    """Nodes `text` and `no_text`: CONDITIONING with random tokens, as a text encoder of this width would give."""
    prompt = {}
    for seed, name in enumerate(("text", "no_text")):
        tokens = torch.randn(1, n_tokens, width, generator=torch.Generator().manual_seed(seed))
        file = f"tiny_{name}_{width}.safetensors"
        mask = torch.ones(1, n_tokens, dtype=torch.long)  # of LTX: which tokens are words
        put_tensors(comfy, file, {"text": tokens, "attention_mask": mask})
        prompt[name] = node("KeyVIDTest_Conditioning", file=file)
    return prompt


def timing(*, model, count):
    """Nodes `clip` (1 s of a snare drum at 24 fps), `plan`, `fitted` to a model, and `images`: one per keyframe.

    fitted: plan, fps, frames, audio. Each of the images has another red.
    """
    return {
        "sound": node("LoadAudio", audio="keyvid_snare_accelerate.wav"),
        **clip_to_plan(n_frames=24, count=count),
        "fitted": node(
            "KeyVID_FitPlanToModel",
            plan=["plan", 0],
            audio=["clip", 0],
            curve=["curve", 0],
            model=model,
            n_frames=0,
            any_length=False,
            custom_fps=24.0,
            custom_grid="any",
        ),
        "frames": node("KeyVID_PlanToFrames", plan=["fitted", 0], width=64, height=64),
        "frames_shown": node("PreviewAny", source=["frames", 2]),
        "images": node("KeyVIDTest_NumberedImages", count=count, width=96, height=64),
    }


def sampled(positive, negative, latent, *, steps=2, cfg=1.5):
    """ComfyUI's KSampler on the node `model`."""
    return node(
        "KSampler",
        model=["model", 0],
        positive=positive,
        negative=negative,
        latent_image=latent,
        seed=1,
        steps=steps,
        cfg=cfg,
        sampler_name="euler",
        scheduler="simple",
        denoise=1.0,
    )


def saved_video(latent, *, prefix):
    """Nodes `decoded`, `video` and `saved`: from a latent to an MP4 with the sound of `fitted`."""
    return {
        "decoded": node("VAEDecode", samples=latent, vae=["vae", 0]),
        "video": node("CreateVideo", images=["decoded", 0], fps=["fitted", 1], audio=["fitted", 3]),
        "saved": node(
            "SaveVideo", video=["video", 0], filename_prefix=prefix, format="mp4", codec="h264"
        ),
    }


def save(source, slot, file):
    """Writes the tensors of a socket to a file in the output folder."""
    return node("KeyVIDTest_SaveTensors", value=[source, slot], file=file)
