"""Which frames come from which window, before and after a retake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.long_clips.kept_frames import Stretch, covers, frames_to_retake, retaken


def sources(stretches):
    """(key, place in its window) of every frame, from a list of stretches."""
    return [
        (s.key, s.offset + frame - s.first) for s in stretches for frame in range(s.first, s.end)
    ]


@st.composite
def renders(draw):
    ends = sorted(draw(st.sets(st.integers(1, 60), min_size=1, max_size=6)))
    starts = [0, *ends[:-1]]
    return [Stretch(a, b, f"w{i}") for i, (a, b) in enumerate(zip(starts, ends, strict=True))]


@given(renders(), st.data())
def test_a_retake_changes_its_frames_and_no_other(stretches, data):
    n_frames = stretches[-1].end
    first = data.draw(st.integers(0, n_frames - 1))
    end = data.draw(st.integers(first + 1, n_frames))
    new = Stretch(first, end, "new", offset=7)
    before, after = sources(stretches), retaken(stretches, [new])
    assert covers(after, n_frames)
    assert sources(after) == [
        ("new", 7 + i - first) if first <= i < end else before[i] for i in range(n_frames)
    ]


@pytest.mark.parametrize(
    "stretches",
    [
        [],
        [Stretch(0, 10, "a")],
        [Stretch(0, 20, "a"), Stretch(10, 30, "b")],
        [Stretch(0, 10, "a"), Stretch(20, 30, "b")],
        [Stretch(5, 30, "a")],
        [Stretch(0, 30, "a"), Stretch(30, 30, "b")],
    ],
)
def test_a_list_with_gaps_or_doubles_is_no_video(stretches):
    assert not covers(stretches, 30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("  ", None),
        ("49-59", range(49, 60)),
        (" 49 – 59 ", range(49, 60)),
        ("7", range(7, 8)),
        ("0-95", range(96)),
    ],
)
def test_frames_to_retake(text, expected):
    assert frames_to_retake(text, 96) == expected


@pytest.mark.parametrize("text", ["a", "59-49", "-3", "90-96", "1-2-3", "1, 2", "9" * 12])
def test_other_texts_are_refused_with_what_to_write(text):
    with pytest.raises(PlanError, match="frames to render again"):
        frames_to_retake(text, 96)
