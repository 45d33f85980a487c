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
from keyvid_pack.keyframes.plan import Keyframe, make_plan, plan_at_frames
from keyvid_pack.keyframes.plan_document import migrated, plan_from_document, plan_to_document

from ...helpers.plan_cases import plan_from_json, plan_of, plan_to_json

SAVED = (pathlib.Path(__file__).parent / "documents" / "plan_v1.json").read_text(encoding="utf-8")


def document(**changes):
    """A valid document with top-level fields replaced."""
    return {
        "version": 1,
        "fps": 24,
        "n_frames": 48,
        "count": 3,
        "fingerprint": None,
        "keyframes": [
            {"frame": 0, "kind": "first", "locked": False, "source": ""},
            {"frame": 7, "kind": "peak", "locked": False, "source": ""},
            {"frame": 12, "kind": "fill", "locked": False, "source": ""},
        ],
        **changes,
    }


def with_keyframe(**changes):
    """A valid document whose second keyframe has fields replaced."""
    changed = document()
    changed["keyframes"][1].update(changes)
    return changed


def with_frames(*frames):
    kinds = ["peak" if frame else "first" for frame in frames]
    keyframes = [{"frame": f, "kind": kind} for f, kind in zip(frames, kinds, strict=True)]
    return document(keyframes=keyframes, count=len(frames))


def without(name):
    changed = document()
    del changed[name]
    return changed


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
    assert plan_to_document(plan) == saved
    assert plan_from_json(plan_to_json(plan)) == plan


def test_a_document_is_written_in_the_order_of_the_design():
    assert list(plan_to_document(plan_from_json(SAVED))) == [
        "version", "fps", "n_frames", "count", "fingerprint", "keyframes", "title",
    ]  # fmt: skip
    assert json.loads(plan_to_json(plan_from_document(document(fps=23.976))))["fps"] == 23.976
    assert '"fps": 24,' in plan_to_json(plan_from_document(document(fps=24.0)))


WRONG = [
    (document(version=0), "version 0", "set it to 1"),
    (document(version=True), "version true", '"version": 1'),
    (document(version="1"), 'version "1"', '"version": 1'),
    (document(version=1.0), "version 1.0", '"version": 1'),
    (without("version"), "no version", '"version": 1'),
    (without("fps"), '"fps"', "add it"),
    (without("n_frames"), '"n_frames"', "add it"),
    (without("count"), '"count"', "add it"),
    (without("keyframes"), '"keyframes"', "add it"),
    (document(fps=0), "fps is 0", "from 1 to 240"),
    (document(fps=-24), "fps is -24", "from 1 to 240"),
    (document(fps="24"), 'fps is "24"', "from 1 to 240"),
    (document(fps=None), "fps is null", "from 1 to 240"),
    (document(fps=True), "fps is true", "from 1 to 240"),
    (document(fps=[24]), "fps is [24]", "from 1 to 240"),
    (document(fps=10**400), "12 digits", "from 1 to 240"),
    (document(fps=1e300), "1e+300", "from 1 to 240"),
    (document(n_frames=1), "n_frames is 1;", "from 2 to"),
    (document(n_frames=48.0), "n_frames is 48.0", "whole number"),
    (document(n_frames=True), "n_frames is true", "whole number"),
    (document(n_frames="48"), 'n_frames is "48"', "whole number"),
    (document(n_frames=10**9), "n_frames is 1000000000", "from 2 to"),
    (document(n_frames=10**5000), "12 digits", "from 2 to"),
    (document(n_frames=8), "frame 12", "from 0 to 7"),
    (document(count=4), "count is 4", "set count to 3"),
    (document(count=3.0), "count is 3.0", "set count to 3"),
    (document(count=True), "count is true", "set count to 3"),
    (document(count=None), "count is null", "set count to 3"),
    (document(fingerprint="snare"), 'fingerprint is "snare"', "null"),
    (document(fingerprint={}), "fingerprint is {}", "null"),
    (document(fingerprint={"n_frames": 48, "loudness": [0.5]}), "fingerprint", "null"),
    (document(fingerprint={"n_frames": 4.8, "loudness": [0]}), "fingerprint", "null"),
    (document(fingerprint={"n_frames": 48, "loudness": 3}), "fingerprint", "null"),
    (document(keyframes={}), "keyframes are {}", "list"),
    (document(keyframes=None), "keyframes are null", "list"),
    (document(keyframes=[]), "no keyframe at frame 0", "add one"),
    (document(keyframes=[0, 7, 12]), "Keyframe 1 of the plan is 0", '"frame": 7'),
    (document(keyframes=[None]), "Keyframe 1 of the plan is null", '"frame": 7'),
    (document(keyframes=[{"kind": "first"}]), 'no "frame"', '"frame": 7'),
    (document(keyframes=[{"frame": 0}]), 'no "kind"', '"frame": 7'),
    (with_frames(0), "1 keyframe", "add another"),
    (with_frames(3, 7, 12), "frame 0", "add one"),
    (with_frames(0, 12, 7), "frame 7 after frame 12", "order"),
    (with_frames(7, 0, 12), "frame 0 after frame 7", "order"),
    (with_frames(0, 7, 7), "two keyframes at frame 7", "delete"),
    (with_frames(0, 0, 7), "two keyframes at frame 0", "delete"),
    (with_frames(0, 7, 48), "frame 48", "from 0 to 47"),
    (with_frames(0, -1, 7), "frame -1", "from 0 to 47"),
    (with_frames(0, 7, 10**400), "12 digits", "from 0 to 47"),
    (with_keyframe(frame=3.0), "frame 3.0", "whole number"),
    (with_keyframe(frame="7"), 'frame "7"', "whole number"),
    (with_keyframe(frame=True), "frame true", "whole number"),
    (with_keyframe(frame=None), "frame null", "whole number"),
    (with_keyframe(frame=[7]), "frame [7]", "whole number"),
    (with_keyframe(frame=float("inf")), "frame Infinity", "whole number"),
    (with_keyframe(kind="Peak"), '"Peak"', "first, peak, valley, fill, manual"),
    (with_keyframe(kind=None), "kind null", "first, peak, valley, fill, manual"),
    (with_keyframe(kind=["peak"]), '["peak"]', "first, peak, valley, fill, manual"),
    (with_keyframe(kind="first"), "frame 7", "frame 0, and no other"),
    (with_keyframe(locked=1), "locked 1", "true or false"),
    (with_keyframe(locked="yes"), 'locked "yes"', "true or false"),
    (with_keyframe(source=None), "source null", "text"),
    (document(keyframes=[{"frame": 0, "kind": "peak"}]), "frame 0", "'first'"),
    ([], "is []", "braces"),
    (None, "is null", "braces"),
    ("plan", '"plan"', "braces"),
    (48, "is 48", "braces"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "named", "remedy"), WRONG, ids=[row[1] for row in WRONG])
def test_a_wrong_document_is_refused_with_a_sentence(wrong, named, remedy):
    before = copy.deepcopy(wrong)
    with pytest.raises(PlanError) as error:
        plan_from_document(wrong)
    sentence = str(error.value)
    assert named in sentence and remedy in sentence
    assert sentence.endswith(".") and len(sentence) < 300 and "\n" not in sentence
    assert wrong == before


def test_a_plan_of_a_newer_version_is_told_apart():
    with pytest.raises(PlanVersionError, match="version 2.*up to version 1.*update"):
        plan_from_document({"version": 2, "shape": "unknown"})


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
def test_text_that_is_no_plan_is_refused_with_a_sentence(text, named):
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
