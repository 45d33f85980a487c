"""Tempo and beats by dynamic programming, with a tempo that may drift from beat to beat.

Ellis, "Beat tracking by dynamic programming" (Journal of New Music Research 36, 2007), looks for the beat times t_i
with the greatest sum of local scores O(t_i) and of -tightness log(interval / period)^2, where the period is that of one
global tempo. Here the interval to the previous beat is part of the state, so that the period may follow an accelerando,
and a pause may lie between two runs of beats. With C(t, l) the greatest cumulative score of beats that end at t, the
last interval being l:

    C(t, l) = O(t) - BEAT_COST + max(C0(t), gain(t, l) + max_m (C(t - l, m) - TIGHTNESS log(l / m)^2))
    gain(t, l) = INTERVAL_GAIN l + DIVIDED_GAIN max(D(t - l / 2), D(t - l / 3)) - prior(l)
    D(t)     = min(1, A(t) / DIVIDING_SHARE) - O(t)
    prior(l) = TEMPO_PRIOR min(1, log2(PREFERRED_BPM l)^PRIOR_POWER)   l in minutes
    C0(t)    = max(0, max_{s <= t - MIN_PAUSE_S} C(s) - PAUSE_COST)    the first beat of all, or after a pause

A(t) is how loud the onset near t is among its neighbours, in [0, 1], and O(t) a high power of it.

Music has onsets between its beats. Three things distinguish the pulse that people tap from its subdivisions. What is
quieter than its neighbours has a far lower local score. Beats are divided by something quieter than they are, in the
middle or, in triplets, at two thirds: between those of the faster pulse there is often nothing, between those of the
slower one a beat. And tempos far from PREFERRED_BPM cost. Ellis takes the square of the octaves, which favours some of
the usual tempos over others, so slow music was heard at twice its tempo; the high power here leaves those from 70 to
170 BPM to the sound.
What counts is how loud an onset is and not how clearly it stands out: under other music every drum stands out less, and
some of them far less than others.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import KeyVIDError
from ..curve import MotionCurve
from ..timebase import frames_at
from .onset import Onsets, clip_onsets, struck_curve
from .onset_strength import POINT_RATE

BEAT_RATE = 100  # grid points per second on which beats are placed before they are refined
SLOWEST_BPM, FASTEST_BPM = 30.0, 240.0
LAGS_PER_OCTAVE = 24  # intervals to choose from: at most 10 ms or 3 % apart
MAX_STEP = 12  # from the index of an interval to that of the next one
FULL_SHARE = 0.89  # an onset this loud beside the loudest one nearby has the full local score of 1
# power of that share: it undoes the compression of decibels, so that hats score little
SCORE_POWER = 5
BEAT_COST = 0.43  # of each beat; its local score is at most 1
INTERVAL_GAIN = 0.4  # per second between two beats: a pulse continues where onsets are missing, at any tempo alike
DIVIDED_GAIN = 0.15  # of an interval with a quieter onset in its middle or at two thirds
DIVIDING_SHARE = 0.5  # of the full A(t): a hat divides an interval as well as a drum
PREFERRED_BPM = 108.0
# times this power of the octaves from the preferred tempo: what each beat of another tempo costs
TEMPO_PRIOR, PRIOR_POWER = 0.4, 8
TIGHTNESS = 60.0  # times the squared log ratio of two intervals: 8 % faster costs as much as a missing onset
PAUSE_COST = 2.5  # of a new start after a pause
MIN_PAUSE_S = 2.0
NEAR_S = 0.03  # an onset this close to a grid point still counts there
FIRST_BEAT = 255  # in place of the index of the lag before: no beat before, or a pause
STEP_BLOCKS = 20  # blocks of points between two calls of on_step: 5 s of sound
LOCAL_S = 2.0  # how far an onset is compared with others
# of the loudest onset of all: where everything is fainter, nothing has the full local score
LOUD_SHARE = 0.25

BEATS = "beats"  # the source of a curve of beats
TEMPOS = AS_HEARD, HALF, DOUBLE = "as heard", "half", "double"


@dataclass(frozen=True, eq=False)
class Beats:
    """tempo_bpm: the usual tempo in beats per minute, 0 with fewer than two beats; times_s: float64 (n,)."""

    tempo_bpm: float
    times_s: np.ndarray


def beats_of(
    onsets: Onsets,
    *,
    tempo: str = AS_HEARD,
    on_step: Callable[[int, int], object] | None = None,
) -> Beats:
    """The beats behind the onsets of a sound: its accents say where they may be, its strikes when exactly.

    tempo: AS_HEARD, HALF (every second beat, those with the louder onsets) or DOUBLE (and the times midway between).
    on_step(n_done, n_points) is called every few seconds of sound and may raise to cancel.
    Returns: Beats, empty for silence. Raises KeyVIDError for another tempo.
    """
    if tempo not in TEMPOS:
        raise KeyVIDError(
            f"The tempo is {tempo!r}; choose {', '.join(TEMPOS[:-1])} or {TEMPOS[-1]}."
        )
    loudness = _local_loudness(onsets.accents)
    if not loudness.any():
        return Beats(0.0, np.zeros(0))
    strikes_s = np.array([strike.time_s for strike in onsets.strikes])
    times_s = _on_strikes(np.array(_best_beats(loudness, on_step)) / BEAT_RATE, strikes_s)
    if tempo == HALF:
        times_s = _halved(times_s, onsets.accents)
    if tempo == DOUBLE:
        times_s = _doubled(times_s, strikes_s)
    return Beats(_tempo(times_s), times_s)


def beat_frames(
    onsets: Onsets,
    *,
    n_frames: int,
    fps: float,
    on_step: Callable[[int, int], object] | None = None,
) -> list[int]:
    """The frames nearest to the beats behind a clip's onsets: ascending, each once."""
    frames = frames_at(beats_of(onsets, on_step=on_step).times_s, fps=fps)
    return np.unique(frames[frames < n_frames]).tolist()


def beats_curve(
    samples: np.ndarray,
    sample_rate: float,
    *,
    n_frames: int,
    fps: float,
    tempo: str = AS_HEARD,
    preroll: np.ndarray | None = None,
    on_step: Callable[[int, int], object] | None = None,
) -> MotionCurve:
    """A pulse on the frame of each beat, as high as the onset strength there, which decays after it.

    A beat without an onset leaves the curve at 0, and is a candidate among the strikes. tempo as in `beats_of`; the
    other parameters and the errors are those of `onset_curve`.
    Returns: MotionCurve with source "beats".
    """
    onsets = clip_onsets(
        samples, sample_rate, n_frames=n_frames, fps=fps, preroll=preroll, on_step=on_step
    )
    width = 2 * round(NEAR_S * POINT_RATE) + 1
    nearby = ndimage.maximum_filter1d(onsets.envelope, width, mode="constant")
    times_s = beats_of(onsets, tempo=tempo, on_step=on_step).times_s
    strength = nearby[np.round(times_s * POINT_RATE).astype(int)]
    return struck_curve(times_s, strength, samples, n_frames=n_frames, fps=fps, source=BEATS)


def _local_loudness(accents: np.ndarray) -> np.ndarray:
    """A(t) of each grid point, in [0, 1]: nearness to an onset of accents (n,) and its loudness among its neighbours.

    A(t) = min(1, max_s a(s) / max(a within LOCAL_S) exp(-(s - t)^2 / (2 (NEAR_S / 2)^2)) / FULL_SHARE)
    """
    width = 2 * round(LOCAL_S * POINT_RATE) + 1
    loudest = ndimage.maximum_filter1d(accents, width, mode="constant")
    # a stretch of faint sound beside a loud one is not raised to the full score
    local = accents / np.maximum(loudest, max(LOUD_SHARE * accents.max(), 1e-9))
    near = local.copy()
    for step in range(1, round(3 * NEAR_S / 2 * POINT_RATE) + 1):
        nearness = np.exp(-0.5 * (step / POINT_RATE / (NEAR_S / 2)) ** 2)
        near[step:] = np.maximum(near[step:], local[:-step] * nearness)
        near[:-step] = np.maximum(near[:-step], local[step:] * nearness)
    return np.minimum(1.0, near[:: POINT_RATE // BEAT_RATE] / FULL_SHARE)


def _lags() -> np.ndarray:
    """The intervals between beats that are tried, in grid points, ascending; evenly spaced on a logarithmic scale."""
    shortest, longest = 60 / FASTEST_BPM * BEAT_RATE, 60 / SLOWEST_BPM * BEAT_RATE
    n_steps = round(np.log2(longest / shortest) * LAGS_PER_OCTAVE)
    return np.unique(np.round(np.geomspace(shortest, longest, n_steps + 1)).astype(int))


def _lag_cost(lags: np.ndarray) -> np.ndarray:
    """prior(l) - INTERVAL_GAIN l of the module (m,), float32, of intervals (m,) in grid points."""
    octaves = np.log2(60 * BEAT_RATE / lags / PREFERRED_BPM)
    prior = TEMPO_PRIOR * np.minimum(1.0, octaves**PRIOR_POWER)
    return (prior - INTERVAL_GAIN * lags / BEAT_RATE).astype(np.float32)


def _best_beats(loudness: np.ndarray, on_step: Callable[[int, int], object] | None) -> list[int]:
    """The grid points of the beats with the greatest cumulative score, by dynamic programming over (point, lag).

    The recursion is that of the module, and loudness (n,) is A(t). As many points as the shortest lag are worked out
    at once: none of them can follow another.
    """
    local_score = loudness**SCORE_POWER
    divided = np.minimum(1.0, loudness / DIVIDING_SHARE) - local_score
    divided = (DIVIDED_GAIN * divided).astype(np.float32)
    lags = _lags()
    lag_cost = _lag_cost(lags)
    columns, block, n_kept = np.arange(len(lags)), lags[0], lags[0] + lags[-1]
    # best score of beats that end at point t (row t modulo n_kept) when each lag comes next, and the lag before it
    onward = np.full((n_kept, len(lags)), -np.inf, dtype=np.float32)
    onward_from = np.zeros((n_kept, len(lags)), dtype=np.uint8)
    previous_lag = np.full((len(local_score), len(lags)), FIRST_BEAT, dtype=np.uint8)
    last_lag = np.zeros(len(local_score), dtype=int)  # of the best beats that end at each point
    runs = _BestRuns(len(local_score))
    changes = _changes(lags)
    for n_blocks, first in enumerate(range(0, len(local_score), block)):
        points = np.arange(first, min(first + block, len(local_score)))
        rows = (points[:, None] - lags) % n_kept
        middle, third = (divided.take(points[:, None] - lags // n, mode="clip") for n in (2, 3))
        continued = onward[rows, columns] + np.maximum(middle, third) - lag_cost
        started = runs.start_scores(points)[:, None]
        score = (local_score[points, None] - BEAT_COST + np.maximum(continued, started)).astype(
            np.float32
        )
        previous_lag[points] = np.where(continued > started, onward_from[rows, columns], FIRST_BEAT)
        last_lag[points] = score.argmax(axis=1)
        runs.add(points, score.max(axis=1))
        onward[points % n_kept], onward_from[points % n_kept] = _best_change(score, changes)
        if on_step and n_blocks % STEP_BLOCKS == 0:
            on_step(first, len(local_score))
    return _backtrack(previous_lag, last_lag, runs, lags)


def _changes(lags: np.ndarray) -> list[tuple[slice, slice, np.ndarray]]:
    """For each step from one interval to the next: which lags it leads from and to, and what it costs.

    Steps beyond MAX_STEP (an interval 1.4 times the one before) cost more than a missing beat or two on the way.
    """
    changes = []
    for step in [step for step in range(-MAX_STEP, MAX_STEP + 1) if step]:
        to = slice(max(0, -step), len(lags) - max(0, step))
        before = slice(to.start + step, to.stop + step)
        cost = (TIGHTNESS * np.log(lags[to] / lags[before]) ** 2).astype(np.float32)
        changes.append((before, to, cost))
    return changes


def _best_change(
    score: np.ndarray, changes: list[tuple[slice, slice, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """max_m (score(m) - cost of changing from lag m to l) of scores (points, lags), and the index of that m."""
    best = score.copy()  # the same lag again costs nothing
    index = np.tile(np.arange(score.shape[1], dtype=np.uint8), (len(score), 1))
    for before, to, cost in changes:
        changed = score[:, before] - cost
        better = changed > best[:, to]
        np.copyto(best[:, to], changed, where=better)
        np.copyto(index[:, to], np.arange(before.start, before.stop, dtype=np.uint8), where=better)
    return best, index


class _BestRuns:
    """The best beats up to each point, for a new run that starts after a pause."""

    def __init__(self, n_points: int) -> None:
        self.score = np.zeros(
            n_points
        )  # greatest cumulative score of beats that end here or earlier
        self.end = np.full(n_points, -1)  # and their last point; -1: no beats yet

    def add(self, points: np.ndarray, scores: np.ndarray) -> None:
        """Beats with these cumulative scores end at the next points, which are shorter than a pause."""
        first = points[0]
        score, end = (self.score[first - 1], self.end[first - 1]) if first else (0.0, -1)
        highest = np.maximum.accumulate(np.append(score, scores))
        self.score[points] = highest[1:]
        ends = np.append(end, np.where(scores > highest[:-1], points, -1))
        self.end[points] = np.maximum.accumulate(ends)[1:]

    def start_scores(self, points: np.ndarray) -> np.ndarray:
        """C0 of each of the points: the cumulative score before the first beat of a run."""
        paused = points - round(MIN_PAUSE_S * BEAT_RATE)
        scores = self.score[np.maximum(paused, 0)] - PAUSE_COST
        return np.where(paused >= 0, np.maximum(0.0, scores), 0.0)

    def end_before(self, point: int) -> int:
        """The last beat before the pause that ends at a point; -1 when the beats begin there."""
        paused = point - round(MIN_PAUSE_S * BEAT_RATE)
        return self.end[paused] if paused >= 0 and self.score[paused] > PAUSE_COST else -1


def _backtrack(
    previous_lag: np.ndarray, last_lag: np.ndarray, runs: _BestRuns, lags: np.ndarray
) -> list[int]:
    """The points of the best beats of all, from the recorded lags."""
    points = []
    point = runs.end[-1]
    column = last_lag[point]
    while point >= 0:
        points.append(int(point))
        step = previous_lag[point, column]
        if step == FIRST_BEAT:
            point = runs.end_before(point)
            column = last_lag[point]
        else:
            point, column = point - lags[column], int(step)
    return points[::-1]


def _on_strikes(times_s: np.ndarray, strikes_s: np.ndarray) -> np.ndarray:
    """Times (n,), each moved to the strike nearest to it, of strikes (m,), if one lies within NEAR_S."""
    if not len(strikes_s):
        return times_s
    after = np.clip(np.searchsorted(strikes_s, times_s), 1, max(1, len(strikes_s) - 1))
    before = strikes_s[after - 1]
    after_s = strikes_s[np.minimum(after, len(strikes_s) - 1)]
    nearest_s = np.where(times_s - before <= after_s - times_s, before, after_s)
    return np.where(np.abs(nearest_s - times_s) <= NEAR_S, nearest_s, times_s)


def _runs(times_s: np.ndarray) -> list[np.ndarray]:
    """The beats divided at every pause."""
    return np.split(times_s, np.flatnonzero(np.diff(times_s) > 60 / SLOWEST_BPM + NEAR_S) + 1)


def _halved(times_s: np.ndarray, accents: np.ndarray) -> np.ndarray:
    """Every second beat of each run: of the two ways, the one whose onsets are louder in all."""
    kept = []
    for run in _runs(times_s):
        loudness = accents[np.round(run * POINT_RATE).astype(int)]
        n_pairs = len(run) // 2 * 2
        later = loudness[1:n_pairs:2].sum() > loudness[0:n_pairs:2].sum()
        kept.append(run[int(later) :: 2])
    return np.concatenate(kept)


def _doubled(times_s: np.ndarray, strikes_s: np.ndarray) -> np.ndarray:
    """The beats, and between two beats of a run the strike midway, or the middle itself if there is none."""
    added = [times_s]
    for run in _runs(times_s):
        added.append(_on_strikes((run[:-1] + run[1:]) / 2, strikes_s))
    return np.sort(np.concatenate(added))


def _tempo(times_s: np.ndarray) -> float:
    """Beats per minute of the usual interval: the mean of those close to the median."""
    if len(times_s) < 2:
        return 0.0
    intervals_s = np.diff(times_s)
    usual_s = np.median(intervals_s)
    close = np.abs(intervals_s / usual_s - 1) <= 0.08
    # the median of an even number of intervals may lie between two that differ
    return float(60 / (intervals_s[close].mean() if close.any() else usual_s))
