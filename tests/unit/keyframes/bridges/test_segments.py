"""A plan in segments and joined again: exactly its frames, every keyframe on its own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.bridges.model_grid import GRIDS
from keyvid_pack.keyframes.bridges.segments import (
    MULTIPLIERS,
    joined_frames,
    multipliers,
    plan_segments,
    prompt_per_segment,
    segments_text,
)
from keyvid_pack.keyframes.plan import plan_at_frames

from ....helpers.plan_cases import clips

PLAN = plan_at_frames([0, 4, 7, 19], fps=24, n_frames=24)
ANY, WAN = GRIDS["any"], GRIDS["4n+1"]


@settings(max_examples=300)
@given(
    clips(),
    st.sampled_from(list(GRIDS.values())),
    st.integers(0, 40),
    st.sampled_from(["hold", "segment"]),
    st.data(),
)
def test_joined_segments_are_exactly_the_plans_frames(plan, grid, shortest, tail, data):
    segments = plan_segments(plan, grid, shortest=shortest, tail=tail)
    # a model may make more than it is asked for
    made = [s.n_frames + data.draw(st.integers(0, 30)) for s in segments]
    joined = joined_frames(plan, made)
    assert len(joined) == plan.n_frames
    for number, (segment, n_made) in enumerate(zip(segments, made, strict=True)):
        assert grid.has(segment.n_frames) and segment.n_frames >= max(shortest, 2)
        assert joined[segment.start] == (number, 0)
        inside = joined[segment.start : segment.end]
        assert [one[0] for one in inside] == [number] * (segment.end - segment.start)
        taken = [one[1] for one in inside]
        assert all(b > a for a, b in zip(taken, taken[1:], strict=False)), "a frame is doubled"
        # the nearest frame to its time: half a frame of the segment away at most
        gap = segment.end - segment.start
        off = [abs(t * gap - i * (n_made - 1)) for i, t in enumerate(taken)]
        assert max(off) <= gap / 2
        assert taken[-1] < n_made - 1, "the joint is in both segments"
    end = segments[-1].end
    assert set(joined[end:]) == {(len(segments) - 1, made[-1] - 1)}
    if tail == "segment":
        assert end == plan.n_frames - 1


def test_segments_begin_and_end_with_their_keyframes_images():
    segments = plan_segments(PLAN, WAN)
    assert segments == [(0, 4, 0, 1, 5), (4, 7, 1, 2, 5), (7, 19, 2, 3, 13)]
    assert plan_segments(PLAN, WAN, tail="segment")[3] == (19, 23, 3, 3, 5)
    assert plan_segments(PLAN, WAN, shortest=17)[0].n_frames == 17
    ends_with_keyframe = plan_at_frames([0, 23], fps=24, n_frames=24)
    assert len(plan_segments(ends_with_keyframe, ANY, tail="segment")) == 1
    assert segments_text(segments, fps=24).splitlines()[2] == (
        "segment 3: frame 7 to 19 (0.50 s), 13 frames to make"
    )


def test_a_longer_segment_is_thinned_out_evenly():
    plan = plan_at_frames([0, 4], fps=24, n_frames=6)
    assert joined_frames(plan, [9]) == [(0, 0), (0, 2), (0, 4), (0, 6), (0, 8), (0, 8)]
    assert [i for _, i in joined_frames(plan, [6])] == [0, 1, 3, 4, 5, 5]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"longest": 9}, ["Segment 3", "frame 7 to 19", "13 frames", "longest is set to 9"]),
        ({"tail": "loop"}, ['"loop"', "hold, segment"]),
        ({"shortest": 2.5}, ["2.5"]),
        ({"longest": -1}, ["-1"]),
    ],
)
def test_a_segment_that_cannot_be_made_is_named(options, words):
    with pytest.raises(PlanError) as error:
        plan_segments(PLAN, WAN, **options)
    assert all(word in str(error.value) for word in words), error.value
    assert str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([5, 5], ["2 segments", "4 keyframes", "needs 3"]),
        ([5] * 5, ["5 segments"]),
        ([], ["0 segments"]),
        ([5, 3, 13], ["Segment 2 has 3 frames", "frame 4 to 7", "needs 4"]),
    ],
)
def test_segments_that_do_not_fill_the_plan_are_named(lengths, words):
    with pytest.raises(PlanError) as error:
        joined_frames(PLAN, lengths)
    assert all(word in str(error.value) for word in words), error.value


def test_a_segment_has_the_prompt_of_the_keyframe_it_leads_to():
    segments = plan_segments(PLAN, WAN, tail="segment")
    assert prompt_per_segment(segments[:3], list("abcd"), 4) == ["b", "c", "d"]
    assert prompt_per_segment(segments, list("abcd"), 4) == ["b", "c", "d", "d"]
    assert prompt_per_segment(segments[:3], ["a"], 4) == ["a"] * 3
    assert prompt_per_segment(segments[:3], [], 4) == [""] * 3
    assert prompt_per_segment(segments[:3], list("abc"), 4) == list("abc")
    with pytest.raises(PlanError, match="2 prompts for 4 keyframes and 3 segments"):
        prompt_per_segment(segments[:3], list("ab"), 4)


@given(st.integers(1, 256))
def test_two_interpolations_make_every_frame_of_a_gap(gap):
    first, second = multipliers(gap)
    assert first in MULTIPLIERS and second in MULTIPLIERS
    made = first * second + 1
    plan = plan_at_frames([0, gap], fps=24, n_frames=gap + 1)
    taken = [index for _, index in joined_frames(plan, [made])]
    off = max(abs(index * gap / (made - 1) - i) for i, index in enumerate(taken))
    possible = [a * b for a in MULTIPLIERS for b in MULTIPLIERS]
    if any(product % gap == 0 for product in possible):
        assert off == 0
        assert first * second == min(p for p in possible if p % gap == 0)
    else:
        assert off <= 1 / 8 or first * second == 256
        # at most a frame is half an interpolated one off, which 16 * 16 bounds
        assert off <= gap / (2 * first * second)


def test_what_is_longer_than_two_interpolations_gets_as_much_as_there_is_and_is_named():
    first, second = multipliers(1000)
    assert (first, second) == (16, 16)
    plan = plan_at_frames([0, 1000], fps=24, n_frames=1001)
    with pytest.raises(PlanError, match="257 frames.*needs 1001.*place a keyframe in between"):
        joined_frames(plan, [first * second + 1])


@pytest.mark.parametrize("seconds", [2, 30, 180])
def test_from_2_s_to_3_min_segments_are_as_long_as_wan_makes_them_or_what_to_do_is_said(seconds):
    """At 16 fps, with a keyframe every 5 s, which is 81 frames, and with two keyframes alone."""
    n_frames = seconds * 16
    often = plan_at_frames(sorted({0, 8, *range(80, n_frames, 80)}), fps=16, n_frames=n_frames)
    made = plan_segments(often, GRIDS["4n+1"], shortest=17, longest=81, tail="segment")
    assert all(17 <= one.n_frames <= 81 and one.n_frames % 4 == 1 for one in made)
    assert len(joined_frames(often, [one.n_frames for one in made])) == n_frames
    if seconds > 5:
        seldom = plan_at_frames([0, n_frames - 1], fps=16, n_frames=n_frames)
        with pytest.raises(PlanError, match="longest is set to 81.*Edit Keyframes.*Select Keyf"):
            plan_segments(seldom, GRIDS["4n+1"], longest=81)
