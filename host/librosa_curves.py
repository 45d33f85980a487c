"""librosa's onset strength and beat tracker as methods of Localize Keyframes, for artists who have librosa installed.

The pack does not install it: librosa brings packages of its own into ComfyUI's Python.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import KeyVIDError
from ..keyframes.audio.beats import BEATS
from ..keyframes.audio.fingerprint import fingerprint_of_checked
from ..keyframes.audio.onset import decayed
from ..keyframes.curve import MotionCurve, motion_curve
from ..keyframes.timebase import frame_at, n_samples_at
from .audio import mixed_down

HOP_S = 0.005  # between two values of the onset strength: a frame at 24 fps holds eight


def librosa_onset_curve(
    samples: np.ndarray,
    sample_rate: int,
    *,
    n_frames: int,
    fps: float,
    on_step: Callable[[int, int], object] | None = None,
) -> MotionCurve:
    """The MotionCurve of librosa's onsets (librosa.onset.onset_detect), as strong as its onset strength there.

    samples: (C, N) float, checked already, sample_rate in Hz. on_step(n_done, n_steps) is called once and may raise to
    cancel. Returns: a curve with source "librosa onset", whose strikes are all clear.
    Raises KeyVIDError without librosa.
    """
    librosa = _librosa("librosa onset")
    strength, hop, mono = _onset_strength(librosa, samples, sample_rate, n_frames, fps, on_step)
    points = librosa.onset.onset_detect(
        y=mono, onset_envelope=strength, sr=sample_rate, hop_length=hop, units="frames"
    )
    times_s = points * hop / sample_rate
    return _curve(times_s, strength[points], samples, n_frames, fps, "librosa onset")


def librosa_beats_curve(
    samples: np.ndarray,
    sample_rate: int,
    *,
    n_frames: int,
    fps: float,
    on_step: Callable[[int, int], object] | None = None,
) -> MotionCurve:
    """The MotionCurve of librosa's beats (librosa.beat.beat_track); parameters and errors as `librosa_onset_curve`."""
    librosa = _librosa("librosa beats")
    strength, hop, _ = _onset_strength(librosa, samples, sample_rate, n_frames, fps, on_step)
    _, points = librosa.beat.beat_track(
        onset_envelope=strength, sr=sample_rate, hop_length=hop, units="frames"
    )
    points = np.asarray(points, dtype=int)
    return _curve(points * hop / sample_rate, strength[points], samples, n_frames, fps, BEATS)


def _librosa(method: str) -> Any:
    try:
        import librosa
    except ImportError:
        raise KeyVIDError(
            f"The method {method} needs the package librosa, which is not installed here. Choose the method "
            f"{method.removeprefix('librosa ')}, which needs nothing, or install librosa into ComfyUI's Python: "
            "python -m pip install librosa."
        ) from None
    return librosa


def _onset_strength(
    librosa: Any,
    samples: np.ndarray,
    sample_rate: int,
    n_frames: int,
    fps: float,
    on_step: Callable[[int, int], object] | None,
) -> tuple[np.ndarray, int, np.ndarray]:
    """librosa's onset strength (n,) of the clip's mean channel, its hop in samples, and that channel (N,)."""
    if on_step is not None:
        on_step(0, 1)
    n_samples = max(1, n_samples_at(n_frames, fps=fps, sample_rate=sample_rate))
    mono = np.asarray(mixed_down(samples[:, :n_samples])[0], dtype=np.float32)
    hop = max(1, round(HOP_S * sample_rate))
    strength = librosa.onset.onset_strength(y=mono, sr=sample_rate, hop_length=hop)
    return strength, hop, mono


def _curve(
    times_s: np.ndarray,
    strength: np.ndarray,
    samples: np.ndarray,
    n_frames: int,
    fps: float,
    source: str,
) -> MotionCurve:
    """The curve of strikes at times_s (m,), their strength (m,) divided by the greatest."""
    share = np.clip(strength / max(float(strength.max(initial=0.0)), 1e-9), 0.0, 1.0)
    pulses = np.zeros(n_frames)
    strikes = []
    for time_s, height in zip(times_s.tolist(), share.tolist(), strict=True):
        frame = frame_at(time_s, fps=fps)
        if frame < n_frames:
            pulses[frame] = max(pulses[frame], height)
            strikes.append((time_s, height, True))
    return motion_curve(
        decayed(pulses, fps=fps),
        fps=fps,
        source=source,
        fingerprint=fingerprint_of_checked(samples, n_frames=n_frames),
        strikes=strikes,
    )
