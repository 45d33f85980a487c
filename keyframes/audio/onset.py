"""The localizer without weights: a motion curve with a peak wherever the sound is struck."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from ...errors import KeyVIDError
from ..curve import MotionCurve, Strike, checked_strikes, motion_curve
from ..timebase import check_n_frames, frame_at, frames_at, n_samples_at
from .checks import check_audio
from .fingerprint import fingerprint_of_checked
from .onset_strength import BACKGROUND_BLOCKS, BLOCK, POINT_RATE, SpectralFlux, spectral_flux

BAND_THRESHOLD = 0.4  # doublings that steady noise does not reach by chance
BROADBAND_THRESHOLD = 0.35  # doublings of all bands together below which nothing counts
# doublings below which nothing counts by the lower quartile of the broadband flux alone
BROADBAND_QUARTILE_THRESHOLD = 0.55
# times the median and the lower quartile of the usual broadband flux, which steady noise does not reach by chance
MEDIAN_FACTOR, QUARTILE_FACTOR = 7.0, 4.0
CANDIDATE_BAND, CANDIDATE_BROADBAND = 0.1, 0.2  # below the two nothing is a candidate
CANDIDATE_FACTOR = 1.5  # times the usual band flux, which a candidate exceeds
SENSITIVITY = 0.5  # at which the thresholds of clear strikes are those above
SATURATION = 1.2  # doublings above the threshold at which an onset reaches 1 - 1/e of full strength
LOUDNESS_RANGE_DB = 50.0  # a strike this far below the loudest one moves nothing
CLEAR_STRENGTH = 0.2  # of an onset that may count as the loudest
ACCENT_S = 2.0  # from a clear strike to a candidate that may be a beat
CLEAR_HEIGHT = 0.04  # of the scale of the envelope: what is lower is no clear strike
FULL_SCALE = 0.5  # curves that stay below it are not stretched to 1: they hold no clear strike
SUPPRESSION_S = 0.04  # within it there is one onset
HALF_LIFE_S = 0.05  # the curve decays by half in this time, so that a peak reads as motion
NEGLIGIBLE = 0.02  # below it nothing moves; a level stretch has its valley in its middle, not before the next peak


class Onsets(NamedTuple):
    """What was found in a sound. envelope: float64 (n,), onset strength at POINT_RATE points per second.

    strikes: ascending in time, in seconds from the beginning; clear ones, and candidates.
    accents: float64 (n,), how loud the onsets of both are, however clearly they stand out; `_accents` says how.
    """

    envelope: np.ndarray
    strikes: tuple[Strike, ...]
    accents: np.ndarray


def find_onsets(
    samples: np.ndarray,
    sample_rate: float,
    *,
    sensitivity: float = SENSITIVITY,
    preroll: np.ndarray | None = None,
    on_step: Callable[[int, int], object] | None = None,
) -> Onsets:
    """The onset strength of a sound and its strikes; point k of the envelope lies at k / POINT_RATE seconds.

    With B and W the band and the broadband flux and P the added power of `spectral_flux`, b and w their thresholds
    (`_thresholds`), and L(k) = clip(1 + 10 log10(P(k) / P_max) / LOUDNESS_RANGE_DB, 0, 1):

        F(k)        = max(B(k) - b(k), W(k) - w(k), 0)
        envelope(k) = (1 - exp(-F(k) / SATURATION)) L(k)

    P_max is the greatest power of an onset of at least CLEAR_STRENGTH before the factor L. A strike thus counts by how
    clearly it stands out and, compressed in decibels, by how loud it is beside the loudest one: 20 dB less is still
    0.6. Clear strikes are the local maxima of the envelope that reach CLEAR_HEIGHT of its scale; candidates are other
    local maxima, of the envelope with the lower thresholds of candidates.
    Parameters: samples (C, N) float, sample_rate in Hz. sensitivity in [0, 1] divides the thresholds of clear strikes
    by 2^(2 sensitivity - 1): 0 doubles them, 1 halves them. preroll: the samples (C, M) that came just before the
    sound, where they are known; they tell a strike on the first frame from a sound that was going on. on_step as in
    `spectral_flux`. Returns: Onsets; each value of the envelope lies in [0, 1], and steady sound gives zeros.
    Raises AudioError as `check_audio` does, KeyVIDError for another sensitivity.
    """
    check_audio(samples, sample_rate)
    check_sensitivity(sensitivity)
    return _onsets(samples, sample_rate, sensitivity, preroll, on_step)


def _onsets(
    samples: np.ndarray,
    sample_rate: float,
    sensitivity: float,
    preroll: np.ndarray | None,
    on_step: Callable[[int, int], object] | None,
) -> Onsets:
    """`find_onsets` of a sound and a sensitivity that are checked already."""
    flux = spectral_flux(np.asarray(samples), sample_rate, preroll=preroll, on_step=on_step)
    clear, candidate = _thresholds(flux, sensitivity)
    strength = _strength(flux, *clear)
    loud = strength > CLEAR_STRENGTH
    loudest = flux.power[loud].max() if loud.any() else flux.power.max()
    if loudest <= 0:
        return Onsets(np.zeros_like(strength), (), np.zeros_like(strength))
    loudness_db = 10 * np.log10(np.maximum(flux.power / loudest, 1e-12))
    loudness = np.clip(1.0 + loudness_db / LOUDNESS_RANGE_DB, 0.0, 1.0)
    envelope = strength * loudness
    candidates = _strength(flux, *candidate) * loudness
    strikes = _strikes(envelope, candidates)
    return Onsets(envelope, strikes, _accents(strikes, candidates > 0, loudness))


def onset_envelope(
    samples: np.ndarray, sample_rate: float, *, on_step: Callable[[int, int], object] | None = None
) -> np.ndarray:
    """The envelope (n,) of `find_onsets`, which says what the parameters are and what is raised."""
    return find_onsets(samples, sample_rate, on_step=on_step).envelope


def check_sensitivity(sensitivity: object) -> None:
    """Raises KeyVIDError unless the sensitivity is a number from 0 to 1."""
    is_number = isinstance(sensitivity, (int, float, np.number)) and not isinstance(
        sensitivity, bool
    )
    if not (is_number and 0 <= sensitivity <= 1):  # type: ignore
        raise KeyVIDError(
            f"The sensitivity is {sensitivity!r}; give a number from 0 (only the clearest strikes) to 1 (faint ones "
            f"too), such as {SENSITIVITY}."
        )


def _strength(flux: SpectralFlux, band: np.ndarray, broadband: np.ndarray) -> np.ndarray:
    """The strength (n,) of what exceeds the thresholds (n,) of band and broadband flux, in [0, 1)."""
    beyond = np.maximum(flux.band - band, flux.broadband - broadband)
    return 1.0 - np.exp(-np.maximum(0.0, beyond) / SATURATION)


def _thresholds(
    flux: SpectralFlux, sensitivity: float
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The thresholds (n,) of band and broadband flux for clear strikes, and those for candidates.

    Clear strikes exceed what steady sound reaches by chance: for the broadband flux a multiple of the median of its
    maxima over blocks or, where most blocks hold a strike, of their lower quartile. A candidate exceeds what this
    sound usually holds.
    """
    scale = 2.0 ** (1 - 2 * sensitivity)
    band_maxima, broadband_maxima = _block_maxima(flux.band), _block_maxima(flux.broadband)
    median, quartile = (_usual(broadband_maxima, percent) for percent in (50, 25))
    band = np.full_like(median, scale * BAND_THRESHOLD)
    broadband = scale * np.minimum(
        np.maximum(BROADBAND_THRESHOLD, MEDIAN_FACTOR * median),
        np.maximum(BROADBAND_QUARTILE_THRESHOLD, QUARTILE_FACTOR * quartile),
    )
    low_band = np.maximum(CANDIDATE_BAND, CANDIDATE_FACTOR * _usual(band_maxima, 25))
    low_broadband = np.maximum(CANDIDATE_BROADBAND, QUARTILE_FACTOR * quartile)
    # one value a block; the flux has one a point
    band, broadband, low_band, low_broadband = (
        np.repeat(values, BLOCK)[: len(flux.band)]
        for values in (
            band,
            broadband,
            np.minimum(band, low_band),
            np.minimum(broadband, low_broadband),
        )
    )
    return (band, broadband), (low_band, low_broadband)


def _block_maxima(flux: np.ndarray) -> np.ndarray:
    """The greatest value of each block of 0.1 s of a flux (n,)."""
    blocks = np.zeros(-(-len(flux) // BLOCK) * BLOCK)
    blocks[: len(flux)] = flux
    return blocks.reshape(-1, BLOCK).max(axis=1)


def _usual(block_maxima: np.ndarray, percent: int) -> np.ndarray:
    """A percentile of the block maxima (m,) over 3 s around each of them."""
    return ndimage.percentile_filter(block_maxima, percent, size=BACKGROUND_BLOCKS, mode="reflect")


def _strikes(envelope: np.ndarray, candidates: np.ndarray) -> tuple[Strike, ...]:
    """The strikes behind an envelope (n,) and the one (n,) of candidates."""
    scale = max(FULL_SCALE, float(envelope.max(initial=0.0)))
    clear = np.flatnonzero(local_maxima(envelope) >= CLEAR_HEIGHT * scale)
    width = 2 * round(SUPPRESSION_S * POINT_RATE) + 1
    taken = np.zeros(len(envelope), dtype=np.uint8)
    taken[clear] = 1
    weak = np.flatnonzero(
        (local_maxima(candidates) > 0)
        & (ndimage.maximum_filter1d(taken, width, mode="constant") == 0)
    )
    found = [Strike(k / POINT_RATE, float(envelope[k]) / scale, True) for k in clear.tolist()]
    found += [
        Strike(k / POINT_RATE, min(1.0, float(candidates[k]) / scale), False) for k in weak.tolist()
    ]
    return checked_strikes(found)


def _accents(strikes: tuple[Strike, ...], is_onset: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """L(k) of `find_onsets` (n,) wherever there is an onset (n,), if only that of a candidate; 0 elsewhere.

    Candidates come from steady noise too, so those further than ACCENT_S from every clear strike count for nothing.
    """
    near = np.zeros(len(loudness), dtype=np.uint8)
    near[[round(strike.time_s * POINT_RATE) for strike in strikes if strike.clear]] = 1
    width = 2 * round(ACCENT_S * POINT_RATE) + 1
    near = ndimage.maximum_filter1d(near, width, mode="constant")
    return np.where(is_onset & (near > 0), loudness, 0.0)


def onset_curve(
    samples: np.ndarray,
    sample_rate: float,
    *,
    n_frames: int,
    fps: float,
    sensitivity: float = SENSITIVITY,
    preroll: np.ndarray | None = None,
    on_step: Callable[[int, int], object] | None = None,
) -> MotionCurve:
    """The motion curve of a sound and its strikes: a peak on the frame of each clear strike, which decays after it.

    Parameters: samples (C, N) float, sample_rate in Hz; the curve covers the first n_frames / fps seconds, and
    is 0 past the end of a shorter sound. sensitivity and preroll as in `find_onsets`. on_step(n_done, n_steps) is
    called now and then and may raise to cancel.
    Takes the place of the learned localizer (arXiv 2504.09656, sec. 3.2).
    Returns: MotionCurve with source "onset". Raises AudioError, CurveError, KeyVIDError (frame rate, sensitivity).
    """
    onsets = clip_onsets(
        samples,
        sample_rate,
        n_frames=n_frames,
        fps=fps,
        sensitivity=sensitivity,
        preroll=preroll,
        on_step=on_step,
    )
    return motion_curve(
        onset_score(onsets.envelope, n_frames=n_frames, fps=fps),
        fps=fps,
        source="onset",
        fingerprint=fingerprint_of_checked(samples, n_frames=n_frames),
        strikes=[s for s in onsets.strikes if frame_at(s.time_s, fps=fps) < n_frames],
    )


def struck_curve(
    times_s: np.ndarray,
    strength: np.ndarray,
    samples: np.ndarray,
    *,
    n_frames: int,
    fps: float,
    source: str,
) -> MotionCurve:
    """The curve of strikes at times_s (m,), each as high as its strength (m,), in [0, 1], and decaying after it.

    A strike of strength 0 is a candidate, the others are clear; those behind the last frame are left out. samples
    (C, N), checked already, are those they were found in.
    """
    frames = frames_at(times_s, fps=fps)
    inside = frames < n_frames
    pulses = np.zeros(n_frames)
    np.maximum.at(pulses, frames[inside], strength[inside])
    rows = zip(times_s[inside].tolist(), strength[inside].tolist(), strict=True)
    return motion_curve(
        decayed(pulses, fps=fps),
        fps=fps,
        source=source,
        fingerprint=fingerprint_of_checked(samples, n_frames=n_frames),
        strikes=[(time_s, height, height > 0) for time_s, height in rows],
    )


def onset_score(envelope: np.ndarray, *, n_frames: int, fps: float) -> np.ndarray:
    """The score (n_frames,) of a clip's onset envelope (n,), each in [0, 1]: what `onset_curve` holds."""
    peaks = frame_maxima(local_maxima(envelope), n_frames=n_frames, fps=fps)
    return decayed(peaks, fps=fps) / max(FULL_SCALE, peaks.max(initial=0.0))


def clip_onsets(
    samples: np.ndarray,
    sample_rate: float,
    *,
    n_frames: int,
    fps: float,
    sensitivity: float = SENSITIVITY,
    preroll: np.ndarray | None = None,
    on_step: Callable[[int, int], object] | None = None,
) -> Onsets:
    """`find_onsets` of the first n_frames / fps seconds of samples (C, N)."""
    check_audio(samples, sample_rate)
    check_n_frames(n_frames)
    check_sensitivity(sensitivity)
    n_samples = n_samples_at(n_frames, fps=fps, sample_rate=sample_rate)
    return _onsets(samples[:, : max(1, n_samples)], sample_rate, sensitivity, preroll, on_step)


def local_maxima(envelope: np.ndarray) -> np.ndarray:
    """Non-maximum suppression of an onset envelope (n,): 0 wherever a point within SUPPRESSION_S is greater.

    A clear onset is nearly as strong a few hundredths of a second to either side, which would smear it over frames.
    Of equal neighbours the first one stays.
    """
    width = 2 * round(SUPPRESSION_S * POINT_RATE) + 1
    highest = ndimage.maximum_filter1d(envelope, width, mode="constant")
    repeats = np.zeros(len(envelope), dtype=bool)
    repeats[1:] = envelope[1:] == envelope[:-1]
    return np.where((envelope == highest) & ~repeats, envelope, 0.0)


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
