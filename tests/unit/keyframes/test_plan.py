"""The plan document: what it accepts, and its error messages."""

import copy
import json
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError, PlanVersionError
from keyvid_pack.keyframes import plan_document as plan_module
from keyvid_pack.keyframes.plan import MAX_IMAGE, MAX_PROMPT, Keyframe, make_plan, plan_at_frames
from keyvid_pack.keyframes.plan_document import migrated, plan_from_document, plan_to_document

from ...helpers.plan_cases import plan_from_json, plan_of, plan_to_json
from ...helpers.wrong_documents import WRONG_PLANS, document, with_keyframe

SAVED = (pathlib.Path(__file__).parent / "documents" / "plan_v1.json").read_text(encoding="utf-8")


def test_the_saved_plan_of_version_1_loads():
    plan = plan_from_json(SAVED)
    assert (plan.fps, plan.n_frames, plan.count) == (24.0, 48, 4)
    assert plan.frames == [0, 11, 24, 36]
    assert [k.kind for k in plan.keyframes] == ["first", "manual", "peak", "fill"]
    assert [k.locked for k in plan.keyframes] == [False, True, False, False]
    assert plan.keyframes[1].extra == {"note": "the door"}
    assert plan.extra == {"title": "a field of a program this one does not know"}
    saved = json.loads(SAVED)
    saved["keyframes"][3].update(locked=False, source="")  # left out means these
    saved["version"] = plan_module.VERSION  # all that became of it
    assert [keyframe.prompt for keyframe in plan.keyframes] == [""] * 4
    assert plan_to_document(plan) == saved
    assert plan_from_json(plan_to_json(plan)) == plan


def test_a_document_is_written_in_the_order_of_the_design():
    assert list(plan_to_document(plan_from_json(SAVED))) == [
        "version", "fps", "n_frames", "count", "fingerprint", "keyframes", "title",
    ]  # fmt: skip
    assert json.loads(plan_to_json(plan_from_document(document(fps=23.976))))["fps"] == 23.976
    assert '"fps": 24,' in plan_to_json(plan_from_document(document(fps=24.0)))


@pytest.mark.parametrize(
    ("wrong", "named", "remedy"), WRONG_PLANS, ids=[row[1] for row in WRONG_PLANS]
)
def test_a_wrong_document_is_refused_with_a_message(wrong, named, remedy):
    before = copy.deepcopy(wrong)
    with pytest.raises(PlanError) as error:
        plan_from_document(wrong)
    message = str(error.value)
    assert named in message and remedy in message
    assert message.endswith(".") and len(message) < 300 and "\n" not in message
    assert wrong == before


def test_a_plan_of_a_newer_version_is_named():
    with pytest.raises(PlanVersionError, match="version 4.*up to version 3.*update"):
        plan_from_document({"version": 4, "shape": "unknown"})


def test_words_of_a_keyframe_are_kept_whatever_they_are():
    for words in ("the door opens", " two\nlines ", "\u6f22\u5b57 \U0001f941", "x" * MAX_PROMPT):
        document_2 = with_keyframe(prompt=words, note="kept")
        plan = plan_from_document(document_2)
        assert plan.keyframes[1].prompt == words and plan.keyframes[1].extra == {"note": "kept"}
        assert plan_to_document(plan) == document_2
        assert list(plan_to_document(plan)["keyframes"][1]) == [
            "frame", "kind", "locked", "source", "prompt", "note",
        ]  # fmt: skip
    # none are no field at all
    assert (
        "prompt"
        not in plan_to_document(plan_from_document(with_keyframe(prompt="")))["keyframes"][1]
    )


def test_the_image_of_a_keyframe_is_kept():
    for name in ("12.png", "board/the d\u00f6\u00f6r (1).jpg", "x" * MAX_IMAGE):
        with_image = with_keyframe(prompt="rain", image=name, note="kept")
        plan = plan_from_document(with_image)
        assert plan.keyframes[1].image == name and plan.keyframes[1].is_kept
        assert plan_to_document(plan) == with_image
        assert list(plan_to_document(plan)["keyframes"][1]) == [
            "frame", "kind", "locked", "source", "prompt", "image", "note",
        ]  # fmt: skip
    none = plan_from_document(with_keyframe(image=""))
    assert "image" not in plan_to_document(none)["keyframes"][1]
    assert not none.keyframes[1].is_kept


def test_a_field_of_version_1_that_is_called_prompt_is_no_words_of_the_artist():
    for value in (5, None, "x", "x" * 9000):
        old = with_keyframe(prompt=value, note="kept") | {"version": 1}
        (_, keyframe, _) = plan_from_document(old).keyframes
        assert keyframe.prompt == ""
        assert keyframe.extra == {"prompt_of_version_1": value, "note": "kept"}


def test_a_field_of_versions_1_and_2_that_is_called_image_is_no_image_of_the_artist():
    for version in (1, 2):
        old = with_keyframe(image=5, note="kept") | {"version": version}
        (_, keyframe, _) = plan_from_document(old).keyframes
        assert keyframe.image == ""
        assert keyframe.extra == {"image_of_version_2": 5, "note": "kept"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "line 1, column 1"),
        ("{", "line 1, column 2"),
        ('{"version": 1,\n  "fps" 24}', "line 2, column 9"),
        ("{'version': 1}", "line 1, column 2"),
        ('{"fps": NaN}', "NaN"),
        ('{"fps": -Infinity}', "-Infinity"),
        ('{"extra": {"deep": [Infinity]}}', "Infinity"),
        ("[" * 100_000, "too deep"),
        ('{"fps": 1' + "0" * 10_000 + "}", ""),
        ("\x00", "line 1, column 1"),
        (None, "null"),
        (b"{}", "bytes"),
    ],
    ids=range(12),
)
def test_text_that_is_no_plan_is_refused_with_a_message(text, named):
    with pytest.raises(PlanError) as error:
        plan_from_json(text)
    assert named in str(error.value) and len(str(error.value)) < 300


def test_a_byte_order_mark_is_no_harm():
    assert plan_from_json("\ufeff" + SAVED) == plan_from_json(SAVED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_value_anywhere_gives_a_plan_or_a_sentence(data):
    changed = document()
    target = data.draw(st.sampled_from([changed, *changed["keyframes"]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(JSON)
    try:
        plan = plan_from_document(changed)
    except PlanError as error:
        assert len(str(error)) < 400
    else:
        assert plan.frames == sorted(set(plan.frames)) and plan.frames[0] == 0


def test_older_documents_go_through_every_migration():
    steps = {
        1: lambda old: {**old, "version": 2, "seen": [1]},
        2: lambda old: {**old, "version": 3, "seen": [*old["seen"], 2]},
    }
    got = migrated({"version": 1, "a": 1}, "plan", version=3, migrations=steps)
    assert got == {"version": 3, "a": 1, "seen": [1, 2]}
    with pytest.raises(PlanError, match="version 0"):
        migrated({"version": 0}, "plan", version=3, migrations=steps)


def test_every_version_has_a_migration_and_a_saved_example():
    older = range(1, plan_module.VERSION)
    assert sorted(plan_module.MIGRATIONS) == list(older)
    for version in range(1, plan_module.VERSION + 1):
        path = pathlib.Path(__file__).parent / "documents" / f"plan_v{version}.json"
        plan_from_json(path.read_text(encoding="utf-8"))


def test_make_plan_checks_too():
    with pytest.raises(PlanError, match="kind"):
        make_plan([Keyframe(0, "first"), Keyframe(3, "beat")], fps=24, n_frames=48)
    with pytest.raises(PlanError, match="fps"):
        make_plan([Keyframe(0, "first"), Keyframe(3, "peak")], fps=float("nan"), n_frames=48)


def test_a_plan_at_frames_is_all_by_hand():
    plan = plan_at_frames({12, 0, 7}, fps=24, n_frames=48)
    assert plan == plan_of(
        [[0, "first", "edit"], [7, "manual", "edit"], [12, "manual", "edit"]], n_frames=48
    )
    for frames, named in [([0, 48], "48"), ([0, 7, 7], "7"), ([7], "frame 0"), ([0, 1.5], "1.5")]:
        with pytest.raises(PlanError, match=named):
            plan_at_frames(frames, fps=24, n_frames=48)
    with pytest.raises(PlanError, match="n_frames"):
        plan_at_frames([0, 7], fps=24, n_frames=None)


@pytest.mark.parametrize(
    "frames",
    [
        [0.0, 7.0, 12.0],
        np.array([0, 7, 12]),
        np.array([0, 7, 12], np.float32),
        [np.uint8(0), np.float16(7), np.int64(12)],
        [np.array(0.0), np.array(7), 12],
        [-0.0, 7, 12],
    ],
)
def test_whole_numbers_of_any_type_are_frames(frames):
    plan = plan_at_frames(frames, fps=24, n_frames=48)
    assert plan.frames == [0, 7, 12]
    assert all(type(frame) is int for frame in plan.frames)


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        (12.5, "frame 12.5 is not a whole number"),
        (np.float32(12.5), "frame 12.5 is not a whole number"),
        (float("nan"), "frame NaN is not"),
        (np.float32("inf"), "frame Infinity is not"),
        (True, "frame true is not"),
        (np.bool_(False), "frame false is not"),
        (None, "frame null is not"),
        ("12", 'frame "12" is not'),
        (np.array([7, 12]), r"frame \[7, 12\] is not"),
        (12 + 0j, "frame a complex is not"),
        (1e30, "more than 12 digits lies outside"),
        (48.0, "Frame 48 lies outside"),
        (-1.0, "Frame -1 lies outside"),
    ],
)
def test_what_is_no_frame_is_shown_as_it_is(frame, named):
    with pytest.raises(PlanError, match=named):
        plan_at_frames([0, frame], fps=24, n_frames=48)
