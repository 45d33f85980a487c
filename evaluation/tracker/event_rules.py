"""From what is seen on each frame to the frames of events.

An event is a change that was seen to come and to be over, so none can lie on the first or on the last frame: what is in
contact there has not struck, or not turned, in sight.
Thresholds are shares of the movement of the strongest strike.
"""

import numpy as np

from ...keyframes.peaks import find_strikes

SAME = 0.06  # poses that differ by no more than this are one place: the tracker's own error


def contacts(near):
    """Strikes of a tool: it comes down on what it strikes (1) and turns."""
    return _turns(near, at_least=0.75, prominence=0.25)


def bounces(near):
    """Bounces: as contacts, but the shortest flight is a sixth of the highest."""
    return _turns(near, at_least=0.85, prominence=0.08)


def arrivals(place):
    """Ends of swings: at -1 or 1, each reached from beyond the middle. A bounce off the end is no arrival."""
    ends = [_turns(side * place, at_least=0.8, prominence=0.6, stay=0.28) for side in (-1, 1)]
    return np.unique(np.concatenate(ends))


def leaps(back):
    """Shots: it leaps back within a frame or two, on the frame of the greatest leap."""
    return _turns(np.diff(back, prepend=back[0]), at_least=0.2, prominence=0.2)


def releases(aside):
    """Plucks: it is let go and swings to the other side, on the frame of the greatest change.

    On frame 1 a pluck cannot be told from a string that was let go before the first frame and swings on.
    """
    changes = np.abs(np.diff(aside, prepend=aside[0]))
    changes[:2] = 0.0
    return _turns(changes, at_least=0.6, prominence=0.4)


def splashes(amount):
    """Drops that land: more of the water is white than just before."""
    return _turns(np.diff(amount, prepend=amount[0]), at_least=0.2, prominence=0.2)


def _turns(score, *, at_least, prominence, stay=SAME):
    """The frames (m,) of peaks of a score (n_frames,), each on the frame on which the stay at its height is reached."""
    frames, _ = find_strikes(score, prominence=prominence)
    found = []
    for frame in frames[score[frames] >= at_least]:
        top = score[frame]
        while frame > 0 and score[frame - 1] >= top - stay:
            frame -= 1
        while frame < len(score) - 1 and score[frame + 1] > score[frame] + SAME:
            frame += 1
        if 0 < frame < len(score) - 1:
            found.append(frame)
    return np.unique(np.array(found, int))  # two peaks of one stay are one event
