"""Motion From Video's methods: read from files and from images a few frames at a time, by flow, RAFT and OpenCV."""

import sys
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import torch
from keyvid_pack.errors import CheckpointError, KeyVIDError
from keyvid_pack.models import flow, lucas_kanade
from keyvid_pack.preview.mp4 import write_mp4
from keyvid_pack.training.world.clip import render_clip
from safetensors.torch import save_file
from torch.nn import functional as F
from torchvision.models.optical_flow import raft_large, raft_small

from ..networks.test_flow import oracle_scores, to_raft_names

CLIP = render_clip(1_000_800, scene="ball")
IMAGES = torch.from_numpy(CLIP.frames).float() / 255  # (48, 96, 128, 3)


def curve(**changes):
    from keyvid_pack.host.motion import FLOW, curve_of_video

    wanted = {
        "video": None,
        "images": None,
        "images_fps": 24.0,
        "method": FLOW,
        "optical_flow": None,
        "fps": 24.0,
        "n_frames": 0,
        "smoothing": "paper",
    }
    return curve_of_video(**{**wanted, **changes})


def write_video(path, frames, fps=24):
    """An MP4 of frames uint8 (n, H, W, 3) without a sound worth hearing; its VIDEO payload."""
    from comfy_api.latest import InputImpl

    n_frames, height, width = frames.shape[:3]
    silence = np.zeros((1, round(8000 * n_frames / fps)), np.float32)
    size = {"width": width, "height": height, "n_frames": n_frames, "fps": fps}
    write_mp4(path, iter(frames), **size, samples=silence, sample_rate=8000)
    return InputImpl.VideoFromFile(str(path))


@pytest.fixture
def video(comfyui, tmp_path):
    return write_video(tmp_path / "clip.mp4", CLIP.frames)


@pytest.fixture(scope="module")
def raft():
    torch.manual_seed(0)
    return raft_large(weights=None).eval()


def test_images_and_the_file_of_them_have_the_same_curve(comfyui, video):
    of_images, of_file = curve(images=IMAGES), curve(video=video)
    assert (of_file.n_frames, of_file.fps, of_file.source) == (48, 24, "flow")
    # the file is compressed and has half the colour
    assert np.abs(of_file.score - of_images.score).max() < 0.08
    expected = lucas_kanade.motion_scores(torch.from_numpy(CLIP.frames).movedim(-1, 1))
    assert np.corrcoef(of_images.score[1:], expected)[0, 1] > 0.9


def test_a_video_made_of_images_is_those_images(comfyui):
    from comfy_api.latest import InputImpl, Types

    parts = Types.VideoComponents(images=IMAGES, audio=None, frame_rate=Fraction(12))
    made = curve(video=InputImpl.VideoFromComponents(parts), fps=12.0)
    assert np.array_equal(made.score, curve(images=IMAGES).score) and made.n_frames == 48


def edited_video(video, how):
    """A VIDEO as a ComfyUI newer than 0.30 makes it of a cropped file: its stream is the file as it was."""
    from comfy_api.latest import InputImpl, Types

    class Video(InputImpl.VideoFromFile):
        def as_cropped(self, *_args):
            """Only that it is there is asked."""

        def get_dimensions(self):
            return (128, 48) if how == "size" else super().get_dimensions()

        def get_components(self):
            assert how != "none", "it holds every frame of the file in memory"
            return Types.VideoComponents(images=IMAGES[:, :48], audio=None, frame_rate=Fraction(24))

    if how != "size":
        Video.has_pending_frame_edits = lambda _self: how == "pending"
    return Video(video.get_stream_source())


@pytest.mark.parametrize("how", ["size", "pending"])
def test_cropped_is_what_is_measured(comfyui, video, how):
    found = curve(video=edited_video(video, how))
    assert np.array_equal(found.score, curve(images=IMAGES[:, :48]).score)
    # not what the whole file gives, which its stream still holds
    assert np.abs(found.score - curve(video=video).score).max() > 0.2


def test_a_newer_video_without_a_crop_is_read_from_its_stream(comfyui, video):
    found = curve(video=edited_video(video, "none"))
    assert np.array_equal(found.score, curve(video=video).score)


@pytest.mark.parametrize("at_once", [1, 2, 5, 32, 100])
def test_how_many_frames_are_held_does_not_matter(comfyui, video, monkeypatch, at_once):
    from keyvid_pack.host import video_frames

    expected = curve(video=video).score, curve(images=IMAGES).score
    monkeypatch.setattr(video_frames, "MOST_AT_ONCE", at_once)
    found = curve(video=video).score, curve(images=IMAGES).score
    for one, other in zip(found, expected, strict=True):
        # float32 sums over 12,000 pixels, in another order for another batch
        assert one == pytest.approx(other, abs=1e-3)


def test_trimmed_is_what_is_measured(comfyui, video):
    trimmed = video.as_trimmed(0.5, 1.0, strict_duration=True)
    found = curve(video=trimmed, smoothing="none")
    whole = curve(video=video, smoothing="none").score[12:36]
    assert found.n_frames == 24
    # scaled by what is highest and lowest in it, and its first frame repeats the second
    scaled = (whole[1:] - whole[1:].min()) / np.ptp(whole[1:])
    assert found.score[1:] == pytest.approx(scaled, abs=1e-3)


def test_another_rate_and_length_of_the_clip(comfyui, video):
    found = curve(video=video, fps=30.0, n_frames=90)
    assert (found.n_frames, found.fps) == (90, 30)
    assert not found.score[64:].any(), "behind the end of two seconds something moves"
    at_24 = np.interp(np.arange(48) / 24, np.arange(60) / 30, found.score[:60])
    assert np.corrcoef(at_24[2:-2], curve(video=video).score[2:-2])[0, 1] > 0.99


def test_the_memory_does_not_grow_with_the_video(comfyui, tmp_path, monkeypatch):
    """Decoded frames are held by numpy; of four times the video, no more of them."""
    from keyvid_pack.host import video_frames

    monkeypatch.setattr(video_frames, "MOST_AT_ONCE", 8)
    large = CLIP.frames.repeat(2, axis=1).repeat(2, axis=2)
    peaks = []
    for times in (1, 4):
        video = write_video(tmp_path / f"{times}.mp4", np.concatenate([large] * times))
        tracemalloc.start()
        n_frames = sum(len(c.frames) for c in video_frames.frames_of_video(video).chunks)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert n_frames == 48 * times
    assert peaks[0] > 8 * large[0].nbytes
    assert peaks[1] < 1.2 * peaks[0]


def test_progress_counts_frames_and_cancel_stops_it(comfyui, video, monkeypatch):
    import comfy.model_management
    import comfy.utils
    from keyvid_pack.host import video_frames

    monkeypatch.setattr(video_frames, "MOST_AT_ONCE", 12)
    seen = []
    monkeypatch.setattr(
        comfy.utils.ProgressBar,
        "update_absolute",
        lambda _, value, total: seen.append((value, total)),
    )
    curve(video=video)
    assert seen == [(n, 48) for n in (0, 12, 24, 36, 48)]
    comfy.model_management.interrupt_current_processing()
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        curve(video=video)


@pytest.mark.parametrize("naming", ["torchvision", "authors"])
def test_raft_from_a_file_scores_as_torchvision(comfyui, tmp_path, raft, naming):
    from keyvid_pack.host.loaders.optical_flow import load_optical_flow
    from keyvid_pack.host.motion import RAFT, scores_by

    state = raft.state_dict() if naming == "torchvision" else to_raft_names(raft.state_dict())
    torch.save(state, tmp_path / "any name.pth")
    loaded = load_optical_flow(str(tmp_path / "any name.pth"))
    frames = torch.from_numpy(CLIP.frames[8:11]).movedim(-1, 1)
    found = scores_by(RAFT, loaded)(frames)
    # 96 pixels high is less than RAFT takes
    enlarged = F.interpolate(frames.float(), size=(128, 171), mode="bilinear", antialias=True)
    expected = oracle_scores(raft, enlarged, flow.UPDATES).numpy()
    assert (expected > 0.01).all()
    # twenty updates, each from the rounding of the one before (tests/networks/test_flow.py)
    assert found == pytest.approx(expected, rel=1e-4)
    made = curve(images=IMAGES[8:14], method=RAFT, optical_flow=loaded)
    assert made.source == "RAFT flow" and made.n_frames == 6


def test_comfyuis_own_loader_gives_the_same(comfyui, tmp_path, raft):
    import folder_paths
    from comfy_extras.nodes_void import OpticalFlowLoader
    from keyvid_pack.host.loaders.optical_flow import load_optical_flow
    from keyvid_pack.host.motion import RAFT, scores_by

    path = tmp_path / "raft_large.safetensors"
    save_file(raft.state_dict(), path)
    folder_paths.add_model_folder_path("optical_flow", str(tmp_path))
    theirs = OpticalFlowLoader.execute("raft_large.safetensors").args[0]
    frames = torch.from_numpy(CLIP.frames[8:10]).movedim(-1, 1)
    scores = [scores_by(RAFT, one)(frames) for one in (theirs, load_optical_flow(str(path)))]
    assert np.array_equal(*scores)


def test_another_network_is_no_raft(comfyui, tmp_path):
    from keyvid_pack.host.loaders.model_files import EMBEDDED
    from keyvid_pack.host.loaders.optical_flow import load_optical_flow
    from keyvid_pack.host.motion import RAFT

    save_file(raft_small(weights=None).state_dict(), tmp_path / "small.safetensors")
    with pytest.raises(CheckpointError):
        load_optical_flow(str(tmp_path / "small.safetensors"))
    with pytest.raises(CheckpointError, match="not RAFT.*raft-things.pth"):
        load_optical_flow(f"{EMBEDDED}/keyvid_small_localizer.safetensors")
    for connected, words in ((None, "no network is connected"), (object(), "another network")):
        with pytest.raises(KeyVIDError, match=words):
            curve(images=IMAGES, method=RAFT, optical_flow=connected)


class StandIn:
    """What host/opencv_flow.py uses of OpenCV; its flow is the change of brightness, along x."""

    DISOPTICAL_FLOW_PRESET_MEDIUM = 2

    @staticmethod
    def DISOpticalFlow_create(preset):  # noqa: N802
        assert preset == 2
        return StandIn()

    @staticmethod
    def calc(before, frame, _):
        assert before.dtype == frame.dtype == np.uint8 and before.ndim == 2
        assert before.flags.c_contiguous and frame.flags.c_contiguous
        change = frame.astype(np.float32) - before
        return np.stack([change, np.zeros_like(change)], axis=-1)


def test_opencv_is_asked_for_each_pair(comfyui, monkeypatch):
    from keyvid_pack.host.motion import OPENCV, scores_by

    monkeypatch.setitem(sys.modules, "cv2", StandIn())
    grey = torch.tensor([10, 30, 25], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 20, 30)
    assert scores_by(OPENCV)(grey).tolist() == [20, 5]
    assert curve(images=IMAGES, method=OPENCV).source == "OpenCV flow"


def test_without_opencv_the_message_says_what_to_do(comfyui, monkeypatch):
    from keyvid_pack.host.motion import OPENCV

    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(KeyVIDError, match="not installed here.*flow without weights.*pip install"):
        curve(images=IMAGES, method=OPENCV)


def test_opencv_finds_the_ball(comfyui):
    pytest.importorskip("cv2", reason="OpenCV is not installed: only its message is tested")
    from keyvid_pack.host.motion import OPENCV

    made = curve(images=IMAGES, method=OPENCV).score
    assert np.corrcoef(made, curve(images=IMAGES).score)[0, 1] > 0.5


@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (96, 128), (50, 1000)], ids=str)
def test_the_working_size_keeps_the_proportions_and_never_enlarges(comfyui, size):
    from keyvid_pack.models.lucas_kanade import WORKING_SIDE, small_frames

    small = small_frames(torch.zeros(1, 3, *size, dtype=torch.uint8))
    height, width = small.shape[-2:]
    assert max(height, width) == min(WORKING_SIDE, max(size))
    assert height / width == pytest.approx(size[0] / size[1], rel=0.06)


def test_what_cannot_be_measured_is_said(comfyui, tmp_path, video):
    from comfy_api.latest import InputImpl

    (tmp_path / "text.mp4").write_text("no video")
    broken = InputImpl.VideoFromFile(str(tmp_path / "text.mp4"))
    sound = tmp_path / "sound.mp4"
    _write_sound(sound)
    cases = {
        "Neither video nor images are connected": {},
        "Both video and images": {"video": video, "images": IMAGES},
        "cannot be read": {"video": broken},
        "no images in it": {"video": InputImpl.VideoFromFile(str(sound))},
        "number of frames is 1;": {"images": IMAGES[:1]},
        "no video on the video input": {"video": "clip.mp4"},
        "no image on the images input": {"images": torch.zeros(0, 4, 4, 3)},
        "not finite numbers": {"images": torch.full((2, 4, 4, 3), float("nan"))},
        "frame rate is 0": {"images": IMAGES, "images_fps": 0},
    }
    for words, inputs in cases.items():
        with pytest.raises(KeyVIDError, match=words):
            curve(**inputs)


def _write_sound(path):
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def test_a_still_video_is_no_movement(comfyui):
    assert not curve(images=IMAGES[:1].expand(12, -1, -1, -1)).score.any()


def test_frames_of_another_size_in_between_are_told(comfyui):
    from keyvid_pack.host.motion import measured
    from keyvid_pack.host.video_frames import FrameChunk, Frames

    chunks = [
        FrameChunk(torch.zeros(2, 3, *size, dtype=torch.uint8), np.array([start, start + 1.0]))
        for start, size in ((0, (32, 40)), (2, (40, 32)))
    ]
    with pytest.raises(KeyVIDError, match="from 40 x 32 to 32 x 40 pixels"):
        measured(Frames(iter(chunks), 4), lambda frames: np.zeros(len(frames) - 1))
