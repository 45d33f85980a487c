"""The localizer without weights: a motion curve with a peak wherever the sound is struck."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from ..curve import MotionCurve, motion_curve
from ..peaks import find_peaks
from ..timebase import check_n_frames, frames_at, n_samples_at
from .checks import check_audio
from .fingerprint import fingerprint_of_checked
from .onset_strength import BACKGROUND_BLOCKS, BLOCK, POINT_RATE, spectral_flux

BAND_THRESHOLD = 0.65  # doublings that steady noise does not reach by chance
BROADBAND_THRESHOLD = 0.35  # doublings of all bands together below which nothing counts
BACKGROUND_FACTOR = (
    7.0  # times the usual broadband flux, which steady noise does not reach by chance
)
SATURATION = 1.2  # doublings above the threshold at which an onset reaches 1 - 1/e of full strength
LOUDNESS_RANGE_DB = 50.0  # a strike this far below the loudest one moves nothing
CLEAR_STRENGTH = 0.2  # of an onset that may count as the loudest
FULL_SCALE = 0.5  # curves that stay below it are not stretched to 1: they hold no clear strike
SUPPRESSION_S = 0.04  # within it there is one onset
HALF_LIFE_S = 0.05  # the curve decays by half in this time, so that a peak reads as motion
NEGLIGIBLE = 0.02  # below it nothing moves; a level stretch has its valley in its middle, not before the next peak


def onset_envelope(
    samples: np.ndarray, sample_rate: float, *, on_step: Callable[[int, int], object] | None = None
) -> np.ndarray:
    """The onset strength of a sound, POINT_RATE times a second; point k lies at k / POINT_RATE seconds.

    With F = max(band flux - BAND_THRESHOLD, broadband flux - its threshold) and P the added power of `spectral_flux`:

        strength(k) = 1 - exp(-max(0, F(k)) / SATURATION)
        envelope(k) = strength(k) * clip(1 + 10 log10(P(k) / P_max) / LOUDNESS_RANGE_DB, 0, 1)

    P_max is the greatest power of an onset of at least CLEAR_STRENGTH. A strike thus counts by how clearly it stands
    out and, compressed in decibels, by how loud it is beside the loudest one: 20 dB less is still 0.6.
    Parameters: samples (C, N) float, sample_rate in Hz; on_step as in `spectral_flux`. Returns: float64 (n,), each in
    [0, 1]; steady sound gives zeros. Raises AudioError as `check_audio` does.
    """
    check_audio(samples, sample_rate)
    return _envelope(samples, sample_rate, on_step)


def _envelope(
    samples: np.ndarray, sample_rate: float, on_step: Callable[[int, int], object] | None
) -> np.ndarray:
    """The `onset_envelope` of samples that are checked already."""
    band, broadband, power = spectral_flux(np.asarray(samples), sample_rate, on_step=on_step)
    beyond = np.maximum(band - BAND_THRESHOLD, broadband - _broadband_threshold(broadband))
    strength = 1.0 - np.exp(-np.maximum(0.0, beyond) / SATURATION)
    clear = strength > CLEAR_STRENGTH
    loudest = power[clear].max() if clear.any() else power.max()
    if loudest <= 0:
        return np.zeros_like(strength)
    loudness_db = 10 * np.log10(np.maximum(power / loudest, 1e-12))
    return strength * np.clip(1.0 + loudness_db / LOUDNESS_RANGE_DB, 0.0, 1.0)


def _broadband_threshold(broadband: np.ndarray) -> np.ndarray:
    """The broadband flux (n,) that is no onset around each point: a multiple of the median of maxima over blocks."""
    blocks = np.zeros(-(-len(broadband) // BLOCK) * BLOCK)
    blocks[: len(broadband)] = broadband
    usual = ndimage.median_filter(
        blocks.reshape(-1, BLOCK).max(axis=1), size=BACKGROUND_BLOCKS, mode="reflect"
    )
    return np.maximum(
        BROADBAND_THRESHOLD, BACKGROUND_FACTOR * np.repeat(usual, BLOCK)[: len(broadband)]
    )


def onset_curve(
    samples: np.ndarray,
    sample_rate: float,
    *,
    n_frames: int,
    fps: float,
    on_step: Callable[[int, int], object] | None = None,
) -> MotionCurve:
    """The motion curve of a sound: a peak on the frame of each strike, which decays after it.

    Parameters: samples (C, N) float, sample_rate in Hz; the curve covers the first n_frames / fps seconds, and
    is 0 past the end of a shorter sound. on_step(n_done, n_steps) is called now and then and may raise to cancel.
    Takes the place of the learned localizer (arXiv 2504.09656, sec. 3.2).
    Returns: MotionCurve with source "onset". Raises AudioError, CurveError, KeyVIDError (frame rate).
    """
    envelope = clip_envelope(samples, sample_rate, n_frames=n_frames, fps=fps, on_step=on_step)
    return motion_curve(
        onset_score(envelope, n_frames=n_frames, fps=fps),
        fps=fps,
        source="onset",
        fingerprint=fingerprint_of_checked(samples, n_frames=n_frames),
    )


def onset_score(envelope: np.ndarray, *, n_frames: int, fps: float) -> np.ndarray:
    """The score (n_frames,) of a clip's onset envelope (n,), each in [0, 1]: what `onset_curve` holds."""
    peaks = frame_maxima(local_maxima(envelope), n_frames=n_frames, fps=fps)
    return decayed(peaks, fps=fps) / max(FULL_SCALE, peaks.max(initial=0.0))


def onset_frames(envelope: np.ndarray, *, n_frames: int, fps: float) -> list[int]:
    """The frames on which the sound is struck clearly enough for a keyframe, however close together, ascending."""
    return find_peaks(onset_score(envelope, n_frames=n_frames, fps=fps), distance=1)[0].tolist()


def clip_envelope(
    samples: np.ndarray,
    sample_rate: float,
    *,
    n_frames: int,
    fps: float,
    on_step: Callable[[int, int], object] | None = None,
) -> np.ndarray:
    """The onset envelope (n,) of the first n_frames / fps seconds of samples (C, N). Raises AudioError, KeyVIDError."""
    check_audio(samples, sample_rate)
    check_n_frames(n_frames)
    n_samples = n_samples_at(n_frames, fps=fps, sample_rate=sample_rate)
    return _envelope(samples[:, : max(1, n_samples)], sample_rate, on_step)


def local_maxima(envelope: np.ndarray) -> np.ndarray:
    """Non-maximum suppression of an onset envelope (n,): 0 wherever a point within SUPPRESSION_S is greater.

    A clear onset is nearly as strong a few hundredths of a second to either side, which would smear it over frames.
    """
    width = 2 * round(SUPPRESSION_S * POINT_RATE) + 1
    highest = ndimage.maximum_filter1d(envelope, width, mode="constant")
    return np.where(envelope == highest, envelope, 0.0)


def frame_maxima(points: np.ndarray, *, n_frames: int, fps: float) -> np.ndarray:
    """The greatest of the points (POINT_RATE a second) that fall on each frame (n_frames,), by `frame_at`'s rule."""
    frames = frames_at(np.arange(len(points)) / POINT_RATE, fps=fps)
    inside = frames < n_frames
    maxima = np.zeros(n_frames)
    np.maximum.at(maxima, frames[inside], points[inside])
    return maxima


def decayed(peaks: np.ndarray, *, fps: float) -> np.ndarray:
    """Peaks (n_frames,) with exponential decay: y(t) = max(x(t), y(t - 1) / 2^(1 / (fps HALF_LIFE_S)))."""
    keep = 0.5 ** (1 / (fps * HALF_LIFE_S))
    score = np.array(peaks, dtype=np.float64)
    for frame in range(1, len(score)):
        score[frame] = max(score[frame], score[frame - 1] * keep)
    score[score < NEGLIGIBLE] = 0.0
    return score
