"""Tempo and beats by dynamic programming, with a tempo that may drift from beat to beat.

Ellis, "Beat tracking by dynamic programming" (Journal of New Music Research 36, 2007), chooses the beats that together
fall on the strongest onsets at an even pace. Here the interval to the previous beat is part of the state, so the pace
only has to be even from one beat to the next and may follow an accelerando; a pause may lie between two stretches.

Music has onsets between its beats. Two things tell the pulse that people tap from its subdivisions: what is weaker than
its neighbours is worth far less, and tempos near USUAL_BPM are preferred (as by Ellis, on a logarithmic scale).
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import KeyVIDError
from ..curve import motion_curve
from ..timebase import frame_at, frames_at
from .fingerprint import fingerprint
from .onset import clip_envelope, released
from .onset_strength import POINT_RATE

BEAT_RATE = 100  # grid points per second on which beats are placed before they are refined
SLOWEST_BPM, FASTEST_BPM = 30.0, 240.0
LAGS_PER_OCTAVE = 24  # intervals to choose from: at most 10 ms or 3 % apart
FULL_SHARE = 0.89  # a strike this strong beside the strongest one nearby is worth a full beat
# power of that share: it undoes the compression of the envelope, so that hats are worth little
WEAKNESS = 8
MISS = 0.45  # what a beat costs; it earns what its onset is worth, up to 1
SPAN = 0.4  # earned by each second between two beats: a pulse goes on where strikes are missing, at any tempo alike
USUAL_BPM = 120.0  # the tempo that is preferred
UNUSUAL = 0.27  # times the squared octaves from it: what each beat of another tempo costs
UNEVEN = 30.0  # times the squared log ratio of two intervals: 12 % faster costs as much as a miss
PAUSE = 2.5  # cost of a new start after a pause
PAUSE_S = 2.0  # and the shortest pause
NEAR_S = 0.03  # an onset this close to a grid point still counts there
FRESH = 255  # in place of the column of the lag before: no beat before, or a pause
STEP_BLOCKS = 20  # blocks of points between two calls of on_step: 5 s of sound
LOCAL_S = 2.0  # how far a strike is compared with others
# of the strongest strike of all: where everything is fainter, nothing is worth a full beat
LOUD_SHARE = 0.25

TEMPOS = AS_HEARD, HALF, DOUBLE = "as heard", "half", "double"


@dataclass(frozen=True, eq=False)
class Beats:
    """tempo_bpm: the usual tempo in beats per minute, 0 with fewer than two beats; times_s: float64 (n,)."""

    tempo_bpm: float
    times_s: np.ndarray


def beats_of(envelope, *, tempo=AS_HEARD, on_step=None):
    """The beats behind an onset envelope (n,) with POINT_RATE points per second.

    tempo: AS_HEARD, HALF (every second beat, those that are struck harder) or DOUBLE (and the moments midway between).
    on_step(n_done, n_points) is called every few seconds of sound and may raise to cancel.
    """
    if tempo not in TEMPOS:
        raise KeyVIDError(
            f"The tempo is {tempo!r}; choose {', '.join(TEMPOS[:-1])} or {TEMPOS[-1]}."
        )
    worth = _worth(envelope)
    if not worth.any():
        return Beats(0.0, np.zeros(0))
    places = _best_chain(worth, on_step)
    times_s = np.array([_refined(envelope, place) for place in places])
    if tempo == HALF:
        times_s = _halved(times_s, envelope)
    if tempo == DOUBLE:
        times_s = _doubled(times_s, envelope)
    return Beats(_tempo(times_s), times_s)


def beat_frames(envelope, *, n_frames, fps, on_step=None):
    """The frames nearest to the beats behind a clip's onset envelope: ascending ints, each once."""
    frames = frames_at(beats_of(envelope, on_step=on_step).times_s, fps=fps)
    return np.unique(frames[frames < n_frames]).tolist()


def beats_curve(samples, sample_rate, *, n_frames, fps, tempo=AS_HEARD, on_step=None):
    """A pulse on the frame of each beat, as high as the sound is struck there and falling away after it.

    A beat on which nothing is struck leaves the curve at 0. tempo as in `beats_of`; the other parameters and the
    errors are those of `onset_curve`.
    Returns: MotionCurve with source "beats".
    """
    envelope = clip_envelope(samples, sample_rate, n_frames=n_frames, fps=fps, on_step=on_step)
    reach = 2 * round(NEAR_S * POINT_RATE) + 1
    nearby = ndimage.maximum_filter1d(envelope, reach, mode="constant")
    pulses = np.zeros(n_frames)
    for time_s in beats_of(envelope, tempo=tempo, on_step=on_step).times_s:
        frame = frame_at(time_s, fps=fps)
        if frame < n_frames:
            pulses[frame] = max(pulses[frame], nearby[round(time_s * POINT_RATE)])
    return motion_curve(
        released(pulses, fps=fps),
        fps=fps,
        source="beats",
        fingerprint=fingerprint(samples, sample_rate, n_frames=n_frames),
    )


def _worth(envelope):
    """What a beat at each grid point earns, in [0, 1]: nearness to an onset and its strength among its neighbours."""
    reach = 2 * round(LOCAL_S * POINT_RATE) + 1
    strongest = ndimage.maximum_filter1d(envelope, reach, mode="constant")
    # a stretch of faint sound beside a loud one is not raised to full worth
    local = envelope / np.maximum(strongest, max(LOUD_SHARE * envelope.max(), 1e-9))
    near = local.copy()
    for step in range(1, round(3 * NEAR_S / 2 * POINT_RATE) + 1):
        nearness = np.exp(-0.5 * (step / POINT_RATE / (NEAR_S / 2)) ** 2)
        near[step:] = np.maximum(near[step:], local[:-step] * nearness)
        near[:-step] = np.maximum(near[:-step], local[step:] * nearness)
    return np.minimum(1.0, near[:: POINT_RATE // BEAT_RATE] / FULL_SHARE) ** WEAKNESS


def _lags():
    """The intervals between beats that are tried, in grid points, ascending; evenly spaced in pitch."""
    shortest, longest = 60 / FASTEST_BPM * BEAT_RATE, 60 / SLOWEST_BPM * BEAT_RATE
    n_steps = round(np.log2(longest / shortest) * LAGS_PER_OCTAVE)
    return np.unique(np.round(np.geomspace(shortest, longest, n_steps + 1)).astype(int))


def _best_chain(worth, on_step):
    """The grid points of the chain of beats that earns the most, by dynamic programming over (point, lag).

    As many points as the shortest lag are worked out at once: none of them can follow another.
    """
    lags = _lags()
    octaves = np.log2(60 * BEAT_RATE / lags / USUAL_BPM)
    price = (UNUSUAL * octaves**2 - SPAN * lags / BEAT_RATE).astype(np.float32)
    unevenness = (UNEVEN * np.log(lags[:, None] / lags[None, :]) ** 2).astype(np.float32)
    columns, block, n_kept = np.arange(len(lags)), lags[0], lags[0] + lags[-1]
    # how a chain that ends at point t (row t modulo n_kept) best goes on with each lag, and from which
    onward = np.full((n_kept, len(lags)), -np.inf, dtype=np.float32)
    onward_from = np.zeros((n_kept, len(lags)), dtype=np.uint8)
    came_from = np.full((len(worth), len(lags)), FRESH, dtype=np.uint8)
    end_columns = np.zeros(len(worth), dtype=int)  # of the best chain that ends at each point
    rests = _Rests(len(worth))
    for n_blocks, first in enumerate(range(0, len(worth), block)):
        points = np.arange(first, min(first + block, len(worth)))
        rows = (points[:, None] - lags) % n_kept
        continued = onward[rows, columns] - price
        fresh = rests.scores_at(points)[:, None]
        score = (worth[points, None] - MISS + np.maximum(continued, fresh)).astype(np.float32)
        came_from[points] = np.where(continued > fresh, onward_from[rows, columns], FRESH)
        end_columns[points] = score.argmax(axis=1)
        rests.add(points, score.max(axis=1))
        steps = score[:, None, :] - unevenness
        best = steps.argmax(axis=2)
        onward_from[points % n_kept] = best
        onward[points % n_kept] = np.take_along_axis(steps, best[:, :, None], axis=2)[:, :, 0]
        if on_step and n_blocks % STEP_BLOCKS == 0:
            on_step(first, len(worth))
    return _walk_back(came_from, end_columns, rests, lags)


class _Rests:
    """Where the best chain so far ended, for chains that start afresh after a pause."""

    def __init__(self, n_points):
        self.best = np.zeros(n_points)  # score of the best chain that ends here or earlier
        self.end = np.full(n_points, -1)  # and its end; -1: no beats yet

    def add(self, points, scores):
        """Chains with these scores end at the next points, which are shorter than a pause."""
        first = points[0]
        best, end = (self.best[first - 1], self.end[first - 1]) if first else (0.0, -1)
        highest = np.maximum.accumulate(np.append(best, scores))
        self.best[points] = highest[1:]
        ends = np.append(end, np.where(scores > highest[:-1], points, -1))
        self.end[points] = np.maximum.accumulate(ends)[1:]

    def scores_at(self, points):
        """What a chain has earned before its first beat at each of the points, from the chain before a pause."""
        paused = points - round(PAUSE_S * BEAT_RATE)
        earned = self.best[np.maximum(paused, 0)] - PAUSE
        return np.where(paused >= 0, np.maximum(0.0, earned), 0.0)

    def end_before(self, t):
        """The end of the chain before the pause before t; -1 when the beats begin at t."""
        paused = t - round(PAUSE_S * BEAT_RATE)
        return self.end[paused] if paused >= 0 and self.best[paused] > PAUSE else -1


def _walk_back(came_from, end_columns, rests, lags):
    """The points of the best chain of all, from its recorded steps."""
    places = []
    t = rests.end[-1]
    column = end_columns[t]
    while t >= 0:
        places.append(int(t))
        step = came_from[t, column]
        if step == FRESH:
            t = rests.end_before(t)
            column = end_columns[t]
        else:
            t, column = t - lags[column], int(step)
    return places[::-1]


def _refined(envelope, place):
    """The time in seconds of the onset at a grid point, or of the point itself if there is none."""
    centre = place * (POINT_RATE // BEAT_RATE)
    reach = round(NEAR_S * POINT_RATE)
    first = max(0, centre - reach)
    near = envelope[first : centre + reach + 1]
    return (first + int(near.argmax()) if near.any() else centre) / POINT_RATE


def _stretches(times_s):
    """The beats cut into stretches at every pause: a list of arrays."""
    return np.split(times_s, np.flatnonzero(np.diff(times_s) > 60 / SLOWEST_BPM + NEAR_S) + 1)


def _halved(times_s, envelope):
    """Every second beat of each stretch: of the two ways, the one whose beats are struck harder in all."""
    kept = []
    for stretch in _stretches(times_s):
        struck = envelope[np.round(stretch * POINT_RATE).astype(int)]
        n_pairs = len(stretch) // 2 * 2
        later = struck[1:n_pairs:2].sum() > struck[0:n_pairs:2].sum()
        kept.append(stretch[int(later) :: 2])
    return np.concatenate(kept)


def _doubled(times_s, envelope):
    """The beats, and between two beats of a stretch the onset midway, or the middle itself if there is none."""
    added = [times_s]
    for stretch in _stretches(times_s):
        middles = np.round((stretch[:-1] + stretch[1:]) / 2 * BEAT_RATE).astype(int)
        added.append(np.array([_refined(envelope, place) for place in middles]))
    return np.sort(np.concatenate(added))


def _tempo(times_s):
    """Beats per minute of the usual interval: the mean of those close to the median."""
    if len(times_s) < 2:
        return 0.0
    intervals_s = np.diff(times_s)
    usual_s = np.median(intervals_s)
    close = np.abs(intervals_s / usual_s - 1) <= 0.08
    # the median of an even number of intervals may lie between two that differ
    return float(60 / (intervals_s[close].mean() if close.any() else usual_s))
