"""Tempo and beats by dynamic programming, with a tempo that may drift from beat to beat.

Ellis, "Beat tracking by dynamic programming" (Journal of New Music Research 36, 2007), chooses the beats that together
fall on the strongest onsets at an even pace. Here the interval to the previous beat is part of the state, so the pace
only has to be even from one beat to the next and may follow an accelerando; a pause may lie between two stretches.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .curve import motion_curve
from .fingerprint import fingerprint
from .flux import POINT_RATE
from .onset import clip_envelope, onset_envelope, released
from .timebase import frame_at, frames_at

BEAT_RATE = 100  # grid points per second on which beats are placed before they are refined
SLOWEST_BPM, FASTEST_BPM = 30.0, 240.0
MISS = 0.4  # what a beat costs; it earns what its onset is worth, up to 1
UNEVEN = 30.0  # times the squared log ratio of two intervals: 12 % faster costs as much as a miss
PAUSE = 2.5  # cost of a new start after a pause
PAUSE_S = 2.0  # and the shortest pause
NEAR_S = 0.03  # an onset this close to a grid point still counts there
FRESH = 255  # in place of the column of the lag before: no beat before, or a pause
STEP_POINTS = 500  # points between two calls of on_step: 5 s of sound
LOCAL_S = 4.0  # the strongest onset within this time is worth a full beat


@dataclass(frozen=True, eq=False)
class Beats:
    """tempo_bpm: the usual tempo in beats per minute, 0 with fewer than two beats; times_s: float64 (n,)."""

    tempo_bpm: float
    times_s: np.ndarray


def find_beats(samples, sample_rate):
    """The beats of samples (C, N): Beats, empty for silence. Raises AudioError as `check_audio` does."""
    return beats_of(onset_envelope(samples, sample_rate))


def beats_of(envelope, *, on_step=None):
    """The beats behind an onset envelope (n,) with POINT_RATE points per second.

    on_step(n_done, n_points) is called every few seconds of sound and may raise to cancel.
    """
    worth = _worth(envelope)
    if not worth.any():
        return Beats(0.0, np.zeros(0))
    places = _best_chain(worth, on_step)
    times_s = np.array([_refined(envelope, place) for place in places])
    return Beats(_tempo(times_s), times_s)


def beat_frames(envelope, *, n_frames, fps, on_step=None):
    """The frames nearest to the beats behind a clip's onset envelope: ascending ints, each once."""
    frames = frames_at(beats_of(envelope, on_step=on_step).times_s, fps=fps)
    return np.unique(frames[frames < n_frames]).tolist()


def beats_curve(samples, sample_rate, *, n_frames, fps, on_step=None):
    """A pulse on the frame of each beat, as high as the sound is struck there and falling away after it.

    A beat on which nothing is struck leaves the curve at 0. Parameters and errors are those of `onset_curve`.
    Returns: MotionCurve with source "beats".
    """
    envelope = clip_envelope(samples, sample_rate, n_frames=n_frames, fps=fps, on_step=on_step)
    reach = 2 * round(NEAR_S * POINT_RATE) + 1
    nearby = ndimage.maximum_filter1d(envelope, reach, mode="constant")
    pulses = np.zeros(n_frames)
    for time_s in beats_of(envelope, on_step=on_step).times_s:
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
    local = envelope / np.maximum(strongest, max(0.25 * envelope.max(), 1e-9))
    worth = local.copy()
    for step in range(1, round(3 * NEAR_S / 2 * POINT_RATE) + 1):
        nearness = np.exp(-0.5 * (step / POINT_RATE / (NEAR_S / 2)) ** 2)
        worth[step:] = np.maximum(worth[step:], local[:-step] * nearness)
        worth[:-step] = np.maximum(worth[:-step], local[step:] * nearness)
    return worth[:: POINT_RATE // BEAT_RATE]


def _best_chain(worth, on_step):
    """The grid points of the chain of beats that earns the most, by dynamic programming over (point, lag)."""
    lags = np.arange(round(60 / FASTEST_BPM * BEAT_RATE), round(60 / SLOWEST_BPM * BEAT_RATE) + 1)
    unevenness = UNEVEN * np.log(lags[:, None] / lags[None, :]) ** 2
    columns, n_kept = np.arange(len(lags)), lags[-1] + 1
    # how a chain that ends at point t (row t modulo n_kept) best goes on with each lag, and from which
    onward = np.full((n_kept, len(lags)), -np.inf)
    onward_from = np.zeros((n_kept, len(lags)), dtype=np.uint8)
    came_from = np.zeros((len(worth), len(lags)), dtype=np.uint8)
    ends = np.zeros((len(worth), 2))  # score and column of the best chain that ends at each point
    rests = _Rests(len(worth))
    for t in range(len(worth)):
        rows = (t - lags) % n_kept
        continued = onward[rows, columns]
        fresh = rests.score_at(t)
        score = worth[t] - MISS + np.maximum(continued, fresh)
        came_from[t] = np.where(continued > fresh, onward_from[rows, columns], FRESH)
        ends[t] = score.max(), score.argmax()
        rests.add(t, ends[t, 0])
        steps = score[None, :] - unevenness
        onward_from[t % n_kept] = steps.argmax(axis=1)
        onward[t % n_kept] = steps[columns, onward_from[t % n_kept]]
        if on_step and t % STEP_POINTS == 0:
            on_step(t, len(worth))
    return _walk_back(came_from, ends, rests, lags)


class _Rests:
    """Where the best chain so far ended, for chains that start afresh after a pause."""

    def __init__(self, n_points):
        self.best = np.zeros(n_points)  # score of the best chain that ends here or earlier
        self.end = np.full(n_points, -1)  # and its end; -1: no beats yet

    def add(self, t, score):
        before = (self.best[t - 1], self.end[t - 1]) if t else (0.0, -1)
        self.best[t], self.end[t] = (score, t) if score > before[0] else before

    def score_at(self, t):
        paused = t - round(PAUSE_S * BEAT_RATE)
        return max(0.0, self.best[paused] - PAUSE) if paused >= 0 else 0.0

    def end_before(self, t):
        """The end of the chain before the pause before t; -1 when the beats begin at t."""
        paused = t - round(PAUSE_S * BEAT_RATE)
        return self.end[paused] if paused >= 0 and self.best[paused] > PAUSE else -1


def _walk_back(came_from, ends, rests, lags):
    """The points of the best chain of all, from its recorded steps."""
    places = []
    t = rests.end[-1]
    column = int(ends[t, 1])
    while t >= 0:
        places.append(int(t))
        step = came_from[t, column]
        if step == FRESH:
            t = rests.end_before(t)
            column = int(ends[t, 1])
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


def _tempo(times_s):
    """Beats per minute of the usual interval: the mean of those close to the median."""
    if len(times_s) < 2:
        return 0.0
    intervals_s = np.diff(times_s)
    usual_s = np.median(intervals_s)
    return float(60 / intervals_s[np.abs(intervals_s / usual_s - 1) <= 0.08].mean())
