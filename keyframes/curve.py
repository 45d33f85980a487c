"""The motion curve: one motion score per video frame."""

from dataclasses import dataclass

import numpy as np

from ..errors import CurveError
from .timebase import fps_fraction, same_rate, told_apart


@dataclass(frozen=True, eq=False)
class MotionCurve:
    """How much should move at each frame. Make one with `motion_curve`, which checks it.

    score: float64 (n_frames,), each in [0, 1]; read-only.
    fps: frames per second of the score.
    source: who made it, for captions ("onset", "beats", ...).
    fingerprint: the sound it was made from (see `fingerprint.fingerprint`), or None.
    """

    score: np.ndarray
    fps: float
    source: str
    fingerprint: dict | None = None

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


def motion_curve(
    score: object, *, fps: float, source: str, fingerprint: dict | None = None
) -> MotionCurve:
    """A checked MotionCurve from scores (n_frames,) in [0, 1].

    Raises CurveError as `checked_scores` does, and when a score is out of range.
    """
    fps_fraction(fps)
    score = checked_scores(score)
    if score.min() < 0 or score.max() > 1:
        raise CurveError(
            f"The motion curve runs from {score.min():.3g} to {score.max():.3g}; scores must lie between "
            "0 and 1. Normalise it first."
        )
    score.setflags(write=False)
    return MotionCurve(score=score, fps=float(fps), source=source, fingerprint=fingerprint)


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
        of_curve, of_plan = told_apart(curve.fps, fps)
        raise CurveError(
            f"The curve has {curve.n_frames} frames at {of_curve} fps but the plan has {n_frames} at "
            f"{of_plan} fps. Connect the curve that the plan was selected from."
        )
