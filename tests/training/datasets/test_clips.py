"""The clips of a video that the networks see, and files of measured motion."""

import numpy as np
import pytest
import torch
from keyvid_pack.errors import CurveError
from keyvid_pack.training.datasets import clips, curves
from keyvid_pack.training.datasets.decode import Sound, VideoFileError
from keyvid_pack.training.datasets.layouts import Video, open_dataset
from torchvision.transforms import functional as vision

from ...helpers.real_videos import files, layouts


def test_clips_begin_evenly_and_end_with_the_video():
    assert clips.clip_starts(10.0).tolist() == [0, 4, 8]
    assert clips.clip_starts(10.0, n_clips=1).tolist() == [4]
    assert clips.clip_starts(2.0).tolist() == clips.clip_starts(1.5).tolist() == [0, 0, 0]


@pytest.mark.parametrize("rate", [12, 24, 30000 / 1001, 30, 60])
def test_a_clip_has_the_first_frame_shown_at_each_time_or_later(rate):
    times_s = np.round(np.arange(round(4 * rate)) / rate, 4)  # as a file rounds them
    indices = clips.frames_shown(times_s, 1.0, n=48, fps=24)
    for i, index in enumerate(indices):
        wanted_s = 1.0 + i / 24 - clips.TIME_TOLERANCE_S
        assert times_s[index] >= wanted_s
        assert index == 0 or times_s[index - 1] < wanted_s
    if rate == 24:
        assert indices.tolist() == list(range(24, 72))


def test_past_its_end_a_video_stands_still():
    indices = clips.frames_shown(np.arange(48) / 24, 1.0, n=48, fps=24)
    assert indices.tolist() == [*range(24, 48), *[47] * 24]


@pytest.mark.parametrize(
    ("height", "width"), [(480, 640), (720, 1280), (1280, 720), (320, 512), (33, 200)]
)
def test_a_frame_covers_the_size_undistorted(height, width):
    """Against torchvision: the widest part of the ratio 320 : 512 in the centre, scaled with its antialiasing."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([255 * y / height, 255 * x / width, 100 + 0 * x], axis=2).astype(np.uint8)
    ours = clips.cover_crop(image)
    assert ours.shape == (3, 320, 512) and ours.dtype == torch.uint8
    crop = min(height, int(width * 320 / 512)), min(width, int(height * 512 / 320))
    cut = vision.crop(
        torch.from_numpy(image).permute(2, 0, 1),
        (height - crop[0]) // 2,
        (width - crop[1]) // 2,
        *crop,
    )
    theirs = vision.resize(cut, [320, 512], antialias=True)
    # rounded to whole levels on both sides
    assert (ours.int() - theirs.int()).abs().max() <= 1
    # negative control: squeezed instead of cut
    squeezed = vision.resize(torch.from_numpy(image).permute(2, 0, 1), [320, 512], antialias=True)
    if (height, width) != (320, 512):
        assert (squeezed.int() - theirs.int()).abs().max() > 5


def test_the_sound_of_a_clip_is_at_its_place_and_as_long_as_the_clip():
    samples = np.zeros((2, 5 * 48_000), np.float32)
    samples[0, 3 * 48_000 + 12_000] = 1.0  # 3.25 s
    audio = clips.clip_audio(Sound(samples, 48_000), 2.5)
    assert audio.shape == (2, 32_000) and audio.dtype == np.float32
    assert abs(int(np.abs(audio[0]).argmax()) - 12_000) <= 1 and not audio[1].any()
    late = clips.clip_audio(Sound(samples, 48_000), 4.5)
    assert late.shape == (2, 32_000) and not late.any()


BITS = 7  # of a frame's number, as black and white columns


def numbered_video(path, n=84, fps=24):
    """3.5 s: each frame shows its number, and a click is in the middle of the sound."""
    bits = (np.arange(n)[:, None] >> np.arange(BITS)) & 1  # (n, BITS)
    columns = (40 + 170 * bits).astype(np.uint8).repeat(16, axis=1)
    frames = np.ascontiguousarray(np.broadcast_to(columns[:, None, :, None], (n, 70, 16 * BITS, 3)))
    sound = np.zeros((1, round(n / fps * 16_000)))
    sound[0, 28_000:28_040] = 0.9  # 1.75 s
    files.write_video(path, frames, times_ms=np.round(np.arange(n) * 1000 / fps), channels=sound)
    return Video(path, "cat/a.b", "cat", "cat", path.with_suffix(".npy"))


def numbers_of(frames):
    """The numbers that frames (n, 3, H, W) of a numbered video show, from the middle of each column."""
    width = frames.shape[-1] / BITS
    middles = [int((bit + 0.5) * width) for bit in range(BITS)]
    bits = frames[:, 0, frames.shape[2] // 2][:, middles] > 125
    return (bits.int() << torch.arange(BITS)).sum(dim=1).tolist()


def test_three_clips_of_a_video(tmp_path):
    read = list(clips.read_clips(numbered_video(tmp_path / "a.mp4")))
    assert [clip.name for clip in read] == [f"cat/a.b_clip-0{i}" for i in range(3)]
    assert [clip.start_s for clip in read] == pytest.approx([0, 0.75, 1.5], abs=2e-3)
    for clip, first in zip(read, (0, 18, 36), strict=True):
        assert clip.frames.shape == (48, 3, 320, 512) and clip.frames.dtype == torch.uint8
        assert numbers_of(clip.frames) == list(range(first, first + 48))
        assert abs(np.abs(clip.audio[0]).argmax() / 16_000 - (1.75 - clip.start_s)) < 0.01
    (middle,) = clips.read_clips(
        numbered_video(tmp_path / "b.mp4"), n_clips=1, n_frames=12, fps=6, height=20, width=32
    )
    assert middle.frames.shape == (12, 3, 20, 32)
    assert numbers_of(middle.frames) == list(range(18, 66, 4))
    assert middle.start_s == pytest.approx(0.75, abs=2e-3)


def test_a_video_without_sound_has_no_clips(tmp_path):
    path = tmp_path / "a.mp4"
    files.write_video(
        path, np.zeros((60, 32, 32, 3), np.uint8), times_ms=np.arange(60) * 41, channels=None
    )
    with pytest.raises(VideoFileError, match="no sound"):
        list(clips.read_clips(Video(path, "a", "", "", path)))


def test_world_clips_in_each_layout_are_read_whole(tmp_path):
    made = [
        (tmp_path / "a", "train", layouts.write_avsync15(tmp_path / "a", ["dog_barking/a.mp4"])),
        (tmp_path / "b", "test", layouts.write_avsync15_to_evaluate(tmp_path / "b", ["x/ü.1.mp4"])),
        (tmp_path / "c", "test", layouts.write_landscapes_to_evaluate(tmp_path / "c", ["sea/a.mp4"])),
        (tmp_path / "d", "train", layouts.write_greatest_hits(tmp_path / "d", ["2015-02-16"])),
    ]  # fmt: skip
    for root, split, written in made:
        (video,), ((_, world),) = open_dataset(root, split=split).videos, written.items()
        read = list(clips.read_clips(video, height=72, width=96))
        assert len(read) == 3 and len({clip.name for clip in read}) == 3
        drawn = torch.from_numpy(world.frames).permute(0, 3, 1, 2).float()
        drawn = torch.nn.functional.interpolate(drawn, size=(72, 96), mode="nearest")
        error = (read[0].frames.float() - drawn).abs().mean()
        upside_down = (read[0].frames.float() - drawn.flip(2)).abs().mean()
        assert error < 12 and error < upside_down / 2
        # AAC of a mono sound is well over 9 tenths of the waveform
        alike = np.corrcoef(read[0].audio[0], world.audio)[0, 1]
        assert alike > 0.9


def test_curves_are_written_and_read_as_published(tmp_path):
    path, scores = tmp_path / "train_curves_npy" / "cat" / "a.npy", np.arange(7) / 3
    curves.write_curve(path, scores)
    assert [one.name for one in path.parent.iterdir()] == ["a.npy"]
    stored = np.load(path)
    assert stored.dtype == np.float32 and stored.shape == (7,)
    np.testing.assert_allclose(curves.read_curve(path, n_frames=8), scores, rtol=1e-6)
    assert curves.curve_file(path) == path and curves.curve_file(tmp_path / "b.npy") is None
    other = tmp_path / "b.mp4.npy"  # the name of the other published script, float64
    np.save(other, scores)
    assert curves.curve_file(tmp_path / "b.npy") == other
    np.testing.assert_array_equal(curves.read_curve(other), scores)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.zeros((3, 12)), "no motion curve"),
        (np.array([]), "empty"),
        (np.array([1.0, np.nan]), "negative or no number"),
        (np.array([1.0, -2.0]), "negative or no number"),
        (np.array([{"a": 1}], dtype=object), "cannot be read"),
        (np.arange(9), "10 frames|has 9 numbers"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_curve_is_refused(tmp_path, content, said):
    path = tmp_path / "a.npy"
    if content is None:
        path.write_bytes(b"\x93NUMPY")
    else:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(CurveError, match=said):
        curves.read_curve(path, n_frames=12)


def test_the_curve_of_a_clip_is_that_of_the_published_loader():
    """Spelled out in numpy alone: two seconds of it, the first dropped, 48 points between the ends, then 0 to 1."""
    scores = np.random.default_rng(1).random(149)  # 5 s at 30 fps
    ours = curves.clip_curve(scores, fps=30, start_s=1.5)
    part = scores[45:105][1:]
    points = [k * 58 / 47 for k in range(48)]
    expected = [
        part[int(p)] + (p - int(p)) * (part[min(int(p) + 1, 58)] - part[int(p)]) for p in points
    ]
    expected = (np.array(expected) - min(expected)) / (max(expected) - min(expected))
    assert ours.shape == (48,) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, atol=1e-6)
    with pytest.raises(CurveError, match="needs at least 2"):
        curves.clip_curve(scores, fps=30, start_s=5.0)
