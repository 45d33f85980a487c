"""The poses of the moving thing in a video of the procedural world, and the times of visible events.

The tracker is given what a clip looks like before anything happens (static_scene.py), as the model is by the first
frame. It is given neither its events nor its audio: all that it reports comes from the video.
"""

import math
from typing import NamedTuple

import numpy as np

from ...errors import KeyVIDError
from ...training.world.scenes import drip
from .event_rules import EVENT_RULES
from .pose_search import colour_coverage, find_poses
from .static_scene import StaticScene, build_static_scene
from .tracked_objects import TRACKED_OBJECTS

TRACKED = tuple(EVENT_RULES)  # the sea has no events
SPLASH_AREA = (36.0, drip.WATER_Y - 8, 92.0, drip.WATER_Y + 14)  # units
SPLASH_UNITS = 250.0  # square units of white when a large drop lands


class Poses(NamedTuple):
    """The poses of the tracked object in a video, float (n_frames,), in the unit of its scene.

    found: bool (n_frames,), False where it is lost: its pose is interpolated there. shown: bool (n_frames,), whether
    it is visible; a drop is not while none falls, and its pose is known all the same.
    """

    poses: np.ndarray
    found: np.ndarray
    shown: np.ndarray


class Reading(NamedTuple):
    """events: frames (m,), ascending. poses: (n_frames,), what they are read from: of the tracked object, in the unit
    of its scene, or of drops, how much of the water is white.

    seen: the share of frames on which the object was found; NaN for drops, which come and go.
    """

    events: np.ndarray
    poses: np.ndarray
    seen: float


def read_poses(frames: np.ndarray, *, seed: int, scene: str) -> Poses:
    """The Poses of a video of the scene that a clip's seed draws, for every scene: of the sea, of its boat.

    frames: as for read_events. Raises KeyVIDError for frames of another kind.
    """
    _check(frames)
    static_scene = _static_scene(frames, seed=seed, scene=scene)
    tracked = TRACKED_OBJECTS[scene](static_scene)
    poses = find_poses(frames, static_scene, tracked).poses
    shown = ~np.isnan(poses)
    poses = np.where(shown, poses, tracked.absent)
    found = ~np.isnan(poses)
    if found.any():
        poses = np.interp(np.arange(len(poses)), np.flatnonzero(found), poses[found])
    return Poses(poses, found, shown)


def read_events(frames: np.ndarray, *, seed: int, scene: str) -> Reading:
    """Read the events of a video of the scene that a clip's seed draws.

    frames: uint8 (n_frames, H, W, 3), H and W even, in the aspect ratio of the clip.
    Raises KeyVIDError for a scene without events and for frames of another kind.
    """
    if scene not in TRACKED:
        raise KeyVIDError(
            f'The scene "{scene}" has no events to be seen; those that have are {", ".join(TRACKED)}.'
        )
    _check(frames)
    if scene == "drip":
        splash = _splash(frames, seed)
        return Reading(EVENT_RULES[scene](splash), splash, math.nan)
    poses, found, _ = read_poses(frames, seed=seed, scene=scene)
    events = EVENT_RULES[scene](poses) if found.any() else np.array([], int)
    return Reading(events, poses, float(found.mean()))


def _splash(frames: np.ndarray, seed: int) -> np.ndarray:
    """How much of the water is white, float (n_frames,): about 1 when a large drop lands."""
    static_scene = _static_scene(frames, seed=seed, scene="drip")
    colour, front = static_scene.palette.loud_light, static_scene.parts[-1:]
    white = colour_coverage(frames, static_scene, colour, area=SPLASH_AREA, before=front)
    return white / SPLASH_UNITS


def _static_scene(frames: np.ndarray, *, seed: int, scene: str) -> StaticScene:
    return build_static_scene(seed, scene=scene, height=frames.shape[1], width=frames.shape[2])


def _check(frames: np.ndarray) -> None:
    shape = frames.shape
    if frames.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or shape[1] % 2 or shape[2] % 2:
        raise KeyVIDError(
            f"The video is {frames.dtype} of shape {shape}; give uint8 frames (n, H, W, 3), H and W even."
        )
