"""Writing audio as a WAV file."""

import os
import wave

import numpy as np

from ..keyframes.audio.checks import BLOCK


def write_wav(path: str | os.PathLike, samples: np.ndarray, sample_rate: int) -> None:
    """A 16-bit WAV file to listen to, from samples (C, N): mono and stereo stay so, more channels become mono.

    A sound that goes beyond full scale is turned down until it does not: cut off, it would crackle.
    """
    n_channels, n_samples = samples.shape
    loudest = max(1.0, float(samples.max()), -float(samples.min()))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(n_channels if n_channels <= 2 else 1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        for start in range(0, n_samples, BLOCK):
            block = samples[:, start : start + BLOCK]
            if n_channels > 2:
                block = block.mean(axis=0, keepdims=True)
            pcm = np.round(block.T * (32767 / loudest)).astype("<i2")  # (N, C)
            file.writeframes(pcm.tobytes())
