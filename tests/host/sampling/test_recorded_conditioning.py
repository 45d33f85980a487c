"""Conditioning against the recorded tensors of the published pipelines."""

import json

import torch
from keyvid_pack.models.checkpoint.layouts import INTERPOLATOR

from ...helpers import small_encoders, small_video
from ...helpers.conditioned import conditioned_interpolation, conditioned_keyframes
from ...parity.cases.image import recorded_image
from ...parity.compare import load_tensors, max_abs_err
from ...parity.goldens import GOLDENS

LATENT_SCALE = small_video.LATENT_SCALE
CASES = {case["id"]: case for case in json.loads((GOLDENS / "manifest.json").read_text())["cases"]}


def test_recorded_keyframe_stage(comfyui):
    """The sound tokens and concat latent of the published pipeline, tokens of the tower to condition."""
    case = CASES["pipeline_keyframes"]
    tensors = load_tensors(case, GOLDENS)
    positive, negative, _ = conditioned_keyframes(
        small_encoders.model_of(audio_width=768),
        plan=small_encoders.plan(tensors["in.keyframe_idx"][0].int().tolist()),
        audio_encoder=_recorded_encoder(tensors),
        vae=_RecordedVAE(tensors["in.first_frame_latent"]),
        width=64,
        height=64,
    )
    conditions, null = positive[0][1], negative[0][1]
    atol = case["tolerance"]["recommended_atol"]
    for entry, which in ((conditions, "full"), (null, "zero")):
        expected = tensors[f"dbg.c_audio_{which}_8ch"]
        assert max_abs_err(entry["keyvid_audio"][..., :8], expected) <= atol
    expected = tensors["in.first_frame_latent"].expand(-1, -1, 12, -1, -1)
    assert max_abs_err(conditions["concat_latent_image"] * LATENT_SCALE, expected) <= 1e-6
    assert torch.equal(conditions["keyvid_fps"], tensors["in.fs"].long())
    assert torch.equal(conditions["keyvid_frame_index"], tensors["in.keyframe_idx"].long())


def test_recorded_interpolation_stage(comfyui):
    case = CASES["pipeline_interpolation"]
    tensors = load_tensors(case, GOLDENS)
    frames = tensors["in.keyframe_idx"][0].int().tolist()
    positive, _, latent = conditioned_interpolation(
        small_encoders.model_of(kind=INTERPOLATOR, audio_width=768),
        keyframes=small_encoders.images(12),
        plan=small_encoders.plan(frames),
        audio_encoder=_recorded_encoder(tensors),
        vae=_RecordedVAE(tensors["in.keyframe_latents"]),
        width=64,
        height=64,
    )
    conditions = positive[0][1]
    audio = conditions["keyvid_audio"][..., :8]
    atol = case["tolerance"]["recommended_atol"]
    assert max_abs_err(audio, tensors["dbg.c_audio_full_8ch"]) <= atol
    assert (
        max_abs_err(conditions["concat_latent_image"] * LATENT_SCALE, tensors["dbg.c_concat"])
        <= 1e-6
    )
    inpainted = conditions["keyvid_keyframe_latents"] * LATENT_SCALE
    assert max_abs_err(inpainted, tensors["in.keyframe_latents"]) <= 1e-6
    assert conditions["keyvid_keyframe_frames"] == tuple(frames)
    assert torch.equal(conditions["keyvid_fps"], tensors["in.fs"].long())
    assert latent["samples"].shape == tensors["out.final_latent"].shape


class _RecordedVAE(small_encoders.PoolingVAE):
    """Gives the recorded latents (1, 4, K, h, w) whatever it is shown."""

    def __init__(self, scaled):
        super().__init__()
        self.latents = scaled[0].movedim(1, 0) / LATENT_SCALE  # (K, 4, h, w)

    def encode(self, images):
        assert len(images) == len(self.latents)
        return self.latents


def _recorded_encoder(tensors):
    tokens = [
        (tensors[f"in.{name}"] @ tensors["in.audio_B"])[None]
        for name in ("audio_A", "audio_A_zero")
    ]
    return small_encoders.FixedAudioEncoder(*tokens)


def test_recorded_image_through_comfyuis_vision_tower(comfyui, monkeypatch):
    """Preprocessing and tower as published, with the grey image; ComfyUI's own encode_image differs."""
    from comfy.cli_args import args
    from keyvid_pack.host.sampling.conditioning import vision_tokens

    monkeypatch.setattr(args, "fp32_text_enc", True)
    case = CASES["clip_image_and_text"]
    tensors = load_tensors(case, GOLDENS)
    prefix = "sd.visual."
    weights = {
        name.removeprefix(prefix): value.clone()
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    head_width = case["config"]["vision"]["head_width"]
    tower = small_encoders.clip_vision(weights, head_width=head_width)
    image = (recorded_image(*case["config"]["image_hw"]) + 1) / 2
    image = image.movedim(1, -1)  # (1, H, W, 3)
    with torch.inference_mode():
        given, grey = vision_tokens(tower, image)
        plain_route = tower.encode_image(image)["last_hidden_state"]
    atol = case["tolerance"]["recommended_atol"]
    assert max_abs_err(given, tensors["out.vision_tokens"]) <= atol
    assert max_abs_err(grey, tensors["out.vision_tokens_zero_image"]) <= atol
    assert max_abs_err(plain_route, tensors["out.vision_tokens"]) > 100 * atol
