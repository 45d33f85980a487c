"""Scenes without single events, such as the sea: does a video move more where its sound is louder?"""

import math

import numpy as np
from scipy import stats

from ..keyframes.timebase import FPS, sample_at


def motion_follows_sound(frames, audio, sample_rate):
    """Spearman's rank correlation of how much each frame changes and how loud it is; NaN for a video that stands still.

    frames: uint8 (n, H, W, 3) at FPS. audio: (n_samples,), at least as long.
    """
    changes = np.array(
        [
            np.abs(after.astype(np.int16) - before).mean()
            for before, after in zip(frames[:-1], frames[1:], strict=True)
        ]
    )
    if np.ptp(changes) == 0:
        return math.nan
    loudness = [_level(audio, sample_rate, frame) for frame in range(1, len(frames))]
    return float(stats.spearmanr(changes, loudness).statistic)


def _level(audio, sample_rate, frame):
    """Root mean square of the sound within half a frame of one."""
    start, stop = (sample_at((frame + half) / FPS, sample_rate=sample_rate) for half in (-0.5, 0.5))
    return math.sqrt(np.mean(np.square(audio[start:stop], dtype=np.float64)))
