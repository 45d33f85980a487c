"""The motion curve: one motion score per video frame."""

from dataclasses import dataclass

import numpy as np

from .errors import CurveError
from .timebase import fps_fraction


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
    def n_frames(self):
        return len(self.score)


def motion_curve(score, *, fps, source, fingerprint=None):
    """A checked MotionCurve from scores (n_frames,) in [0, 1].

    Raises CurveError when the scores are not one-dimensional, fewer than 2, not finite or out of range.
    """
    fps_fraction(fps)
    try:
        score = np.array(score, dtype=np.float64)
    except (TypeError, ValueError):
        raise CurveError(
            "The motion curve holds something that is not a number; give one number per frame."
        ) from None
    if score.ndim != 1 or len(score) < 2:
        raise CurveError(
            f"The motion curve has shape {score.shape}; give one number per frame, at least 2."
        )
    if not np.isfinite(score).all():
        frame = int(np.flatnonzero(~np.isfinite(score))[0])
        raise CurveError(
            f"The motion curve is {score[frame]} at frame {frame}; every score must be a finite number."
        )
    if score.min() < 0 or score.max() > 1:
        raise CurveError(
            f"The motion curve runs from {score.min():.3g} to {score.max():.3g}; scores must lie between 0 and 1. "
            "Normalise it first."
        )
    score.setflags(write=False)
    return MotionCurve(score=score, fps=float(fps), source=source, fingerprint=fingerprint)


def normalise(values):
    """Values (n,) scaled linearly so that the lowest is 0 and the highest 1; all zeros if they are all equal."""
    values = np.asarray(values, dtype=np.float64)
    low, high = values.min(), values.max()
    # below this the differences are rounding noise, and stretching it to [0, 1] would invent peaks
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):
        return np.zeros_like(values)
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def resample(values, n_frames):
    """Values (n,) linearly resampled to (n_frames,), first and last value kept."""
    values = np.asarray(values, dtype=np.float64)
    return np.interp(np.linspace(0, len(values) - 1, n_frames), np.arange(len(values)), values)
