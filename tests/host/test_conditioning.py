"""What the conditioning nodes put on CONDITIONING and LATENT, against the published code and the model."""

import json

import pytest
import torch
from keyvid_pack.models.checkpoint.layouts import DYNAMICRAFTER, GENERATOR, INTERPOLATOR
from keyvid_pack.models.encoders.audio_tokens import (
    interpolation_audio_tokens,
    keyframe_audio_tokens,
)

from ..helpers import small_checkpoint, small_encoders, small_video
from ..parity.cases.image import _picture as recorded_picture
from ..parity.compare import load_tensors, max_abs_err
from ..parity.goldens import GOLDENS

LATENT_SCALE = small_video.LATENT_SCALE
CASES = {case["id"]: case for case in json.loads((GOLDENS / "manifest.json").read_text())["cases"]}
SHARED = ("concat_latent_image", "keyvid_fps", "keyvid_frame_index")


def told_keyframes(model, **changes):
    """(positive, negative, latent) of Keyframe Conditioning; changes: other inputs, None leaves one out."""
    from keyvid_pack.host.sampling.conditioning import keyframe_conditioning

    inputs = {"image": small_encoders.pictures(), **_inputs(), **changes}
    return _call(keyframe_conditioning, model, inputs)


def told_interpolation(model, **changes):
    from keyvid_pack.host.sampling.conditioning import interpolation_conditioning

    inputs = {"keyframes": small_encoders.pictures(4), **_inputs(), **changes}
    return _call(interpolation_conditioning, model, inputs)


def _inputs():
    return {
        "positive": small_encoders.text(0),
        "negative": small_encoders.text(1),
        "clip_vision": small_encoders.clip_vision(),
        "vae": small_encoders.PoolingVAE(),
        "plan": small_encoders.plan(),
        "audio_encoder": small_encoders.random_audio_encoder(),
        "audio": small_encoders.sound(),
        **small_encoders.SIZE,
    }


def _call(function, model, inputs):
    inputs = {name: value for name, value in inputs.items() if value is not None}
    with torch.inference_mode():
        return function(model, inputs.pop("positive"), inputs.pop("negative"), **inputs)


def plain(**changes):
    """Inputs without sound and plan, as for a plain DynamiCrafter."""
    return {"plan": None, "audio": None, "audio_encoder": None, **changes}


# --- the keyframe stage


def test_keyframes_are_told_text_picture_sound_and_place(generator):
    encoder = small_encoders.random_audio_encoder()
    positive, negative, latent = told_keyframes(generator, audio_encoder=encoder)
    (text, told), (null_text, null) = positive[0], negative[0]
    torch.testing.assert_close(text, small_encoders.text(0)[0][0])
    torch.testing.assert_close(null_text, small_encoders.text(1)[0][0])
    assert told["keyvid_frame_index"].tolist() == [[0, 5, 20, 40]]
    assert told["keyvid_fps"].tolist() == [6]
    heard = keyframe_audio_tokens(encoder.tokens, told["keyvid_frame_index"])
    silent = keyframe_audio_tokens(encoder.absent, told["keyvid_frame_index"])
    torch.testing.assert_close(told["keyvid_audio"], heard, rtol=0, atol=0)
    torch.testing.assert_close(null["keyvid_audio"], silent, rtol=0, atol=0)
    for key in SHARED:
        torch.testing.assert_close(told[key], null[key], rtol=0, atol=0)
    assert latent["samples"].shape == told["concat_latent_image"].shape == (1, 4, 4, 4, 6)
    assert not latent["samples"].any()


def test_every_keyframe_lies_beside_the_unscaled_latent_of_the_first_picture(generator):
    image = small_encoders.pictures(2)
    positive, _, _ = told_keyframes(generator, image=image)
    concat = positive[0][1]["concat_latent_image"]
    from keyvid_pack.host.images import fit_images

    first = fit_images(image[:1], **small_encoders.SIZE)
    expected = small_encoders.PoolingVAE().encode(first)[:, :, None]  # (1, 4, 1, h, w)
    torch.testing.assert_close(concat, expected.expand(-1, -1, 4, -1, -1))


def test_only_the_first_picture_is_looked_at(generator):
    two = small_encoders.pictures(2)
    seen = [
        told_keyframes(generator, image=image)[0][0][1]["keyvid_image"] for image in (two, two[:1])
    ]
    torch.testing.assert_close(*seen, rtol=0, atol=0)
    other = told_keyframes(generator, image=two[1:])[0][0][1]["keyvid_image"]
    assert (other - seen[0]).abs().max() > 1e-3


def test_the_sound_is_handed_over_as_it_came(generator):
    encoder, audio = small_encoders.random_audio_encoder(), small_encoders.sound(sample_rate=22050)
    told_keyframes(generator, audio_encoder=encoder, audio=audio)
    waveform, sample_rate = encoder.heard
    torch.testing.assert_close(waveform, audio["waveform"], rtol=0, atol=0)
    assert sample_rate == 22050


def test_recorded_keyframe_stage(comfyui):
    """The sound tokens and concat latent of the published pipeline, tokens of the tower to condition."""
    case = CASES["pipeline_keyframes"]
    tensors = load_tensors(case, GOLDENS)
    positive, negative, _ = told_keyframes(
        small_encoders.model_of(audio_width=768),
        plan=small_encoders.plan(tensors["in.keyframe_idx"][0].int().tolist()),
        audio_encoder=_recorded_encoder(tensors),
        vae=_RecordedVAE(tensors["in.first_frame_latent"]),
        width=64,
        height=64,
    )
    told, null = positive[0][1], negative[0][1]
    atol = case["tolerance"]["recommended_atol"]
    for entry, which in ((told, "full"), (null, "zero")):
        expected = tensors[f"dbg.c_audio_{which}_8ch"]
        assert max_abs_err(entry["keyvid_audio"][..., :8], expected) <= atol
    expected = tensors["in.first_frame_latent"].expand(-1, -1, 12, -1, -1)
    assert max_abs_err(told["concat_latent_image"] * LATENT_SCALE, expected) <= 1e-6
    assert torch.equal(told["keyvid_fps"], tensors["in.fs"].long())
    assert torch.equal(told["keyvid_frame_index"], tensors["in.keyframe_idx"].long())


def test_recorded_interpolation_stage(comfyui):
    case = CASES["pipeline_interpolation"]
    tensors = load_tensors(case, GOLDENS)
    frames = tensors["in.keyframe_idx"][0].int().tolist()
    positive, _, latent = told_interpolation(
        small_encoders.model_of(kind=INTERPOLATOR, audio_width=768),
        keyframes=small_encoders.pictures(12),
        plan=small_encoders.plan(frames),
        audio_encoder=_recorded_encoder(tensors),
        vae=_RecordedVAE(tensors["in.keyframe_latents"]),
        width=64,
        height=64,
    )
    told = positive[0][1]
    heard = told["keyvid_audio"][..., :8]
    atol = case["tolerance"]["recommended_atol"]
    assert max_abs_err(heard, tensors["dbg.c_audio_full_8ch"]) <= atol
    assert max_abs_err(told["concat_latent_image"] * LATENT_SCALE, tensors["dbg.c_concat"]) <= 1e-6
    inpainted = told["keyvid_keyframe_latents"] * LATENT_SCALE
    assert max_abs_err(inpainted, tensors["in.keyframe_latents"]) <= 1e-6
    assert told["keyvid_keyframe_frames"] == tuple(frames)
    assert torch.equal(told["keyvid_fps"], tensors["in.fs"].long())
    assert latent["samples"].shape == tensors["out.final_latent"].shape


class _RecordedVAE(small_encoders.PoolingVAE):
    """Gives the recorded latents (1, 4, K, h, w) whatever it is shown."""

    def __init__(self, scaled):
        super().__init__()
        self.latents = scaled[0].movedim(1, 0) / LATENT_SCALE  # (K, 4, h, w)

    def encode(self, pictures):
        assert len(pictures) == len(self.latents)
        return self.latents


def _recorded_encoder(tensors):
    tokens = [
        (tensors[f"in.{name}"] @ tensors["in.audio_B"])[None]
        for name in ("audio_A", "audio_A_zero")
    ]
    return small_encoders.FixedAudioEncoder(*tokens)


def test_recorded_picture_through_comfyuis_vision_tower(comfyui, monkeypatch):
    """Preprocessing and tower as published, with the grey picture; ComfyUI's own encode_image differs."""
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
    picture = (recorded_picture(*case["config"]["image_hw"]) + 1) / 2
    picture = picture.movedim(1, -1)  # (1, H, W, 3)
    with torch.inference_mode():
        given, grey = vision_tokens(tower, picture)
        plain_route = tower.encode_image(picture)["last_hidden_state"]
    atol = case["tolerance"]["recommended_atol"]
    assert max_abs_err(given, tensors["out.vision_tokens"]) <= atol
    assert max_abs_err(grey, tensors["out.vision_tokens_zero_image"]) <= atol
    assert max_abs_err(plain_route, tensors["out.vision_tokens"]) > 100 * atol


# --- the interpolation stage


def test_keyframes_stand_in_the_concat_latent_and_nothing_else_does(interpolator):
    keyframes, plan = small_encoders.pictures(4), small_encoders.plan()
    positive, negative, latent = told_interpolation(interpolator, keyframes=keyframes, plan=plan)
    told = positive[0][1]
    concat = told["concat_latent_image"]
    assert concat.shape == latent["samples"].shape == (1, 4, 48, 4, 6)
    filled = concat.abs().sum(dim=(0, 1, 3, 4)).nonzero().flatten().tolist()
    assert filled == plan.frames
    torch.testing.assert_close(concat[:, :, plan.frames], told["keyvid_keyframe_latents"])
    assert told["keyvid_keyframe_frames"] == tuple(plan.frames)
    assert not {"keyvid_keyframe_latents", "keyvid_keyframe_frames"} & set(negative[0][1])
    assert latent["keyvid_plan"] is plan
    assert told["keyvid_fps"].tolist() == [24]
    assert told["keyvid_frame_index"].tolist() == [list(range(48))]


def test_in_between_frames_hear_the_interpolations_tokens(interpolator):
    encoder = small_encoders.random_audio_encoder()
    positive, negative, _ = told_interpolation(interpolator, audio_encoder=encoder)
    for conditioning, tokens in ((positive, encoder.tokens), (negative, encoder.absent)):
        expected = interpolation_audio_tokens(tokens)
        torch.testing.assert_close(conditioning[0][1]["keyvid_audio"], expected, rtol=0, atol=0)


def test_the_interpolator_looks_at_the_first_keyframe_or_at_the_picture_it_is_given(interpolator):
    keyframes, picture = small_encoders.pictures(4), small_encoders.pictures(1, seed=5)

    def seen(**inputs):
        return told_interpolation(interpolator, **inputs)[0][0][1]["keyvid_image"]

    first = seen(keyframes=keyframes)
    torch.testing.assert_close(first, seen(keyframes=keyframes, image=keyframes), rtol=0, atol=0)
    other = seen(keyframes=keyframes, image=picture)
    assert (other - first).abs().max() > 1e-3


def test_the_latent_of_keyframes_carries_no_plan(generator):
    """Its frames are not those of the clip: Interpolated Noise would misplace them."""
    assert set(told_keyframes(generator)[2]) == {"samples"}


# --- DynamiCrafter


def test_dynamicrafter_paints_every_frame_of_its_clip_without_sound(dynamicrafter):
    positive, negative, latent = told_keyframes(dynamicrafter, **plain())
    told = positive[0][1]
    assert latent["samples"].shape == (1, 4, 48, 4, 6)
    assert told["keyvid_frame_index"].tolist() == [list(range(48))]
    assert told["keyvid_fps"].tolist() == [24]
    assert "keyvid_audio" not in told and "keyvid_audio" not in negative[0][1]


def test_dynamicrafter_joins_two_pictures_at_any_frame_rate(comfyui):
    model = small_encoders.model_of(kind=DYNAMICRAFTER, n_frames=16, audio_width=None)
    ends = small_encoders.plan((0, 15), n_frames=16, fps=8.0)
    inputs = plain(keyframes=small_encoders.pictures(2), plan=ends, width=64, height=64)
    positive, _, latent = told_interpolation(model, **inputs)
    assert latent["samples"].shape[2] == 16
    told = positive[0][1]
    filled = told["concat_latent_image"].abs().amax(dim=(0, 1, 3, 4)) > 0
    assert filled.nonzero().flatten().tolist() == [0, 15]
    assert "keyvid_keyframe_latents" not in told  # its sampling sets no keyframes, as released


# --- both


@pytest.mark.parametrize("tell", [told_keyframes, told_interpolation])
def test_the_fps_condition_can_be_chosen(tell, generator, interpolator):
    model = generator if tell is told_keyframes else interpolator
    positive, negative, _ = tell(model, fps_condition=11)
    assert positive[0][1]["keyvid_fps"].tolist() == negative[0][1]["keyvid_fps"].tolist() == [11]


def test_what_came_in_stays_untouched_and_every_entry_is_told(generator):
    positive = [*small_encoders.text(0), *small_encoders.text(2)]
    positive[1][1]["strength"] = 0.5
    told, _, _ = told_keyframes(generator, positive=positive)
    assert [sorted(entry) for _, entry in positive] == [
        ["pooled_output"],
        ["pooled_output", "strength"],
    ]
    assert told[1][1]["strength"] == 0.5
    assert all("keyvid_image" in entry for _, entry in told)


def test_nothing_is_left_of_an_earlier_stage(interpolator, dynamicrafter):
    """Conditioning of one stage, fed into the next one for want of a text node."""
    positive, negative, _ = told_interpolation(interpolator)
    told = told_keyframes(dynamicrafter, **plain(positive=positive, negative=negative))
    for conditioning in told[:2]:
        entry = conditioning[0][1]
        assert not {"keyvid_audio", "keyvid_keyframe_latents", "keyvid_keyframe_frames"} & set(
            entry
        )
        assert entry["keyvid_fps"].tolist() == [24]


@pytest.mark.parametrize("kind", [GENERATOR, INTERPOLATOR, DYNAMICRAFTER])
def test_the_model_samples_what_it_is_told(kind, generator, interpolator, dynamicrafter):
    """All the way: conditioning, guider, sampler; each of the inputs shows in a step without guidance."""
    from keyvid_pack.host.sampling.sampler import keyvid_sigmas

    model = {GENERATOR: generator, INTERPOLATOR: interpolator, DYNAMICRAFTER: dynamicrafter}[kind]
    tell = told_interpolation if kind == INTERPOLATOR else told_keyframes
    silent = plain() if kind == DYNAMICRAFTER else {}

    def video(**changes):
        positive, negative, latent = tell(model, **{**silent, **changes})
        scales = {"image_scale": 1.0, "text_scale": 1.0, "audio_scale": 1.0, "rescale": 0.0}
        guider = small_video.guided(model, (positive, negative), **scales)
        noise = small_video.unit_noise(n_frames=latent["samples"].shape[2])
        sigmas = keyvid_sigmas(model, n_steps=1)
        return small_video.run(guider, noise=noise, latent=latent["samples"], sigmas=sigmas)

    first = video()
    assert first.isfinite().all()
    torch.testing.assert_close(first, video(), rtol=0, atol=0)
    pictures = "keyframes" if kind == INTERPOLATOR else "image"
    n_pictures = 4 if kind == INTERPOLATOR else 1
    changes = [
        {"positive": small_encoders.text(3)},
        {pictures: small_encoders.pictures(n_pictures, seed=3)},
        {"fps_condition": 3},
    ]
    if kind != DYNAMICRAFTER:
        changes.append({"audio_encoder": small_encoders.random_audio_encoder(seed=3)})
        changes.append({"plan": small_encoders.plan((0, 9, 20, 40))})
    for change in changes:
        assert (video(**change) - first).abs().max() > 1e-4, change


def test_encoders_of_a_whole_file_condition_its_model(generator, tmp_path):
    """No stub: picture, sound and VAE through the networks of one small file."""
    from keyvid_pack.host.loaders.audio_encoder import audio_encoder_of
    from keyvid_pack.host.loaders.encoders import clip_vision_of, vae_of
    from keyvid_pack.models.checkpoint.checkpoint import open_tensors
    from keyvid_pack.models.encoders.vae_config import VAEConfig, vae_shapes

    eightfold = VAEConfig(
        channels=32, channel_mult=(1, 1, 1, 1), num_res_blocks=1, z_channels=4, embed_channels=4
    )
    shapes = {
        name: shape
        for name, shape in small_checkpoint.whole_shapes().items()
        if not name.startswith("first_stage_model.")
    }
    shapes |= {f"first_stage_model.{name}": shape for name, shape in vae_shapes(eightfold).items()}
    file = open_tensors(small_checkpoint.filled(shapes), small_checkpoint.METADATA)
    positive, negative, latent = told_keyframes(
        generator,
        clip_vision=clip_vision_of(file),
        vae=vae_of(file),
        audio_encoder=audio_encoder_of(file),
        audio=small_encoders.sound(sample_rate=44100),
    )
    noise = small_video.unit_noise()
    guider = small_video.guided(generator, (positive, negative))
    assert small_video.run(guider, noise=noise, latent=latent["samples"]).isfinite().all()
    difference = positive[0][1]["keyvid_audio"] - negative[0][1]["keyvid_audio"]
    assert difference.abs().max() > 1e-4
