"""The four nodes as ComfyUI calls them."""

import pathlib

import pytest
import torch
from keyvid_pack.errors import KeyVIDError, PlanError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.preview.editor import plan_checksum
from PIL import Image

from ...helpers import small_encoders, small_video
from ...helpers.small_encoders import plan


def nodes_of():
    from keyvid_pack.nodes.frames_from_latent import FramesFromLatent
    from keyvid_pack.nodes.interpolation_conditioning import InterpolationConditioning
    from keyvid_pack.nodes.keyframe_conditioning import KeyframeConditioning
    from keyvid_pack.nodes.keyframe_sheet import KeyframeSheet

    return FramesFromLatent, InterpolationConditioning, KeyframeConditioning, KeyframeSheet


def widgets(model):
    return {
        "model": model,
        "positive": small_encoders.text(0),
        "negative": small_encoders.text(1),
        "clip_vision": small_encoders.clip_vision(),
        "vae": small_encoders.PoolingVAE(),
        "plan": plan(),
        "audio_encoder": small_encoders.random_audio_encoder(),
        "audio": small_encoders.audio(),
        "fit": "crop",
        "fps_condition": 0,
        **small_encoders.SIZE,
    }


def test_everything_is_explained(comfyui):
    docs = pathlib.Path(__file__).resolve().parents[3] / "js" / "docs"
    for node in nodes_of():
        schema = node.GET_SCHEMA()
        assert schema.node_id.startswith("KeyVID_") and schema.display_name.endswith("(KeyVID)")
        assert schema.description and "keyvid" in schema.search_aliases
        page = (docs / f"{schema.node_id}.md").read_text(encoding="utf-8")
        for entry in [*schema.inputs, *schema.outputs]:
            assert entry.tooltip, f"{schema.node_id}.{entry.id}"
        for entry in schema.inputs:
            assert (entry.display_name or entry.id) in page, f"{schema.node_id}.{entry.id}"


def test_both_stages_from_image_to_sheet(generator, interpolator):
    """Keyframes are painted, decoded, laid on the sheet, and interpolated: each node takes the last one's output."""
    frames_from_latent, interpolation, keyframes, sheet = nodes_of()

    def painted(model, outputs):
        positive, negative, latent = outputs.args
        scales = {"image_scale": 1.0, "text_scale": 1.0, "audio_scale": 1.0, "rescale": 0.0}
        guider = small_video.guided(model, (positive, negative), **scales)
        noise = small_video.unit_noise(n_frames=latent["samples"].shape[2])
        from keyvid_pack.host.sampling.sampler import keyvid_sigmas

        sigmas = keyvid_sigmas(model, n_steps=1)
        samples = small_video.run(guider, noise=noise, latent=latent["samples"], sigmas=sigmas)
        (frames,) = frames_from_latent.execute({**latent, "samples": samples}).args
        # a decoder for want of one: three channels of the latent, enlarged
        large = frames["samples"][:, :3].repeat_interleave(8, -1).repeat_interleave(8, -2)
        return large.movedim(1, -1).sigmoid()

    with torch.inference_mode():
        outputs = keyframes.execute(**widgets(generator), image=small_encoders.images())
        images = painted(generator, outputs)
        assert images.shape == (4, 32, 48, 3)
        sheet.execute(images, plan(), 640)
        outputs = interpolation.execute(**widgets(interpolator), keyframes=images)
        video = painted(interpolator, outputs)
    assert video.shape == (48, 32, 48, 3) and video.isfinite().all()


def test_frames_of_several_videos_come_one_after_the_other(comfyui):
    samples = torch.arange(2 * 4 * 3 * 2 * 2.0).view(2, 4, 3, 2, 2)
    latent = {
        "samples": samples,
        "keyvid_plan": "kept",
        "noise_mask": samples,
        "batch_index": [0, 1],
    }
    (frames,) = nodes_of()[0].execute(latent).args
    assert frames["samples"].shape == (6, 4, 2, 2)
    for video in range(2):
        for frame in range(3):
            assert torch.equal(frames["samples"][3 * video + frame], samples[video, :, frame])
    assert set(frames) == {"samples", "keyvid_plan"}
    assert latent["samples"] is samples and "noise_mask" in latent


@pytest.mark.parametrize("shape", [(4, 4, 8, 8), (4, 8, 8), (1, 16, 9)])
def test_a_latent_of_images_is_refused(comfyui, shape):
    with pytest.raises(KeyVIDError, match="not one of a video"):
        nodes_of()[0].execute({"samples": torch.zeros(shape)})


def shown_sheet(*arguments, **options):
    with torch.inference_mode():
        result = nodes_of()[3].execute(*arguments, **options)
    return result.args[0], result.ui


def test_the_sheet_is_shown_and_its_images_are_named_for_the_editor(comfyui):
    curve = motion_curve([0.5] * 48, fps=24.0, source="test")
    image, shown = shown_sheet(
        small_encoders.images(4), plan(), 640, curve=curve, audio=small_encoders.audio()
    )
    assert image.ndim == 4 and image.shape[0] == 1 and image.shape[2:] == (640, 3)
    assert 0 <= image.min() and image.max() <= 1
    temp = comfyui.base / "temp"
    assert (temp / shown["images"][0]["filename"]).is_file()
    (entry,) = shown["keyvid_sheet"]
    assert (entry["frames"], entry["n_frames"], entry["fps"]) == ([0, 5, 20, 40], 48, 24.0)
    names = [image["filename"] for image in entry["pictures"]]
    assert len(set(names)) == 4 and all(p["type"] == "temp" for p in entry["pictures"])
    for named in entry["pictures"]:
        with Image.open(temp / named["subfolder"] / named["filename"]) as small:
            assert small.format == "JPEG" and small.size == (192, 128)


def test_the_checksum_changes_with_the_plan_and_with_nothing_else(comfyui):
    def checksum(frames, seed):
        images = small_encoders.images(4, seed=seed)
        return shown_sheet(images, plan(frames), 320)[1]["keyvid_sheet"][0]["plan"]

    assert checksum((0, 5, 20, 40), 0) == checksum((0, 5, 20, 40), 1) == plan_checksum(plan())
    assert checksum((0, 5, 20, 40), 0) != checksum((0, 5, 20, 41), 0)


def test_a_whole_video_is_shown_at_its_keyframes(comfyui):
    video = small_encoders.images(48)
    whole, _ = shown_sheet(video, plan(), 640)
    picked, _ = shown_sheet(video[plan().frames], plan(), 640)
    assert torch.equal(whole, picked)


def test_images_of_another_plan_are_refused(comfyui):
    with pytest.raises(PlanError, match="5 images .* 4 keyframes in 48 frames"):
        shown_sheet(small_encoders.images(5), plan(), 640)


def test_a_sheet_of_nothing_names_its_own_input(comfyui):
    with pytest.raises(KeyVIDError, match="no image on the images input"):
        shown_sheet(torch.zeros(0, 8, 8, 3), plan(), 640)


def test_a_curve_or_sound_of_another_clip_is_refused(comfyui):
    images = small_encoders.images(4)
    for other in (
        {"curve": motion_curve([0.5] * 30, fps=24.0, source="test")},
        {"audio": small_encoders.audio(3.0)},
    ):
        with pytest.raises(KeyVIDError):
            shown_sheet(images, plan(), 640, **other)
