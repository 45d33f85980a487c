"""What can go wrong in a long video: seams where its windows meet, and drift."""

from collections.abc import Sequence

import numpy as np

STILL_SHARE = 0.5  # of the pixels: those that change least over the video are background


def seam_rank(frames: np.ndarray, joins: Sequence[int]) -> float:
    """Where the steps into the first frames of windows lie among all steps from frame to frame, on average: 0 to 1.

    0.5 is in the middle, as for any frames; 1 is that each join is a larger step than all others. NaN without joins.
    frames: uint8 (n, H, W, 3); joins: frames, each at least 1.
    """
    if not len(joins):
        return float("nan")
    steps = np.array(
        [
            np.abs(after.astype(np.int16) - before).mean()
            for before, after in zip(frames[:-1], frames[1:], strict=True)
        ]
    )
    at = steps[np.asarray(joins) - 1]
    below = (steps[None] < at[:, None]).mean(axis=1)
    equal = (steps[None] == at[:, None]).mean(axis=1)
    return float((below + equal / 2).mean())


def background_drift(frames: np.ndarray, first: np.ndarray) -> float:
    """How far the background of frames is from that of the first one: mean absolute difference in levels.

    frames: uint8 (n, H, W, 3). first: uint8 (H, W, 3). Background are the pixels that change least.
    """
    difference = np.abs(frames.astype(np.int16) - first).mean(axis=(0, 3))
    return float(np.sort(difference, axis=None)[: int(difference.size * STILL_SHARE)].mean())
