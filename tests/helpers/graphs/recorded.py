"""The recorded pipelines as graphs: the pack's own nodes, fed with recorded pieces by those of stub_pack/."""

import json
import pathlib

import safetensors.torch
import torch
from keyvid_pack.models.build import expected_shapes
from keyvid_pack.models.checkpoint.layouts import RESAMPLER, UNET
from keyvid_pack.models.checkpoint.metadata import Metadata, metadata_block
from keyvid_pack.models.encoders.resampler import ResamplerConfig
from keyvid_pack.models.published import FPS, QUERIES_PER_FRAME

from ...parity.compare import load_tensors
from ...parity.goldens import GOLDENS
from ..small_checkpoint import PREFIXES, filled
from .prompts import node, put_tensors

CASES = {case["id"]: case for case in json.loads((GOLDENS / "manifest.json").read_text())["cases"]}
VISION_WIDTH = 8  # of a resampler that the recorded image tokens have behind them already
PIXELS = 8  # per latent pixel
PASSES = ("full", "none", "image", "image_text")  # as ComfyUI numbers them


def case_of(case_id):
    """(case of the manifest, its tensors)"""
    return CASES[case_id], load_tensors(CASES[case_id], GOLDENS)


def put_model(comfy, case, *, n_frames):
    """Write the recorded network to a model file in the server's folder; returns its name."""
    sizes = case["config"]["unet"]
    weights = safetensors.torch.load_file(pathlib.Path(GOLDENS) / case["weights_file"])
    if not sizes["add_frame_idx"]:
        weights = {n: t for n, t in weights.items() if not n.startswith("frame_idx_embedding.")}
    tensors = {PREFIXES[UNET] + name: value.float() for name, value in weights.items()}
    resampler = ResamplerConfig(
        in_width=VISION_WIDTH, width=8, out_width=sizes["context_dim"], depth=1, heads=1,
        head_width=8, ff_width=8, n_frames=n_frames,
    )  # fmt: skip
    shapes = expected_shapes(RESAMPLER, resampler)
    tensors |= {PREFIXES[RESAMPLER] + name: value for name, value in filled(shapes).items()}
    metadata = Metadata(
        head_widths={"unet": sizes["num_head_channels"], "resampler": 8},
        keyframe_counts=(case["config"].get("T", n_frames),),
        published=False,
    )
    name = f"recorded_{case['id']}.safetensors"
    path = comfy.base / "models" / "keyvid" / name
    safetensors.torch.save_file(tensors, path, metadata=metadata_block(metadata))
    return name


def pipeline(comfy, case_id):
    """The graph of a recorded stage, up to `saved` (its latent) and `steps` (what happened on the way)."""
    case, recorded = case_of(case_id)
    config = case["config"]
    frames = [int(frame) for frame in recorded["in.keyframe_idx"][0]]
    latents = recorded.get("in.first_frame_latent", recorded.get("in.keyframe_latents"))
    n_frames = recorded["in.image_tokens"].shape[1] // QUERIES_PER_FRAME
    noise = [recorded[f"in.noise.step{index}"] for index in range(config["steps"])]
    return {
        "model": node(
            "KeyVID_LoadModel",
            model_name=put_model(comfy, case, n_frames=n_frames),
            weight_dtype="fp32",
        ),
        **_encoders(comfy, case_id, recorded, latents),
        "images": node(
            "KeyVIDTest_NumberedImages",
            count=latents.shape[2],
            width=PIXELS * latents.shape[-1],
            height=PIXELS * latents.shape[-2],
        ),
        "sound": node(
            "KeyVIDTest_Clicks", times_s="0.5", length_s=n_frames / FPS, sample_rate=16000
        ),
        "plan": node(
            "KeyVID_FramesToPlan",
            text=", ".join(map(str, frames)),
            fps=float(FPS),
            n_frames=n_frames,
        ),
        # over a wire, where no widget holds the small recorded sizes to its least value
        "width": node("PrimitiveInt", value=PIXELS * latents.shape[-1]),
        "height": node("PrimitiveInt", value=PIXELS * latents.shape[-2]),
        **sampling(comfy, case, eta=config["eta"], step_noise=noise),
    }


def conditioning_inputs(recorded):
    """What Keyframe Conditioning and Interpolation Conditioning are wired to alike."""
    return {
        "model": ["model", 0],
        "positive": ["text", 0],
        "negative": ["no_text", 0],
        "clip_vision": ["vision", 0],
        "vae": ["vae", 0],
        "plan": ["plan", 0],
        "audio_encoder": ["audio_encoder", 0],
        "audio": ["sound", 0],
        "width": ["width", 0],
        "height": ["height", 0],
        "fit": "crop",
        "fps_condition": int(recorded["in.fs"][0]),
    }


def sampling(comfy, case, *, eta, step_noise):
    """The nodes from the node `conditioning` and a noise `first` to the latent; step_noise: [tensor], or empty."""
    config, file = case["config"], f"{case['id']}_eta{eta:g}"
    graph = {
        "guider": node(
            "KeyVID_MultimodalCFG",
            model=["model", 0],
            positive=["conditioning", 0],
            negative=["conditioning", 1],
            image_scale=config["cfg_img"],
            text_scale=config["cfg_text"],
            audio_scale=config["cfg_audio"],
            rescale=config["guidance_rescale"],
        ),
        "sampler": node(
            "KeyVID_Sampler",
            eta=eta,
            base_scale=0.7,
            inpainted_steps=config.get("inpainting_end_step", 0) + 1,
        ),
        "sigmas": node(
            "KeyVID_Schedule",
            model=["model", 0],
            steps=config["steps"],
            spacing=config["spacing"],
            ends_at_t0=True,
        ),
        "watched": node(
            "KeyVIDTest_WatchSampler",
            sampler=["stepped", 0] if step_noise else ["sampler", 0],
            file=f"{file}_steps.safetensors",
        ),
        "video": node(
            "SamplerCustomAdvanced",
            noise=["first", 0],
            guider=["guider", 0],
            sampler=["watched", 0],
            sigmas=["sigmas", 0],
            latent_image=["conditioning", 2],
        ),
        "saved": node(
            "KeyVIDTest_SaveTensors", value=["video", 0], file=f"{file}_latent.safetensors"
        ),
    }
    if step_noise:
        noise = {f"step{index}": tensor for index, tensor in enumerate(step_noise)}
        noise_file = put_tensors(comfy, f"{file}_noise.safetensors", noise)
        graph["stepped"] = node(
            "KeyVIDTest_RecordedStepNoise", sampler=["sampler", 0], file=noise_file
        )
    return graph


def first_noise(comfy, case_id, tensor):
    file = put_tensors(comfy, f"{case_id}_first.safetensors", {"first": tensor})
    return node("KeyVIDTest_RecordedFirstNoise", file=file)


def _encoders(comfy, case_id, recorded, latents):
    """Text, image, VAE and sound with what was recorded in their place."""

    def put(name, **tensors):
        return put_tensors(comfy, f"{case_id}_{name}.safetensors", tensors)

    tokens, grey = (
        recorded[f"in.{name}"].unflatten(1, (-1, QUERIES_PER_FRAME))
        for name in ("image_tokens", "image_tokens_zero")
    )
    tokens_of_sound, silence = (
        (recorded[f"in.{name}"] @ recorded["in.audio_B"]).unsqueeze(0)
        for name in ("audio_A", "audio_A_zero")
    )
    audio_encoder = put("audio_encoder", tokens=tokens_of_sound, tokens_of_silence=silence)
    by_image = latents[0].movedim(1, 0)  # (K, 4, h, w)
    return {
        "text": node("KeyVIDTest_Conditioning", file=put("text", text=recorded["in.text"])),
        "no_text": node(
            "KeyVIDTest_Conditioning", file=put("no_text", text=recorded["in.text_empty"])
        ),
        "vision": node(
            "KeyVIDTest_RecordedVision",
            file=put("vision", tokens=tokens, tokens_of_grey=grey),
            hidden_size=VISION_WIDTH,
        ),
        "vae": node("KeyVIDTest_RecordedVAE", file=put("vae", latents=by_image), ratio=PIXELS),
        "audio_encoder": node("KeyVIDTest_RecordedAudioEncoder", file=audio_encoder, n_rows=12),
    }


def network_scale(latent, sigma):
    """A latent as ComfyUI's samplers keep it, as the network sees it."""
    return latent / (1 + torch.as_tensor(sigma, dtype=torch.float64) ** 2).sqrt().to(latent)
