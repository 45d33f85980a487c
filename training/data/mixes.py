"""Strikes as recordings have them: several things struck at once and fast, soft beside loud, in a room, over music,
voices or engines, and in noise. What is masked is no event.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import signal

from ...keyframes.timebase import FPS, N_FRAMES, frame_at, sample_at
from ..world.distractors import at_level
from ..world.sound import LEVEL_RANGE_DB, N_SAMPLES, SAMPLE_RATE, Timbre, strikes
from ..world.timing import WorldEvent, in_clip
from .beds import coloured_noise, draw_bed
from .struck import draw_timbre

MIN_GAP = 2  # frames between events: closer ones are one
GAP_S = (0.085, 1.2)  # between strikes of one thing
MAX_PARTS = 3
SOFTER_DB = (0.0, 20.0)  # a further thing, below the first
ROOM_SHARE, RT60_S, WET_DB = (
    0.5,
    (0.2, 1.5),
    (-14.0, 0.0),
)  # decay by 60 dB; echoes beside the dry sound
BED_SHARE, BED_DB = 0.6, (0.0, 16.0)  # below the loudest strike
NOISE_SHARE, NOISE_DB = 0.5, (0.0, 30.0)  # below the rest
WITHOUT_SHARE = 0.1  # of the sounds have no strike at all
LEVEL_DB = (-40.0, -1.0)  # of the loudest moment, below full scale
STRIKE_S = 0.03  # over which a strike is compared with the rest
AUDIBLE = 3.0  # times the rest in some band: a strike below it is masked
BAND_EDGES_HZ = np.geomspace(60, 8000, 13)


class Part(NamedTuple):
    """One thing that is struck. sound: float64 (N_SAMPLES,); events: those of the clip."""

    sound: np.ndarray
    events: tuple[WorldEvent, ...]


def draw_mix(rng: np.random.Generator) -> tuple[np.ndarray, tuple[WorldEvent, ...]]:
    """(samples float32 (N_SAMPLES,), the audible events)."""
    parts = [] if rng.random() < WITHOUT_SHARE else _draw_parts(rng)
    struck = np.sum([np.zeros(N_SAMPLES), *(part.sound for part in parts)], axis=0)
    if not struck.any():
        parts = []
    rest = np.zeros(N_SAMPLES)
    loudest = max((_strike_level(p.sound, e.time_s) for p in parts for e in p.events), default=1.0)
    if not parts or rng.random() < BED_SHARE:
        rest += loudest * 10 ** (-rng.uniform(*BED_DB) / 20) * draw_bed(rng)
    if parts and rng.random() < ROOM_SHARE:
        rest += _echoes(rng, struck)
    mix = struck + rest
    if rng.random() < NOISE_SHARE:
        level = np.sqrt(np.mean(mix**2)) * 10 ** (-rng.uniform(*NOISE_DB) / 20)
        noise = level * coloured_noise(rng, N_SAMPLES, rng.uniform(0, 2))
        mix, rest = mix + noise, rest + noise
    return at_level(mix, rng.uniform(*LEVEL_DB)), _audible(parts, mix, rest)


def _draw_parts(rng: np.random.Generator) -> list[Part]:
    """One to MAX_PARTS things, struck at one pulse or each at times of its own."""
    pulse_s = GAP_S[0] * (0.5 / GAP_S[0]) ** rng.random()
    is_metric, first_s = rng.random() < 0.6, -rng.uniform(0, 1.0)
    parts = []
    for k in range(int(rng.integers(1, MAX_PARTS + 1))):
        if is_metric:
            times_s = _pattern(rng, pulse_s, first_s)
        else:
            times_s = _random_times(rng)
        below = 0.0 if k == 0 else rng.uniform(*SOFTER_DB) / LEVEL_RANGE_DB
        variation = rng.choice((0.0, 0.2, 0.6))
        events = tuple(
            WorldEvent(t, frame_at(t, fps=FPS), max(0.0, 1 - below - variation * rng.random()))
            for t in times_s
        )
        parts.append(Part(strikes(rng, events, _draw_hit(rng)), in_clip(events)))
    return parts


def _pattern(rng: np.random.Generator, pulse_s: float, first_s: float) -> list[float]:
    """Times on every, every second, third or fourth pulse, some left out, none quite exact."""
    every = int(rng.choice((1, 1, 2, 2, 3, 4)))
    phase, chance = int(rng.integers(every)), rng.uniform(0.6, 1.0)
    n_pulses = int((N_FRAMES / FPS - first_s) / pulse_s)
    places = [k for k in range(phase, n_pulses, every) if rng.random() < chance]
    return [first_s + k * pulse_s + 0.005 * float(rng.standard_normal()) for k in places]


def _random_times(rng: np.random.Generator) -> list[float]:
    """Times with gaps from GAP_S, alike or of every size."""
    low, high = GAP_S
    usual_s, spread = low * (high / low) ** rng.random(), rng.choice((1.1, 2.0, 4.0))
    time_s, times_s = -rng.uniform(0, 1.0), []
    while time_s < N_FRAMES / FPS:
        times_s.append(time_s)
        time_s += max(low, usual_s * spread ** rng.uniform(-1, 1))
    return times_s


def _draw_hit(rng: np.random.Generator) -> Timbre:
    """A timbre as `draw_timbre` has them, or a drum's: skin, hi-hat, or a bang that rolls on."""
    kind = rng.integers(5)
    timbre = draw_timbre(rng)
    if kind == 0:  # bass drum and toms
        hz = rng.uniform(45, 140) * np.array([1.0, 1.6, 2.3])
        return timbre._replace(
            partials_hz=hz, levels=np.array([1.0, 0.4, 0.2]),
            decays_s=rng.uniform(0.05, 0.25) * np.array([1.0, 0.5, 0.3]), noise=rng.uniform(0.02, 0.4),
        )  # fmt: skip
    if kind == 1:  # hi-hats, shakers
        low = rng.uniform(2500, 6000)
        return timbre._replace(
            noise=0.97, noise_s=10 ** rng.uniform(-2.2, -0.8), noise_band_hz=(low, 7800)
        )
    if kind == 2:  # shots, explosions, cymbals
        low = 10 ** rng.uniform(1.8, 3.3)
        return timbre._replace(
            noise=rng.uniform(0.7, 0.98), noise_s=10 ** rng.uniform(-1.5, -0.3),
            noise_band_hz=(low, min(low * rng.uniform(4, 40), 7800)),
        )  # fmt: skip
    return timbre


def _echoes(rng: np.random.Generator, sound: np.ndarray) -> np.ndarray:
    """The echoes of a sound in a room, without the sound itself: a noise that dies away, darker than the sound."""
    rt60_s = RT60_S[0] * (RT60_S[1] / RT60_S[0]) ** rng.random()
    time_s = np.arange(int(1.1 * rt60_s * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / rt60_s)
    sections = signal.butter(1, rng.uniform(1500, 7500), fs=SAMPLE_RATE, output="sos")
    echoes = np.asarray(signal.sosfilt(sections, echoes))
    echoes *= 10 ** (rng.uniform(*WET_DB) / 20) / np.sqrt(np.sum(echoes**2))
    delay = int(rng.uniform(0, 0.02) * SAMPLE_RATE)
    wet = signal.fftconvolve(sound, echoes)[:N_SAMPLES]
    return np.concatenate([np.zeros(delay), wet[: N_SAMPLES - delay]])


def _audible(parts: Sequence[Part], mix: np.ndarray, rest: np.ndarray) -> tuple[WorldEvent, ...]:
    """The events that are not masked, MIN_GAP frames or more apart; of closer ones the strongest."""
    heard = []
    for part in parts:
        for event in part.events:
            before_s = event.time_s - STRIKE_S
            # of what was going on before the clip only the rest is known to go on
            before = (
                _band_powers(mix, before_s) if before_s >= 0 else _band_powers(rest, event.time_s)
            )
            power = _band_powers(part.sound, event.time_s)
            if (power > AUDIBLE * before).any():
                heard.append(event)
    kept: list[WorldEvent] = []
    for event in sorted(heard, key=lambda e: -e.strength):
        if all(abs(event.frame - other.frame) >= MIN_GAP for other in kept):
            kept.append(event)
    return tuple(sorted(kept, key=lambda e: e.frame))


def _strike_level(sound: np.ndarray, time_s: float) -> float:
    """Root mean square just after a time, 0 past the end."""
    piece = _piece(sound, time_s)
    return float(np.sqrt(np.mean(piece**2)))


def _band_powers(sound: np.ndarray, time_s: float) -> np.ndarray:
    """The power in each of the bands of BAND_EDGES_HZ over STRIKE_S from a time on."""
    piece = _piece(sound, time_s)
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
    lines = np.searchsorted(np.fft.rfftfreq(len(piece), 1 / SAMPLE_RATE), BAND_EDGES_HZ)
    lines = np.minimum(lines, len(spectrum) - 1)
    return np.array(
        [spectrum[a : max(b, a + 1)].sum() for a, b in zip(lines[:-1], lines[1:], strict=True)]
    )


def _piece(sound: np.ndarray, time_s: float) -> np.ndarray:
    """STRIKE_S of a sound from a time on, with zeros where the sound is not."""
    first, n = sample_at(time_s, sample_rate=SAMPLE_RATE), int(STRIKE_S * SAMPLE_RATE)
    inside = sound[max(0, first) : max(0, first + n)]
    piece = np.zeros(n)
    offset = max(0, -first)
    piece[offset : offset + len(inside)] = inside[: n - offset]
    return piece
