"""The times of visible events in a video of the procedural world.

The tracker knows what a clip looks like before anything happens (scenery.py), as the model does from the first frame.
It knows neither its events nor its sound: what it reports was seen in the video it was given.
"""

import math
from typing import NamedTuple

import numpy as np

from ...keyframes.errors import KeyVIDError
from ...training.world.scenes import drip
from . import event_rules
from .pose_search import see_colour, see_poses
from .poses import SIGHTS
from .scene import scenery_of

TRACKED = (*SIGHTS, "drip")  # the sea has no events
SPLASH_AREA = (36.0, drip.WATER_Y - 8, 92.0, drip.WATER_Y + 14)  # units
SPLASH_UNITS = 250.0  # square units of white when a large drop lands


class Reading(NamedTuple):
    """events: frames (m,), ascending. poses: (n_frames,), what was followed, in the unit of its scene (sights.py).

    seen: the share of frames on which the thing was seen at all; NaN for drops, which come and go.
    """

    events: np.ndarray
    poses: np.ndarray
    seen: float


def read_events(frames, *, seed, scene):
    """The Reading of a video of the scene that a clip's seed draws.

    frames: uint8 (n_frames, H, W, 3), H and W even, in the shape of the clip's own.
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
    scenery = scenery_of(seed, scene=scene, height=shape[1], width=shape[2])
    if scene == "drip":
        colour = scenery.palette.loud_light
        white = see_colour(frames, scenery, colour, area=SPLASH_AREA, before=scenery.parts[-1:])
        return Reading(event_rules.splashes(white / SPLASH_UNITS), white / SPLASH_UNITS, math.nan)
    sight = SIGHTS[scene](scenery)
    best = see_poses(frames, scenery, sight)
    (seen,) = np.nonzero(best >= 0)
    if not len(seen):
        return Reading(np.array([], int), np.full(len(best), np.nan), 0.0)
    # where it is not seen it counts as on its way from where it was to where it will be
    poses = np.interp(np.arange(len(best)), seen, sight.poses[best[seen]])
    return Reading(sight.strikes(poses), poses, len(seen) / len(best))
