"""The tracked object of each scene: pose templates to search for, and the rule that finds events in its poses.

A pose is one number, whose meaning each scene defines. Templates are drawn with the parts that the world itself draws
on the first frame, in other poses.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ...training.world.scenes import anvil, ball, cannon, drum, metronome, plucked_string
from ...training.world.shapes import Pose, cord
from ...training.world.stage import FAR, Part
from . import event_rules
from .static_scene import Box, StaticScene


class TrackedObject(NamedTuple):
    """poses: float (n,). drawn: n lists of Parts, the object in each pose. behind, before: static Parts.

    strikes(poses found, (n_frames,)) gives the frames (m,) of events. area: (left, top, right, bottom) in units, to
    which the search is limited.
    """

    poses: np.ndarray
    drawn: list[list[Part]]
    strikes: Callable[[np.ndarray], np.ndarray]
    behind: tuple[Part, ...] = ()
    before: tuple[Part, ...] = ()
    area: Box = (-FAR, -FAR, FAR, FAR)


def _posed(parts: Sequence[Part], pose: Pose) -> list[Part]:
    return [part._replace(pose=pose, was=None) for part in parts]


def _anvil(static_scene: StaticScene) -> TrackedObject:
    """How near the hammer is to the anvil: 1 on it, 0 where the strongest strike starts."""
    poses = np.arange(-0.1, 1.16, 0.025)
    drawn = [
        _posed(static_scene.parts[:3], Pose(anvil.HAND_X, anvil.HAND_Y, anvil.HIGHEST * (1 - near)))
        for near in poses
    ]
    return TrackedObject(poses, drawn, event_rules.contacts)


def _drum(static_scene: StaticScene) -> TrackedObject:
    """How near the stick is to the skin: 1 on it, 0 where the strongest stroke starts."""
    poses = np.arange(-0.1, 1.16, 0.025)
    drawn = [
        _posed(
            static_scene.parts[-2:],
            Pose(drum.HAND_X, drum.HAND_Y, drum.DOWN + drum.HIGHEST * (1 - near)),
        )
        for near in poses
    ]
    return TrackedObject(poses, drawn, event_rules.contacts, behind=static_scene.parts[:2])


def _ball(static_scene: StaticScene) -> TrackedObject:
    """How near the ball is to the floor: 1 on it, 0 at the height of the highest flight."""
    body = static_scene.parts[-3:]
    radius = (
        body[0].pose.scale_x + body[0].pose.scale_y
    ) / 2  # it may be squashed on the first frame
    poses = np.arange(-0.05, 1.11, 0.02)
    drawn = [
        _posed(
            body,
            Pose(64.0, ball.FLOOR - (1 - near) * ball.HIGHEST - radius, 0.0, radius, radius),
        )
        for near in poses
    ]
    return TrackedObject(poses, drawn, event_rules.bounces)


def _metronome(static_scene: StaticScene) -> TrackedObject:
    """Where the arm is: -1 at the left block, 1 at the right one."""
    poses = np.arange(-1.15, 1.16, 0.04)
    drawn = [
        _posed(
            static_scene.parts[-3:-1],
            Pose(metronome.PIVOT_X, metronome.PIVOT_Y, metronome.SWING * place),
        )
        for place in poses
    ]
    return TrackedObject(
        poses,
        drawn,
        event_rules.arrivals,
        behind=static_scene.parts[:4],
        before=static_scene.parts[-1:],
    )


def _cannon(static_scene: StaticScene) -> TrackedObject:
    """How far the gun is back: 1 after the strongest shot."""
    barrel, wheel = static_scene.parts[:4], static_scene.parts[4:10]
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
    return TrackedObject(np.array(poses), drawn, event_rules.recoils)


def _string(static_scene: StaticScene) -> TrackedObject:
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
            drawn.append([Part(shape, static_scene.palette.accent)])
    # the plectrum, on the left, hides part of the string
    area = (string.PLUCK_X + 9, -FAR, string.RIGHT - 6, FAR)
    return TrackedObject(
        np.array(poses), drawn, event_rules.releases, before=static_scene.parts[1:3], area=area
    )


def _line(aside: float, bowed: bool) -> Callable[[np.ndarray], np.ndarray]:
    string = plucked_string

    def y(x: np.ndarray) -> np.ndarray:
        if bowed:
            share = np.sin(np.pi * np.clip((x - string.LEFT) / (string.RIGHT - string.LEFT), 0, 1))
        else:
            share = np.clip((string.RIGHT - x) / (string.RIGHT - string.PLUCK_X), 0, 1)
        return string.LINE + aside * share

    return y


TRACKED_OBJECTS = {
    "ball": _ball,
    "anvil": _anvil,
    "drum": _drum,
    "metronome": _metronome,
    "cannon": _cannon,
    "string": _string,
}
