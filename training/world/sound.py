"""Sounds: a strike is a handful of partials that die away, and a burst of noise.

All at SAMPLE_RATE, float64, mono; the loudest strike (strength 1) peaks near 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import signal

from ...keyframes.timebase import FPS, N_FRAMES, n_samples_at, sample_at
from .timing import WorldEvent

SAMPLE_RATE = 16_000
N_SAMPLES = n_samples_at(N_FRAMES, fps=FPS, sample_rate=SAMPLE_RATE)
LEVEL_RANGE_DB = 24.0  # from a strike of strength 0 to one of strength 1
BRIGHTNESS = 0.6  # share of the noise that grows with strength once more: hard strikes are brighter
ATTACK_S = 0.001


class Timbre(NamedTuple):
    """What a thing sounds like when struck.

    partials_hz, levels, decays_s: equally long, the frequencies of the ringing, how loud each is, and in what time it
    falls to 1/e. noise: level of the burst, noise_s its decay, noise_band_hz its lowest and highest frequency.
    """

    partials_hz: np.ndarray
    levels: np.ndarray
    decays_s: np.ndarray
    noise: float
    noise_s: float
    noise_band_hz: tuple


def gain_at(strength: float) -> float:
    """How much quieter than the loudest a strike of this strength is: a factor up to 1."""
    return 10 ** ((strength - 1) * LEVEL_RANGE_DB / 20)


def ringing(rng: np.random.Generator, timbre: Timbre) -> np.ndarray:
    """The partials of a strike of strength 1, peak 1, each at a phase of its own."""
    time_s = _times(5 * timbre.decays_s.max())
    audible = timbre.partials_hz < 0.45 * SAMPLE_RATE
    sound = np.zeros_like(time_s)
    for hz, level, decay_s in zip(
        timbre.partials_hz[audible], timbre.levels[audible], timbre.decays_s[audible], strict=True
    ):
        phase = rng.uniform(0, 2 * np.pi)
        sound += level * np.exp(-time_s / decay_s) * np.sin(2 * np.pi * hz * time_s + phase)
    return _with_attack(sound / np.abs(sound).max())


def burst(rng: np.random.Generator, timbre: Timbre) -> np.ndarray:
    """The noise of a strike of strength 1, peak 1."""
    time_s = _times(5 * timbre.noise_s)
    band = band_noise(rng, len(time_s), timbre.noise_band_hz)
    sound = band * np.exp(-time_s / timbre.noise_s)
    return _with_attack(sound / np.abs(sound).max())


def strikes(rng: np.random.Generator, events: Sequence[WorldEvent], timbre: Timbre) -> np.ndarray:
    """The sound of all events, (N_SAMPLES,): those before the clip ring on into it."""
    sound = np.zeros(N_SAMPLES)
    tone, noise = ringing(rng, timbre), burst(rng, timbre)
    for event in events:
        gain = gain_at(event.strength)
        add_at(sound, gain * (1 - timbre.noise) * tone, event.time_s)
        bright = 1 - BRIGHTNESS + BRIGHTNESS * event.strength
        add_at(sound, gain * timbre.noise * bright * noise, event.time_s)
    return sound


def add_at(sound: np.ndarray, other: np.ndarray, time_s: float) -> None:
    """Adds `other` to `sound` from a time on, in place; what is outside is cut."""
    start = sample_at(time_s, sample_rate=SAMPLE_RATE)
    other = other[max(0, -start) :]
    start = max(0, start)
    other = other[: max(0, len(sound) - start)]
    sound[start : start + len(other)] += other


def band_noise(
    rng: np.random.Generator, n_samples: int, band_hz: tuple[float, float]
) -> np.ndarray:
    """Noise between two frequencies, root mean square 1."""
    sections = signal.butter(2, band_hz, "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = np.asarray(signal.sosfilt(sections, rng.standard_normal(n_samples + 256)))[256:]
    return noise / np.sqrt(np.mean(noise**2))


def _times(length_s: float) -> np.ndarray:
    return np.arange(max(64, int(length_s * SAMPLE_RATE))) / SAMPLE_RATE


def _with_attack(sound: np.ndarray) -> np.ndarray:
    n_attack = int(ATTACK_S * SAMPLE_RATE)
    sound[:n_attack] *= np.linspace(0, 1, n_attack, endpoint=False)
    return sound
