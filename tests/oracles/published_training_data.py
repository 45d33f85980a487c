"""How the published training code makes labels, for comparison with recorded outputs."""

import numpy as np


def resample(values, n_frames):
    """Values (n,) linearly resampled to (n_frames,), first and last value kept."""
    values = np.asarray(values, dtype=np.float64)
    return np.interp(np.linspace(0, len(values) - 1, n_frames), np.arange(len(values)), values)
