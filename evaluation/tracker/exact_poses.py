"""The poses that the world itself placed its things in: what the tracker should find on a true video.

They are computed from WorldClip.track, so they are independent of how the tracker looks for them.
"""

import math

import numpy as np

from ...training.world.clip import WorldClip
from ...training.world.scenes import anvil, ball, cannon, drum, metronome, plucked_string, sea
from ...training.world.scenes.plucked_string import TOUCH_FRAMES
from .static_scene import StaticScene, build_static_scene


def exact_poses(clip: WorldClip) -> np.ndarray | None:
    """The poses of a WorldClip, float (48,), in the units of tracked_objects.py; None for drops, which come and go.

    A squashed ball's is that of its middle, as drawn, and not of one that is not squashed.
    """
    if clip.scene == "drip":
        return None
    height, width = clip.frames.shape[1:3]
    static_scene = build_static_scene(clip.seed, scene=clip.scene, height=height, width=width)
    x, y = static_scene.stage.to_units(*clip.track.T.astype(np.float64))
    return _POSES[clip.scene](clip, static_scene, x, y)


def _anvil(clip: WorldClip, static_scene: StaticScene, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    lifted = np.arctan2(y - anvil.HAND_Y, x - anvil.HAND_X) - math.atan2(9.5, -anvil.HANDLE)
    return 1 - _turned(lifted) / anvil.HIGHEST


def _drum(clip: WorldClip, static_scene: StaticScene, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 1 - (np.arctan2(drum.HAND_Y - y, drum.HAND_X - x) - drum.DOWN) / drum.HIGHEST


def _ball(clip: WorldClip, static_scene: StaticScene, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    pose = static_scene.parts[-3].pose
    radius = (pose.scale_x + pose.scale_y) / 2
    return 1 - (ball.FLOOR - radius - y) / ball.HIGHEST


def _metronome(
    clip: WorldClip, static_scene: StaticScene, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    return np.arctan2(x - metronome.PIVOT_X, metronome.PIVOT_Y - y) / metronome.SWING


def _cannon(clip: WorldClip, static_scene: StaticScene, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    reach = cannon.MUZZLE + 2
    across = reach * np.sqrt(1 - ((y - cannon.BARREL_Y) / reach) ** 2)
    return (cannon.CARRIAGE_X + across - x) / sum(cannon.RECOIL)


def _string(clip: WorldClip, static_scene: StaticScene, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    string = plucked_string
    aside = (y - string.LINE) / sum(string.PULL)
    # the middle of a string that is held is less far aside than where it is held
    share = (string.RIGHT - x) / (string.RIGHT - string.PLUCK_X)
    frames = np.arange(len(y))
    held = np.zeros(len(y), bool)
    for event in clip.events:
        held |= (event.frame - TOUCH_FRAMES <= frames) & (frames < event.frame)
    return np.where(held, aside / share, aside)


def _sea(clip: WorldClip, static_scene: StaticScene, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    level, size, _ = sea.LAYERS[sea.BOAT_LAYER]
    return (level - y) / (size * sea.HIGHEST)


def _turned(angle: np.ndarray) -> np.ndarray:
    """The angle within half a turn of 0."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


_POSES = {
    "ball": _ball,
    "anvil": _anvil,
    "drum": _drum,
    "metronome": _metronome,
    "cannon": _cannon,
    "string": _string,
    "sea": _sea,
}
