"""How a sound rises: the spectral flux behind onsets and beats, in bounded memory.

Spectral flux as an onset measure is described by Dixon, "Onset detection revisited" (DAFx 2006); comparing with the
strongest of the recent past follows the idea of Boeck and Widmer, "Maximum filter vibrato suppression" (DAFx 2013).
Here every band is measured against its own background, so one threshold serves loud, quiet, noisy and humming sound.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage

from ..timebase import fps_fraction

POINT_RATE = 200  # measurements per second; a video frame at 24 fps holds eight
ANALYSIS_RATE = 20_000  # Hz; faster sound is averaged down towards it, which onsets survive
WINDOW_S = 0.0232  # length of the sound behind one spectrum
LAG = 2  # points: about half a window, which puts the steepest rise on the onset itself
MEMORY = 10  # points before the lag whose strongest is what a rise starts from
STRIKE = 7  # points within which a strike unfolds its power
LOWEST_HZ, HIGHEST_HZ, N_BANDS = 80.0, 11_000.0, 32
BEND_HZ = 300.0  # bands are evenly wide below, evenly spaced in pitch above
BLOCK = 20  # points whose mean is one reading of the background
BACKGROUND_BLOCKS = 31  # readings (3.1 s) around a moment that make its background:
BACKGROUND_PERCENT = 35  # the level below which this share of them lies
MARGIN = 2.0  # a band counts once it exceeds this many times its background
MASKING = 1e-3  # what is 30 dB below the loudest band of a moment ago is masked by it
LIFT_MARGIN, LIFT_MASKING = 0.3, 1e-2  # the same two for all bands together
SILENT_POWER = 1e-8  # per band, for a sound whose loudest sample is 1
SILENT_POWER_FULL_SCALE = 1e-11  # per band, whatever the loudest sample: 16-bit noise lies below
AUDIBLE_POWER = 1e-9  # of all bands together, -90 dB: the dither of 16-bit sound stays below
HEARD_S = 0.25  # motion may come this much before a sound, or go on after it
OFFSET_SAMPLES = 1_000_000  # at most as many samples tell a channel's offset
CHUNK_BLOCKS = 200  # 20 s are analysed in one go
CONTEXT_BLOCKS = BACKGROUND_BLOCKS // 2 + 1  # heard on either side of them


class Rise(NamedTuple):
    """How a sound rises, at POINT_RATE points per second; point k lies at k / POINT_RATE seconds.

    contrast: float64 (n,), doublings of power over what was there, in the root mean square over bands: tells a
        note that fills few bands from what goes on in the others.
    lift: float64 (n,), doublings of the power of all bands together, each in units of its background: the chance
        ups and downs of the bands cancel, so it hears a strike in the wash of the strikes before it.
    power: float64 (n,), the power which the rise brings, in units of the loudest sample squared.
    """

    contrast: np.ndarray
    lift: np.ndarray
    power: np.ndarray


def measure_rise(samples, sample_rate, *, on_step=None):
    """The Rise of samples (C, N); the powers of channels add up, so channels cannot cancel each other.

    Memory beyond the samples is that of about 20 s of sound, whatever the length; after as much,
    on_step(n_done, n_points) is called, which may raise to cancel.
    """
    n_points = samples.shape[1] * POINT_RATE // math.ceil(sample_rate) + 1
    rise = Rise(*np.zeros((3, n_points)))
    peak = max(float(samples.max()), -float(samples.min()))
    if peak**2 < SILENT_POWER_FULL_SCALE:
        return rise
    silent_power = max(SILENT_POWER, SILENT_POWER_FULL_SCALE / peak**2)
    chunk, context = CHUNK_BLOCKS * BLOCK, CONTEXT_BLOCKS * BLOCK
    for start in range(0, n_points, chunk):
        stop = min(start + chunk, n_points)
        first, last = max(0, start - context), min(n_points, stop + context)
        bands = _band_powers(samples, sample_rate, range(first, last), gain=1 / peak)
        inner = slice(start - first, stop - first)
        for whole, part in zip(rise, _rise_of_bands(bands, silent_power), strict=True):
            whole[start:stop] = part[inner]
        if on_step:
            on_step(stop, n_points)
    return rise


def frames_near_sound(
    samples: np.ndarray, sample_rate: float, *, n_frames: int, fps: float
) -> np.ndarray:
    """Which frames of a clip lie within HEARD_S of something that can be heard: bool (n_frames,).

    samples: (C, N) float, sample_rate in Hz.
    """
    audible = audible_points(samples, sample_rate).astype(np.uint8)
    reach = 2 * round(HEARD_S * POINT_RATE) + 1
    near = ndimage.maximum_filter1d(audible, reach, mode="constant")
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


def _band_powers(samples, sample_rate, points, *, gain, offsets=None):
    """Power per band (len(points), B), float64, summed over channels; offsets (C,) are taken off before."""
    shrink = max(1, int(sample_rate // ANALYSIS_RATE))
    rate = sample_rate / shrink
    width = round(WINDOW_S * rate)
    n_fft = fft.next_fast_len(width, real=True)
    edges = _band_edges(rate, n_fft)
    centres = np.round(np.arange(points.start, points.stop) * (rate / POINT_RATE)).astype(int)
    first = centres[0] - width // 2
    starts = centres - centres[0]
    window = np.hanning(width + 2)[1:-1].astype(np.float32)
    window /= np.sqrt(n_fft * np.sum(window.astype(np.float64) ** 2))
    powers = 0.0
    for channel, offset in zip(
        samples, np.zeros(len(samples)) if offsets is None else offsets, strict=True
    ):
        heard = _stretch(channel, first, first + starts[-1] + width, shrink, gain, offset)
        frames = np.lib.stride_tricks.sliding_window_view(heard, width)[starts] * window
        spectra = fft.rfft(frames, n_fft, axis=1)
        power = spectra.real**2 + spectra.imag**2
        powers = powers + np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
    return powers.astype(np.float64)


def _band_edges(rate, n_fft):
    """First spectral line of each band and one past the last; lines 0 and 1 are offset and rumble."""
    edges_hz = np.geomspace(LOWEST_HZ + BEND_HZ, HIGHEST_HZ + BEND_HZ, N_BANDS + 1) - BEND_HZ
    lines = np.unique(np.round(edges_hz * n_fft / rate).astype(int))
    return lines[(lines >= 2) & (lines <= n_fft // 2)]


def _stretch(channel, first, last, shrink, gain, offset):
    """Samples first..last of a channel without its offset, times gain, at the analysis rate, float32.

    Before the sound there is silence, so that a strike on its very first sample counts; after it the sound is
    mirrored, so that its end is not heard as a click.
    """
    n_samples = max(1, len(channel) // shrink)
    # enough of the sound to mirror even when the stretch only brushes its end
    inside = max(0, min(first, 2 * n_samples - last)), min(last, n_samples)
    heard = channel[inside[0] * shrink : inside[1] * shrink]
    heard = (heard - offset if offset else heard) * gain
    if shrink > 1 and len(heard) >= shrink:
        heard = heard.reshape(-1, shrink).mean(axis=1)
    heard = np.pad(heard.astype(np.float32), (0, max(0, last - inside[1])), mode="symmetric")
    heard = heard[max(0, first - inside[0]) :]
    return np.pad(heard, (max(0, -first), 0))


def _rise_of_bands(bands, silent_power):
    """The Rise at each point of band powers (n, B)."""
    background = _background(bands)
    before = _strongest_before(bands)
    loudest = before.max(axis=1, keepdims=True)
    floor = np.maximum(MARGIN * background, np.maximum(MASKING * loudest, silent_power))
    # from no lower than the background: its own ups and downs are no rises
    start = np.maximum(before, background)
    doublings = np.maximum(0.0, np.log2((floor + bands) / (floor + start)))
    strike = ndimage.maximum_filter1d(bands, STRIKE, axis=0, origin=-(STRIKE // 2), mode="nearest")
    gained = np.maximum(0.0, strike - start).sum(axis=1)
    contrast = np.sqrt(np.mean(doublings**2, axis=1))
    unit = np.maximum(LIFT_MARGIN * background, np.maximum(LIFT_MASKING * loudest, silent_power))
    return Rise(contrast, _lift(bands, background, unit), gained)


def _lift(bands, background, unit):
    """Doublings of the power of all bands, measured in `unit` (n, B), over the strongest of a moment ago."""
    # of square roots: they keep one band's chance outburst from passing for all of them
    heard, scale = np.sqrt(bands), 1.0 / (np.sqrt(unit) * bands.shape[1])
    start = np.einsum("nb,nb->n", np.sqrt(background), scale)
    for ago in range(LAG, LAG + MEMORY + 1):
        past = np.einsum("nb,nb->n", heard[:-ago], scale[ago:])
        start[ago:] = np.maximum(start[ago:], past)
    now = np.einsum("nb,nb->n", heard, scale)
    return np.maximum(0.0, 2.0 * np.log2((1.0 + now) / (1.0 + start)))


def _strongest_before(bands):
    """The greatest power of each band from LAG + MEMORY to LAG points ago."""
    shift = LAG + MEMORY // 2
    padded = np.pad(bands, ((shift, 0), (0, 0)))
    return ndimage.maximum_filter1d(padded, MEMORY + 1, axis=0, mode="constant")[: len(bands)]


def _background(bands):
    """What each band usually holds around each point: a low percentile of its means over short blocks."""
    starts = np.arange(0, len(bands), BLOCK)
    lengths = np.diff(np.append(starts, len(bands)))
    means = np.add.reduceat(bands, starts, axis=0) / lengths[:, None]
    usual = ndimage.percentile_filter(
        means, BACKGROUND_PERCENT, size=(BACKGROUND_BLOCKS, 1), mode="reflect"
    )
    place = np.clip((np.arange(len(bands)) + 0.5) / BLOCK - 0.5, 0, len(usual) - 1)
    left = place.astype(int)
    right = np.minimum(left + 1, len(usual) - 1)
    share = (place - left)[:, None]
    return usual[left] * (1 - share) + usual[right] * share
