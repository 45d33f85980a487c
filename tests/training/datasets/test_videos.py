"""Videos as they are: uneven, turned, damaged, cut short, silent. Each is read right or reported, none is lost."""

import av
import numpy as np
import pytest
from keyvid_pack.training.datasets.decode import (
    VideoFileError,
    frame_times,
    read_frames,
    read_sound,
)
from keyvid_pack.training.datasets.inspection import inspect_video

from ...helpers.real_videos import files

N = 60


@pytest.fixture(scope="module")
def world():
    return files.render_clip(3, scene="ball", **files.SMALL)


def pictures(n=N, height=48, width=64):
    """Frames whose brightness is their number, the left half darker."""
    frames = np.empty((n, height, width, 3), np.uint8)
    frames[:] = (60 + 2 * np.arange(n))[:, None, None, None]
    frames[:, :, : width // 2] //= 3
    return frames


def tone(hz, n=40_000):
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(n) / 16_000)


def even(n=N, fps=24):
    return np.round(np.arange(n) * 1000 / fps)


def test_a_good_video_has_no_problem_and_nothing_special(tmp_path):
    clip = files.write_world_video(tmp_path / "a.mp4", 3)
    seen = []
    found = inspect_video(tmp_path / "a.mp4", on_frame=seen.append)
    assert found.problem == "" and found.notes == ()
    assert (found.n_frames, found.fps, found.duration_s) == (48, 24.0, 2.0)
    assert (found.height, found.width) == (72, 96)
    assert (found.sample_rate, found.n_channels) == (16_000, 1)
    assert [frame.time_s for frame in seen] == pytest.approx(np.arange(48) / 24)
    # H.264 in yuv420p keeps a frame within some levels on average
    drawn = clip.frames[20].repeat(2, axis=0).repeat(2, axis=1).astype(float)
    assert np.abs(seen[20].image - drawn).mean() < 12 < np.abs(seen[20].image - drawn[::-1]).mean()


def test_uneven_frame_rates_keep_their_times(tmp_path):
    times = np.cumsum([0, *[30, 55] * 29, 40])
    files.write_video(tmp_path / "a.mp4", pictures(), times_ms=times, channels=[tone(440)])
    read = [frame.time_s for frame in read_frames(tmp_path / "a.mp4")]
    assert read == pytest.approx(times / 1000, abs=1e-3)
    assert frame_times(tmp_path / "a.mp4")[:-1] == pytest.approx(times / 1000, abs=1e-3)
    found = inspect_video(tmp_path / "a.mp4")
    assert found.problem == "" and found.notes == ("uneven frame rate: 30 to 55 ms per frame",)


def test_a_turned_video_is_upright(tmp_path):
    path = tmp_path / "a.mp4"
    files.write_video(path, pictures(), times_ms=even(), channels=[tone(440)])
    files.turn(path)
    frame = next(iter(read_frames(path)))
    assert frame.image.shape == (64, 48, 3)
    # what was left is on top once it is turned clockwise
    assert frame.image[:24].mean() < 30 < 50 < frame.image[40:].mean()
    found = inspect_video(path)
    assert found.problem == "" and (found.height, found.width) == (64, 48)
    (note,) = found.notes
    assert note.startswith("turned by")


@pytest.mark.parametrize("layout", ["planar", "interleaved"])
def test_channels_of_sound_stay_apart(tmp_path, layout):
    """One channel has a low tone and the other a high one; reshaped instead of taken apart, both would have both."""
    channels = np.stack([tone(300), tone(3000)])
    if layout == "planar":
        files.write_video(tmp_path / "a.mp4", pictures(), times_ms=even(), channels=channels)
        path = tmp_path / "a.mp4"
    else:
        path = tmp_path / "a.wav"
        files.write_interleaved(path, channels)
    sound = read_sound(path)
    assert sound.sample_rate == 16_000 and len(sound.samples) == 2
    for samples, hz in zip(sound.samples, (300, 3000), strict=True):
        power = np.abs(np.fft.rfft(samples[8000:24_000])) ** 2  # a bin per hertz
        assert power.argmax() == hz
        other = power[2990:3011] if hz == 300 else power[290:311]
        assert other.sum() < 1e-3 * power.sum()


def test_sound_is_where_it_is_heard(tmp_path):
    """A click at 1 s is at 1 s, wherever the encoder began."""
    click = np.zeros(40_000)
    click[16_000:16_040] = 0.9
    files.write_video(tmp_path / "a.mp4", pictures(), times_ms=even(), channels=[click])
    samples = read_sound(tmp_path / "a.mp4").samples[0]
    assert abs(int(np.abs(samples).argmax()) - 16_020) < 40


def test_sound_that_starts_before_the_picture_is_cut_once(tmp_path):
    """The picture starts at 0.512 s, eight coded pieces of sound later; the click at 1 s is 0.488 s behind it."""
    click = np.zeros(40_000)
    click[16_000:16_040] = 0.9
    path = tmp_path / "a.mp4"
    files.write_video(path, pictures(), times_ms=even() + 512, channels=[click])
    samples = read_sound(path).samples[0]
    assert abs(int(np.abs(samples).argmax()) - (16_020 - 8192)) < 40


def test_a_trimmed_video_is_whole_and_its_sound_in_time(tmp_path):
    """0.25 s are left out by the edit list alone: 6 of 60 frames are in the file and not shown."""
    click = np.zeros(40_000)
    click[16_000:16_040] = 0.9
    files.write_video(tmp_path / "a.mp4", pictures(), times_ms=even(), channels=[click])
    path = tmp_path / "trimmed.mp4"
    files.trim(tmp_path / "a.mp4", path, 0.25)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == N, "nothing was left out by the edit list"
    found = inspect_video(path)
    assert (found.problem, found.n_frames) == ("", N - 6)
    read = list(read_frames(path))
    assert frame_times(path)[:-1] == pytest.approx([frame.time_s for frame in read], abs=1e-3)
    assert abs(read[0].image[0, -1].mean() - (60 + 2 * 6)) < 2, "another frame is the first"
    samples = read_sound(path).samples[0]
    assert abs(int(np.abs(samples).argmax()) - (16_020 - 4000)) < 40
    files.cut_between_frames(path, 40)
    assert "34 of the 54 frames" in inspect_video(path).problem


def bad_file(name, path, world):
    """Make a file of the test list."""
    if name == "empty":
        path.write_bytes(b"")
    elif name == "text":
        path.write_text("<html>404</html>" * 100)
    elif name == "sound only":
        files.write_interleaved(path, np.stack([tone(300)]))
    elif name == "no sound":
        files.write_video(path, pictures(), times_ms=even())
    elif name == "silent":
        files.write_video(path, pictures(), times_ms=even(), channels=np.zeros((1, 40_000)))
    elif name == "short":
        files.write_video(path, pictures(40), times_ms=even(40), channels=[tone(440)])
    elif name == "one frame":
        files.write_video(path, pictures(1), times_ms=[0], channels=[tone(440)])
    else:
        files.write_clip_mp4(world, path, enlarged=4)
        if name == "cut short":
            files.cut_between_frames(path, 33)
        elif name == "cut in a frame":
            files.cut(path, 0.7)
        elif (
            name == "index lost"
        ):  # the table of contents is behind the images in most cameras' files
            files.write_video(path, pictures(), times_ms=even(), channels=[tone(440)])
            files.cut(path, 0.7)
        elif name == "damaged":
            files.damage(path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty", "cannot be read"),
        ("text", "cannot be read"),
        ("index lost", "cannot be read"),
        ("sound only", "no images"),
        ("no sound", "no sound"),
        ("silent", "silence"),
        ("short", "1.67 s"),
        ("one frame", "one frame"),
        ("cut short", "cut short: 33 of the 48 frames"),
        ("cut in a frame", "cannot be read"),
        ("damaged", "cannot be read"),
        ("whole", ""),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, world, name, said):
    path = tmp_path / "é b.mp4"
    bad_file(name, path, world)
    problem = inspect_video(path).problem
    if not said:
        assert problem == ""
        return
    assert said in problem
    assert problem.endswith(".")


def test_a_file_that_is_no_video_is_an_error_of_its_own(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\x00" * 5000)
    for read in (lambda p: list(read_frames(p)), frame_times, read_sound):
        with pytest.raises(VideoFileError, match="cannot be read"):
            read(tmp_path / "a.mp4")
