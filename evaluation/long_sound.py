"""A drum of the world that strikes at irregular times for as long as asked for: the sound of a long test."""

import numpy as np

from ..training.world.sound import N_SAMPLES, SAMPLE_RATE, Timbre, strikes
from ..training.world.timing import WorldEvent

GAPS_S = (0.25, 0.9)  # between two strikes
BLOCK_S = N_SAMPLES / SAMPLE_RATE
RING_S = 0.8  # a strike that far before a block is heard in it
DRUM = Timbre(
    partials_hz=np.array([185.0, 330.0, 480.0]),
    levels=np.array([1.0, 0.6, 0.35]),
    decays_s=np.array([0.08, 0.05, 0.04]),
    noise=0.5,
    noise_s=0.06,
    noise_band_hz=(800, 7000),
)


def drum_sound(seconds: float, *, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """(samples (n,) in [-1, 1], times of the strikes in s, sample rate in Hz)."""
    rng = np.random.default_rng(seed)
    gaps = rng.uniform(*GAPS_S, size=int(seconds / GAPS_S[0]) + 1)
    times_s = np.cumsum(gaps)
    times_s = times_s[times_s < seconds - 0.1]
    strengths = rng.uniform(0.4, 1.0, size=len(times_s))
    blocks = []
    for start_s in np.arange(0, seconds, BLOCK_S):
        inside = (times_s > start_s - RING_S) & (times_s < start_s + BLOCK_S)
        events = [
            WorldEvent(float(time_s - start_s), 0, float(strength))
            for time_s, strength in zip(times_s[inside], strengths[inside], strict=True)
        ]
        # the same generator for every block: one drum
        blocks.append(strikes(np.random.default_rng(seed), events, DRUM))
    samples = np.concatenate(blocks)[: round(seconds * SAMPLE_RATE)]
    return 0.7 * samples / np.abs(samples).max(), times_s, SAMPLE_RATE
