"""The motion curve: one motion score per video frame, and the strikes behind it.

A score per frame cannot tell two strikes within 200 ms apart from one that decays. So what finds strikes hands them on
beside the score: the clear ones, and candidates, which are too weak to be sure of, but better places for a keyframe
than a frame that was chosen for even spacing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..errors import CurveError
from .timebase import distinct_texts, fps_fraction, frame_at, same_rate
from .values import shown

MAX_TIME_S = 1e6  # of a strike: eleven days, which no clip lasts


class Strike(NamedTuple):
    """One strike. time_s: seconds from the first frame. strength: in [0, 1], comparable within its tier.

    clear: whether it stands out from everything that steady sound does by chance; else it is a candidate.
    """

    time_s: float
    strength: float
    clear: bool


@dataclass(frozen=True, eq=False)
class MotionCurve:
    """How much should move at each frame. Make one with `motion_curve`, which checks it.

    score: float64 (n_frames,), each in [0, 1]; read-only.
    fps: frames per second of the score.
    source: who made it, for captions ("onset", "beats", ...).
    fingerprint: the sound it was made from (see `fingerprint.fingerprint`), or None.
    strikes: what was found in the sound, ascending in time; None for a curve that was made without looking for them.
    """

    score: np.ndarray
    fps: float
    source: str
    fingerprint: dict | None = None
    strikes: tuple[Strike, ...] | None = None

    @property
    def n_frames(self) -> int:
        """Length of the clip in frames."""
        return len(self.score)


def checked_scores(values: object) -> np.ndarray:
    """Values as float64 (n_frames,), in any range.

    Raises CurveError when they are not one-dimensional, fewer than 2, not numbers or not finite.
    """
    try:
        scores = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise CurveError(
            "The motion curve holds something that is not a number; give one number per frame."
        ) from None
    if scores.ndim != 1 or len(scores) < 2:
        raise CurveError(
            f"The motion curve has shape {scores.shape}; give one number per frame, at least 2."
        )
    if not np.isfinite(scores).all():
        frame = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise CurveError(
            f"The motion curve is {scores[frame]} at frame {frame}; every score must be a finite number."
        )
    return scores


def checked_strikes(values: object) -> tuple[Strike, ...]:
    """Strikes in ascending order of time from rows of (time in seconds, strength, clear).

    Raises CurveError when a row is none, a number is not finite, a time lies before 0 or a strength outside [0, 1].
    """
    try:
        rows = [(float(t), float(strength), clear) for t, strength, clear in values]  # type: ignore
    except (TypeError, ValueError, OverflowError):
        raise CurveError(
            "The strikes of the motion curve are malformed; each has a time in seconds, a strength and whether it "
            "is clear, such as [0.5, 0.8, true]."
        ) from None
    for time_s, strength, clear in rows:
        is_flag = isinstance(clear, (bool, np.bool_, int)) and clear in (0, 1)
        if not (0 <= time_s <= MAX_TIME_S and 0 <= strength <= 1 and is_flag):
            raise CurveError(
                f"The motion curve has a strike [{time_s:.6g}, {strength:.6g}, {shown(clear)}]; times lie between 0 "
                f"and {MAX_TIME_S:.0f} s, strengths lie between 0 and 1, and the last value is true or false."
            )
    return tuple(Strike(t, s, bool(clear)) for t, s, clear in sorted(rows))


def strike_frames(
    strikes: Iterable[Strike], *, n_frames: int, fps: float, clear: bool | None = None
) -> list[int]:
    """The frames of the strikes, of one tier (`clear`) or of both (None): the strongest first, each frame once.

    Clear strikes come before candidates; of equal strengths the earlier one comes first. Strikes behind the last
    frame are left out.
    """
    ordered = sorted(
        strikes, key=lambda strike: (not strike.clear, -strike.strength, strike.time_s)
    )
    frames = [frame_at(s.time_s, fps=fps) for s in ordered if clear is None or s.clear == clear]
    return list(dict.fromkeys(frame for frame in frames if frame < n_frames))


def motion_curve(
    score: object,
    *,
    fps: float,
    source: str,
    fingerprint: dict | None = None,
    strikes: object = None,
) -> MotionCurve:
    """A checked MotionCurve from scores (n_frames,) in [0, 1], and strikes as `checked_strikes` takes them, or None.

    Raises CurveError as `checked_scores` and `checked_strikes` do, and when a score is out of range.
    """
    fps_fraction(fps)
    score = checked_scores(score)
    if score.min() < 0 or score.max() > 1:
        raise CurveError(
            f"The motion curve runs from {score.min():.3g} to {score.max():.3g}; scores must lie between "
            "0 and 1. Normalise it first."
        )
    score.setflags(write=False)
    return MotionCurve(
        score=score,
        fps=float(fps),
        source=source,
        fingerprint=fingerprint,
        strikes=None if strikes is None else checked_strikes(strikes),
    )


def normalise(values: object) -> np.ndarray:
    """Values (n,) scaled linearly so that the lowest is 0 and the highest 1; all zeros if they are all equal."""
    values = np.asarray(values, dtype=np.float64)
    low, high = values.min(), values.max()
    # below this the differences are rounding noise, and stretching it to [0, 1] would invent peaks
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):
        return np.zeros_like(values)
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def check_curve(curve: object) -> None:
    """Raises CurveError when what came over a curve socket is no curve."""
    if not isinstance(curve, MotionCurve):
        raise CurveError(
            "There is no motion curve on the curve input. Connect Localize Keyframes, or a timing file "
            "that was saved with its curve."
        )


def check_fits(curve: MotionCurve, *, n_frames: int, fps: float) -> None:
    """Raises CurveError unless the curve belongs to a clip of `n_frames` frames at `fps`."""
    check_curve(curve)
    if curve.n_frames != n_frames or not same_rate(curve.fps, fps, n_frames=n_frames):
        of_curve, of_plan = distinct_texts(curve.fps, fps)
        raise CurveError(
            f"The curve has {curve.n_frames} frames at {of_curve} fps but the plan has {n_frames} at "
            f"{of_plan} fps. Connect the curve that the plan was selected from."
        )
