"""Guides: one for each keyframe that shall have one, at its frame, with the strength of its kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.bridges import guides
from keyvid_pack.keyframes.plan import Keyframe, make_plan, plan_at_frames

STRENGTHS = {role: 0.1 * (n + 1) for n, role in enumerate(guides.ROLES)}


@st.composite
def plans(draw):
    n_frames = draw(st.integers(2, 1000))
    fps = draw(st.floats(8, 60))
    count = draw(st.integers(1, n_frames - 1))
    # only the seed is drawn: hundreds of keyframes one by one take hypothesis seconds
    random = draw(st.randoms(use_true_random=True))
    keyframes = [Keyframe(0, "first", locked=random.random() < 0.5)]
    for frame in sorted(random.sample(range(1, n_frames), count)):
        kind = random.choice(("peak", "valley", "fill", "manual"))
        keyframes.append(Keyframe(frame, kind, locked=random.random() < 0.3))
    return make_plan(keyframes, fps=fps, n_frames=n_frames)


@given(plans())
def test_a_guide_per_keyframe_at_its_frame(plan):
    found = guides.guides_of(plan, STRENGTHS)
    assert [guide.frame for guide in found] == plan.frames
    assert [guide.number for guide in found] == list(range(plan.count))
    for keyframe, guide in zip(plan.keyframes, found, strict=True):
        if keyframe.frame == 0:
            role = "first"
        else:
            role = "locked" if keyframe.locked else keyframe.kind
        assert guide.strength == STRENGTHS[role]


@given(plans(), st.sampled_from(guides.ROLES))
def test_a_strength_of_0_leaves_its_keyframes_out(plan, role):
    found = guides.guides_of(plan, STRENGTHS | {role: 0})
    left = [n for n, keyframe in enumerate(plan.keyframes) if guides.role_of(keyframe) != role]
    assert [guide.number for guide in found] == left


@given(plans(), st.sampled_from(["8n+1", "4n+1"]))
def test_a_length_that_no_model_makes_is_refused(plan, grid):
    step = int(grid[0])
    if plan.n_frames % step == 1 and plan.n_frames > step:
        guides.check_on_grid(plan, grid, model="LTX")
    else:
        with pytest.raises(PlanError, match=f"{plan.n_frames} frames"):
            guides.check_on_grid(plan, grid, model="LTX")


PLAN = plan_at_frames([0, 7, 12], fps=24, n_frames=49)


@pytest.mark.parametrize("value", [-0.1, 10.5, float("nan"), float("inf"), "1", None, True])
def test_strengths_out_of_range_are_named(value):
    with pytest.raises(PlanError, match="strength manual"):
        guides.guides_of(PLAN, STRENGTHS | {"manual": value})


def test_lengths_and_rates_that_differ_are_refused():
    guides.check_same_length(PLAN, 49)
    with pytest.raises(PlanError, match="97 frames long and the plan 49"):
        guides.check_same_length(PLAN, 97)
    ntsc = plan_at_frames([0, 7], fps=24000 / 1001, n_frames=49)
    for fps in (23.976, 23.98, 24000 / 1001):
        guides.check_same_rate(ntsc, fps)
    for fps in (24.0, 25.0, 0.0, float("nan")):
        with pytest.raises(PlanError, match="frames per second"):
            guides.check_same_rate(ntsc, fps)
