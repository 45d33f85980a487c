"""Sounds whose moments are known, for the networks that only listen: the world's scenes without their pictures, and
struck things of any other kind, so that what is learned holds for recordings that no scene resembles.
"""

from dataclasses import dataclass

import numpy as np

from ...keyframes.curve import normalise
from ...keyframes.peaks import PEAK_DISTANCE, smooth
from ...keyframes.timebase import FPS, N_FRAMES, frame_at
from ...models.audio_features import (
    LOCALIZER_COLUMNS,
    MEAN,
    N_BINS,
    N_COLUMNS,
    STD,
    waveform_to_mel,
)
from ..world.clip import SCENE_MODULES, SCENES
from ..world.distractors import disturb_sound
from ..world.sound import N_SAMPLES, Timbre, strikes
from ..world.timing import SOFTEST, WorldEvent, in_clip
from .records import open_records, record_files

WORLD, STRUCK = "world", "struck"
SOUNDS_PER_FILE = 500
MAX_EVENTS = 12  # in a clip: more would be closer than PEAK_DISTANCE
LEVEL_RANGE_DB = 40.0  # below the loudest frame: quieter than that counts as silent

RECORD = np.dtype(
    [
        ("mel", np.float16, (N_BINS, N_COLUMNS)),
        ("event_frames", np.int16, (MAX_EVENTS,)),  # NO_EVENT beyond the last
        ("event_strengths", np.float32, (MAX_EVENTS,)),
        ("swells", bool),  # a sound without single events, whose loudness is what moves
    ]
)
NO_EVENT = -1


@dataclass(frozen=True)
class Sound:
    """samples: float32 (32000,) at 16 kHz. events: tuple of WorldEvent within the clip. swells: whether it is
    a sound that rises and falls instead, as the sea does."""

    samples: np.ndarray
    events: tuple
    swells: bool


def make_sound(kind, seed):
    """The Sound of a kind (WORLD or STRUCK) and a seed: the same at every call."""
    kind_number = (WORLD, STRUCK).index(kind)
    rng = np.random.default_rng((seed, kind_number))
    if kind == WORLD:
        staging = SCENE_MODULES[SCENES[rng.integers(len(SCENES))]].make(rng)
        sound, events, swells = staging.sound, in_clip(staging.events), not staging.events
    else:
        happened = _draw_strikes(rng)
        sound, events, swells = strikes(rng, happened, _draw_timbre(rng)), in_clip(happened), False
    return Sound(_recorded(rng, sound, events), events, swells)


def open_sounds(folder, *, kind, seeds, report=None):
    """The RECORDs of the sounds of these seeds (a range): a list of read-only arrays that stay on the disk until they
    are looked at; those that are not there yet are made. report(done, total): called after each file made.
    """

    def make(block):
        return np.array([sound_record(make_sound(kind, seed)) for seed in block], RECORD)

    return open_records(
        record_files(folder, kind, seeds=seeds, per_file=SOUNDS_PER_FILE, make=make, report=report)
    )


def sound_record(sound):
    """A Sound as one RECORD."""
    record = np.zeros((), RECORD)
    record["mel"] = waveform_to_mel(sound.samples[None])[0].numpy()
    record["event_frames"] = NO_EVENT
    for place, event in enumerate(sound.events):
        record["event_frames"][place] = event.frame
        record["event_strengths"][place] = event.strength
    record["swells"] = sound.swells
    return record


def frame_levels(mel):
    """How loud each frame is, float32 (48,): 1 for the loudest, 0 for LEVEL_RANGE_DB and more below it.

    mel: (128, 204) as the networks hear it; its columns past the sound are not looked at.
    """
    heard = (
        np.asarray(mel, np.float32)[:, :LOCALIZER_COLUMNS] * STD + MEAN
    )  # log power of each band
    level_db = 10 * np.log10(np.exp(heard).sum(axis=0))
    starts = np.arange(N_FRAMES) * LOCALIZER_COLUMNS // N_FRAMES
    loudest = np.maximum.reduceat(level_db, starts)  # (48,)
    return np.clip(1 + (loudest - loudest.max()) / LEVEL_RANGE_DB, 0, 1)


def heard_events(event_frames, event_strengths):
    """(frames (n,), strengths (n,)) without the NO_EVENT at the end."""
    heard = event_frames != NO_EVENT
    return event_frames[heard], event_strengths[heard]


def swell_curve(level):
    """What moves with a sound that swells: its loudness (48,), smoothed and normalised to 0..1."""
    return normalise(smooth(level))


def _recorded(rng, sound, events):
    """In a room and with noise; a window of pure silence, which a long recording has too, stays what it is."""
    if not np.abs(sound).max() > 0:
        return (10 ** rng.uniform(-5, -2) * rng.standard_normal(N_SAMPLES)).astype(np.float32)
    # the first frame begins half a frame before the sound; what was struck then cannot be measured
    return disturb_sound(rng, sound, [event for event in events if event.time_s >= 0])


def _draw_strikes(rng):
    """Strikes at a beat that is steady, irregular or changing, cut anywhere as a window of a long recording is."""
    gap = (PEAK_DISTANCE + 0.5) * 12 ** rng.random()  # frames: up to more than the whole window
    drift, jitter = rng.choice((1.0, 0.9, 1.1)), rng.choice((0.0, 0.15, 0.6))
    loudest, spread = rng.uniform(SOFTEST, 1.0), rng.choice((0.0, 0.2, 0.7))
    place, happened = -rng.uniform(0, gap) - rng.choice((0.0, 12.0)), []
    while place < N_FRAMES - 0.5:
        strength = max(SOFTEST, loudest * (1 - spread * rng.random()))
        happened.append(WorldEvent(place / FPS, frame_at(place / FPS, fps=FPS), float(strength)))
        place += max(PEAK_DISTANCE + 0.5, gap * (1 + jitter * rng.uniform(-1, 1)))
        gap *= drift
    return tuple(happened)


def _draw_timbre(rng):
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
