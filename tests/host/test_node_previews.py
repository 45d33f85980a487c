"""What is shown while and after a graph runs: previews of every method, and temp files named by their content."""

import io
import os

import numpy as np
import pytest
import torch
from keyvid_pack.keyframes.plan import plan_at_frames
from PIL import Image

from ..helpers import small_video

METHODS = ("none", "auto", "latent2rgb", "taesd")
MODELS = ("generator", "interpolator", "dynamicrafter")


@pytest.fixture
def taesd(comfyui, tmp_path, monkeypatch):
    """A folder with the decoder of Stable Diffusion's previews, random weights, as users of TAESD have it."""
    import folder_paths
    import safetensors.torch
    from comfy.taesd.taesd import Decoder

    path = tmp_path / "taesd_decoder.safetensors"
    safetensors.torch.save_file(Decoder().state_dict(), path)
    known = dict(folder_paths.folder_names_and_paths)
    known["vae_approx"] = ([str(tmp_path)], {".safetensors"})
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", known)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})


@pytest.fixture
def previews(monkeypatch):
    """The images that ComfyUI's progress bars are given, in order; previews(method) chooses how they are made."""
    import comfy.utils
    import latent_preview

    shown = []

    def remember(_bar, _value, _total=None, preview=None):
        if preview is not None:
            shown.append(preview[1])

    def choose(method):
        latent_preview.set_preview_method(method)
        return shown

    monkeypatch.setattr(comfy.utils.ProgressBar, "update_absolute", remember)
    yield choose
    latent_preview.set_preview_method()


def test_every_method_of_comfyui_is_tried(comfyui):
    from comfy.cli_args import LatentPreviewMethod

    assert {method.value for method in LatentPreviewMethod} == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", MODELS)
def test_a_video_has_a_preview_of_its_size_or_none(request, taesd, previews, kind, method):
    import latent_preview

    model = request.getfixturevalue(kind)
    shown = previews(method)
    callback = latent_preview.prepare_callback(model, 2)
    callback(0, small_video.unit_noise(n_frames=5), None, 2)
    expected = [] if method == "none" else [(small_video.WIDTH, small_video.HEIGHT)]
    assert [image.size for image in shown] == expected


@pytest.mark.parametrize("sampler", ["keyvid", "euler", "dpmpp_2m", "ddim"])
def test_sampling_with_the_method_taesd_ends_with_a_video(generator, taesd, previews, sampler):
    import comfy.samplers
    import latent_preview

    pair = small_video.conditioning()
    chosen = None if sampler == "keyvid" else comfy.samplers.sampler_object(sampler)
    shown = previews("taesd")
    callback = latent_preview.prepare_callback(generator, 3)
    latent = small_video.run(small_video.guided(generator, pair), sampler=chosen, callback=callback)
    assert latent.shape == (1, 4, len(small_video.FRAMES), small_video.HEIGHT, small_video.WIDTH)
    assert latent.isfinite().all() and len(shown) >= 3


# --- temp files


PLAN = plan_at_frames([0, 5, 9], n_frames=12, fps=6.0)


def sheet_of(level):
    """What the editor receives of a Keyframe Sheet of grey images."""
    from keyvid_pack.host.node_previews import keyframe_sheet

    class Node:
        hidden = None

    images = np.full((3, 24, 32, 3), level, np.float32)
    return keyframe_sheet(Node, images, plan=PLAN, width=320)[1]["keyvid_sheet"][0]["pictures"]


def temp_file(comfyui, shown):
    assert (shown["type"], shown["subfolder"]) == ("temp", "")
    return comfyui.base / "temp" / shown["filename"]


def names(images):
    return [image["filename"] for image in images]


def kept_files(comfyui):
    return sorted(name for name in os.listdir(comfyui.base / "temp") if "keyvid" in name)


@pytest.fixture
def empty_temp(comfyui):
    """The temp folder as ComfyUI leaves it at its start: what was in it is gone."""

    def empty():
        for name in kept_files(comfyui):
            os.remove(comfyui.base / "temp" / name)

    empty()
    return empty


def test_other_images_have_other_names_after_a_restart_too(comfyui, empty_temp):
    before = sheet_of(0.2)
    empty_temp()
    after = sheet_of(0.8)
    assert not set(names(before)) & set(names(after))
    (level,) = {
        round(float(np.asarray(Image.open(temp_file(comfyui, one))).mean()), -1) for one in after
    }
    assert level == round(0.8 * 255, -1)


def test_the_same_images_have_the_same_names_and_are_written_once(comfyui, empty_temp):
    first = sheet_of(0.4)
    stamps = [temp_file(comfyui, one).stat().st_mtime_ns for one in first]
    kept = kept_files(comfyui)
    assert names(sheet_of(0.4)) == names(first)
    assert [temp_file(comfyui, one).stat().st_mtime_ns for one in first] == stamps
    assert kept_files(comfyui) == kept
    data = temp_file(comfyui, first[0]).read_bytes()
    assert Image.open(io.BytesIO(data)).format == "JPEG"


def animatic(level):
    """(the VIDEO, its name in the temp folder) of a short timing preview."""
    from keyvid_pack.host.node_previews import animatic_video

    video, shown = animatic_video(
        image=np.full((24, 32, 3), level, np.float32),
        samples=np.zeros((1, 16_000), np.float32),
        sample_rate=8_000,
        plan=PLAN,
        curve=None,
        width=256,
    )
    return video, shown["images"][0]


def test_a_timing_preview_is_named_by_what_it_shows(comfyui, empty_temp):
    video, first = animatic(0.2)
    kept = kept_files(comfyui)
    again, second = animatic(0.2)
    assert second == first and kept_files(comfyui) == kept == [first["filename"]]
    assert video.get_duration() == again.get_duration() == 2.0
    empty_temp()
    other, third = animatic(0.8)
    assert third["filename"] != first["filename"]
    assert temp_file(comfyui, third).is_file() and other.get_dimensions()[0] == 256


def test_a_preview_that_is_being_looked_at_stays(comfyui, empty_temp, monkeypatch):
    """Windows replaces no file that somebody reads; the existing file has the same content."""
    _, first = animatic(0.2)

    def refuse(*_):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(os, "replace", refuse)
    _, second = animatic(0.2)
    assert second == first and kept_files(comfyui) == [first["filename"]]


def test_a_cancelled_preview_leaves_nothing(comfyui, empty_temp, monkeypatch):
    from comfy.model_management import InterruptProcessingException
    from keyvid_pack.host import node_previews

    def stop(*_):
        raise InterruptProcessingException

    monkeypatch.setattr(node_previews, "progress_steps", lambda: stop)
    with pytest.raises(InterruptProcessingException):
        animatic(0.2)
    assert kept_files(comfyui) == []


def test_the_small_torch_decoder_is_the_one_that_comfyui_takes(taesd, generator):
    """That the test above would fail where a video had a decoder's name: ComfyUI finds the file by it."""
    import comfy.latent_formats
    import latent_preview

    latent_preview.set_preview_method("taesd")
    try:
        found = latent_preview.get_previewer(torch.device("cpu"), comfy.latent_formats.SD15())
        assert isinstance(found, latent_preview.TAESDPreviewerImpl)
        ours = latent_preview.get_previewer(torch.device("cpu"), generator.model.latent_format)
        assert isinstance(ours, latent_preview.Latent2RGBPreviewer)
    finally:
        latent_preview.set_preview_method()
