"""The published code's recorded stages through the real ComfyUI: our nodes from model file to latent."""

import pytest
import torch
from keyvid_pack.host.sampling import condition_keys as keys

from ..helpers.graphs import recorded
from ..helpers.graphs.prompts import node, put_tensors, saved_tensors, succeed
from ..parity.compare import max_abs_err

LATENT_SCALE = 0.18215  # of Stable Diffusion's latents: outside the sampler they are unscaled
FULL, NONE = 0, 1  # ComfyUI's numbers of the passes


def run(comfy, prompt):
    """(what was seen on the way, the latent at the end) of a recorded case's graph."""
    succeed(comfy, prompt)
    files = (prompt[name]["inputs"]["file"] for name in ("watched", "saved"))
    seen, saved = (saved_tensors(comfy, file) for file in files)
    return seen, saved["samples"]


def check_steps(seen, final, case, tensors, *, prefix=""):
    """Every recorded latent of a run, within the manifest's tolerance."""
    n_steps = case["config"]["steps"]
    assert len(seen["x"]) == n_steps
    config = case["config"]
    n_passes = 3 if config["cfg_text"] == config["cfg_audio"] else 4
    assert (seen["passes"] >= 0).sum() == n_passes * n_steps, seen["passes"]
    errors = {}
    for index in range(n_steps):
        x = seen["x"][index + 1] if index < n_steps - 1 else None
        if x is None:
            x_prev = final * LATENT_SCALE
        else:
            x_prev = recorded.network_scale(x, seen["sigmas"][index + 1])
        name = f"out.{prefix}step{index}.x_prev"
        errors[name] = max_abs_err(x_prev, tensors[name])
    name = "out.final_latent" if not prefix else f"out.{prefix}final"
    errors[name] = max_abs_err(final * LATENT_SCALE, tensors[name])
    assert len(errors) > n_steps
    print(f"{case['id']}: worst of {len(errors)} is {max(errors.values()):.2e}")
    assert max(errors.values()) <= case["tolerance"]["recommended_atol"], errors


def check_conditions(seen, tensors):
    """What the network was conditioned on in the first step, against the recorded conditions."""
    audio = {"full": FULL, "zero": NONE}
    context = {"full": FULL, "uncond": NONE}
    for name, expected in tensors.items():
        if name.startswith("dbg.c_audio_"):
            which = name.split("_")[2]
            found = seen[f"given.{audio[which]}.audio"][..., : expected.shape[-1]]
        elif name.startswith("dbg.c_crossattn_"):
            number = context[name.split("_")[2]]
            image = seen[f"given.{number}.image"].flatten(1, 2)
            found = torch.cat([seen[f"given.{number}.c_crossattn"], image], dim=1)
        elif name == "dbg.c_concat":
            found = seen[f"given.{FULL}.c_concat"]
        else:
            continue
        # the concat latent is divided and multiplied by the scale on its way, audio tokens are resampled
        tolerance = recorded.CASES["audio_split_select"]["tolerance"]["recommended_atol"]
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=tolerance, msg=name)


def test_keyframe_stage(comfy):
    prompt = recorded.pipeline(comfy, "pipeline_keyframes")
    case, tensors = recorded.case_of("pipeline_keyframes")
    prompt["conditioning"] = node(
        "KeyVID_KeyframeConditioning",
        image=["images", 0],
        **recorded.conditioning_inputs(tensors),
    )
    prompt["first"] = recorded.first_noise(comfy, case["id"], tensors["in.x_T"])
    seen, final = run(comfy, prompt)
    check_conditions(seen, tensors)
    check_steps(seen, final, case, tensors)


def test_interpolation_stage(comfy):
    """With Interpolated Noise on the recorded raw noise, and the keyframes set in the first steps."""
    prompt = recorded.pipeline(comfy, "pipeline_interpolation")
    case, tensors = recorded.case_of("pipeline_interpolation")
    prompt["conditioning"] = node(
        "KeyVID_InterpolationConditioning",
        keyframes=["images", 0],
        **recorded.conditioning_inputs(tensors),
    )
    prompt["raw"] = recorded.first_noise(comfy, case["id"], tensors["in.raw_noise"])
    prompt["first"] = node("KeyVID_InterpolatedNoise", noise=["raw", 0])
    seen, final = run(comfy, prompt)
    check_conditions(seen, tensors)
    # zero terminal SNR: the first latent is the noise
    start = recorded.network_scale(seen["x"][0], seen["sigmas"][0])
    assert max_abs_err(start, tensors["out.x_T_after_noise_interpolation"]) <= 1e-5
    check_steps(seen, final, case, tensors)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_keyframe_loop_with_ready_conditioning(comfy, eta):
    case_id = "sampling_loop_keyframes"
    case, tensors = recorded.case_of(case_id)
    n_frames = tensors["in.x_T"].shape[2]
    names = [f"in.eta{eta:g}.step{index}.noise" for index in range(case["config"]["steps"])]
    # without eta no noise is added, and none was recorded
    noise = [tensors[name] for name in names if eta]
    prompt = recorded.sampling(comfy, case, eta=eta, step_noise=noise)
    model = recorded.put_model(comfy, case, n_frames=n_frames)
    prompt["model"] = node("KeyVID_LoadModel", model_name=model, weight_dtype="fp32")
    prompt["first"] = recorded.first_noise(comfy, case_id, tensors["in.x_T"])
    for name, (text, image, audio) in {
        "positive": ("text", "image", "audio"),
        "negative": ("text_empty", "image_zero", "audio_zero"),
    }.items():
        entry = {
            "text": tensors[f"in.{text}"],
            keys.CONCAT: tensors["in.c_concat"] / LATENT_SCALE,
            keys.IMAGE: tensors[f"in.{image}"].unflatten(1, (n_frames, -1)),
            keys.AUDIO: tensors[f"in.{audio}"],
            keys.FPS: tensors["in.fs"],
            keys.FRAME_INDEX: tensors["in.frame_idx"],
        }
        file = put_tensors(comfy, f"{case_id}_{name}.safetensors", entry)
        prompt[name] = node("KeyVIDTest_Conditioning", file=file)
        prompt["guider"]["inputs"][name] = [name, 0]
    latent = put_tensors(comfy, f"{case_id}_latent.safetensors", {"samples": tensors["in.x_T"] * 0})
    prompt["latent"] = node("KeyVIDTest_Latent", file=latent)
    prompt["video"]["inputs"]["latent_image"] = ["latent", 0]
    check_steps(*run(comfy, prompt), case, tensors, prefix=f"eta{eta:g}.")
