"""When things happen in a clip.

Frame f shows the time f / fps. An event has a time, at which its sound begins, and a frame, the one nearest to that
time (`keyframes.timebase.frame_at`), on which contact is seen. As in drawn animation the pose of contact is always
drawn: movement runs from event frame to event frame, sound from event time to event time, at most half a frame apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...keyframes.peaks import PEAK_DISTANCE
from ...keyframes.timebase import FPS, N_FRAMES, frame_at

FIRST_FRAME, LAST_FRAME = 2, N_FRAMES - 2  # of events: a strike needs frames around it
MAX_EVENTS = 7
LATE_SHARE = 0.2  # of the clips are silent in their first half
LEAD_SHARE = 0.5  # of the clips begin in the aftermath of an event before the first frame
# frames, at most, between an event and its frame; half a frame would belong to both
OFF_FRAME = 0.4
SOFTEST = 0.3  # strength of the softest strike


@dataclass(frozen=True)
class WorldEvent:
    """A visible and audible event. time_s: when its sound begins; frame: the nearest to it; strength: 0 to 1."""

    time_s: float
    frame: int
    strength: float


def event_at(rng: np.random.Generator, frame: int, *, strength: float) -> WorldEvent:
    """An event visible on `frame`, whose sound begins within OFF_FRAME of it."""
    time_s = float((frame + rng.uniform(-OFF_FRAME, OFF_FRAME)) / FPS)
    return WorldEvent(time_s, frame_at(time_s, fps=FPS), float(strength))


def draw_events(rng: np.random.Generator, *, min_gap: int) -> tuple[WorldEvent, ...]:
    """Events at irregular frames, sorted, their frames at least min_gap (int, PEAK_DISTANCE or more) apart.

    One to seven are in the clip; one more may be before its first frame, so that the clip begins in any phase of the
    movement. Returns a tuple of WorldEvent; `in_clip` keeps those of the clip.
    """
    min_gap = max(min_gap, PEAK_DISTANCE)
    first = N_FRAMES // 2 if rng.random() < LATE_SHARE else FIRST_FRAME
    n_places = LAST_FRAME - first + 1
    n_events = int(rng.integers(1, min(MAX_EVENTS, 1 + (n_places - 1) // min_gap) + 1))
    # distinct positions in a range shortened by the gaps, which are put back between them
    n_free = n_places - (n_events - 1) * (min_gap - 1)
    positions = np.sort(rng.choice(n_free, size=n_events, replace=False))
    frames = list(first + positions + np.arange(n_events) * (min_gap - 1))
    if rng.random() < LEAD_SHARE:
        frames.insert(0, min(-1, frames[0] - min_gap) - int(rng.integers(0, 10)))
    return tuple(event_at(rng, frame, strength=rng.uniform(SOFTEST, 1.0)) for frame in frames)


def in_clip(events: Sequence[WorldEvent]) -> tuple[WorldEvent, ...]:
    """The events within the clip's frames."""
    return tuple(event for event in events if 0 <= event.frame < N_FRAMES)
