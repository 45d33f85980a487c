"""Frame lists and schedules as people type them and as other packs read them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.errors import CurveError, PlanError
from keyvid_pack.keyframes.text import frames_from_text, frames_to_text, values_to_schedule


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("0, 7, 12", [0, 7, 12]),
        ("0 7 12", [0, 7, 12]),
        (" 0,\n7\r\n12\n", [0, 7, 12]),
        ("0;7;12;", [0, 7, 12]),
        ("[0, 7, 12]", [0, 7, 12]),
        ("\ufeff0, 7", [0, 7]),
        ("5", [5]),
        ("0:(1.0), 7:(0.5)", [0, 7]),
        ("0: (1.0),\n7 : (0.5),", [0, 7]),
        ("0:(sin(2*3.14*(t/12))), 7:(max(0.5, 1))", [0, 7]),
    ],
)
def test_frames_from_text(text, frames):
    assert frames_from_text(text) == frames
    assert frames_from_text(frames_to_text(frames)) == frames


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        (",,", "empty"),
        ("[]", "empty"),
        (None, "empty"),
        ("0, 3.0", '"3.0"'),
        ("0, -3", '"-3"'),
        ("0, x", '"x"'),
        ("0, 7, 7", "7 twice"),
        ("0, 12, 7", "7 after 12"),
        ("0, 99999999", '"99999999"'),
        ("0, " + "9" * 5000, '"9999'),
        ("0, \u0663", "\u0663"),
        ("0:(1.0), 7", '"7"'),
        ("0:(1.0), 7:", '"7"'),
        ("0:1.0, 7:0.5", '"0"'),
        ("0:(1.0", '"0"'),
        ("0:)1.0(", '"0"'),
        ("x:(1.0)", '"x"'),
        ("0:(1.0), 0:(0.5)", "0 twice"),
    ],
    ids=range(20),
)
def test_text_that_lists_no_frames_is_refused_with_a_message(text, named):
    with pytest.raises(PlanError) as error:
        frames_from_text(text)
    assert named in str(error.value) and len(str(error.value)) < 300


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="0123456789,:;()[] .-x\n", max_size=20))
def test_any_text_gives_frames_or_a_sentence(text):
    try:
        frames = frames_from_text(text)
    except PlanError:
        return
    assert frames == sorted(set(frames)) and len(frames) > 0


def test_values_become_a_schedule():
    assert values_to_schedule([1, 0.25, 0]) == "0:(1.000), 1:(0.250), 2:(0.000)"
    assert frames_from_text(values_to_schedule([1, 0.25, 0])) == [0, 1, 2]
    for wrong in ([float("nan")], [[1.0]], 3):
        with pytest.raises(CurveError, match="one finite number per frame"):
            values_to_schedule(wrong)
