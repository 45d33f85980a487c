"""Spectral flux, which onsets and beats are found by, in bounded memory.

Spectral flux as a measure of onset strength is described by Dixon, "Onset detection revisited" (DAFx 2006); comparing
with the strongest of the recent past follows the idea of Boeck and Widmer, "Maximum filter vibrato suppression for
onset detection" (DAFx 2013). Here each band is measured against its own background, so that one threshold serves
loud, quiet, noisy and humming sound.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from ..timebase import fps_fraction

POINT_RATE = 200  # measurements per second; a video frame at 24 fps holds eight
ANALYSIS_RATE = 20_000  # Hz; faster sound is averaged down towards it, which onsets survive
WINDOW_S = 0.0232  # length of the sound behind one spectrum
LAG = 2  # points: about half a window, which puts the steepest increase on the onset itself
MEMORY = 10  # points before the lag whose strongest is the reference of the flux
STRIKE = 7  # points within which a strike unfolds its power
LOWEST_HZ, HIGHEST_HZ, N_BANDS = 80.0, 11_000.0, 32
BEND_HZ = 300.0  # bands are evenly wide below, evenly spaced in pitch above
BLOCK = 20  # points whose mean is one reading of the background
BACKGROUND_BLOCKS = 31  # readings (3.1 s) around a point that make its background:
BACKGROUND_PERCENT = 35  # the level below which this share of them lies
MARGIN = 0.35  # of the background is added before and after, so that its chance ups and downs weigh little
MASKING = 1e-5  # what is 50 dB below the loudest band of the reference is masked by it
BROADBAND_MARGIN, BROADBAND_MASKING = 0.3, 1e-2  # the same two for all bands together
SILENT_POWER = 1e-8  # per band, for a sound whose loudest sample is 1
SILENT_POWER_FULL_SCALE = (
    3e-12  # per band, whatever the loudest sample: the dither of 16 bits lies below
)
AUDIBLE_POWER = 1e-9  # of all bands together, -90 dB: the dither of 16-bit sound stays below
NEAR_SOUND_S = 0.25  # motion may come this much before a sound, or continue after it
OFFSET_SAMPLES = 1_000_000  # at most as many samples of a channel are used to measure its offset
EDGE = 3  # points at the beginning whose windows reach out of the sound
# points (60 to 200 ms) that tell what was going on when the sound begins
AFTER_EDGE = slice(12, 40)
# what a band may have held before, in what it holds at the edge and what it usually holds later
PAST_OF_EDGE, PAST_OF_USUAL = 2.0, 1.5
FLANK = 8  # points within which two increases are one strike
CHUNK_BLOCKS = 200  # 20 s are analysed in one go
CONTEXT_BLOCKS = BACKGROUND_BLOCKS // 2 + 1  # analysed in addition on either side of them


class SpectralFlux(NamedTuple):
    """How a sound's power increases, at POINT_RATE points per second; point k lies at k / POINT_RATE seconds.

    band: float64 (n,), doublings of power over the reference, in the mean over bands: a strike raises many bands at
        once by little or much, and what goes on beside it few, so the mean tells them apart better than the square.
    broadband: float64 (n,), doublings of the power of all bands together, each in units of its background: the
        chance ups and downs of the bands cancel, so a strike shows in the wash of the strikes before it.
    power: float64 (n,), the power that is added, in units of the loudest sample squared.
    """

    band: np.ndarray
    broadband: np.ndarray
    power: np.ndarray


def spectral_flux(
    samples: np.ndarray,
    sample_rate: float,
    *,
    preroll: np.ndarray | None = None,
    on_step: Callable[[int, int], object] | None = None,
) -> SpectralFlux:
    """The SpectralFlux of samples (C, N) at sample_rate Hz; preroll: the samples (C, M) before them, if known.

    With X_b(k) the power of band b at point k (summed over channels, so that channels cannot cancel each other), N_b(k)
    its background (a low percentile over 3 s), and j from LAG to LAG + MEMORY:

        P_b(k) = max_j X_b(k - j)                          strongest of the recent past
        R_b(k) = max(N_b(k), P_b(k))                       reference
        M_b(k) = max(MARGIN N_b(k), MASKING max_c P_c(k), silence)
        band(k)      = mean_b max(0, log2((M_b + X_b) / (M_b + R_b)))
        power(k)     = sum_b max(0, max_{0 <= i < STRIKE} X_b(k + i) - R_b(k))
        broadband(k) = max(0, 2 log2((1 + Y(k, 0)) / (1 + max(Y_N(k), max_j Y(k, j)))))

    Y(k, j) = mean_b sqrt(X_b(k - j) / U_b(k)), Y_N is the same of N_b, and U_b is M_b with the two constants of
    BROADBAND_*. What lies before the sound is the preroll, or what `_with_past` supposes. Memory beyond the samples is
    that of about 20 s of sound, whatever the length; after as much, on_step(n_done, n_points) is called, which may
    raise to cancel.
    """
    n_points = samples.shape[1] * POINT_RATE // math.ceil(sample_rate) + 1
    flux = SpectralFlux(*np.zeros((3, n_points)))
    peak = max(float(samples.max()), -float(samples.min()))
    if peak**2 < SILENT_POWER_FULL_SCALE:
        return flux
    silent_power = max(SILENT_POWER, SILENT_POWER_FULL_SCALE / peak**2)
    chunk, context = CHUNK_BLOCKS * BLOCK, CONTEXT_BLOCKS * BLOCK
    for start in range(0, n_points, chunk):
        stop = min(start + chunk, n_points)
        first, last = max(0, start - context), min(n_points, stop + context)
        bands = _band_powers(samples, sample_rate, range(first, last), gain=1 / peak)
        lead = 0
        if first == 0:
            before = _junction(samples, sample_rate, preroll, gain=1 / peak)
            bands, lead = _with_past(bands, before), BLOCK
        part = _flux_of_bands(bands, silent_power)
        if lead:
            _end_flank(part.band, lead)
            _end_flank(part.broadband, lead)
        inner = slice(start - first + lead, stop - first + lead)
        for whole, values in zip(flux, part, strict=True):
            whole[start:stop] = values[inner]
        if on_step:
            on_step(stop, n_points)
    return flux


def frames_near_sound(
    samples: np.ndarray, sample_rate: float, *, n_frames: int, fps: float
) -> np.ndarray:
    """Which frames of a clip lie within NEAR_SOUND_S of something audible: bool (n_frames,).

    samples: (C, N) float, sample_rate in Hz.
    """
    audible = audible_points(samples, sample_rate).astype(np.uint8)
    width = 2 * round(NEAR_SOUND_S * POINT_RATE) + 1
    near = ndimage.maximum_filter1d(audible, width, mode="constant")
    times_s = np.arange(n_frames) / float(fps_fraction(fps))
    return np.interp(times_s, np.arange(len(near)) / POINT_RATE, near, right=0) > 0


def audible_points(samples: np.ndarray, sample_rate: float) -> np.ndarray:
    """Where samples (C, N) hold any sound: bool (n,), POINT_RATE points per second.

    Less than AUDIBLE_POWER is no sound, and neither is a constant offset.
    """
    n_points = samples.shape[1] * POINT_RATE // math.ceil(sample_rate) + 1
    audible = np.zeros(n_points, dtype=bool)
    # the median: a strike in silence does not shift it, which would leave a step at the beginning
    every = 1 + samples.shape[1] // OFFSET_SAMPLES
    offsets = np.median(samples[:, ::every], axis=1)
    for start in range(0, n_points, CHUNK_BLOCKS * BLOCK):
        points = range(start, min(start + CHUNK_BLOCKS * BLOCK, n_points))
        powers = _band_powers(samples, sample_rate, points, gain=1.0, offsets=offsets)
        audible[start : points.stop] = powers.sum(axis=1) > AUDIBLE_POWER
    return audible


def _band_powers(
    samples: np.ndarray,
    sample_rate: float,
    points: range,
    *,
    gain: float,
    offsets: np.ndarray | None = None,
) -> np.ndarray:
    """Power per band (len(points), B), float64, summed over channels; offsets (C,) are subtracted before."""
    factor = max(1, int(sample_rate // ANALYSIS_RATE))
    rate = sample_rate / factor
    width = round(WINDOW_S * rate)
    n_fft = cast(int, fft.next_fast_len(width, real=True))
    edges = _band_edges(rate, n_fft)
    centres = np.round(np.arange(points.start, points.stop) * (rate / POINT_RATE)).astype(int)
    first = centres[0] - width // 2
    starts = centres - centres[0]
    window = np.hanning(width + 2)[1:-1].astype(np.float32)
    window /= np.sqrt(n_fft * np.sum(window.astype(np.float64) ** 2))
    powers = np.zeros((len(points), len(edges) - 1), dtype=np.float32)
    for channel, offset in zip(
        samples, np.zeros(len(samples)) if offsets is None else offsets, strict=True
    ):
        piece = _piece(channel, first, first + starts[-1] + width, factor, gain, offset)
        frames = np.lib.stride_tricks.sliding_window_view(piece, width)[starts] * window
        spectra: NDArray[np.complex64] = np.asarray(fft.rfft(frames, n_fft, axis=1))
        power = spectra.real**2 + spectra.imag**2
        powers = powers + np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
    return powers.astype(np.float64)


def _band_edges(rate: float, n_fft: int) -> np.ndarray:
    """First spectral line of each band and one past the last; lines 0 and 1 are offset and rumble."""
    edges_hz = np.geomspace(LOWEST_HZ + BEND_HZ, HIGHEST_HZ + BEND_HZ, N_BANDS + 1) - BEND_HZ
    lines = np.unique(np.round(edges_hz * n_fft / rate).astype(int))
    return lines[(lines >= 2) & (lines <= n_fft // 2)]


def _piece(
    channel: np.ndarray, first: int, last: int, factor: int, gain: float, offset: float
) -> np.ndarray:
    """Samples first..last of a channel without its offset, times gain, at the analysis rate, float32.

    factor: samples averaged into one. Before the sound there is silence, so that a strike on its very first sample
    counts; after it the sound is mirrored, so that its end is not taken for a click.
    """
    n_samples = max(1, len(channel) // factor)
    # enough of the sound to mirror even when the piece only brushes its end
    inside = max(0, min(first, 2 * n_samples - last)), min(last, n_samples)
    piece = channel[inside[0] * factor : inside[1] * factor]
    piece = (piece - offset if offset else piece) * gain
    if factor > 1 and len(piece) >= factor:
        piece = piece.reshape(-1, factor).mean(axis=1)
    piece = np.pad(piece.astype(np.float32), (0, max(0, last - inside[1])), mode="symmetric")
    piece = piece[max(0, first - inside[0]) :]
    return np.pad(piece, (max(0, -first), 0))


def _with_past(bands: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """Band powers (n, B) of the beginning of a sound, behind BLOCK points of what was before it.

    before: the powers (BLOCK + EDGE, B) around the beginning, where it is known what was before. Elsewhere the clip may
    be cut out of a sound that goes on, and silence before it would make a strike of the cut. So each band is supposed
    to have held what it holds a moment after the beginning, and no more than it holds at the beginning: a strike on the
    first sample has faded by then, and a chord has not. Both a little more: one reading of a band may be low by chance,
    and an increase is measured from the strongest of several, which in noise is 1.4 to 4 times the usual power.
    """
    bands = bands.copy()
    edge = min(EDGE, len(bands) - 1)
    if before is not None:
        bands[:edge] = before[BLOCK : BLOCK + edge]
        return np.concatenate([before[:BLOCK], bands])
    bands[:edge] = bands[edge]
    if len(bands) < AFTER_EDGE.stop:  # a clip of a few frames is too short to tell
        past = bands.mean(axis=0)
    else:
        usual = np.median(bands[AFTER_EDGE], axis=0)
        past = np.minimum(PAST_OF_EDGE * bands[edge], PAST_OF_USUAL * usual)
    return np.concatenate([np.repeat(past[None], BLOCK, axis=0), bands])


def _junction(
    samples: np.ndarray, sample_rate: float, preroll: np.ndarray | None, *, gain: float
) -> np.ndarray | None:
    """Band powers (BLOCK + EDGE, B) from BLOCK points before the beginning of samples (C, N) on; None without preroll.

    Of a preroll shorter than that the first powers are repeated.
    """
    if preroll is None or not preroll.shape[1]:
        return None
    n_before = round(preroll.shape[1] * POINT_RATE / sample_rate)
    n_after = round(2 * WINDOW_S * sample_rate)
    around = np.concatenate([preroll, samples[:, :n_after]], axis=1)
    points = range(max(0, n_before - BLOCK), n_before + EDGE)
    powers = _band_powers(around, sample_rate, points, gain=gain)
    missing = BLOCK + EDGE - len(powers)
    return np.pad(powers, ((missing, 0), (0, 0)), mode="edge")


def _end_flank(flux: np.ndarray, lead: int) -> None:
    """Zeroes, in place, what after `lead` points belongs to a greater flux before them: a strike before the cut."""
    for k in range(lead, min(lead + FLANK, len(flux))):
        if flux[k - FLANK : lead].max() > flux[k]:
            flux[k] = 0.0


def _flux_of_bands(bands: np.ndarray, silent_power: float) -> SpectralFlux:
    """The SpectralFlux at each point of band powers (n, B); the formula is that of `spectral_flux`."""
    background = _background(bands)
    recent = _strongest_before(bands)
    loudest = recent.max(axis=1, keepdims=True)
    floor = np.maximum(MARGIN * background, np.maximum(MASKING * loudest, silent_power))
    # no lower than the background: its own ups and downs are no onsets
    reference = np.maximum(recent, background)
    doublings = np.maximum(0.0, np.log2((floor + bands) / (floor + reference)))
    strike = ndimage.maximum_filter1d(bands, STRIKE, axis=0, origin=-(STRIKE // 2), mode="nearest")
    power = np.maximum(0.0, strike - reference).sum(axis=1)
    unit = np.maximum(
        BROADBAND_MARGIN * background, np.maximum(BROADBAND_MASKING * loudest, silent_power)
    )
    return SpectralFlux(doublings.mean(axis=1), _broadband_flux(bands, background, unit), power)


def _broadband_flux(bands: np.ndarray, background: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Doublings (n,) of the power of all bands, measured in `unit` (n, B), over the strongest of the recent past."""
    # of square roots: they keep one band's chance outburst from passing for all of them
    roots, scale = np.sqrt(bands), 1.0 / (np.sqrt(unit) * bands.shape[1])
    reference = np.einsum("nb,nb->n", np.sqrt(background), scale)
    for ago in range(LAG, LAG + MEMORY + 1):
        past = np.einsum("nb,nb->n", roots[:-ago], scale[ago:])
        reference[ago:] = np.maximum(reference[ago:], past)
    now = np.einsum("nb,nb->n", roots, scale)
    return np.maximum(0.0, 2.0 * np.log2((1.0 + now) / (1.0 + reference)))


def _strongest_before(bands: np.ndarray) -> np.ndarray:
    """The greatest power (n, B) of each band from LAG + MEMORY to LAG points ago."""
    shift = LAG + MEMORY // 2
    padded = np.pad(bands, ((shift, 0), (0, 0)))
    return ndimage.maximum_filter1d(padded, MEMORY + 1, axis=0, mode="constant")[: len(bands)]


def _background(bands: np.ndarray) -> np.ndarray:
    """The usual power (n, B) of each band around each point: a low percentile of its means over short blocks."""
    starts = np.arange(0, len(bands), BLOCK)
    lengths = np.diff(np.append(starts, len(bands)))
    means = np.add.reduceat(bands, starts, axis=0) / lengths[:, None]
    usual = ndimage.percentile_filter(
        means, BACKGROUND_PERCENT, size=(BACKGROUND_BLOCKS, 1), mode="reflect"
    )
    index = np.clip((np.arange(len(bands)) + 0.5) / BLOCK - 0.5, 0, len(usual) - 1)
    left = index.astype(int)
    right = np.minimum(left + 1, len(usual) - 1)
    share = (index - left)[:, None]
    return usual[left] * (1 - share) + usual[right] * share
