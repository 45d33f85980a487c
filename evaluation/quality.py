"""How clean a video's pictures are: is the background steady, and is the thing still the one of the first frame?

All numbers are levels of 255. A figure is NaN where a clip has nothing to measure it on.
"""

import math

import numpy as np

from .tracker.pose_search import drawn_poses, see_poses
from .tracker.poses import SIGHTS
from .tracker.scene import scenery_of

LEAST_BACKGROUND = (
    0.05  # of the picture: less of it stands still where the light of the clip flickers
)
OF_THE_THING = 0.15  # a pixel that the thing changes by more than this, in all, is inside it


def background_variation(frames, background_mask):
    """How much what must stand still varies over time: the mean standard deviation over its pixels and colours.

    frames: uint8 (n, H, W, 3). background_mask: bool (H, W), of the ground truth, for which the figure is 0.
    """
    if background_mask.mean() < LEAST_BACKGROUND:
        return math.nan
    return float(frames[:, background_mask].astype(np.float32).std(axis=0).mean())


def colour_drift(frames, *, seed, scene):
    """How far the thing that strikes is from its colour on the first frame: the mean over frames and channels.

    The colour is the mean over the pixels inside it; what its pose alone changes about that is taken off. NaN for
    scenes whose thing is too thin or comes and goes (string, drip), and for the sea.
    """
    if scene not in SIGHTS or scene == "string":
        return math.nan
    scenery = scenery_of(seed, scene=scene, height=frames.shape[1], width=frames.shape[2])
    sight = SIGHTS[scene](scenery)
    empty, drawn = drawn_poses(scenery, sight)
    best = see_poses(frames, scenery, sight)
    if best[0] < 0:
        return math.nan
    offsets = []
    for frame, pose in zip(frames, best, strict=True):
        if pose >= 0:
            inside = np.abs(drawn[pose] - empty).sum(axis=2) > OF_THE_THING
            offsets.append((frame[inside] - 255 * drawn[pose][inside]).mean(axis=0))
    return float(np.abs(np.array(offsets) - offsets[0]).mean())


def psnr(frames, truth):
    """The peak signal-to-noise ratio of a video as a whole, in decibels. Both uint8 (n, H, W, 3).

    NaN where it is the true one to the bit.
    """
    error = float(np.mean((frames.astype(np.float32) - truth) ** 2))
    return 10 * math.log10(255**2 / error) if error else math.nan
