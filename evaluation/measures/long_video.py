"""What can go wrong in a long video: seams where its windows meet, and drift."""

import math
from collections.abc import Sequence

import numpy as np

STILL_SHARE = 0.5  # of the pixels: those that change least over the video are background


def seam_rank(frames: np.ndarray, joins: Sequence[int], keyframes: Sequence[int]) -> float:
    """Where the steps into the first frames of windows lie among the steps into other keyframes, on average: 0 to 1.

    0.5 is in the middle, as for any keyframes; 1 is that each join is a larger step than all others. Windows meet on
    keyframes, where things strike, so other frames are no measure. NaN without joins or without other keyframes.
    frames: uint8 (n, H, W, 3); joins, keyframes: frames, those of 0 are left out.
    """
    steps = np.array(
        [
            np.abs(after.astype(np.int16) - before).mean()
            for before, after in zip(frames[:-1], frames[1:], strict=True)
        ]
    )
    others = steps[[frame - 1 for frame in keyframes if frame > 0 and frame not in joins]]
    at = steps[[frame - 1 for frame in joins if frame > 0]]
    if not len(at) or not len(others):
        return math.nan
    below = (others[None] < at[:, None]).mean(axis=1)
    equal = (others[None] == at[:, None]).mean(axis=1)
    return float((below + equal / 2).mean())


def background_drift(frames: np.ndarray, first: np.ndarray) -> float:
    """How far the background of frames is from that of the first one: mean absolute difference in levels.

    frames: uint8 (n, H, W, 3). first: uint8 (H, W, 3). Background are the pixels that change least.
    """
    difference = np.abs(frames.astype(np.int16) - first).mean(axis=(0, 3))
    return float(np.sort(difference, axis=None)[: int(difference.size * STILL_SHARE)].mean())
