"""What the artist did stays done, whatever is predicted next."""

import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack import errors
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.fill_gaps import TOLERANCE, roomiest_frame
from keyvid_pack.keyframes.merge import merge
from keyvid_pack.keyframes.plan import Keyframe, with_keyframes

from ...helpers.plan_cases import case_plan, load_cases, plan_of, plans
from ...oracles.plan_rules import (
    add_keyframe,
    delete_keyframe,
    lock_keyframe,
    move_keyframe,
    set_image,
    set_kind,
    set_prompt,
)

ANYTHING = {
    "sources": ("strongest", "edit", "refill", ""),
    "kinds": ("peak", "valley", "fill", "manual"),
    "locks": (False, True),
    "prompts": ("", "", "a door"),
    "images": ("", "", "12.png"),
}


@st.composite
def edits(draw, plan):
    """A plan after steps an artist could take, refused ones left out."""
    frame = st.integers(0, plan.n_frames - 1)
    for _ in range(draw(st.integers(0, 6))):
        steps = ["add", "delete", "move", "lock", "unlock", "kind", "prompt", "image"]
        step = draw(st.sampled_from(steps))
        at = draw(frame) if step == "add" else draw(st.sampled_from(plan.frames))
        try:
            if step == "add":
                plan = add_keyframe(plan, at)
            elif step == "delete":
                plan = delete_keyframe(plan, at)
            elif step == "move":
                plan = move_keyframe(plan, at, draw(frame))
            elif step == "kind":
                plan = set_kind(plan, at, draw(st.sampled_from(["peak", "valley", "fill"])))
            elif step == "prompt":
                plan = set_prompt(plan, at, draw(st.sampled_from(["", "a door", "rain"])))
            elif step == "image":
                plan = set_image(plan, at, draw(st.sampled_from(["", "12.png", "13.png"])))
            else:
                plan = lock_keyframe(plan, at, locked=step == "lock")
        except PlanError:
            continue
    return plan


@st.composite
def clips(draw, n_plans):
    """A base, an edit of it, and further predictions for the same clip."""
    n_frames = draw(st.integers(2, 40))
    base, *new = [draw(plans(n_frames)) for _ in range(n_plans)]
    return base, draw(edits(base)), *new


def own_keyframes(base, edited):
    """What the artist placed, changed, locked or gave words or an image, found independently of merge.py."""
    before = {k.frame: k for k in base.keyframes}
    own = []
    for keyframe in edited.keyframes:
        old = before.get(keyframe.frame)
        placed = old is None or (keyframe.frame and keyframe.source == "edit" != old.source)
        of = operator.attrgetter("kind", "locked", "prompt", "image")
        changed = old and of(old) != of(keyframe)
        is_refill = keyframe.kind == "fill" and keyframe.source == "refill"
        is_refill = is_refill and not (keyframe.locked or keyframe.prompt or keyframe.image)
        if (placed or changed) and not is_refill:
            own.append(keyframe)
    return own


def like(plan):
    """A plan but for its sources, which only keep the books."""
    fields = [(k.frame, k.kind, k.locked, k.prompt, k.image, k.extra) for k in plan.keyframes]
    return plan.fps, plan.n_frames, plan.count, plan.fingerprint, plan.extra, fields


def count_of(base, edited, new):
    """How many keyframes a merge gives: the artist's number if the artist changed it."""
    return new.count if base and base.count == edited.count else edited.count


def check_nothing_was_undone(base, edited, new, merged):
    assert merged.count == count_of(base, edited, new) == len(set(merged.frames))
    assert merged.frames == sorted(merged.frames) and merged.frames[0] == 0
    own = own_keyframes(base, edited)
    assert all(keyframe in merged.keyframes for keyframe in own)
    gone = {k.frame: k for k in base.keyframes if k.frame not in edited.frames}
    came_back = gone.keys() & set(merged.frames)
    if came_back:  # only as fills, and only when no other frame was left
        assert {k.kind for k in merged.keyframes if k.frame in came_back} == {"fill"}
        assert gone.keys() | set(merged.frames) == set(range(new.n_frames))
    # the only event of its kind far and wide cannot be another one
    for frame, deleted in gone.items():
        near = range(frame - 2 * TOLERANCE, frame + 2 * TOLERANCE + 1)
        alone = [k for k in base.keyframes if k.frame in near and k.kind == deleted.kind]
        shifted = [k for k in new.keyframes if abs(k.frame - frame) <= TOLERANCE]
        shifted = [k for k in shifted if k.kind == deleted.kind]
        if deleted.kind != "fill" and len(alone) == 1 and len(shifted) == 1:
            assert shifted[0] not in merged.keyframes or shifted[0] in own


@pytest.mark.parametrize("case", load_cases("merge_cases.json"), ids=lambda case: case["name"])
def test_merge_cases(case):
    base, edited, new = (case_plan(case, key) for key in ("base", "edited", "new"))
    if "error" in case:
        with pytest.raises(getattr(errors, case["error"]["class"])) as error:
            merge(base, edited, new)
        assert all(mentioned in str(error.value) for mentioned in case["error"]["mentions"])
    else:
        assert merge(base, edited, new) == case_plan(case, "expected")


@settings(deadline=None, max_examples=100)
@given(clips(n_plans=2))
def test_nothing_the_artist_did_is_undone(clip):
    base, edited, new = clip
    n_own = len({0, *(k.frame for k in own_keyframes(base, edited))})
    count = count_of(base, edited, new)
    if n_own > count:
        with pytest.raises(PlanError, match=f"{n_own} keyframes.* {count};"):
            merge(base, edited, new)
        return
    merged = merge(base, edited, new)
    check_nothing_was_undone(base, edited, new, merged)
    assert merge(base, edited, new) == merged
    # what is shown is what comes out when it is taken as an edit of the new prediction
    assert like(merge(new, merged, new)) == like(merged)


@settings(deadline=None, max_examples=100)
@given(clips(n_plans=1))
def test_the_same_prediction_gives_the_edit(clip):
    base, edited = clip
    assert like(merge(base, edited, base)) == like(edited)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_any_plan_may_be_an_edit(data):
    n_frames = data.draw(st.integers(2, 20))
    base, edited, new = (data.draw(plans(n_frames, **ANYTHING)) for _ in range(3))
    assert merge(base, base, new) == new
    try:
        merged = merge(base, edited, new)
    except PlanError:
        return
    check_nothing_was_undone(base, edited, new, merged)


@settings(deadline=None, max_examples=100)
@given(clips(n_plans=2))
def test_without_a_base_all_of_it_is_the_artists(clip):
    _, edited, new = clip
    merged = merge(None, edited, new)
    assert merged.frames == edited.frames
    assert merged.keyframes[1:] == edited.keyframes[1:]


def test_a_merge_leaves_its_plans_alone():
    base = plan_of([[0, "first"], [8, "peak"]])
    edited, new = move_keyframe(base, 8, 9), plan_of([[0, "first"], [4, "peak"], [16, "fill"]])
    before = repr((base, edited, new))
    merge(base, edited, new)
    assert repr((base, edited, new)) == before


@pytest.mark.parametrize(
    ("frames", "n_frames", "gone", "left_out", "expected"),
    [
        ([0], 24, [], [], 12),
        ([0, 8], 24, [], [], 16),
        ([0, 16], 24, [], [], 8),
        ([0, 8, 16], 24, [], [], 4),
        ([0, 8, 17], 24, [], [], 12),  # as far from its neighbours as 4, in a wider gap
        ([0], 24, [12], [], 9),
        ([0], 24, [12], [9], 15),
        ([0, 1, 3], 4, [], [], 2),
        ([0, 1, 3], 4, [2], [], 2),
        ([0, 1], 4, [2], [], 3),
        ([0, 1], 4, [2], [3], 3),
        ([0, 1], 5, [2], [3], 4),
        ([0, 1, 2], 3, [], [], None),
    ],
)
def test_roomiest_frame(frames, n_frames, gone, left_out, expected):
    assert roomiest_frame(frames, n_frames=n_frames, removed=gone, skipped=left_out) == expected


def test_a_long_song_merges():
    n_frames = 4320
    base = plan_of(
        [[f, "peak" if f else "first"] for f in range(0, n_frames, 4)], n_frames=n_frames
    )
    edited = move_keyframe(delete_keyframe(base, 400), 800, 802)
    shifted = [Keyframe(k.frame + 1, k.kind) if k.frame else k for k in base.keyframes]
    merged = merge(base, edited, with_keyframes(base, shifted))
    assert merged.count == base.count
    assert 401 not in merged.frames and 801 not in merged.frames and 802 in merged.frames
