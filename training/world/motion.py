"""Movement between events: swings that gather before a strike, leaps, and shaking that dies away.

Everything here is a function of the frame, so that any frame, and the one before the first, can be asked for.
"""

import bisect
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .timing import WorldEvent

RECOIL_FRAMES = 2  # contact to the top of the rebound
SETTLE_FRAMES = 5  # contact to rest
WINDUP_FRAMES = 8  # start of the windup to the next contact
STRIKE_FRAMES = 3  # top of the windup to contact


class Key(NamedTuple):
    """A value at a frame, and how it is reached from the key before: `ease` maps 0..1 to 0..1."""

    frame: float
    value: float
    ease: Callable[[float], float]


def glide(share: float) -> float:
    """Starts and ends gently."""
    return share * share * (3 - 2 * share)


def gather(share: float) -> float:
    """Starts gently and ends at full speed: into a strike."""
    return share * share


def spend(share: float) -> float:
    """Starts at full speed and ends gently: out of a strike."""
    return share * (2 - share)


def value_at(keys: Sequence[Key], frame: float) -> float:
    """The value between keys (sorted by frame) at a frame; before the first and after the last it stays."""
    index = bisect.bisect_right(keys, frame, key=lambda key: key.frame)
    if index == 0:
        return keys[0].value
    if index == len(keys):
        return keys[-1].value
    before, after = keys[index - 1], keys[index]
    share = (frame - before.frame) / (after.frame - before.frame)
    return before.value + (after.value - before.value) * after.ease(share)


def strike_keys(events: Sequence[WorldEvent], *, rest: float) -> list[Key]:
    """How high something that strikes is lifted: 0 at contact, on event frames only, `rest` when it waits, up to 1.

    A strong strike is lifted higher before and rebounds higher after. Close events leave no time to rest, closer ones
    none to rebound. Events are at least 6 frames apart.
    """
    keys = [Key(events[0].frame - WINDUP_FRAMES, rest, glide)]
    last = None
    for event in events:
        gap = math.inf if last is None else event.frame - last.frame
        if last is not None and gap > WINDUP_FRAMES:
            keys.append(Key(last.frame + RECOIL_FRAMES, rebound(last.strength), spend))
        if last is not None and gap >= SETTLE_FRAMES + WINDUP_FRAMES:
            keys.append(Key(last.frame + SETTLE_FRAMES, rest, glide))
            if gap > SETTLE_FRAMES + WINDUP_FRAMES:
                keys.append(Key(event.frame - WINDUP_FRAMES, rest, glide))
        keys.append(Key(event.frame - STRIKE_FRAMES, lift(event.strength), glide))
        keys.append(Key(event.frame, 0.0, gather))
        last = event
    last = events[-1]
    keys.append(Key(last.frame + RECOIL_FRAMES, rebound(last.strength), spend))
    keys.append(Key(last.frame + SETTLE_FRAMES, rest, glide))
    return keys


def lift(strength: float) -> float:
    """How high a strike of this strength starts."""
    return 0.5 + 0.5 * strength


def rebound(strength: float) -> float:
    """How high it rebounds: always slower than it came."""
    return 0.1 + 0.25 * strength


def latest(events: Sequence[WorldEvent], frame: float) -> WorldEvent | None:
    """The last event at or before a frame, or None."""
    return next((event for event in reversed(events) if event.frame <= frame), None)


def following(events: Sequence[WorldEvent], frame: float) -> WorldEvent | None:
    """The first event after a frame, or None."""
    return next((event for event in events if event.frame > frame), None)


def shaking(n_frames: float, *, period: float, fade: float) -> float:
    """A shake that starts at 1 when struck and dies away; n_frames since, period and fade in frames."""
    if n_frames < 0:
        return 0.0
    return math.exp(-n_frames / fade) * math.cos(2 * math.pi * n_frames / period)


def leap(n_frames: float, *, gap: float, height: float) -> float:
    """The height of a thrown thing, n_frames after it left the ground, that lands again after `gap` frames."""
    share = n_frames / gap
    return 4 * height * share * (1 - share)
