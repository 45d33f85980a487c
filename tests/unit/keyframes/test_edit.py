"""The edit document: what the artist's one widget may hold, and what happens to it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError, PlanMismatchError, PlanVersionError
from keyvid_pack.keyframes.edit import (
    Edit,
    apply_edit,
    edit_from_json,
    edit_text,
)
from keyvid_pack.keyframes.plan import make_plan
from keyvid_pack.keyframes.plan_document import VERSION, plan_to_document

from ...helpers.plan_cases import plan_of, plan_to_json
from ...helpers.wrong_documents import (
    DOCUMENTS,
    PREDICTED,
    SAVED_EDIT,
    WRONG_EDITS,
    saved_edit,
)
from ...oracles.edit_writer import edit_to_json


def test_the_saved_edit_of_version_1_loads():
    edit = edit_from_json(SAVED_EDIT)
    assert edit.plan.frames == [0, 11, 24, 36] and edit.base.frames == [0, 12, 24, 36]
    assert edit.extra == {"made_with": "a field of a program this one does not know"}
    assert json.loads(edit_to_json(edit)) == with_plans_of_today(json.loads(SAVED_EDIT))
    assert edit_from_json(edit_to_json(edit)) == edit
    assert apply_edit(edit, PREDICTED).frames == [0, 11, 24, 40]


def test_the_saved_edit_with_words_loads():
    text = (DOCUMENTS / "edit_v1_of_plan_v2.json").read_text(encoding="utf-8")
    edit = edit_from_json(text)
    assert json.loads(edit_to_json(edit)) == with_plans_of_today(json.loads(text))
    merged = apply_edit(edit, PREDICTED)
    assert [keyframe.prompt for keyframe in merged.keyframes] == ["", "the door opens", "", ""]
    assert merged.frames == apply_edit(edit_from_json(SAVED_EDIT), PREDICTED).frames


def test_the_saved_edit_with_an_image_loads():
    text = (DOCUMENTS / "edit_v1_of_plan_v3.json").read_text(encoding="utf-8")
    edit = edit_from_json(text)
    assert json.loads(edit_to_json(edit)) == json.loads(text)
    merged = apply_edit(edit, PREDICTED)
    assert [keyframe.image for keyframe in merged.keyframes] == ["", "board/door.png", "", ""]
    assert merged.frames == apply_edit(edit_from_json(SAVED_EDIT), PREDICTED).frames


def with_plans_of_today(document):
    """An edit's document whose plans are of today's version, which is all that opening them changes."""
    plans = {name: {**document[name], "version": VERSION} for name in ("plan", "base")}
    return {**document, **plans}


@pytest.mark.parametrize("empty", ["", " ", "\n\t \r\n", "\ufeff", None])
def test_nothing_is_no_edit(empty):
    assert edit_from_json(empty) is None
    assert apply_edit(None, PREDICTED) is PREDICTED
    assert edit_to_json(None) == ""


@pytest.mark.parametrize("text", ["0, 7, 12", "0 7\n12", "[0, 7, 12]", "0:(1.0), 7:(0.5), 12:(1)"])
def test_typed_frames_are_the_artists(text):
    edit = edit_from_json(text)
    assert edit == Edit(plan=None, frames=(0, 7, 12)) and edit.fingerprint is None
    merged = apply_edit(edit, PREDICTED)
    assert merged.frames == [0, 7, 12]
    assert [k.kind for k in merged.keyframes] == ["first", "manual", "manual"]
    assert edit_from_json(edit_to_json(edit)) == edit


def test_a_typed_plan_is_the_artists():
    typed = plan_of([[0, "first"], [7, "peak"], [30, "fill"], [31, "fill"]], n_frames=48)
    edit = edit_from_json(plan_to_json(typed))
    assert edit == Edit(plan=typed)
    assert apply_edit(edit, PREDICTED).keyframes == typed.keyframes
    assert edit_from_json(edit_to_json(edit)) == edit


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "line 1, column 2"),
        ('{"version": 1,\n "plan": {"version": 1,,}}', "line 2, column"),
        ("hello", "line 1, column 1"),
        (SAVED_EDIT.rstrip()[:-1], "line 30, column"),
        (SAVED_EDIT + "}", "line 31, column"),
        ("\n\n  oops", "line 3, column 3"),
    ],
)
def test_garbage_says_where_it_is_wrong_and_that_nothing_changed(text, named):
    with pytest.raises(PlanError) as error:
        edit_from_json(text)
    assert named in str(error.value) and "Nothing was changed" in str(error.value)


@pytest.mark.parametrize(
    ("text", "named", "remedy"), WRONG_EDITS, ids=[row[0][:20] for row in WRONG_EDITS]
)
def test_a_wrong_edit_is_refused_with_a_message(text, named, remedy):
    with pytest.raises(PlanError) as error:
        edit_from_json(text)
    assert named in str(error.value) and remedy in str(error.value)


@pytest.mark.parametrize("value", [7, 0.5, [0, 7], {"version": 1}, b"0, 7"])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(PlanError, match="text"):
        edit_from_json(value)


def test_a_newer_version_is_named():
    newer_plan = {**saved_edit()["plan"], "version": 4}
    for document in (saved_edit(version=4), saved_edit(plan=newer_plan), newer_plan):
        with pytest.raises(PlanVersionError, match="version 4"):
            edit_from_json(json.dumps(document))


def test_another_length_or_rate_names_both_and_the_remedy():
    edit = edit_from_json(SAVED_EDIT)
    longer = make_plan(PREDICTED.keyframes, fps=24, n_frames=60)
    with pytest.raises(
        PlanMismatchError, match="48 frames.* 60.*Clip Audio.*Keep, Rescale or Reset"
    ):
        apply_edit(edit, longer)
    faster = make_plan(PREDICTED.keyframes, fps=30, n_frames=48)
    with pytest.raises(PlanMismatchError, match="24 fps.* 30.*Clip Audio.*Keep, Rescale or Reset"):
        apply_edit(edit, faster)


def test_another_sound_of_the_same_length_is_no_error():
    other = {"n_frames": 48, "loudness": [0] * 16}
    louder = make_plan(PREDICTED.keyframes, fps=24, n_frames=48, fingerprint=other)
    merged = apply_edit(edit_from_json(SAVED_EDIT), louder)
    assert merged.fingerprint == other and 11 in merged.frames


def test_typed_frames_outside_the_clip_or_too_few_are_named():
    with pytest.raises(PlanError, match="Frame 48.*0 to 47"):
        apply_edit(edit_from_json("0, 48"), PREDICTED)
    with pytest.raises(PlanError, match="1 keyframe"):
        apply_edit(edit_from_json("0"), PREDICTED)


def test_unknown_fields_are_kept_at_every_level():
    document = saved_edit(mood="wild")
    document["plan"]["title"] = "mine"
    document["plan"]["keyframes"][3]["note"] = "the door"
    edit = edit_from_json(json.dumps(document))
    assert json.loads(edit_to_json(edit)) == with_plans_of_today(document)
    merged = apply_edit(edit, PREDICTED)
    assert merged.extra == {"tempo": 120, "title": "mine"}
    assert merged.keyframes[3].extra == {"note": "the door"}


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=30) | st.text(alphabet='{}[]",:0123456789 versionplan\n', max_size=40))
def test_any_text_gives_an_edit_or_a_sentence(text):
    try:
        edit = edit_from_json(text)
    except PlanError as error:
        assert len(str(error)) < 400
    else:
        assert edit is None or edit.frames


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(SAVED_EDIT)), st.integers(1, 40))
def test_a_damaged_edit_gives_an_edit_or_a_sentence(start, length):
    try:
        edit = edit_from_json(SAVED_EDIT[:start] + SAVED_EDIT[start + length :])
    except PlanError as error:
        assert len(str(error)) < 400
    else:
        assert edit is None or edit.plan or edit.frames


def test_who_adds_a_line_by_hand_need_not_count():
    edit = edit_from_json(json.dumps(saved_edit(plan=plan_to_document(PREDICTED) | {"count": 9})))
    assert edit.plan.count == len(PREDICTED.keyframes)


def test_what_is_left_out_or_out_of_order_by_hand_follows():
    plan = plan_to_document(PREDICTED)
    plan["keyframes"] = [{"frame": 30}, {"frame": 0}, {"frame": 7, "kind": "peak"}]
    edit = edit_from_json(json.dumps(saved_edit(plan=plan)))
    assert [(k.frame, k.kind) for k in edit.plan.keyframes] == [
        (0, "first"),
        (7, "peak"),
        (30, "manual"),
    ]


def test_with_the_same_prediction_the_edited_plan_is_what_comes_out():
    base = plan_to_document(PREDICTED)
    for frames in ([0, 24], [0, 10, 24], [0, 10, 11, 24, 40, 41]):
        entries = [k for k in base["keyframes"] if k["frame"] in frames]
        entries += [{"frame": f} for f in frames if f not in PREDICTED.frames]
        text = json.dumps({"version": 1, "plan": {**base, "keyframes": entries}, "base": base})
        assert apply_edit(edit_from_json(text), PREDICTED).frames == frames


DOCUMENT = json.loads(SAVED_EDIT)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (None, ""),
        ("None", ""),  # null, as ComfyUI hands it on
        ("", ""),
        ("0, 7, 12", "0, 7, 12"),
        ([0, 7, 12], "[0, 7, 12]"),
        ("[0, 7, 12]", "[0, 7, 12]"),
        (0, "0"),
        (SAVED_EDIT, SAVED_EDIT),
    ],
)
def test_what_clients_send_as_the_edit(sent, text):
    assert edit_text(sent) == text
    edit_from_json(edit_text(sent))


@pytest.mark.parametrize(
    "sent",
    [
        [0.0, 7.0, 31.0],
        (0, 7, 31),
        np.array([0, 7, 31]),
        np.array([0.0, 7.0, 31.0], np.float32),
        list(np.array([0, 7, 31])),
    ],
    ids=["floats", "tuple", "array", "float array", "list of numpy's"],
)
def test_a_list_of_frames_of_any_type_is_an_edit(sent):
    assert edit_text(sent) == "[0, 7, 31]"


@pytest.mark.parametrize("sent", [DOCUMENT, str(DOCUMENT), DOCUMENT["plan"], str(DOCUMENT["plan"])])
def test_a_document_is_as_good_as_its_text(sent):
    document = DOCUMENT if "plan" in sent else DOCUMENT["plan"]
    assert edit_from_json(edit_text(sent)) == edit_from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (True, "true"),
        ("True", "true"),
        ("False", "false"),
        (b"0, 7", "bytes"),
        ({1, 2}, "set"),
        ({"plan": object()}, "dict"),
    ],
)
def test_what_is_no_edit_is_named(sent, named):
    with pytest.raises(PlanError, match="neither a text nor an edit") as error:
        edit_text(sent)
    assert named in str(error.value) and "0, 7, 12" in str(error.value)


@pytest.mark.parametrize("sent", ["{'a': __import__('os')}", "{'a'", "{'" * 5000, "{'a': 1}}"])
def test_only_plain_values_are_read_from_pythons_notation(sent):
    assert edit_text(sent) == sent
    with pytest.raises(PlanError):
        edit_from_json(sent)
