"""Checks of audio. Samples are always float arrays (C, N)."""

import math

import numpy as np

from ...errors import AudioError

MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 8_000, 192_000
MAX_CHANNELS = 64  # more than any speaker layout: such an array lies on its side
BLOCK = 1 << 20  # samples looked at in one go, so that long recordings need no copy


def check_audio(samples: np.ndarray, sample_rate: float) -> None:
    """Accept samples (C, N) of finite floats at 8 to 192 kHz; anything else raises AudioError."""
    samples = np.asarray(samples)
    if samples.ndim != 2 or samples.dtype.kind != "f":
        raise AudioError(
            f"The sound is an array of shape {samples.shape} and type {samples.dtype}; "
            "give floating-point samples as (channels, samples)."
        )
    n_channels, n_samples = samples.shape
    if n_channels == 0 or n_samples == 0:
        raise AudioError(
            f"The sound is empty ({n_channels} channels of {n_samples} samples); "
            "connect a sound that lasts at least a moment, or check where it is cut."
        )
    if n_channels > MAX_CHANNELS:
        raise AudioError(
            f"The sound has {n_channels} channels of {n_samples} samples; at most {MAX_CHANNELS} channels are "
            "possible. The two axes are probably swapped: give (channels, samples)."
        )
    _check_rate(sample_rate)
    for start in range(0, n_samples, BLOCK):
        finite = np.isfinite(samples[:, start : start + BLOCK])
        if not finite.all():
            channel, column = np.argwhere(~finite)[0]
            time_s = (start + column) / sample_rate
            raise AudioError(
                f"The sound holds {samples[channel, start + column]} at {time_s:.3f} s; every sample must be a "
                "finite number. Export the sound again, or repair it in an audio editor."
            )


def _check_rate(sample_rate: float) -> None:
    is_number = isinstance(sample_rate, (int, float, np.integer, np.floating))
    if (
        not is_number
        or isinstance(sample_rate, bool)
        or not math.isfinite(sample_rate)
        or not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE
    ):
        raise AudioError(
            f"The sample rate is {sample_rate!r}; it must be a number from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz. "
            "Resample the sound, for example to 44100 Hz."
        )
