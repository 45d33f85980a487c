"""Cutting audio to the length of a video."""

import numpy as np

from ...errors import AudioError
from ..timebase import MAX_N_FRAMES, distinct_texts, n_frames_in, n_samples_at, sample_at

MAX_START_S = 1e9  # 30 years, which no sound lasts; larger numbers have no sample's number
PREROLL_S = 0.2  # what of a sound before a clip is handed on: whether something was going on


def preroll(samples: np.ndarray, sample_rate: float, *, start_s: float) -> np.ndarray:
    """The samples (C, M) of at most PREROLL_S before start_s of samples (C, N); none at the beginning. A view."""
    start = sample_at(start_s, sample_rate=sample_rate)
    return samples[:, max(0, start - sample_at(PREROLL_S, sample_rate=sample_rate)) : start]


def cut_clip(
    samples: np.ndarray, sample_rate: float, *, start_s: float, n_frames: int, fps: float
) -> tuple[np.ndarray, int]:
    """The samples of `n_frames` frames from `start_s` on, exact to the sample.

    Parameters: samples (n_channels, n_samples); sample_rate in Hz; start_s in seconds; n_frames, where
    0 means as many whole frames as there are; fps in frames per second.
    Returns: (samples (n_channels, n_samples_at(n_frames)), n_frames). A view, not a copy.
    Raises AudioError when the sound is too short, or fewer than 2 frames are asked for or left.
    """
    if not (isinstance(start_s, (int, float)) and 0 <= start_s < MAX_START_S):
        raise AudioError(
            f"The clip starts at {start_s!r:.40} s; give one number of seconds, 0 or more."
        )
    if not isinstance(n_frames, int) or n_frames == 1 or not 0 <= n_frames <= MAX_N_FRAMES:
        raise AudioError(
            f"The clip is to have {n_frames!r} frames; give a whole number from 2 to {MAX_N_FRAMES}, "
            "or 0 for all of the sound."
        )
    n_samples = samples.shape[1]
    length_s = n_samples / sample_rate
    start = sample_at(start_s, sample_rate=sample_rate)
    if start >= n_samples:
        raise AudioError(
            f"The clip starts at {start_s:g} s but the sound is only {length_s:.2f} s long. "
            "Choose an earlier start."
        )
    n_available = n_frames_in(n_samples - start, fps=fps, sample_rate=sample_rate)
    if n_available < 2:
        raise AudioError(
            f"From {start_s:g} s on, only {(n_samples - start) / sample_rate:.3f} s of sound are left, less "
            f"than 2 frames at {fps:g} fps. Choose an earlier start or connect a longer sound."
        )
    if n_frames == 0:
        n_frames = n_available
    if n_frames > MAX_N_FRAMES:
        raise AudioError(
            f"The sound holds {n_frames} frames at {fps:g} fps from {start_s:g} s on; a clip has at most "
            f"{MAX_N_FRAMES}. Set frames to that or less."
        )
    if n_frames > n_available:
        # the sound may end a single sample too early
        needed, found = distinct_texts(start_s + n_frames / fps, length_s, (".2f", ".4f", ".6f"))
        raise AudioError(
            f"{n_frames} frames at {fps:g} fps from {start_s:g} s on need sound until {needed} s, but it ends at "
            f"{found} s. Set frames to "
            f"{n_available} or less (0 takes all), start earlier, or connect a longer sound."
        )
    stop = start + n_samples_at(n_frames, fps=fps, sample_rate=sample_rate)
    return samples[:, start:stop], n_frames


def of_length(samples: np.ndarray, n_samples: int) -> np.ndarray:
    """Samples (C, N) cut to `n_samples`, or followed by silence up to it: (C, n_samples). A view where it is cut."""
    missing = n_samples - samples.shape[1]
    return np.pad(samples, ((0, 0), (0, missing))) if missing > 0 else samples[:, :n_samples]
