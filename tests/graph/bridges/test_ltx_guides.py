"""Keyframe Guides (LTX) in the real ComfyUI: exact positions, images that stay as they are, and a video at the end."""

import pytest
import torch

from ...helpers.core_models.files import (
    LTX2_TEXT_WIDTH,
    loaders,
    sampled,
    save,
    saved_video,
    texts,
    timing,
)
from ...helpers.graphs.prompts import (
    check_message,
    complaint,
    node,
    saved_tensors,
    shown,
    succeed,
    up_to,
    with_inputs,
)
from ...helpers.graphs.saved_video import check_sound, read_video, video_of

N_FRAMES, FPS, COUNT = 25, 25, 5
STRENGTHS = {"first": 1.0, "locked": 1.0, "manual": 1.0, "peak": 1.0, "valley": 1.0, "fill": 1.0}
TOKENS = 2 * 3  # of a latent frame: 64 x 96 pixels in patches of 32


def guided(comfy, *, model="ltxv", width=4096, strengths=STRENGTHS):
    """From a sound to the guides."""
    return {
        **loaders(comfy, model, "ltx_vae"),
        **texts(comfy, width=width),
        **timing(model="LTX-2.x, 25 fps", count=COUNT),
        "rate": node(
            "LTXVConditioning",
            positive=["text", 0],
            negative=["no_text", 0],
            frame_rate=["fitted", 1],
        ),
        "empty": node(
            "EmptyLTXVLatentVideo", width=96, height=64, length=["fitted", 2], batch_size=1
        ),
        "guides": node(
            "KeyVID_KeyframeGuides",
            positive=["rate", 0],
            negative=["rate", 1],
            vae=["vae", 0],
            latent=["empty", 0],
            images=["images", 0],
            plan=["fitted", 0],
            **strengths,
        ),
    }


def whole(comfy, **options):
    prompt = guided(comfy, **options)
    return prompt | {
        "sampled": sampled(["guides", 0], ["guides", 1], ["guides", 2]),
        "crop": node(
            "LTXVCropGuides",
            positive=["guides", 0],
            negative=["guides", 1],
            latent=["sampled", 0],
        ),
        **saved_video(["crop", 2], prefix="bridges/ltx"),
        "save_positive": save("guides", 0, "ltx_positive.safetensors"),
        "save_negative": save("guides", 1, "ltx_negative.safetensors"),
        "save_latent": save("guides", 2, "ltx_latent.safetensors"),
        "save_sampled": save("sampled", 0, "ltx_sampled.safetensors"),
        "save_audio": save("fitted", 3, "ltx_audio.safetensors"),
    }


def frames_of(outputs):
    return [int(frame) for frame in outputs["frames_shown"]["text"][0].split(",")]


@pytest.fixture(scope="module")
def run(comfy):
    return succeed(comfy, whole(comfy))


def test_the_tokens_are_on_exactly_the_plans_frames(comfy, run):
    frames = frames_of(run)
    assert len(frames) == COUNT and frames != list(range(COUNT))
    for name in ("positive", "negative"):
        positions = saved_tensors(comfy, f"ltx_{name}.safetensors")["keyframe_idxs"]
        times = positions[0, 0].view(COUNT, TOKENS, 2)  # (keyframe, token, start and end)
        for frame, tokens in zip(frames, times, strict=True):
            assert (tokens == torch.tensor([frame, frame + 1])).all()


def test_guides_of_strength_1_come_out_of_the_sampler_unchanged(comfy, run):
    given = saved_tensors(comfy, "ltx_latent.safetensors")
    n_latents = (N_FRAMES - 1) // 8 + 1
    assert given["samples"].shape == (1, 128, n_latents + COUNT, 2, 3)
    mask = given["noise_mask"].flatten(3)[0, 0, :, 0]
    assert mask.tolist() == [1.0] * n_latents + [0.0] * COUNT
    sampled = saved_tensors(comfy, "ltx_sampled.safetensors")["samples"]
    before, after = given["samples"][:, :, n_latents:], sampled[:, :, n_latents:]
    # the latent's scale is applied and taken back, two roundings of float32
    torch.testing.assert_close(after, before, rtol=1e-6, atol=1e-6)
    assert not torch.allclose(sampled[:, :, :n_latents], given["samples"][:, :, :n_latents])
    for one, other in zip(before.unbind(2), before.unbind(2)[1:], strict=False):
        assert (one - other).abs().max() > 0.01, "two keyframes have one image"


def test_the_video_has_the_frames_and_the_sound(comfy, run):
    n_frames, fps, samples, rate = read_video(video_of(comfy, run))
    assert (n_frames, fps) == (N_FRAMES, FPS)
    audio = saved_tensors(comfy, "ltx_audio.safetensors")["waveform"][0, 0].numpy()
    check_sound(samples, audio, sample_rate=rate, n_frames=N_FRAMES, fps=FPS)


def test_one_node_is_a_chain_of_the_cores_own(comfy, run):
    """With a strength for each kind, and frame 0 left out."""
    strengths = {
        "first": 0.0,
        "locked": 0.9,
        "manual": 0.8,
        "peak": 1.0,
        "valley": 0.5,
        "fill": 0.25,
    }
    prompt = guided(comfy, strengths=strengths) | {"plan_shown": shown("summary", 3)}
    prompt["summary"] = node("KeyVID_PlanInfo", plan=["fitted", 0])
    kinds = [line.split(": ")[1] for line in summary(comfy, prompt).splitlines()[1:]]
    assert len(set(kinds)) > 2, kinds
    last = {"positive": ["rate", 0], "negative": ["rate", 1], "latent": ["empty", 0]}
    for number, (frame, kind) in enumerate(zip(frames_of(run), kinds, strict=True)):
        if kind == "first":
            continue
        name = f"core_{number}"
        prompt[f"image_{number}"] = node(
            "ImageFromBatch", image=["images", 0], batch_index=number, length=1
        )
        prompt[name] = node(
            "LTXVAddGuide",
            **last,
            vae=["vae", 0],
            image=[f"image_{number}", 0],
            frame_idx=frame,
            strength=strengths[kind],
        )
        last = {"positive": [name, 0], "negative": [name, 1], "latent": [name, 2]}
    files = {"ours": ["guides", 0], "core": last["positive"]}
    files |= {"ours_latent": ["guides", 2], "core_latent": last["latent"]}
    for file, (source, slot) in files.items():
        prompt[f"save_{file}"] = save(source, slot, f"ltx_chain_{file}.safetensors")
    succeed(comfy, prompt)
    for what in ("", "_latent"):
        ours, core = (
            saved_tensors(comfy, f"ltx_chain_{who}{what}.safetensors") for who in ("ours", "core")
        )
        assert ours.keys() == core.keys()
        assert all(torch.equal(ours[key], core[key]) for key in ours)
    assert ours["samples"].shape[2] == 4 + COUNT - 1


def summary(comfy, prompt):
    return succeed(comfy, up_to(prompt, "plan_shown"))["plan_shown"]["text"][0]


def frozen_sound():
    """The sound of `fitted` as a latent that sampling leaves as it is, as ComfyUI's own templates make it."""
    return {
        "audio_vae": node("LTXVAudioVAELoader", ckpt_name="tiny_ltx_audio_vae.safetensors"),
        "encoded": node("LTXVAudioVAEEncode", audio=["fitted", 3], audio_vae=["audio_vae", 0]),
        "black": node("SolidMask", value=0.0, width=64, height=64),
        "frozen": node("SetLatentNoiseMask", samples=["encoded", 0], mask=["black", 0]),
    }


@pytest.mark.parametrize("order", ["guides before sound", "sound before guides"])
def test_ltx2_has_guides_and_its_sound(comfy, order):
    """A model of video and sound: the guides are in its video part wherever the latents are joined."""
    prompt = whole(comfy, model="ltxav", width=LTX2_TEXT_WIDTH) | frozen_sound()
    first = ["guides", 2] if order.startswith("guides") else ["empty", 0]
    prompt["both"] = node("LTXVConcatAVLatent", video_latent=first, audio_latent=["frozen", 0])
    if order.startswith("sound"):
        prompt = with_inputs(prompt, {"guides": {"latent": ["both", 0]}})
    else:
        prompt = with_inputs(prompt, {"sampled": {"latent_image": ["both", 0]}})
    prompt["apart"] = node("LTXVSeparateAVLatent", av_latent=["sampled", 0])
    prompt = with_inputs(prompt, {"crop": {"latent": ["apart", 0]}})
    source = ["both", 0] if order.startswith("guides") else ["guides", 2]
    prompt["before"] = node("LTXVSeparateAVLatent", av_latent=source)
    files = {"given": ["before", 0], "video": ["apart", 0], "kept": ["apart", 1]}
    files["sound"] = ["encoded", 0]
    for file, (name, slot) in files.items():
        prompt[f"save_{file}"] = save(name, slot, f"ltx2_{file}.safetensors")
    outputs = succeed(comfy, prompt)
    given, video, kept, sound = (
        saved_tensors(comfy, f"ltx2_{file}.safetensors")["samples"] for file in files
    )
    assert sound.std() > 0.1, "the sound is nothing"
    assert given.shape == video.shape == (1, 128, 4 + COUNT, 2, 3)
    torch.testing.assert_close(video[:, :, 4:], given[:, :, 4:], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(kept, sound, rtol=1e-6, atol=1e-6)
    positions = saved_tensors(comfy, "ltx_positive.safetensors")["keyframe_idxs"]
    assert positions[0, 0, ::TOKENS, 0].tolist() == frames_of(outputs)
    assert read_video(video_of(comfy, outputs))[:2] == (N_FRAMES, FPS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"empty": {"length": 33}}, ["33 frames long", "the plan 25", "Fit Plan To Model"]),
        ({"guides": {"plan": ["plan", 0]}}, ["24 frames", "8n+1", "17 or 25"]),
        ({"rate": {"frame_rate": 24.0}}, ["24 frames per second", "25", "LTXV Conditioning"]),
        (
            {"images": {"count": 4}},
            ["4 images", "5 keyframes", "Keyframe Images before this node"],
        ),
        ({"empty": {"batch_size": 2}}, ["2 videos", "batch_size"]),
    ],
)
def test_what_does_not_belong_together_is_refused(comfy, changes, words):
    text = complaint(comfy, with_inputs(up_to_guides(comfy), changes))
    check_message(text, words)


def test_other_models_parts_are_refused(comfy):
    prompt = up_to_guides(comfy)
    prompt["other_vae"] = node("VAELoader", vae_name="tiny_wan_vae.safetensors")
    text = complaint(comfy, with_inputs(prompt, {"guides": {"vae": ["other_vae", 0]}}))
    check_message(text, ["The VAE", "LTX"])
    prompt["other_latent"] = node("EmptyLatentImage", width=64, height=64, batch_size=1)
    text = complaint(comfy, with_inputs(prompt, {"guides": {"latent": ["other_latent", 0]}}))
    check_message(text, ["The latent", "EmptyLTXVLatentVideo"])
    prompt["grey"] = node("SolidMask", value=0.5, width=96, height=64)
    prompt["masked"] = node("SetLatentNoiseMask", samples=["empty", 0], mask=["grey", 0])
    text = complaint(comfy, with_inputs(prompt, {"guides": {"latent": ["masked", 0]}}))
    check_message(text, ["mask", "Set Latent Noise Mask"])


def up_to_guides(comfy):
    prompt = guided(comfy)
    prompt["out"] = save("guides", 2, "ltx_refused.safetensors")
    return prompt


def test_a_negative_of_another_rate_is_refused_too(comfy):
    prompt = up_to_guides(comfy)
    texts = {"positive": ["text", 0], "negative": ["no_text", 0]}
    prompt["other_rate"] = node("LTXVConditioning", **texts, frame_rate=30.0)
    prompt = with_inputs(prompt, {"guides": {"negative": ["other_rate", 1]}})
    check_message(
        complaint(comfy, prompt), ["negative conditioning is for 30 frames per second", "25"]
    )


def test_more_guides_may_be_added_behind_another_guide_node(comfy, run):
    """The plan's length is that of the video, not of the video with its guides."""
    prompt = guided(comfy)
    prompt["again"] = node(
        "KeyVID_KeyframeGuides",
        positive=["guides", 0],
        negative=["guides", 1],
        vae=["vae", 0],
        latent=["guides", 2],
        images=["images", 0],
        plan=["fitted", 0],
        **STRENGTHS,
    )
    prompt["out"] = save("again", 2, "ltx_again.safetensors")
    succeed(comfy, prompt)
    assert saved_tensors(comfy, "ltx_again.safetensors")["samples"].shape[2] == 4 + 2 * COUNT
