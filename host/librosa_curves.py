"""librosa's onset strength and beat tracker as methods of Localize Keyframes, for artists who have librosa installed.

The pack does not install it: librosa brings packages of its own into ComfyUI's Python.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import KeyVIDError
from ..keyframes.audio.beats import BEATS
from ..keyframes.audio.onset import struck_curve
from ..keyframes.curve import MotionCurve
from ..keyframes.timebase import n_samples_at
from .audio import mixed_down

RATE = 22_050  # Hz, librosa's default
HOP = 110  # samples between two values of the onset strength, 5 ms: a frame at 24 fps holds eight
N_FFT = 2048  # samples of a spectrum, librosa's default


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
    strength, mono = _onset_strength(librosa, samples, sample_rate, n_frames, fps, on_step)
    points = librosa.onset.onset_detect(
        y=mono, onset_envelope=strength, sr=RATE, hop_length=HOP, units="frames"
    )
    return struck_curve(
        points * HOP / RATE,
        _share(strength[points]),
        samples,
        n_frames=n_frames,
        fps=fps,
        source="librosa onset",
    )


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
    strength, _ = _onset_strength(librosa, samples, sample_rate, n_frames, fps, on_step)
    _, points = librosa.beat.beat_track(
        onset_envelope=strength, sr=RATE, hop_length=HOP, units="frames"
    )
    points = np.asarray(points, dtype=int)
    return struck_curve(
        points * HOP / RATE,
        _share(strength[points]),
        samples,
        n_frames=n_frames,
        fps=fps,
        source=BEATS,
    )


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
) -> tuple[np.ndarray, np.ndarray]:
    """librosa's onset strength (n,) of the clip's mean channel, one value per HOP; that channel (N,) at RATE."""
    if on_step is not None:
        on_step(0, 1)
    n_samples = max(1, n_samples_at(n_frames, fps=fps, sample_rate=sample_rate))
    mono = np.asarray(mixed_down(samples[:, :n_samples])[0], dtype=np.float32)
    # at the rate that its defaults are made for, and no shorter than its spectra
    mono = librosa.resample(mono, orig_sr=sample_rate, target_sr=RATE)
    mono = np.pad(mono, (0, max(0, N_FFT - len(mono))))
    strength = librosa.onset.onset_strength(y=mono, sr=RATE, hop_length=HOP, n_fft=N_FFT)
    return strength, mono


def _share(strength: np.ndarray) -> np.ndarray:
    """Strengths (m,) as shares of the greatest."""
    return np.clip(strength / max(float(strength.max(initial=0.0)), 1e-9), 0.0, 1.0)
