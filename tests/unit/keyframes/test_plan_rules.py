"""How the artist changes a plan: the rules of count_cases.json, which the browser follows too."""

import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack import errors
from keyvid_pack.errors import PlanError

from ...helpers.plan_cases import case_plan, load_cases, plan_from_json, plan_of, plans
from ...oracles.plan_rules import (
    add_keyframe,
    delete_keyframe,
    lock_keyframe,
    move_keyframe,
    nearest_free,
    set_image,
    set_kind,
    set_prompt,
)

SAVED = pathlib.Path(__file__).parent / "documents" / "plan_v1.json"
STEPS = {
    "add": add_keyframe,
    "delete": delete_keyframe,
    "move": move_keyframe,
    "lock": lock_keyframe,
    "unlock": lambda plan, frame: lock_keyframe(plan, frame, locked=False),
    "kind": set_kind,
    "prompt": set_prompt,
    "image": set_image,
}


@pytest.mark.parametrize("case", load_cases("count_cases.json"), ids=lambda case: case["name"])
def test_count_rules(case):
    plan = case_plan(case, "plan")
    if "nearest_free" in case:
        frame, to, stops = case["nearest_free"]
        assert nearest_free(plan, frame, to) == stops
        return

    def do():
        result = plan
        for step, *arguments in case["do"]:
            result = STEPS[step](result, *arguments)
        return result

    if "error" in case:
        with pytest.raises(getattr(errors, case["error"]["class"])) as error:
            do()
        assert all(mentioned in str(error.value) for mentioned in case["error"]["mentions"])
    else:
        assert do() == case_plan(case, "expected")


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_no_edit_changes_the_count_or_touches_what_is_locked(data):
    n_frames = data.draw(st.integers(2, 30))
    plan = data.draw(plans(n_frames, kinds=["peak", "valley", "fill"], locks=(False, True)))
    frame = st.integers(-1, n_frames)
    step = data.draw(st.sampled_from(["add", "delete", "move"]))
    arguments = [data.draw(frame) for _ in range(2 if step == "move" else 1)]
    try:
        edited = STEPS[step](plan, *arguments)
    except PlanError:
        return
    assert edited.count == plan.count
    assert {k for k in _hashable(plan) if k[2]} <= _hashable(edited)
    if step == "add":
        assert arguments[0] in edited.frames
        assert {k.frame for k in plan.keyframes if k.kind == "peak"} <= set(edited.frames)
    if step == "delete":
        assert arguments[0] not in edited.frames
    if step == "move":
        assert arguments[1] in edited.frames


def _hashable(plan):
    return {(k.frame, k.kind, k.locked, k.source) for k in plan.keyframes}


@pytest.mark.parametrize("frame", [1.0, "3", None, True, 10**30, -1])
def test_edits_name_a_frame_that_is_none(frame):
    plan = plan_of([[0, "first"], [4, "fill"]])
    for edit in (add_keyframe, delete_keyframe, lock_keyframe):
        with pytest.raises(PlanError, match=r"frame|Frame"):
            edit(plan, frame)
    with pytest.raises(PlanError, match=r"frame|Frame"):
        move_keyframe(plan, 4, frame)


def test_unknown_fields_survive_edits():
    plan = plan_from_json(SAVED.read_text(encoding="utf-8"))
    edited = move_keyframe(lock_keyframe(plan, 11, locked=False), 11, 13)
    assert edited.keyframes[1].extra == {"note": "the door"} and edited.extra == plan.extra
