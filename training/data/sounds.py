"""Sounds with known events, for the networks that only take audio: those of the world's scenes; struck sounds of any
other kind, so that the networks generalise to recordings that no scene resembles; and mixes of those with other sound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...keyframes.curve import normalise
from ...keyframes.peaks import smooth
from ...keyframes.timebase import N_FRAMES
from ...models.encoders.mel import LOCALIZER_COLUMNS, MEAN, N_BINS, N_COLUMNS, STD, waveform_to_mel
from ..world.clip import SCENE_MODULES, SCENES
from ..world.distractors import disturb_sound
from ..world.sound import N_SAMPLES, strikes
from ..world.timing import WorldEvent, in_clip
from .mixes import MIN_GAP, draw_mix
from .records import Report, open_records, record_files
from .struck import draw_strikes, draw_timbre

WORLD, STRUCK, MIXED = KINDS = ("world", "struck", "mixed")
SOUNDS_PER_FILE = 500
MAX_EVENTS = N_FRAMES // MIN_GAP  # in a clip
LEVEL_RANGE_DB = 40.0  # below the loudest frame: quieter than that counts as silent

RECORD = np.dtype(
    [
        ("mel", np.float16, (N_BINS, N_COLUMNS)),
        ("event_frames", np.int16, (MAX_EVENTS,)),  # NO_EVENT beyond the last
        ("event_strengths", np.float32, (MAX_EVENTS,)),
        ("swells", bool),  # a continuous sound without single events
    ]
)
NO_EVENT = -1


@dataclass(frozen=True)
class Sound:
    """samples: float32 (32000,) at 16 kHz. events: tuple of WorldEvent within the clip. continuous: whether
    it has no events but a varying loudness, as the sea does."""

    samples: np.ndarray
    events: tuple[WorldEvent, ...]
    continuous: bool


def make_sound(kind: str, seed: int) -> Sound:
    """The Sound of one of KINDS and a seed: the same at every call."""
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    if kind == MIXED:
        samples, events = draw_mix(rng)
        return Sound(samples, events, False)
    if kind == WORLD:
        scene_description = SCENE_MODULES[SCENES[rng.integers(len(SCENES))]].make(rng)
        sound, events, continuous = (
            scene_description.sound,
            in_clip(scene_description.events),
            not scene_description.events,
        )
    else:
        struck_events = draw_strikes(rng)
        sound, events, continuous = (
            strikes(rng, struck_events, draw_timbre(rng)),
            in_clip(struck_events),
            False,
        )
    return Sound(_recorded(rng, sound, events), events, continuous)


def open_sounds(
    folder: Path, *, kind: str, seeds: range, report: Report | None = None
) -> list[np.ndarray]:
    """The RECORDs of the sounds of these seeds (a range): a list of read-only, memory-mapped arrays;
    those that are not there yet are made. report(done, total): called after each file made.
    """

    def make(block: range) -> np.ndarray:
        return np.array([sound_record(make_sound(kind, seed)) for seed in block], RECORD)

    return open_records(
        record_files(folder, kind, seeds=seeds, per_file=SOUNDS_PER_FILE, make=make, report=report)
    )


def sound_record(sound: Sound) -> np.ndarray:
    """A Sound as one RECORD."""
    record = np.zeros((), RECORD)
    record["mel"] = waveform_to_mel(sound.samples[None])[0].numpy()
    record["event_frames"] = NO_EVENT
    for index, event in enumerate(sound.events):
        record["event_frames"][index] = event.frame
        record["event_strengths"][index] = event.strength
    record["swells"] = sound.continuous
    return record


def frame_levels(mel: np.ndarray) -> np.ndarray:
    """How loud each frame is, float32 (48,): 1 for the loudest, 0 for LEVEL_RANGE_DB and more below it.

    mel: (128, 204) as the networks take it; its columns past the audio are ignored.
    """
    log_power = (
        np.asarray(mel, np.float32)[:, :LOCALIZER_COLUMNS] * STD + MEAN
    )  # log power of each band
    level_db = 10 * np.log10(np.exp(log_power).sum(axis=0))
    starts = np.arange(N_FRAMES) * LOCALIZER_COLUMNS // N_FRAMES
    loudest = np.maximum.reduceat(level_db, starts)  # (48,)
    return np.clip(1 + (loudest - loudest.max()) / LEVEL_RANGE_DB, 0, 1)


def unpad_events(
    event_frames: np.ndarray, event_strengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(frames (n,), strengths (n,)) without the NO_EVENT at the end."""
    valid = event_frames != NO_EVENT
    return event_frames[valid], event_strengths[valid]


def loudness_curve(level: np.ndarray) -> np.ndarray:
    """The target curve of a continuous sound: its loudness (48,), smoothed and normalised to 0..1."""
    return normalise(smooth(level))


def _recorded(
    rng: np.random.Generator, sound: np.ndarray, events: Sequence[WorldEvent]
) -> np.ndarray:
    """The sound with room, noise and level; silence becomes quiet noise."""
    if not np.abs(sound).max() > 0:
        return (10 ** rng.uniform(-5, -2) * rng.standard_normal(N_SAMPLES)).astype(np.float32)
    # the first frame begins half a frame before the sound; what was struck then cannot be measured
    return disturb_sound(rng, sound, [event for event in events if event.time_s >= 0])
