"""Keyframes in the latents of Wan's VAE: every keyframe is kept, and nothing that is empty."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.keyframes.bridges import causal_groups as groups


@st.composite
def keyframes(draw):
    """(n_frames of 4k + 1, ascending frames, 0 among them) of any plan from 5 frames on."""
    n_frames = 4 * draw(st.integers(1, 249)) + 1
    count = draw(st.integers(1, n_frames - 1))
    # only the seed is drawn: hundreds of frames one by one take hypothesis seconds
    later = draw(st.randoms(use_true_random=True)).sample(range(1, n_frames), count)
    return n_frames, [0, *sorted(later)]


def reduced(kept, n_frames):
    """The masks of the latents, as ComfyUI makes them of those of the frames; True is kept."""
    n_latents = (n_frames - 1) // 4 + 1
    return [kept[math.floor((j + 0.5) * n_frames / n_latents)] for j in range(n_latents)]


def latents_with_images(images):
    return {(frame + 3) // 4 for frame, image in enumerate(images) if image is not None}


@given(keyframes(), st.sampled_from(groups.HOLDS))
def test_exactly_the_latents_with_an_image_are_kept(case, hold):
    n_frames, frames = case
    control = groups.control_frames(frames, n_frames, hold=hold)
    assert len(control.images) == len(control.kept) == n_frames
    kept = {j for j, is_kept in enumerate(reduced(control.kept, n_frames)) if is_kept}
    assert kept == latents_with_images(control.images)
    assert kept >= {(frame + 3) // 4 for frame in frames}
    # of an image under a mask of 1 the model would get the part to paint over
    assert all(control.kept[f] for f, image in enumerate(control.images) if image is not None)


@given(keyframes(), st.sampled_from(groups.HOLDS))
def test_every_image_is_shown_on_its_frame_or_the_next(case, hold):
    n_frames, frames = case
    control = groups.control_frames(frames, n_frames, hold=hold)
    for number, frame in enumerate(frames):
        at = frame + 1 if frame in control.shifted else frame
        assert control.images[at] == number
        assert groups.group_of(at) == groups.group_of(frame)
    assert set(control.shifted) | set(control.early) <= set(frames)


@given(keyframes())
def test_alone_an_image_is_on_one_frame(case):
    n_frames, frames = case
    control = groups.control_frames(frames, n_frames, hold="frame")
    n_shown = sum(image is not None for image in control.images)
    assert n_shown == len(frames) + len(control.early)


@given(keyframes())
def test_held_an_image_fills_its_latent_and_no_other(case):
    n_frames, frames = case
    control = groups.control_frames(frames, n_frames, hold="group")
    for group in {groups.group_of(frame) for frame in frames}:
        held = [control.images[frame] for frame in groups.group_frames(group)]
        own = [n for n, frame in enumerate(frames) if groups.group_of(frame) == group]
        assert held.count(None) <= 1 and held[-1] is not None
        assert set(held) - {None} == set(own)
    shown = latents_with_images(control.images)
    at_most = {groups.group_of(frame) for frame in frames}
    at_most |= {groups.group_of(frame) - 1 for frame in control.early}
    assert shown == at_most


@given(st.integers(1, 249), st.data())
def test_the_frame_that_decides_is_the_reductions_own(k, data):
    n_frames = 4 * k + 1
    group = data.draw(st.integers(0, k))
    n_latents = k + 1
    assert groups.n_groups(n_frames) == n_latents
    assert groups.mask_frame(group, n_frames) == math.floor((group + 0.5) * n_frames / n_latents)
    # what `control_frames` rests on: of two latents at most one is decided by the first frame of the later one
    assert groups.group_of(groups.mask_frame(group, n_frames)) in (group, group + 1)


@pytest.mark.parametrize(
    ("frames", "shifted", "early"),
    [
        ([0, 10], [], []),
        ([0, 9], [9], []),  # frame 9 decides about frames 5 to 8
        ([0, 8, 9], [], []),  # which have a keyframe here
        ([0, 9, 10], [], [9]),
        ([0, 61], [], []),  # behind the first third frame 61 decides about nothing
    ],
)
def test_the_awkward_place(frames, shifted, early):
    for hold in groups.HOLDS:
        control = groups.control_frames(frames, 81, hold=hold)
        assert (control.shifted, control.early) == (shifted, early)
        lines = groups.control_summary(control, hold=hold).splitlines()
        assert len(lines) == 1 + len(shifted) + len(early)
        assert all(str(frame) in " ".join(lines[1:]) for frame in shifted + early)


def test_a_mask_over_the_keyframe_alone_would_be_lost():
    """The plain way, which this module is for: of the frames of Wan's usual 81 frames few keep their mask."""
    survive = 0
    for frame in range(81):
        kept = [f == frame for f in range(81)]
        survive += reduced(kept, 81)[(frame + 3) // 4]
    assert survive == 14


@given(keyframes())
def test_rows_of_a_concat_mask(case):
    n_frames, frames = case
    rows = groups.kept_rows(frames, n_frames)
    assert len(rows) == 4 * ((n_frames - 1) // 4 + 1)
    # as WanDancerVideo does it: the mask of frame 0 four times, then the others
    mask = [frame in set(frames) for frame in range(n_frames)]
    assert rows == [mask[0]] * 4 + mask[1:]
