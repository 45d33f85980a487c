"""The measures of long videos: what they find, and what they must not let pass."""

import math

import numpy as np
import pytest
from keyvid_pack.evaluation.long_sound import drum_sound
from keyvid_pack.evaluation.measures.long_video import background_drift, seam_rank
from keyvid_pack.keyframes.audio.onset import find_onsets

JOINS = [40, 76, 112]


def wave(n=150):
    """A video whose steps differ."""
    rng = np.random.default_rng(0)
    position = np.cumsum(rng.uniform(0, 3, size=n))
    columns = np.arange(40)[None] - position[:, None]
    image = 128 + 100 * np.sin(columns / 5)
    return np.repeat(image[:, None, :, None], 8, axis=1).repeat(3, axis=3).astype(np.uint8)


def test_joins_like_all_other_steps_rank_in_the_middle():
    every = list(range(150))
    ranks = [seam_rank(wave(), list(range(start, 150, 9)), every) for start in range(1, 9)]
    assert 0.4 < np.mean(ranks) < 0.6


def test_joins_are_compared_with_keyframes_only():
    """Steps between keyframes are small: joins that are like other keyframes rank in the middle all the same."""
    frames = wave()
    keyframes = list(range(4, 150, 6))
    for frame in keyframes:
        frames[frame:] = np.roll(frames[frame:], 7, axis=2)
    assert 0.2 < seam_rank(frames, keyframes[2::4], keyframes) < 0.8


def test_a_jump_at_every_join_is_found():
    frames = wave()
    for join in JOINS:
        frames[join:] = np.roll(frames[join:], 7, axis=2)
    keyframes = [*range(0, 150, 4), *JOINS]
    assert seam_rank(frames, JOINS, keyframes) > 0.97
    assert math.isnan(seam_rank(frames, [], keyframes))


def test_a_background_that_drifts_is_found():
    rng = np.random.default_rng(0)
    still = np.repeat(rng.integers(0, 200, size=(1, 12, 16, 3)), 20, axis=0).astype(np.uint8)
    moving = still.copy()
    moving[:, :6, :4] = rng.integers(0, 255, size=(20, 6, 4, 3))
    assert background_drift(moving, still[0]) == 0
    assert background_drift(moving + np.uint8(5), still[0]) == pytest.approx(5)


def test_the_drum_strikes_at_its_times_from_beginning_to_end():
    samples, times_s, rate = drum_sound(13, seed=4)
    assert len(samples) == 13 * rate and np.abs(samples).max() <= 1
    assert times_s[-1] > 11 and np.diff(times_s).min() >= 0.25
    found = np.array([s.time_s for s in find_onsets(samples[None], rate).strikes if s.clear])
    assert all(np.abs(found - time_s).min() < 0.03 for time_s in times_s)
    assert len(found) <= 1.1 * len(times_s)
