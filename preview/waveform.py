"""The outline of a sound for drawing: its lowest and highest sample in each column."""

import numpy as np

from ..errors import AudioError


def waveform_extremes(samples: np.ndarray, n_columns: int) -> np.ndarray:
    """The lowest and highest sample in each of `n_columns` equal stretches, for drawing a waveform.

    The extremes are taken over all channels: a mix would draw a flat line for channels that cancel.
    Parameters: samples (C, N) float. Returns: float64 (n_columns, 2), columns minimum and maximum; a stretch
    shorter than one sample shows the sample it is in. Raises AudioError for an empty sound and ValueError
    for fewer than one column.
    """
    samples = np.asarray(samples)
    if samples.ndim != 2 or samples.size == 0:
        raise AudioError(
            f"The sound to draw has shape {samples.shape}; give samples as (channels, samples), not empty."
        )
    if n_columns < 1:
        raise ValueError(f"The waveform is to be drawn in {n_columns} columns; give at least 1.")
    starts = np.arange(n_columns) * samples.shape[1] // n_columns
    low = np.minimum.reduceat(samples, starts, axis=1).min(axis=0)
    high = np.maximum.reduceat(samples, starts, axis=1).max(axis=0)
    return np.stack([low, high], axis=1).astype(np.float64)


def waveform_between(samples: np.ndarray, start: int, stop: int, n_columns: int) -> np.ndarray:
    """The waveform (n_columns, 2) from sample `start` to `stop` of samples (C, N); beyond their end it is silent."""
    piece = samples[:, start:stop]
    missing = stop - start - piece.shape[1]
    return waveform_extremes(np.pad(piece, ((0, 0), (0, missing))), n_columns)
