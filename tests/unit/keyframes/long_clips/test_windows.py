"""The windows of long clips: every keyframe and every frame, as many in each as the model knows, and never too far."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.long_clips.windows import CONTEXT, LEAD, fill_windows, paint_windows

N_WINDOW = 48
SMALL, PUBLISHED = tuple(range(6, 13)), (12,)


@st.composite
def long_clips(draw, max_gap=None):
    """(frames of keyframes, n_frames) of clips of up to a minute; max_gap: between keyframes, and to the end."""
    n_frames = draw(st.integers(N_WINDOW, 1440))
    if max_gap is None:
        others = draw(st.sets(st.integers(1, n_frames - 1), min_size=1, max_size=300))
        return [0, *sorted(others)], n_frames
    frames = [0]
    while n_frames - frames[-1] > max_gap:
        frames.append(frames[-1] + draw(st.integers(1, max_gap)))
    return frames, n_frames


@settings(deadline=None, max_examples=200)
@given(long_clips(), st.sampled_from([SMALL, PUBLISHED]))
def test_every_keyframe_is_painted_where_it_belongs(clip, counts):
    frames, n_frames = clip
    windows = paint_windows(frames, n_frames=n_frames, counts=counts)
    painted = set()
    for window in windows:
        assert len(window.frames) in counts
        assert window.frames[0] == 0 and list(window.frames) == sorted(set(window.frames))
        assert window.frames[-1] < N_WINDOW and 0 <= window.start <= n_frames - N_WINDOW
        assert min(window.weights) > 0
        for frame, number in zip(window.frames, window.keyframes, strict=True):
            if number is not None:
                assert frames[number] == window.start + frame
                painted.add(number)
    assert painted == set(range(len(frames)))


@settings(deadline=None, max_examples=200)
@given(long_clips())
def test_the_artists_image_begins_every_window_and_is_a_keyframe_only_in_the_clips_first(clip):
    frames, n_frames = clip
    for window in paint_windows(frames, n_frames=n_frames, counts=SMALL):
        assert window.keyframes[0] == (0 if window.start == 0 else None)
        others = [
            frame
            for frame, number in zip(window.frames, window.keyframes, strict=True)
            if number is not None and frame > 0
        ]
        if window.start not in (0, n_frames - N_WINDOW):
            assert others[0] >= LEAD


@settings(deadline=None, max_examples=200)
@given(long_clips(max_gap=8))
def test_neighbouring_windows_share_keyframes(clip):
    frames, n_frames = clip
    windows = paint_windows(frames, n_frames=n_frames, counts=SMALL)
    numbers = [{n for n in window.keyframes if n is not None} for window in windows]
    for one, other in zip(numbers, numbers[1:], strict=False):
        assert one & other


def test_a_gap_makes_no_windows_that_are_parts_of_others():
    """A window for each keyframe before a gap was once made, each inside the one before."""
    frames = [0, *range(20, 39), 90, 140, 190]
    windows = paint_windows(frames, n_frames=240, counts=PUBLISHED)
    numbers = [{n for n in window.keyframes if n is not None} for window in windows]
    assert not any(a <= b for i, a in enumerate(numbers) for j, b in enumerate(numbers) if i != j)
    assert len(windows) == 5


def test_few_windows_for_evenly_spaced_keyframes():
    """Each new window brings at least 8 of its 12 keyframes: a minute of them takes 45 windows, not one for each."""
    frames = list(range(0, 1440, 4))
    assert len(paint_windows(frames, n_frames=1440, counts=PUBLISHED)) == 1 + -(-(360 - 12) // 8)


@settings(deadline=None, max_examples=200)
@given(long_clips(max_gap=N_WINDOW - 2 * CONTEXT))
def test_every_frame_is_kept_of_one_window_that_ends_on_a_keyframe(clip):
    frames, n_frames = clip
    windows = fill_windows(frames, n_frames=n_frames)
    assert [w.first for w in windows] == [0, *(w.end for w in windows[:-1])]
    assert windows[-1].end == n_frames
    for window in windows:
        assert window.first in frames
        assert window.start <= window.first < window.end <= window.start + N_WINDOW
        assert 0 <= window.start <= n_frames - N_WINDOW
        inside = [f for f in frames if window.start <= f < window.start + N_WINDOW]
        assert [frames[i] for i in window.keyframes] == inside
        assert [window.start + f for f in window.frames] == inside
        if window.end < n_frames:
            assert window.end in frames
            assert window.end + CONTEXT <= window.start + N_WINDOW, "it does not see what follows"
        if window.first:
            assert window.first - CONTEXT >= window.start, "it does not see what came before"


@pytest.mark.parametrize(
    ("frames", "words"), [([0, 60, 90], "0 and the next one at 60"), ([0, 30], "30 and the end")]
)
def test_keyframes_too_far_apart_are_named(frames, words):
    with pytest.raises(PlanError, match=words):
        fill_windows(frames, n_frames=100)


def test_a_clip_as_long_as_the_models_is_one_window():
    frames = list(range(0, 48, 4))
    (paint,) = paint_windows(frames, n_frames=48, counts=PUBLISHED)
    assert (paint.start, list(paint.frames), list(paint.keyframes)) == (0, frames, list(range(12)))
    (fill,) = fill_windows(frames, n_frames=48)
    assert (fill.start, fill.first, fill.end) == (0, 0, 48)
