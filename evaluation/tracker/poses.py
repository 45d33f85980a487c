"""What to look for in each scene: the poses that the thing that strikes can have, and when a strike has been seen.

A pose is one number, of which each scene says what it means. The things are drawn with the parts that the world itself
draws on the first frame, put into other poses.
"""

from typing import NamedTuple

import numpy as np

from ...training.world.scenes import anvil, ball, cannon, drum, metronome, plucked_string
from ...training.world.shapes import Pose, cord
from ...training.world.stage import FAR, Part
from . import event_rules


class Sight(NamedTuple):
    """poses: float (n,). drawn: n lists of Parts, the thing in each pose. behind, before: Parts that stand still.

    strikes(poses seen, (n_frames,)) gives the frames (m,) of events. area: (left, top, right, bottom) in units, to
    which looking is limited.
    """

    poses: np.ndarray
    drawn: list
    strikes: object
    behind: tuple = ()
    before: tuple = ()
    area: tuple = (-FAR, -FAR, FAR, FAR)


def _posed(parts, pose):
    return [part._replace(pose=pose, was=None) for part in parts]


def _anvil(scenery):
    """How near the hammer is to the anvil: 1 on it, 0 where the strongest strike starts."""
    poses = np.arange(-0.1, 1.16, 0.025)
    drawn = [
        _posed(scenery.parts[:3], Pose(anvil.HAND_X, anvil.HAND_Y, anvil.HIGHEST * (1 - near)))
        for near in poses
    ]
    return Sight(poses, drawn, event_rules.contacts)


def _drum(scenery):
    """How near the stick is to the skin: 1 on it, 0 where the strongest stroke starts."""
    poses = np.arange(-0.1, 1.16, 0.025)
    drawn = [
        _posed(
            scenery.parts[-2:],
            Pose(drum.HAND_X, drum.HAND_Y, drum.DOWN + drum.HIGHEST * (1 - near)),
        )
        for near in poses
    ]
    return Sight(poses, drawn, event_rules.contacts, behind=scenery.parts[:2])


def _ball(scenery):
    """How near the ball is to the floor: 1 on it, 0 at the height of the highest flight."""
    body = scenery.parts[-3:]
    radius = (body[0].pose.scale_x + body[0].pose.scale_y) / 2  # it may be flat just now
    poses = np.arange(-0.05, 1.11, 0.02)
    drawn = [
        _posed(
            body,
            Pose(64.0, ball.FLOOR - (1 - near) * ball.HIGHEST - radius, 0.0, radius, radius),
        )
        for near in poses
    ]
    return Sight(poses, drawn, event_rules.bounces)


def _metronome(scenery):
    """Where the arm is: -1 at the left block, 1 at the right one."""
    poses = np.arange(-1.15, 1.16, 0.04)
    drawn = [
        _posed(
            scenery.parts[-3:-1],
            Pose(metronome.PIVOT_X, metronome.PIVOT_Y, metronome.SWING * place),
        )
        for place in poses
    ]
    return Sight(
        poses, drawn, event_rules.arrivals, behind=scenery.parts[:4], before=scenery.parts[-1:]
    )


def _cannon(scenery):
    """How far the gun is back: 1 after the strongest shot."""
    barrel, wheel = scenery.parts[:4], scenery.parts[4:10]
    poses, drawn = [], []
    for back in np.arange(-0.1, 1.11, 0.04):
        for tilt in (-0.9 * cannon.KICK, 0.0, cannon.DIP):
            units = back * sum(cannon.RECOIL)
            gun = Pose(cannon.CARRIAGE_X - units, cannon.BARREL_Y, cannon.AIM + tilt)
            roll = Pose(
                cannon.CARRIAGE_X - 4 - units, cannon.GROUND - cannon.WHEEL, -units / cannon.WHEEL
            )
            poses.append(back)
            drawn.append(_posed(barrel, gun) + _posed(wheel, roll))
    return Sight(np.array(poses), drawn, event_rules.leaps)


def _string(scenery):
    """How far the string is aside, 1 and -1 for the strongest pluck, held at a corner or swinging in a bow."""
    string = plucked_string
    most = sum(string.PULL)
    poses, drawn = [], []
    for aside in np.arange(-1.1, 1.11, 0.06):
        for bowed in (False, True):
            shape = cord(
                _line(aside * most, bowed),
                thickness=string.THICKNESS,
                top=string.LINE - 2 * most,
                bottom=string.LINE + 2 * most,
                left=string.LEFT,
                right=string.RIGHT,
            )
            poses.append(aside)
            drawn.append([Part(shape, scenery.palette.accent)])
    # the plectrum, on the left, hides part of the string
    area = (string.PLUCK_X + 9, -FAR, string.RIGHT - 6, FAR)
    return Sight(np.array(poses), drawn, event_rules.releases, before=scenery.parts[1:3], area=area)


def _line(aside, bowed):
    string = plucked_string

    def y(x):
        if bowed:
            share = np.sin(np.pi * np.clip((x - string.LEFT) / (string.RIGHT - string.LEFT), 0, 1))
        else:
            share = np.clip((string.RIGHT - x) / (string.RIGHT - string.PLUCK_X), 0, 1)
        return string.LINE + aside * share

    return y


SIGHTS = {
    "ball": _ball,
    "anvil": _anvil,
    "drum": _drum,
    "metronome": _metronome,
    "cannon": _cannon,
    "string": _string,
}
