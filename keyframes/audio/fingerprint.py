"""Fingerprints that recognise a sound after other decoders, resampling, lossy coding or a change of gain."""

import numpy as np

from .checks import BLOCK, check_audio

N_LEVELS = 16
STEP_DB = 3.0  # one level of loudness; coding and resampling change less
LOWEST_LEVEL = -10  # 30 dB below the loudest: further down decoders disagree
TOLERANCE = 1  # levels by which one sound may differ from itself, for values between two steps
N_CELLS = 1024  # time resolution at which the energy is gathered


def fingerprint(samples: np.ndarray, sample_rate: float, *, n_frames: int) -> dict:
    """The loudness of 16 equal stretches of a sound, coarse enough to survive another decoder.

    The stretches overlap under smooth weights: with hard edges a click that lies on an edge would jump from one
    to the next when a decoder shifts the sound by a few samples. Gain does not matter; what the sound is
    made of neither, so two steady sounds look alike.
    Parameters: samples (C, N) float, sample_rate in Hz, n_frames of the clip.
    Returns: {"n_frames": int, "loudness": 16 ints}, 0 for the loudest and one less per 3 dB, -10 at least (all
    -10: silence). Raises AudioError as `check_audio` does.
    """
    check_audio(samples, sample_rate)
    return fingerprint_of_checked(samples, n_frames=n_frames)


def fingerprint_of_checked(samples: np.ndarray, *, n_frames: int) -> dict:
    """The `fingerprint` of samples (C, N) that `check_audio` has accepted already."""
    energy = _weights() @ _energy(np.asarray(samples))
    loudest = energy.max()
    if loudest <= 0:
        levels = np.full(N_LEVELS, LOWEST_LEVEL)
    else:
        level_db = 10 * np.log10(np.maximum(energy / loudest, 1e-12))
        levels = np.maximum(LOWEST_LEVEL, np.round(level_db / STEP_DB))
    return {"n_frames": int(n_frames), "loudness": [int(level) for level in levels]}


def same_sound(a: dict | None, b: dict | None) -> bool:
    """Whether two fingerprints may be of one sound; an unknown one (None) may be of any."""
    if a is None or b is None:
        return True
    if a["n_frames"] != b["n_frames"] or len(a["loudness"]) != len(b["loudness"]):
        return False
    pairs = zip(a["loudness"], b["loudness"], strict=True)
    return all(abs(left - right) <= TOLERANCE for left, right in pairs)


def _energy(samples: np.ndarray) -> np.ndarray:
    """Energy (N_CELLS,) of equally long cells of a sound, relative to its loudest sample."""
    n_samples = samples.shape[1]
    energy = np.zeros(N_CELLS)
    peak = max(float(samples.max()), -float(samples.min()))
    if peak < float(np.finfo(np.float32).tiny):  # 0, or too small to divide by
        return energy
    for start in range(0, n_samples, BLOCK):
        block = samples[:, start : start + BLOCK] * (1 / peak)
        power = np.einsum("cn,cn->n", block, block, dtype=np.float64)
        cells = (np.arange(start, start + len(power)) * N_CELLS) // n_samples
        energy += np.bincount(cells, weights=power, minlength=N_CELLS)
    return energy


def _weights() -> np.ndarray:
    """Weight (N_LEVELS, N_CELLS) of each cell in each stretch: raised cosines that add up to 1 inside."""
    position = (np.arange(N_CELLS) + 0.5) * (N_LEVELS / N_CELLS)
    distance = np.abs(position - (np.arange(N_LEVELS)[:, None] + 0.5))
    weights = np.where(distance < 1, 0.5 + 0.5 * np.cos(np.pi * distance), 0.0)
    # the outer halves of the first and last stretch have no neighbour to share with
    return weights / weights.sum(axis=1, keepdims=True)
