"""The motion figures of movements written by hand."""

import math

import numpy as np
import pytest
from keyvid_pack.evaluation.measures import motion
from keyvid_pack.evaluation.measures.motion import (
    FAR_FROM_SOUND,
    LEAST_JERK_PX,
    excursions,
    jerk,
    largest_step,
    quiet_figures,
)
from keyvid_pack.evaluation.tracker.reader import Poses

# a strike at frame 20: lifted from 12 on, down over three frames, up again over two, at rest from 25 on
STRIKE = np.interp(np.arange(48), [0, 12, 17, 20, 22, 25, 47], [0.3, 0.3, 0.0, 1.0, 0.7, 0.3, 0.3])


def motion_figures(made, true, span_px=50.0):
    return motion.motion_figures(made, true, span_px=span_px)


def tracked(poses, *, lost=(), hidden=()):
    frames = np.arange(len(poses))
    found = ~np.isin(frames, lost)
    return Poses(np.asarray(poses, float), found, found & ~np.isin(frames, hidden))


def test_the_true_motion_has_no_error():
    its = motion_figures(tracked(STRIKE), tracked(STRIKE))
    assert (its.trajectory_mean, its.trajectory_p90, its.excursions) == (0.0, 0.0, 0.0)
    assert its.jerk == its.true_jerk and its.largest_step == its.true_largest_step


def test_figures_are_shares_of_the_true_range():
    made = np.roll(STRIKE, 1)
    one, ten = (motion_figures(tracked(k * made), tracked(k * STRIKE)) for k in (1, 10))
    assert ten == pytest.approx(one)


def test_trajectory_is_the_error_of_the_pose():
    made = STRIKE.copy()
    made[40:] += 0.5
    its = motion_figures(tracked(made), tracked(STRIKE))
    assert its.trajectory_mean == pytest.approx(8 / 48 * 0.5)
    assert its.trajectory_p90 == pytest.approx(0.5)


def test_a_lost_thing_is_as_wrong_as_can_be_although_its_pose_is_interpolated():
    its = motion_figures(tracked(STRIKE, lost=range(12)), tracked(STRIKE))
    assert its.trajectory_mean == pytest.approx(12 / 48)
    nowhere = motion_figures(tracked(np.full(48, np.nan), lost=range(48)), tracked(STRIKE))
    assert (nowhere.trajectory_mean, nowhere.trajectory_p90) == (1.0, 1.0)
    assert math.isnan(nowhere.jerk) and math.isnan(nowhere.excursions)


def test_a_drop_counts_only_while_one_is_seen_in_either_video():
    falls = np.zeros(48)
    falls[10:14] = [0.25, 0.5, 0.75, 1.0]
    none = np.flatnonzero(falls == 0)
    true = tracked(falls, hidden=none)
    missed = motion_figures(tracked(np.zeros(48), hidden=range(48)), true)
    assert missed.trajectory_mean == pytest.approx(0.625)
    later = motion_figures(tracked(np.roll(falls, 20), hidden=(none + 20) % 48), true)
    assert later.trajectory_mean == pytest.approx(0.625)  # of twice as many frames


def test_what_does_not_move_has_no_figures():
    assert all(math.isnan(value) for value in motion_figures(tracked(STRIKE), tracked(np.ones(48))))


def test_jerk_is_the_mean_third_difference():
    frames = np.arange(48.0)
    assert jerk(frames**2) == pytest.approx(0.0)  # thrown things have none
    assert jerk(frames**3) == pytest.approx(6.0)
    one_frame = np.zeros(48)
    one_frame[20] = 1.0
    assert jerk(one_frame) == pytest.approx(8 / 45)  # 1, 3, 3, 1


def test_true_jerk_that_cannot_be_told_from_the_trackers_error_counts_as_the_least():
    slow = np.sin(np.arange(48) / 10)
    trembling = slow + 0.01 * (-1) ** np.arange(48)
    boat, hammer = (motion_figures(tracked(trembling), tracked(slow), px) for px in (8.0, 80.0))
    assert boat.true_jerk == LEAST_JERK_PX / 8 and boat.jerk < boat.true_jerk
    assert hammer.jerk > 5 * hammer.true_jerk  # the same is ten times as far


def test_largest_step_is_the_greatest_change():
    assert largest_step(np.array([0.0, 0.1, 0.4, -0.3, 0.0])) == pytest.approx(0.7)


@pytest.mark.parametrize("n_frames, counts", [(1, True), (2, True), (3, False)])
def test_an_excursion_is_at_most_two_frames_long(n_frames, counts):
    made = STRIKE.copy()
    made[35 : 35 + n_frames] = 1.0
    assert excursions(made, STRIKE).sum() == (n_frames if counts else 0)
    made[35 : 35 + n_frames] = -0.4  # the other way
    assert excursions(made, STRIKE).sum() == (n_frames if counts else 0)


def test_a_true_strike_is_no_excursion_but_one_out_of_rest_is():
    assert not excursions(STRIKE, STRIKE).any()
    assert not excursions(np.roll(STRIKE, 2), STRIKE).any()  # late, which the trajectory sees
    hung = np.zeros(48)
    hung[20] = 1.0  # there for the one frame of the strike, from as far away as it is lifted
    assert list(np.flatnonzero(excursions(hung, STRIKE))) == [20]
    assert excursions(np.roll(hung, 5), STRIKE).any()


def test_a_clip_may_begin_and_end_anywhere_in_a_movement():
    falling = np.linspace(1.0, 0.0, 48) ** 4
    assert not excursions(falling, STRIKE).any() and not excursions(falling[::-1], STRIKE).any()


def test_quiet_time_and_what_is_seen_in_it():
    assert quiet_figures([5, 40], [], 48) == {"quiet_s": 2.0, "quiet_events": 2.0}
    its = quiet_figures([11, 20, 47], [20], 48)
    assert its == {"quiet_s": (48 - 2 * FAR_FROM_SOUND - 1) / 24, "quiet_events": 1.0}
    assert quiet_figures([3], range(0, 48, 10), 48) == {"quiet_s": 0.0, "quiet_events": 0.0}
