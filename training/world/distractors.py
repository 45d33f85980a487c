"""What must not matter: the room, the microphone and the light. None of it changes events, track or motion score.

In most clips nothing of the background moves, so that how steady a generated background is can be measured.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import signal

from ...keyframes.timebase import N_FRAMES, sample_at
from .colour import Palette
from .shapes import Pose, disc
from .sound import N_SAMPLES, SAMPLE_RATE, band_noise
from .stage import Part
from .timing import WorldEvent

LEVEL_DB = (-20.0, -1.0)  # of the loudest moment, below full scale
REVERB_SHARE, REVERB_S, REVERB_LEVEL = (
    0.6,
    (0.05, 0.25),
    (0.05, 0.35),
)  # decay to 1/e; wet beside dry
NOISE_SHARE, NOISE_DB = 0.8, (8.0, 50.0)  # signal to noise
HUM_SHARE, HUM_DB = 0.3, (12.0, 45.0)
SOFT_MARGIN_DB = 7.0  # the softest strike stays this far above noise and hum together
STRIKE_S = 0.03  # over which a strike's loudness is measured
LIGHTING = 0.12  # how much lighter one side is than the other, at most
DRIFT_SHARE = 0.12  # of the clips have something drifting slowly in the background
DRIFT_SPEED = (0.08, 0.25)  # units per frame
FLICKER_SHARE, FLICKER = 0.1, 0.03  # of the clips change slowly in brightness, by this factor


def disturb_sound(
    rng: np.random.Generator, sound: np.ndarray, events: Sequence[WorldEvent]
) -> np.ndarray:
    """The sound (N_SAMPLES,) as recorded: in a room, with noise and hum, at some level; float32 within [-1, 1]."""
    if rng.random() < REVERB_SHARE:
        sound = _in_room(rng, sound)
    strikes = [_level(sound, event.time_s) for event in events] or [np.sqrt(np.mean(sound**2))]
    unwanted = np.zeros(N_SAMPLES)
    if rng.random() < NOISE_SHARE:
        unwanted += max(strikes) * _gain(-rng.uniform(*NOISE_DB)) * _noise(rng)
    if rng.random() < HUM_SHARE:
        unwanted += max(strikes) * _gain(-rng.uniform(*HUM_DB)) * _hum(rng)
    loudness = np.sqrt(np.mean(unwanted**2))
    if loudness > 0:
        unwanted *= min(1.0, min(strikes) * _gain(-SOFT_MARGIN_DB) / loudness)
    return at_level(sound + unwanted, rng.uniform(*LEVEL_DB))


def at_level(sound: np.ndarray, level_db: float) -> np.ndarray:
    """The sound with its peak at a level below full scale, float32."""
    return (sound * (_gain(level_db) / np.abs(sound).max())).astype(np.float32)


def draw_lighting(rng: np.random.Generator, *, height: int, width: int) -> np.ndarray:
    """Factors (H, W, 1) float32 around 1 that lighten one side of the image."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, LIGHTING)
    x, y = np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height)[:, None]
    light = 1 + strength * (np.cos(angle) * x + np.sin(angle) * y)
    return light[:, :, None].astype(np.float32)


def draw_drift(rng: np.random.Generator, palette: Palette) -> Callable[[int], list[Part]] | None:
    """Something pale that drifts behind everything: a function of the frame that returns Parts, or None."""
    if rng.random() >= DRIFT_SHARE:
        return None
    x, y = rng.uniform(20, 108), rng.uniform(12, 34)
    speed = rng.uniform(*DRIFT_SPEED) * rng.choice((-1, 1))
    radius = rng.uniform(5, 9)
    puffs = ((-1.0, 0.2, 0.7), (0.0, 0.0, 1.0), (1.1, 0.25, 0.65))

    def parts(frame: int) -> list[Part]:
        return [
            Part(disc(size * radius), palette.ground, Pose(x + speed * frame + dx * radius, y + dy * radius))
            for dx, dy, size in puffs
        ]  # fmt: skip

    return parts


def draw_flicker(rng: np.random.Generator) -> np.ndarray:
    """A factor of brightness per frame, (N_FRAMES,) float32: 1 in most clips, else a slow swing."""
    if rng.random() >= FLICKER_SHARE:
        return np.ones(N_FRAMES, np.float32)
    turn = rng.uniform(0, 2 * np.pi) + np.arange(N_FRAMES) / N_FRAMES * rng.uniform(
        np.pi, 4 * np.pi
    )
    return (1 + FLICKER * np.sin(turn)).astype(np.float32)


def _gain(level_db: float) -> float:
    return 10 ** (level_db / 20)


def _level(sound: np.ndarray, time_s: float) -> float:
    """Root mean square of the sound just after a time."""
    start = sample_at(time_s, sample_rate=SAMPLE_RATE)
    return np.sqrt(np.mean(sound[start : start + int(STRIKE_S * SAMPLE_RATE)] ** 2))


def _in_room(rng: np.random.Generator, sound: np.ndarray) -> np.ndarray:
    """The sound and its echoes, a noise that dies away, none of them earlier than the sound itself."""
    decay_s = rng.uniform(*REVERB_S)
    time_s = np.arange(int(4 * decay_s * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(len(time_s)) * np.exp(-time_s / decay_s)
    echoes *= rng.uniform(*REVERB_LEVEL) / np.sqrt(np.sum(echoes**2))
    return sound + signal.fftconvolve(sound, echoes)[:N_SAMPLES]


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Noise of a colour of its own, root mean square 1."""
    low = rng.uniform(60, 400)
    return band_noise(rng, N_SAMPLES, (low, rng.uniform(4 * low, 7500)))


def _hum(rng: np.random.Generator) -> np.ndarray:
    """Mains hum with overtones, root mean square 1."""
    time_s = np.arange(N_SAMPLES) / SAMPLE_RATE
    hz = rng.choice((50.0, 60.0))
    tones = [
        rng.uniform(0.2, 1) / n * np.sin(2 * np.pi * n * hz * time_s + rng.uniform(0, 2 * np.pi))
        for n in (1, 2, 3, 5)
    ]
    hum = np.sum(tones, axis=0)
    return hum / np.sqrt(np.mean(hum**2))
