"""Which image belongs to which keyframe, and what is said of a wrong number of images."""

import pytest
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.bridges.image_order import image_per_keyframe
from keyvid_pack.keyframes.plan import plan_at_frames

from ....helpers.plan_cases import plan_of

PLAN = plan_at_frames([0, 5, 9, 17], fps=24, n_frames=24)


def test_one_per_keyframe_or_a_whole_video():
    assert image_per_keyframe(PLAN, 4) == [0, 1, 2, 3]
    assert image_per_keyframe(PLAN, 24) == [0, 5, 9, 17]


def test_fewer_images_repeat_only_when_asked_to():
    assert image_per_keyframe(PLAN, 3, fewer="repeat") == [0, 1, 2, 0]
    assert image_per_keyframe(PLAN, 1, fewer="repeat") == [0, 0, 0, 0]
    with pytest.raises(PlanError, match="2 images for the 4 keyframes.*frames 9, 17 have none"):
        image_per_keyframe(PLAN, 2)
    with pytest.raises(PlanError, match="choose one of refuse, repeat, by kind"):
        image_per_keyframe(PLAN, 2, fewer="hope")


@pytest.mark.parametrize("fewer", ["refuse", "repeat", "by kind"])
def test_too_many_are_refused_either_way(fewer):
    with pytest.raises(PlanError, match="leave out 2, or set the count.*to 6"):
        image_per_keyframe(PLAN, 6, fewer=fewer)


def test_what_cannot_be_set_is_not_proposed():
    with pytest.raises(PlanError, match=r"25 images .*leave out 21\. A whole video would have 24"):
        image_per_keyframe(PLAN, 25)


@pytest.mark.parametrize("fewer", [None, "refuse", "repeat", "by kind"])
def test_no_image_at_all_is_said(fewer):
    with pytest.raises(PlanError, match="no image for the 4 keyframes.*Load Image"):
        image_per_keyframe(PLAN, 0, fewer=fewer)


def test_only_what_the_node_has_is_proposed():
    """Most nodes take one image per keyframe and cannot be told anything else: Keyframe Images can."""
    with pytest.raises(PlanError) as elsewhere:
        image_per_keyframe(PLAN, 3)
    assert "put Keyframe Images before this node" in str(elsewhere.value)
    with pytest.raises(PlanError) as here:
        image_per_keyframe(PLAN, 3, fewer="refuse")
    assert "Keyframe Images" not in str(here.value)
    for error in (here, elsewhere):
        assert "that at frame 17 has none. Connect 1 more" in str(error.value)
        assert "set fewer images to repeat or by kind" in str(error.value)


def test_one_image_is_there_and_several_are():
    with pytest.raises(PlanError, match="There is 1 image for the 4 keyframes"):
        image_per_keyframe(PLAN, 1)
    with pytest.raises(PlanError, match="There are 2 images for the 4 keyframes"):
        image_per_keyframe(PLAN, 2)


def test_a_long_list_of_missing_ones_is_cut_short():
    plan = plan_at_frames(range(0, 900, 3), fps=24, n_frames=900)
    with pytest.raises(PlanError, match="and 286 more have none") as error:
        image_per_keyframe(plan, 2)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("n_images", "expected"),
    [
        (1, [0, 0, 0, 0, 0, 0, 0]),
        (2, [1, 0, 1, 1, 1, 0, 0]),
        (3, [2, 0, 1, 2, 2, 0, 0]),
        (4, [3, 0, 1, 2, 3, 0, 0]),
        (5, [4, 0, 1, 2, 3, 0, 0]),
    ],
)
def test_by_kind_the_first_image_is_at_peaks_and_the_last_at_the_rest(n_images, expected):
    kinds = ["first", "peak", "valley", "fill", "manual", "peak", "peak"]
    plan = plan_of([[2 * i, kind] for i, kind in enumerate(kinds)])
    assert image_per_keyframe(plan, n_images, fewer="by kind") == expected
    with pytest.raises(PlanError, match="6 images, and there are 5 kinds.*leave out 1"):
        image_per_keyframe(plan, 6, fewer="by kind")
