"""The event rules on movements written by hand."""

import numpy as np
import pytest
from keyvid_pack.evaluation.tracker import event_rules


def poses(n=48, rest=0.0, **at):
    """Poses (n,) at rest but for those given as f12=1.0."""
    values = np.full(n, rest)
    for frame, value in at.items():
        values[int(frame[1:])] = value
    return values


def test_contacts_where_a_tool_turns():
    near = poses(rest=0.7, f8=0.3, f9=0.1, f10=0.5, f11=1.0, f12=0.8)
    assert list(event_rules.contacts(near)) == [11]


def test_contacts_ignore_a_turn_in_the_air():
    assert len(event_rules.contacts(poses(rest=0.2, f10=0.45, f11=0.6, f12=0.4))) == 0


@pytest.mark.parametrize("frame", [0, 47])
def test_contacts_ignore_the_first_and_last_frame(frame):
    assert len(event_rules.contacts(poses(**{f"f{frame}": 1.0}))) == 0
    assert len(event_rules.bounces(poses(rest=0.5, **{f"f{frame}": 1.0}))) == 0


def test_bounces_count_low_ones_but_no_rolling():
    flown = np.arange(48) % 7 / 7
    near = 1 - 4 * 0.166 * flown * (1 - flown)  # the lowest flight of the world
    assert list(event_rules.bounces(near)) == [7, 14, 21, 28, 35, 42]
    assert len(event_rules.bounces(np.full(48, 1.0))) == 0
    assert len(event_rules.bounces(1 - 0.03 * (np.arange(48) % 2))) == 0


def test_arrivals_count_each_swing_once():
    place = np.full(48, -1.0)
    place[9:15] = [-0.9, -0.6, -0.1, 0.5, 1.0, 0.8]
    place[15:30] = 1.0
    place[30:35] = [0.8, 0.3, -0.3, -0.8, -1.0]
    place[35:] = [-0.85, -0.95, *[-1.02] * 11]
    assert list(event_rules.arrivals(place)) == [13, 34]


def test_arrivals_before_the_first_frame_do_not_count():
    place = np.full(48, -1.0)
    place[0] = -0.9  # still bouncing off
    place[25:30] = [-0.8, -0.3, 0.3, 0.8, 1.0]
    place[30:] = 1.0
    assert list(event_rules.arrivals(place)) == [29]


def test_recoils_ignore_the_way_back():
    back = poses()
    back[20:] = np.maximum(0, np.concatenate([[0.55, 0.65, 0.7], np.linspace(0.7, -1, 25)]))
    assert list(event_rules.recoils(back)) == [20]


def test_recoils_over_two_frames_take_the_greater():
    assert list(event_rules.recoils(poses(f20=0.3, f21=0.9, f22=0.9, f23=0.6, f24=0.3))) == [21]


def test_releases_where_a_string_changes_sides():
    aside = poses(f17=0.4, f18=0.6, f19=0.7, f20=-0.7, f21=-0.1, f22=0.35, f23=0.2, f24=-0.2)
    assert list(event_rules.releases(aside)) == [20]


def test_releases_ignore_a_swinging_string():
    swinging = -np.exp(-np.arange(1, 49) / 4) * np.cos(2 * np.pi * np.arange(1, 49) / 4.6)
    assert len(event_rules.releases(swinging)) == 0


def test_splashes_where_white_appears():
    amount = poses(f20=0.6, f21=0.5, f22=0.45, f23=0.3, f24=0.2, f25=0.1)
    assert list(event_rules.splashes(amount)) == [20]
