"""Struck things of any kind: what they sound like, and at which times they are struck."""

import numpy as np

from ...keyframes.peaks import PEAK_DISTANCE
from ...keyframes.timebase import FPS, N_FRAMES, frame_at
from ..world.sound import Timbre
from ..world.timing import SOFTEST, WorldEvent


def draw_strikes(rng: np.random.Generator) -> tuple[WorldEvent, ...]:
    """Strikes at a beat that is steady, irregular or changing, cut anywhere as a window of a long recording is."""
    gap = (PEAK_DISTANCE + 0.5) * 12 ** rng.random()  # frames: up to more than the whole window
    drift, jitter = rng.choice((1.0, 0.9, 1.1)), rng.choice((0.0, 0.15, 0.6))
    loudest, variation = rng.uniform(SOFTEST, 1.0), rng.choice((0.0, 0.2, 0.7))
    position, events = -rng.uniform(0, gap) - rng.choice((0.0, 12.0)), []
    while position < N_FRAMES - 0.5:
        strength = max(SOFTEST, loudest * (1 - variation * rng.random()))
        events.append(
            WorldEvent(position / FPS, frame_at(position / FPS, fps=FPS), float(strength))
        )
        position += max(PEAK_DISTANCE + 0.5, gap * (1 + jitter * rng.uniform(-1, 1)))
        gap *= drift
    return tuple(events)


def draw_timbre(rng: np.random.Generator) -> Timbre:
    """Anything that can be struck: wood, metal, skin, strings, hands, and noise alone."""
    n_partials = int(rng.integers(1, 7))
    lowest = 10 ** rng.uniform(np.log10(50), np.log10(2500))
    stretch = rng.uniform(0.8, 1.6)  # 1: a string; others: bars, plates and skins
    order = np.arange(1, n_partials + 1)
    low = 10 ** rng.uniform(np.log10(80), np.log10(3000))
    return Timbre(
        partials_hz=np.minimum(lowest * order**stretch, 7900.0),
        levels=order ** -rng.uniform(0.3, 1.5),
        decays_s=10 ** rng.uniform(-2.3, -0.4) * order ** -rng.uniform(0.0, 1.0),
        noise=rng.choice((rng.uniform(0.02, 0.4), rng.uniform(0.4, 0.98))),
        noise_s=10 ** rng.uniform(-2.6, -0.9),
        noise_band_hz=(low, min(low * rng.uniform(2, 20), 7800)),
    )
