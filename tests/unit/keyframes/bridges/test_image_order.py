"""Which image belongs to which keyframe, and what is said of a wrong number of images."""

import pytest
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.bridges.image_order import image_per_keyframe
from keyvid_pack.keyframes.plan import plan_at_frames

PLAN = plan_at_frames([0, 5, 9, 17], fps=24, n_frames=24)


def test_one_per_keyframe_or_a_whole_video():
    assert image_per_keyframe(PLAN, 4) == [0, 1, 2, 3]
    assert image_per_keyframe(PLAN, 24) == [0, 5, 9, 17]


def test_fewer_images_repeat_only_when_asked_to():
    assert image_per_keyframe(PLAN, 3, fewer="repeat") == [0, 1, 2, 0]
    assert image_per_keyframe(PLAN, 1, fewer="repeat") == [0, 0, 0, 0]
    with pytest.raises(PlanError, match="2 images for the 4 keyframes.*frames 9, 17 have none"):
        image_per_keyframe(PLAN, 2)
    with pytest.raises(PlanError, match="choose one of refuse, repeat"):
        image_per_keyframe(PLAN, 2, fewer="hope")


@pytest.mark.parametrize("fewer", ["refuse", "repeat"])
def test_too_many_are_refused_either_way(fewer):
    with pytest.raises(PlanError, match="leave out 2, or set the count.*to 6"):
        image_per_keyframe(PLAN, 6, fewer=fewer)


def test_a_long_list_of_missing_ones_is_cut_short():
    plan = plan_at_frames(range(0, 900, 3), fps=24, n_frames=900)
    with pytest.raises(PlanError, match="and 286 more have none") as error:
        image_per_keyframe(plan, 2)
    assert len(str(error.value)) < 400
