"""The tracked object of each scene: pose templates to search for, and the rule that finds events in its poses.

A pose is one number, whose meaning each scene defines. Templates are drawn with the parts that the world itself draws
on the first frame, in other poses.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ...training.world.scenes import anvil, ball, cannon, drip, drum, metronome, plucked_string, sea
from ...training.world.shapes import Pose, cord, disc
from ...training.world.stage import FAR, Part
from .static_scene import Box, StaticScene


class TrackedObject(NamedTuple):
    """poses: float (n,). drawn: n lists of Parts, the object in each pose. behind, before: static Parts.

    area: (left, top, right, bottom) in units, to which the search is limited; around it nothing is known.
    absent: the pose when it is not visible, NaN where that means it is lost.
    """

    poses: np.ndarray
    drawn: list[list[Part]]
    behind: tuple[Part, ...] = ()
    before: tuple[Part, ...] = ()
    area: Box = (-FAR, -FAR, FAR, FAR)
    absent: float = math.nan


def _posed(parts: Sequence[Part], pose: Pose) -> list[Part]:
    return [part._replace(pose=pose, was=None) for part in parts]


def _anvil(static_scene: StaticScene) -> TrackedObject:
    """How near the hammer is to the anvil: 1 on it, 0 where the strongest strike starts."""
    poses = np.arange(-0.1, 1.16, 0.025)
    drawn = [
        _posed(static_scene.parts[:3], Pose(anvil.HAND_X, anvil.HAND_Y, anvil.HIGHEST * (1 - near)))
        for near in poses
    ]
    return TrackedObject(poses, drawn)


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
    return TrackedObject(poses, drawn, behind=static_scene.parts[:2])


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
    return TrackedObject(poses, drawn)


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
    return TrackedObject(np.array(poses), drawn)


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
    return TrackedObject(np.array(poses), drawn, before=static_scene.parts[1:3], area=area)


def _line(aside: float, bowed: bool) -> Callable[[np.ndarray], np.ndarray]:
    string = plucked_string

    def y(x: np.ndarray) -> np.ndarray:
        if bowed:
            share = np.sin(np.pi * np.clip((x - string.LEFT) / (string.RIGHT - string.LEFT), 0, 1))
        else:
            share = np.clip((string.RIGHT - x) / (string.RIGHT - string.PLUCK_X), 0, 1)
        return string.LINE + aside * share

    return y


def _drip(static_scene: StaticScene) -> TrackedObject:
    """How far a drop has fallen: 0 while none falls, 1 at the water. It is seen between tap and water."""
    palette = static_scene.palette
    depth = drip.WATER_Y - drip.TAP_Y
    poses, drawn = [], []
    for fallen in np.arange(0.1, 0.81, 0.02):
        long = 0.25 * math.sqrt(fallen)
        for radius in drip.SIZE[0] + drip.SIZE[1] * np.array([0.3, 0.65, 1.0]):
            pose = Pose(
                64.0, drip.TAP_Y + depth * fallen, 0.0, radius * (1 - long), radius * (1 + long)
            )
            poses.append(fallen)
            drawn.append(
                [
                    Part(disc(1.0), palette.loud_light, pose),
                    Part(disc(0.7, x=0.1, y=0.12), palette.loud, pose),
                ]
            )
    # from below the swelling drop to above the splash
    area = (-FAR, drip.TAP_Y + 16, FAR, drip.WATER_Y - 16)
    return TrackedObject(np.array(poses), drawn, area=area, absent=0.0)


def _sea(static_scene: StaticScene) -> TrackedObject:
    """How high the boat is, 1 and -1 on the highest wave and in the lowest trough; its sails are seen in the sky."""
    boat = static_scene.parts[1:4]
    level, size, _ = sea.LAYERS[sea.BOAT_LAYER]
    most = size * sea.HIGHEST
    poses, drawn = [], []
    for height in np.arange(-1.2, 1.21, 0.1):
        for tilt in np.arange(-0.3, 0.31, 0.03):
            poses.append(height)
            drawn.append(_posed(boat, Pose(sea.BOAT_X, level - height * most, tilt)))
    waves_top = sea.LAYERS[0][0] - sea.LAYERS[0][1] * sea.HIGHEST  # of those behind the boat
    return TrackedObject(np.array(poses), drawn, area=(-FAR, -FAR, FAR, waves_top - 1))


TRACKED_OBJECTS = {
    "ball": _ball,
    "anvil": _anvil,
    "drum": _drum,
    "metronome": _metronome,
    "cannon": _cannon,
    "string": _string,
    "drip": _drip,
    "sea": _sea,
}
