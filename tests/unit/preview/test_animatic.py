"""The timing preview: exact lengths, flashes on the planned frames, and one frame at a time."""

import tracemalloc
from fractions import Fraction

import av
import numpy as np
import pytest
from keyvid_pack.errors import AudioError, CurveError, KeyVIDError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.plan import KINDS, Keyframe, make_plan
from keyvid_pack.keyframes.timebase import fps_fraction, n_samples_at
from keyvid_pack.preview import mp4, style
from keyvid_pack.preview.animatic import (
    MIN_WIDTH,
    PAGE_S,
    animatic_frames,
    layout_of,
    render_animatic,
)
from keyvid_pack.preview.image import pulse_of, to_image

WHITE = np.ones((30, 48, 3), np.float32)  # as bright as a flash, to tell them apart all the same
AAC_BLOCK = 1024


def plan_of(frames, *, fps=24.0, n_frames=16):
    keyframes = [Keyframe(0, "first")]
    others = [kind for kind in KINDS if kind != "first"]
    for i, frame in enumerate(frames):
        keyframes.append(Keyframe(frame, others[i % len(others)], locked=i % 3 == 2))
    return make_plan(keyframes, fps=fps, n_frames=n_frames)


def sound_of(plan, *, sample_rate=16_000, n_channels=1):
    n = n_samples_at(plan.n_frames, fps=plan.fps, sample_rate=sample_rate)
    return np.random.default_rng(0).normal(0, 0.1, (n_channels, n)).astype(np.float32)


def render(
    path, plan, *, sample_rate=16_000, n_channels=1, image=WHITE, width=MIN_WIDTH, **options
):
    samples = sound_of(plan, sample_rate=sample_rate, n_channels=n_channels)
    render_animatic(
        path,
        image=image,
        samples=samples,
        sample_rate=sample_rate,
        plan=plan,
        width=width,
        **options,
    )
    return path


def decoded(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def flashes(path):
    """(frame, kind) of every frame whose topmost band, beside the image, is lit in a kind's colour."""
    found = []
    for i, frame in enumerate(decoded(path)):
        band = frame[1:3, 8:-8].reshape(-1, 3).astype(float)
        for kind, colour in style.KIND_COLOURS.items():
            if np.abs(band - colour).max() < 40:
                found.append((i, kind))
    return found


@pytest.mark.parametrize(
    "fps, n_frames, sample_rate, n_channels",
    [
        (24.0, 48, 22_050, 1),
        (24.0, 17, 44_100, 2),
        (23.976, 31, 48_000, 2),
        (24000 / 1001, 31, 44_100, 1),
        (25.0, 20, 8_000, 1),
        (29.97, 40, 11_025, 2),
        (30.0, 23, 96_000, 2),
        (30.0, 30, 192_000, 2),
        (12.0, 9, 192_000, 1),
        (7.5, 5, 37_800, 1),
        (24.0, 2, 44_100, 6),
    ],
)
def test_lengths_are_exact(tmp_path, fps, n_frames, sample_rate, n_channels):
    plan = plan_of([1], fps=fps, n_frames=n_frames)
    path = render(tmp_path / "a.mp4", plan, sample_rate=sample_rate, n_channels=n_channels)
    rate = mp4.aac_rate(sample_rate)
    n_samples = n_samples_at(n_frames, fps=fps, sample_rate=rate)
    fps = fps_fraction(fps)
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert video.frames == n_frames and video.average_rate == fps
        assert video.duration * video.time_base == n_frames / fps
        assert audio.duration * audio.time_base == Fraction(n_samples, rate)
        assert (audio.rate, audio.channels) == (rate, min(n_channels, 2))
        assert (audio.codec_context.name, audio.start_time, video.start_time) == ("aac", 0, 0)
        times = [frame.pts * video.time_base for frame in container.decode(video)]
        assert times == [i / fps for i in range(n_frames)]
        container.seek(0)
        n_decoded = sum(frame.samples for frame in container.decode(audio))
        assert n_decoded == -(-n_samples // AAC_BLOCK) * AAC_BLOCK


@pytest.mark.parametrize("sample_rate", [22_050, 44_100, 192_000])
def test_sound_stays_in_place(tmp_path, sample_rate):
    plan = plan_of([8])
    samples = 0 * sound_of(plan, sample_rate=sample_rate)
    start = n_samples_at(8, fps=24, sample_rate=sample_rate)
    samples[:, start : start + sample_rate // 20] = 0.5
    path = tmp_path / "a.mp4"
    render_animatic(
        path, image=WHITE, samples=samples, sample_rate=sample_rate, plan=plan, width=MIN_WIDTH
    )
    with av.open(str(path)) as container:
        sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)[0]
    rate = mp4.aac_rate(sample_rate)
    rise = np.flatnonzero(sound > 0.25)[0]
    assert rise / rate == pytest.approx(start / sample_rate, abs=0.001)


def test_aac_rate_keeps_what_aac_can_carry():
    assert all(mp4.aac_rate(rate) == rate for rate in mp4.AAC_RATES)
    assert [mp4.aac_rate(r) for r in (192_000, 176_400, 37_800, 9_000)] == [
        96_000,
        88_200,
        44_100,
        11_025,
    ]


def test_more_channels_are_mixed_to_stereo():
    samples = np.array([[0.4], [-0.4], [0.2], [0.6]])
    assert mp4.to_stereo(samples) == pytest.approx(np.array([[0.4], [0.0]]))
    assert mp4.to_stereo(samples[:2]) is not None and len(mp4.to_stereo(samples[:1])) == 1


@pytest.mark.parametrize(
    "frames, fps, n_frames",
    [
        ([3, 4, 9, 15], 24.0, 16),
        ([1, 2, 3, 4, 5, 6, 7], 23.976, 8),
        ([11], 25.0, 12),
        ([5, 10, 19, 20, 29], 30.0, 30),
        ([2, 6], 12.0, 9),
    ],
)
@pytest.mark.parametrize("has_curve", [True, False])
def test_flashes_are_on_the_planned_frames_in_their_colours(
    tmp_path, frames, fps, n_frames, has_curve
):
    plan = plan_of(frames, fps=fps, n_frames=n_frames)
    curve = None
    if has_curve:
        curve = motion_curve(np.linspace(1, 0, n_frames), fps=fps, source="test")
    path = render(tmp_path / "a.mp4", plan, curve=curve)
    assert flashes(path) == [(k.frame, k.kind) for k in plan.keyframes]


def test_every_kind_has_a_colour():
    assert set(style.KIND_COLOURS) == set(KINDS)


@pytest.mark.parametrize("size", [(90, 30), (48, 30), (30, 30), (30, 90), (1, 40), (400, 1)])
def test_any_image_fits_undistorted(size):
    layout = layout_of(size, width=321)
    left, top, width, height = layout.image
    assert layout.width == 320 and layout.height % 2 == 0
    assert width == pytest.approx(height * size[0] / size[1], abs=max(2, size[0] / size[1] / 2))
    assert left >= layout.mat and left + width <= layout.width - layout.mat
    assert top >= layout.mat and top + height <= layout.stage_height - layout.mat
    assert layout.height < 1.6 * layout.width


def frames_of(plan, *, image=None, curve=None, width=320):
    image = np.full((60, 100, 3), 0.5, np.float32) if image is None else image
    image = to_image(image)
    layout = layout_of(image.size, width=width)
    frames = animatic_frames(
        image, layout, samples=sound_of(plan), sample_rate=16_000, plan=plan, curve=curve
    )
    return layout, (frame.copy() for frame in frames)


def test_image_lights_up_and_grows_with_the_curve():
    score = np.zeros(24)
    score[12] = 1
    image = np.full((200, 320, 3), 0.3, np.float32)
    image[:, 80:240] = 0.6
    plan = plan_of([20], n_frames=24)
    layout, frames = frames_of(
        plan, image=image, curve=motion_curve(score, fps=24, source="test"), width=640
    )
    frames = list(frames)
    left, top, width, height = layout.image
    row = [frame[top + height // 2, left : left + width].mean(axis=-1) for frame in frames]
    middle = [r[width // 2] for r in row]
    assert middle[12] > 1.1 * middle[11] and middle[12] > middle[13] > middle[14]
    bar_width = [(r > (r.min() + r.max()) / 2).sum() for r in row]
    assert (
        bar_width[12] == pytest.approx(bar_width[11] * 1.04, abs=3)
        and bar_width[12] > bar_width[11]
    )


def test_without_a_curve_the_image_pulses_after_keyframes():
    pulse = pulse_of(plan_of([6], n_frames=16))
    assert pulse[0] == pulse[6] == 1
    assert (np.diff(pulse[:6]) < 0).all() and (np.diff(pulse[6:]) < 0).all()


def test_playhead_moves_to_the_right_and_pages_turn():
    n_frames = round(2.5 * PAGE_S * 4)
    plan = plan_of([n_frames - 1], fps=4.0, n_frames=n_frames)
    layout, frames = frames_of(plan, width=200)
    top, height = layout.strip
    places = [f[top : top + height // 2].min(axis=-1).sum(axis=0).argmax() for f in frames]
    jumps = np.flatnonzero(np.diff(places[1:]) < 0)
    assert len(jumps) == 2, "three pages are two turns"
    assert len(set(places)) > 25


def test_quiet_and_silent_sound_is_shown(tmp_path):
    plan = plan_of([5])
    for level in (0.0, 1e-3):
        samples = level * sound_of(plan)
        render_animatic(
            tmp_path / "a.mp4",
            image=WHITE,
            samples=samples,
            sample_rate=16_000,
            plan=plan,
            width=130,
        )
        assert len(decoded(tmp_path / "a.mp4")) == plan.n_frames


def test_sound_that_ends_early_is_followed_by_silence(tmp_path):
    plan = plan_of([5], n_frames=12)
    samples = sound_of(plan)[:, :4000]
    path = tmp_path / "a.mp4"
    render_animatic(path, image=WHITE, samples=samples, sample_rate=16_000, plan=plan, width=128)
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        assert audio.duration * audio.time_base == Fraction(1, 2)


def test_progress_counts_to_the_end(tmp_path):
    seen = []
    render(tmp_path / "a.mp4", plan_of([3]), on_frame=lambda i, n: seen.append((i, n)))
    assert seen == [(i, 16) for i in range(1, 17)]


@pytest.mark.parametrize("n_done", [1, 200])
def test_cancel_removes_the_file(tmp_path, n_done):
    class Cancelled(BaseException):
        pass

    existed = []

    def on_frame(i, n):
        existed.append((tmp_path / "a.mp4").exists())
        if i == n_done:
            raise Cancelled

    with pytest.raises(Cancelled):
        render(tmp_path / "a.mp4", plan_of([3], n_frames=240), on_frame=on_frame)
    assert len(existed) == n_done
    assert existed[-1] or n_done == 1, "there was a file to remove"
    assert list(tmp_path.iterdir()) == []


def test_a_long_clip_is_never_held_as_a_batch(tmp_path):
    plan = plan_of(range(5, 500, 5), n_frames=500)
    samples = sound_of(plan, sample_rate=8_000)
    layout = layout_of((48, 30), width=MIN_WIDTH)
    batch_bytes = 500 * layout.width * layout.height * 3
    tracemalloc.start()
    try:
        render_animatic(
            tmp_path / "a.mp4",
            image=WHITE,
            samples=samples,
            sample_rate=8_000,
            plan=plan,
            width=128,
        )
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < batch_bytes / 10


def test_frames_are_asked_for_one_at_a_time(tmp_path):
    asked, done = [], []

    def frames():
        for i in range(30):
            asked.append(i)
            assert len(asked) == len(done) + 1
            yield np.zeros((64, 64, 3), np.uint8)

    mp4.write_mp4(
        tmp_path / "a.mp4", frames(), width=64, height=64, n_frames=30, fps=24,
        samples=np.zeros((1, 20_000)), sample_rate=16_000, on_frame=lambda i, n: done.append(i),
    )  # fmt: skip
    assert len(done) == 30


@pytest.mark.parametrize(
    "changed, error, words",
    [
        ({"image": np.zeros((2, 4, 4, 3))}, KeyVIDError, "shape"),
        ({"image": np.zeros((4, 4, 4))}, KeyVIDError, "shape"),
        ({"image": np.full((4, 4, 3), np.nan)}, KeyVIDError, "finite"),
        ({"samples": np.zeros((1, 0))}, AudioError, "empty"),
        ({"sample_rate": 4_000}, AudioError, "4000"),
        ({"curve": motion_curve([0, 1], fps=24, source="x")}, CurveError, "2 frames"),
        ({"width": 40}, KeyVIDError, "40 pixels"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_a_file_exists(tmp_path, changed, error, words):
    plan = plan_of([3])
    given = {"image": WHITE, "samples": sound_of(plan), "sample_rate": 16_000, "width": 128}
    with pytest.raises(error, match=words):
        render_animatic(tmp_path / "a.mp4", plan=plan, **(given | changed))
    assert list(tmp_path.iterdir()) == []
