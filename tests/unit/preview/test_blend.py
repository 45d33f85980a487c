"""A storyboard in motion: each image exactly on its keyframe, mixtures in between."""

import itertools

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import KeyVIDError, PlanError
from keyvid_pack.keyframes.bridges.blend import BLENDS, blend_weight
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.keyframes.timebase import n_samples_at
from keyvid_pack.preview.blend import blended_frames, render_blend

from ...helpers.plan_cases import clips

PLAN = plan_at_frames([0, 4, 5, 13], fps=24, n_frames=16)


def plain(level, height=4, width=6):
    return np.full((height, width, 3), level / 255, np.float32)


IMAGES = [plain(level) for level in (10, 210, 50, 250)]


def levels(blend):
    frames = [frame.copy() for frame in blended_frames(IMAGES, PLAN, blend)]
    assert all(frame.dtype == np.uint8 and frame.shape == (4, 6, 3) for frame in frames)
    assert all(len(np.unique(frame)) == 1 for frame in frames)
    return [int(frame[0, 0, 0]) for frame in frames]


@pytest.mark.parametrize("blend", BLENDS)
def test_each_image_is_on_its_keyframe_and_the_last_one_stays(blend):
    found = levels(blend)
    assert len(found) == 16
    assert [found[frame] for frame in PLAN.frames] == [10, 210, 50, 250]
    assert found[13:] == [250, 250, 250]


def test_between_keyframes_images_are_held_or_mixed():
    assert levels("hold")[:5] == [10, 10, 10, 10, 210]
    assert levels("linear")[:5] == [10, 60, 110, 160, 210]
    # 3 p^2 - 2 p^3 of 200 levels at a quarter, half and three quarters: 31.25, 100, 168.75
    assert levels("eased")[:5] == [10, 41, 110, 179, 210]


@pytest.mark.parametrize("blend", BLENDS)
def test_weights_rise_from_one_image_towards_the_next(blend):
    weights = [blend_weight(i / 100, blend) for i in range(100)]
    assert weights[0] == 0 and all(0 <= weight < 1 for weight in weights)
    assert all(b >= a for a, b in itertools.pairwise(weights))


@given(clips(), st.sampled_from(BLENDS))
def test_any_plan_has_all_its_frames_with_each_image_on_its_keyframe(plan, blend):
    images = [np.full((1, 1, 3), (i % 256) / 255, np.float32) for i in range(plan.count)]
    found = [int(frame[0, 0, 0]) for frame in blended_frames(images, plan, blend)]
    assert len(found) == plan.n_frames
    assert [found[frame] for frame in plan.frames] == [i % 256 for i in range(plan.count)]
    assert set(found[plan.frames[-1] :]) == {(plan.count - 1) % 256}


def test_an_unknown_blend_is_refused():
    with pytest.raises(PlanError, match='"wipe".*eased, linear, hold'):
        blend_weight(0.5, "wipe")


def render(path, images, **options):
    samples = np.zeros((1, n_samples_at(16, fps=24, sample_rate=16000)), np.float32)
    given = {"plan": PLAN, "blend": "hold", "samples": samples, "sample_rate": 16000}
    render_blend(path, images=images, **{**given, **options})


def test_the_video_has_every_frame_and_even_sides(tmp_path):
    path = tmp_path / "a.mp4"
    steps = []
    images = [plain(level, 33, 49) for level in (10, 210, 50, 250)]
    render(path, images, on_frame=lambda done, n: steps.append((done, n)))
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 16
    # of plain images H.264 changes a level or two, by the roundings to and from YUV
    found = [float(frame.mean()) for frame in frames]
    expected = [10] * 4 + [210] + [50] * 8 + [250] * 3
    assert np.abs(np.array(found) - expected).max() < 4
    assert steps == [(i + 1, 16) for i in range(16)]


def test_cancel_leaves_no_file_and_tiny_images_are_refused(tmp_path):
    def cancel(done, n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(tmp_path / "a.mp4", [plain(1, 32, 32)] * 4, on_frame=cancel)
    with pytest.raises(KeyVIDError, match="1 x 40 pixels"):
        render(tmp_path / "a.mp4", [plain(1, 40, 1)] * 4)
    assert not list(tmp_path.iterdir())


def test_only_two_images_are_read_at_a_time():
    read = []

    class Watched(list):
        def __getitem__(self, i):
            read.append(i)
            return super().__getitem__(i)

    frames = blended_frames(Watched(IMAGES), PLAN, "linear")
    for _ in range(5):
        next(frames)
    assert set(read) == {0, 1, 2}
