"""The localizer without weights: a motion curve that leaps where the sound is struck."""

import numpy as np
from scipy import ndimage

from ..curve import motion_curve
from ..peaks import find_strikes
from ..timebase import check_n_frames, frames_at, n_samples_at
from .checks import check_audio
from .fingerprint import fingerprint
from .onset_strength import BACKGROUND_BLOCKS, BLOCK, POINT_RATE, measure_rise

NOISE_CONTRAST = 0.65  # doublings that steady noise does not reach by chance
NOISE_LIFT = 0.35  # doublings of all bands together below which nothing counts
USUAL_LIFTS = 7.0  # times the usual lift, which steady noise does not reach by chance
FULL_CONTRAST = 1.2  # doublings beyond it after which a rise counts for two thirds
LOUDNESS_RANGE_DB = 50.0  # a strike this far below the loudest one moves nothing
CLEAR_STRENGTH = 0.2  # of a rise that may count as the loudest
FULL_SCALE = 0.5  # curves that stay below it are not stretched to 1: they hold no clear strike
MOMENT_S = 0.04  # within it there is one strike
RELEASE_HALF_LIFE_S = 0.05  # the curve falls by half in this time, so a leap reads as motion
STILL = 0.02  # below it nothing moves; a level stretch has its valley in the middle, not before the next leap


def onset_envelope(samples, sample_rate, *, on_step=None):
    """How hard the sound is struck, POINT_RATE times a second; point k lies at k / POINT_RATE seconds.

    A strike counts by how clearly it stands out from what was there (its contrast) and, compressed in
    decibels, by how loud it is beside the loudest strike of the sound: 20 dB less is still 0.6.
    Parameters: samples (C, N) float, sample_rate in Hz. Returns: float64 (n,), each in [0, 1]; steady sound gives
    zeros. Raises AudioError as `check_audio` does.
    """
    check_audio(samples, sample_rate)
    contrast, lift, power = measure_rise(np.asarray(samples), sample_rate, on_step=on_step)
    beyond = np.maximum(contrast - NOISE_CONTRAST, lift - _usual_lift(lift))
    strength = 1.0 - np.exp(-np.maximum(0.0, beyond) / FULL_CONTRAST)
    clear = strength > CLEAR_STRENGTH
    loudest = power[clear].max() if clear.any() else power.max()
    if loudest <= 0:
        return np.zeros_like(strength)
    loudness_db = 10 * np.log10(np.maximum(power / loudest, 1e-12))
    return strength * np.clip(1.0 + loudness_db / LOUDNESS_RANGE_DB, 0.0, 1.0)


def _usual_lift(lift):
    """The lift (n,) that is no strike around each point, from what most moments nearby reach."""
    blocks = np.zeros(-(-len(lift) // BLOCK) * BLOCK)
    blocks[: len(lift)] = lift
    usual = ndimage.median_filter(
        blocks.reshape(-1, BLOCK).max(axis=1), size=BACKGROUND_BLOCKS, mode="reflect"
    )
    return np.maximum(NOISE_LIFT, USUAL_LIFTS * np.repeat(usual, BLOCK)[: len(lift)])


def onset_curve(samples, sample_rate, *, n_frames, fps, on_step=None):
    """The motion curve of a sound: it leaps on the frame of each strike and falls away after it.

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
        fingerprint=fingerprint(samples, sample_rate, n_frames=n_frames),
    )


def onset_score(envelope, *, n_frames, fps):
    """The score (n_frames,) of a clip's onset envelope, each in [0, 1]: what `onset_curve` holds."""
    leaps = frame_maxima(moments(envelope), n_frames=n_frames, fps=fps)
    return released(leaps, fps=fps) / max(FULL_SCALE, leaps.max(initial=0.0))


def onset_frames(envelope, *, n_frames, fps):
    """The frames on which the sound is struck clearly enough for a keyframe, however close together: ascending ints."""
    return find_strikes(onset_score(envelope, n_frames=n_frames, fps=fps), distance=1)[0].tolist()


def clip_envelope(samples, sample_rate, *, n_frames, fps, on_step=None):
    """The onset envelope of the first n_frames / fps seconds of samples (C, N)."""
    check_audio(samples, sample_rate)
    check_n_frames(n_frames)
    n_samples = n_samples_at(n_frames, fps=fps, sample_rate=sample_rate)
    return onset_envelope(samples[:, : max(1, n_samples)], sample_rate, on_step=on_step)


def moments(envelope):
    """An onset envelope (n,) reduced to the points that no point within MOMENT_S surpasses, 0 elsewhere.

    A clear rise is nearly as strong a few hundredths of a second to either side, which would smear it over frames.
    """
    reach = 2 * round(MOMENT_S * POINT_RATE) + 1
    highest = ndimage.maximum_filter1d(envelope, reach, mode="constant")
    return np.where(envelope == highest, envelope, 0.0)


def frame_maxima(points, *, n_frames, fps):
    """The greatest of the points (POINT_RATE a second) that fall on each frame (n_frames,), by `frame_at`'s rule."""
    frames = frames_at(np.arange(len(points)) / POINT_RATE, fps=fps)
    inside = frames < n_frames
    maxima = np.zeros(n_frames)
    np.maximum.at(maxima, frames[inside], points[inside])
    return maxima


def released(leaps, *, fps):
    """Leaps (n_frames,) that fall away by half every RELEASE_HALF_LIFE_S instead of at once."""
    keep = 0.5 ** (1 / (fps * RELEASE_HALF_LIFE_S))
    score = np.array(leaps, dtype=np.float64)
    for frame in range(1, len(score)):
        score[frame] = max(score[frame], score[frame - 1] * keep)
    score[score < STILL] = 0.0
    return score
