"""Finds the frames of events in the pose of the tracked object over time.

An event is a change whose beginning and end are both visible, so none can be on the first or on the last frame: an
object in contact there was not seen to strike, or not to turn.
Thresholds are shares of the movement of the strongest strike.
"""

import numpy as np

from ...keyframes.peaks import find_peaks

SAME = 0.06  # poses that differ by no more than this are equal: the tracker's own error


def contacts(near: np.ndarray) -> np.ndarray:
    """Strikes of a tool: it reaches what it strikes (1) and turns."""
    return _turns(near, at_least=0.75, prominence=0.25)


def bounces(near: np.ndarray) -> np.ndarray:
    """Bounces: as contacts, but the shortest flight is a sixth of the highest."""
    return _turns(near, at_least=0.85, prominence=0.08)


def arrivals(place: np.ndarray) -> np.ndarray:
    """Ends of swings: at -1 or 1, each reached from beyond the middle. A bounce at the end does not count."""
    ends = [_turns(side * place, at_least=0.8, prominence=0.6, plateau=0.28) for side in (-1, 1)]
    return np.unique(np.concatenate(ends))


def recoils(back: np.ndarray) -> np.ndarray:
    """Shots: the gun recoils within a frame or two, on the frame of the greatest change."""
    return _turns(np.diff(back, prepend=back[0]), at_least=0.2, prominence=0.2)


def releases(aside: np.ndarray) -> np.ndarray:
    """Plucks: the string is released and swings to the other side, on the frame of the greatest change.

    On frame 1 a pluck looks the same as a string that was released before the first frame and still swings.
    """
    changes = np.abs(np.diff(aside, prepend=aside[0]))
    changes[:2] = 0.0
    return _turns(changes, at_least=0.6, prominence=0.4)


def splashes(amount: np.ndarray) -> np.ndarray:
    """Drops that land: more of the water is white than just before."""
    return _turns(np.diff(amount, prepend=amount[0]), at_least=0.2, prominence=0.2)


def _turns(
    score: np.ndarray, *, at_least: float, prominence: float, plateau: float = SAME
) -> np.ndarray:
    """The frames (m,) of peaks of a score (n_frames,), each on the first frame of its plateau."""
    frames, _ = find_peaks(score, prominence=prominence)
    found = []
    for frame in frames[score[frames] >= at_least]:
        top = score[frame]
        while frame > 0 and score[frame - 1] >= top - plateau:
            frame -= 1
        if frame == 0:
            continue
        while frame < len(score) - 1 and score[frame + 1] > score[frame] + SAME:
            frame += 1
        if frame < len(score) - 1:
            found.append(frame)
    return np.unique(np.array(found, int))  # two peaks of one plateau are one event


EVENT_RULES = {
    "ball": bounces,
    "anvil": contacts,
    "drum": contacts,
    "metronome": arrivals,
    "cannon": recoils,
    "string": releases,
    "drip": splashes,
}
