"""The times of visible events in a video of the procedural world.

The tracker is given what a clip looks like before anything happens (static_scene.py), as the model is by the first
frame. It is given neither its events nor its audio: all that it reports comes from the video.
"""

import math
from typing import NamedTuple

import numpy as np

from ...errors import KeyVIDError
from ...training.world.scenes import drip
from . import event_rules
from .pose_search import colour_coverage, find_poses
from .static_scene import build_static_scene
from .tracked_objects import TRACKED_OBJECTS

TRACKED = (*TRACKED_OBJECTS, "drip")  # the sea has no events
SPLASH_AREA = (36.0, drip.WATER_Y - 8, 92.0, drip.WATER_Y + 14)  # units
SPLASH_UNITS = 250.0  # square units of white when a large drop lands


class Reading(NamedTuple):
    """events: frames (m,), ascending. poses: (n_frames,), of the tracked object, in the unit of its scene.

    seen: the share of frames on which the object was found; NaN for drops, which come and go.
    """

    events: np.ndarray
    poses: np.ndarray
    seen: float


def read_events(frames: np.ndarray, *, seed: int, scene: str) -> Reading:
    """Read the events of a video of the scene that a clip's seed draws.

    frames: uint8 (n_frames, H, W, 3), H and W even, in the aspect ratio of the clip.
    Raises KeyVIDError for a scene without events and for frames of another kind.
    """
    if scene not in TRACKED:
        raise KeyVIDError(
            f'The scene "{scene}" has no events to be seen; those that have are {", ".join(TRACKED)}.'
        )
    shape = frames.shape
    if frames.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or shape[1] % 2 or shape[2] % 2:
        raise KeyVIDError(
            f"The video is {frames.dtype} of shape {shape}; give uint8 frames (n, H, W, 3), H and W even."
        )
    static_scene = build_static_scene(seed, scene=scene, height=shape[1], width=shape[2])
    if scene == "drip":
        colour = static_scene.palette.loud_light
        white = colour_coverage(
            frames, static_scene, colour, area=SPLASH_AREA, before=static_scene.parts[-1:]
        )
        return Reading(event_rules.splashes(white / SPLASH_UNITS), white / SPLASH_UNITS, math.nan)
    tracked = TRACKED_OBJECTS[scene](static_scene)
    best = find_poses(frames, static_scene, tracked)
    (seen,) = np.nonzero(best >= 0)
    if not len(seen):
        return Reading(np.array([], int), np.full(len(best), np.nan), 0.0)
    # where it is not found, its pose is interpolated
    poses = np.interp(np.arange(len(best)), seen, tracked.poses[best[seen]])
    return Reading(tracked.strikes(poses), poses, len(seen) / len(best))
