"""The sampler and the guider inside ComfyUI, against the published code and against plain maths."""

import json
import re

import pytest
import safetensors.torch
import torch
from keyvid_pack.models.checkpoint.metadata import Metadata, metadata_block

from ...parity.compare import load_tensors, max_abs_err
from ...parity.goldens import GOLDENS

MANIFEST = json.loads((GOLDENS / "manifest.json").read_text())
CASES = {case["id"]: case for case in MANIFEST["cases"]}


@pytest.fixture(scope="module")
def golden_model(tmp_path_factory):
    """MODEL of the recorded tiny generator; its file has no image projection."""
    from keyvid_pack.host.loaders.video_model import load_video_model

    case = CASES["sampling_loop_keyframes"]
    weights = safetensors.torch.load_file(GOLDENS / case["weights_file"])
    path = tmp_path_factory.mktemp("models") / "golden.safetensors"
    head_width = case["config"]["unet"]["num_head_channels"]
    metadata = Metadata(head_widths={"unet": head_width}, published=False)
    safetensors.torch.save_file(
        {f"model.diffusion_model.{name}": value.float() for name, value in weights.items()},
        path,
        metadata=metadata_block(metadata),
    )
    return load_video_model(str(path), dtype=torch.float32)


def conditioning_of(tensors, text, image, audio):
    """CONDITIONING with ready tokens, as a conditioning node would make it."""
    from keyvid_pack.host.sampling import condition_keys as keys

    n_frames = tensors["in.x_T"].shape[2]
    entry = {
        keys.CONCAT: tensors["in.c_concat"] / 0.18215,
        keys.IMAGE: tensors[f"in.{image}"].unflatten(1, (n_frames, -1)),
        keys.AUDIO: tensors[f"in.{audio}"],
        keys.FPS: tensors["in.fs"],
        keys.FRAME_INDEX: tensors["in.frame_idx"],
    }
    return [[tensors[f"in.{text}"], entry]]


def run(guider, sampler, sigmas, noise):
    latent = torch.zeros_like(noise)
    return guider.sample(noise, latent, sampler, sigmas, disable_pbar=True, seed=0) * 0.18215


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_recorded_loop_through_comfyui(golden_model, eta):
    import comfy.samplers
    from keyvid_pack.host.sampling.guider import multimodal_guider
    from keyvid_pack.host.sampling.sampler import keyvid_sigmas, sample_ddim

    case = CASES["sampling_loop_keyframes"]
    config, tensors = case["config"], load_tensors(case, GOLDENS)
    guider = multimodal_guider(
        golden_model,
        conditioning_of(tensors, "text", "image", "audio"),
        conditioning_of(tensors, "text_empty", "image_zero", "audio_zero"),
        image_scale=config["cfg_img"],
        text_scale=config["cfg_text"],
        audio_scale=config["cfg_audio"],
        rescale=config["guidance_rescale"],
    )
    noise = {
        int(re.search(r"step(\d+)", name)[1]): value
        for name, value in tensors.items()
        if re.fullmatch(rf"in\.eta{eta:g}\.step\d+\.noise", name)
    }
    options = {"eta": eta, "base_scale": 0.7, "noise_sampler": noise.get}
    sampler = comfy.samplers.KSAMPLER(sample_ddim, options)
    sigmas = keyvid_sigmas(golden_model, n_steps=config["steps"], spacing=config["spacing"])
    found = run(guider, sampler, sigmas, tensors["in.x_T"])
    error = max_abs_err(found, tensors[f"out.eta{eta:g}.final"])
    assert error <= case["tolerance"]["recommended_atol"]
