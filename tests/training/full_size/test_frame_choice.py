"""Which frames are trained on: counts, order, rates, and what the interpolator is given."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.keyframes.peaks import find_keypoints
from keyvid_pack.training.full_size import frame_choice

CURVE = np.zeros(48, np.float32)
CURVE[[9, 22, 33]] = 1.0, 0.8, 0.9


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("keyframes", frame_choice.CHOICES)
def test_keyframes_ascend_from_the_first_frame(keyframes):
    for seed in range(20):
        frames = frame_choice.selected_frames(CURVE, rng(seed), count=12, keyframes=keyframes)
        assert len(frames) == 12 and frames[0] == 0 and frames == sorted(frames)
        assert frames[-1] < 48


@settings(deadline=None, max_examples=50)
@given(st.integers(48, 240), st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_the_published_choice_has_count_frames_of_the_window(n_frames, count, seed):
    frames = frame_choice.training_frames(
        find_keypoints(np.random.RandomState(seed).rand(n_frames)),
        count=count,
        fps=24,
        numpy_generator=np.random.RandomState(seed),
    )
    assert len(frames) == count
    assert frames == sorted(frames) and frames[0] == 0 and frames[-1] < n_frames


def test_uniform_needs_no_curve_and_is_even():
    choice = frame_choice.generator_frames(
        None, rng(), count=12, keyframe_ratio=1.0, keyframes="uniform"
    )
    assert choice.frames == list(range(0, 48, 4))
    assert choice.fps == 6
    with pytest.raises(ValueError, match="without a motion curve"):
        frame_choice.selected_frames(None, rng(), count=12, keyframes="published")


def test_the_ratio_decides_how_many_examples_have_keyframes():
    choices = [
        frame_choice.generator_frames(
            CURVE, rng(seed), count=12, keyframe_ratio=0.4, keyframes="published"
        )
        for seed in range(400)
    ]
    first_ones = [choice for choice in choices if choice.frames == list(range(12))]
    # binomial with 400 draws of 0.6: its standard deviation is 9.8, so five of them are 49
    assert abs(len(first_ones) - 240) < 49
    assert {choice.fps for choice in first_ones} == {24}


def test_the_interpolator_is_given_keyframes_or_both_ends():
    seen = set()
    for seed in range(60):
        choice = frame_choice.interpolator_frames(CURVE, rng(seed), count=12, keyframes="published")
        step = choice.frames[1]
        assert choice.frames == list(range(0, 12 * step, step)) and step in (1, 2)
        assert choice.fps == 24 // step
        assert sum(choice.given) >= 2 and choice.given[0]
        seen.add(step)
    assert seen == {1, 2}
    nothing_near = frame_choice.interpolator_frames(None, rng(3), count=12, keyframes="uniform")
    given = [f for f, is_given in zip(*nothing_near[::2], strict=True) if is_given]
    assert given == [f for f in nothing_near.frames if f % 4 == 0]


def test_whole_clips_are_what_inference_asks_for():
    choice = frame_choice.whole_clip(CURVE, rng(), count=12, keyframes="published")
    assert choice.frames == list(range(48)) and choice.fps == 24
    assert sum(choice.given) == 12


def test_rates_are_cut_to_whole_numbers():
    # 24 / 5 is cut to 4, 24 / 7 to 3; the mean of 4, 3, 3 is 3.33
    assert frame_choice.told_fps([5, 7, 7]) == 3
    assert frame_choice.told_fps([0, 1]) == 24
