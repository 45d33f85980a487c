"""Frames, seconds and samples: the one place where they are turned into each other.

Frames are authoritative and seconds are derived. `tests/timebase_table.json` holds cases and
results for every implementation of the rules, in any language.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..errors import KeyVIDError
from .values import shown

FPS = 24.0  # video rate of the published models (arXiv 2504.09656, sec. 4)
N_FRAMES = 48  # frames of one clip: 2 s at 24 fps (sec. 4)
MAX_N_FRAMES = 432_000  # half an hour at 240 fps, five at 24: beyond this a number is a typing slip
# half the step from 24000/1001 to 24, the two nearest rates in use: what lies closer is one rate, otherwise rounded
RATE_TOLERANCE = 0.0005


def frame_at(time_s: float, *, fps: float) -> int:
    """The frame nearest to a time; exactly between two frames the later one.

    This is the only rounding rule: floor(time_s * fps + 1/2), which is what JavaScript's Math.round does.

    Parameters: time_s in seconds (float); fps in frames per second (float > 0).
    Returns: int frame index, frame 0 being the one shown at 0 s. Negative times give negative frames.
    """
    return math.floor(time_s * fps + 0.5)


def frames_at(times_s: object, *, fps: float) -> np.ndarray:
    """`frame_at` for an array of times in seconds: an int array of the same shape."""
    return np.floor(np.asarray(times_s) * fps + 0.5).astype(int)


def sample_at(time_s: float, *, sample_rate: float) -> int:
    """The audio sample nearest to a time in seconds, by the same rule as `frame_at`."""
    return math.floor(time_s * sample_rate + 0.5)


def time_at(frame: float, *, fps: float) -> float:
    """The time in seconds at which a frame is first shown: frame / fps."""
    return frame / fps


def fps_fraction(fps: float | Fraction) -> Fraction:
    """The frame rate as an exact fraction, so that lengths never drift (23.976 is 2997/125).

    Raises KeyVIDError unless 1 <= fps <= 240.
    """
    # the range first: a whole number of 400 digits is too long for isfinite
    if not (isinstance(fps, (int, float, Fraction)) and 1 <= fps <= 240):
        raise KeyVIDError(
            f"The frame rate is {shown(fps)}; give a number of frames per second from 1 to 240, such as 24."
        )
    return Fraction(fps).limit_denominator(1001)


def same_rate(a: float, b: float, *, n_frames: int) -> bool:
    """Whether two frame rates are one and the same in a clip of `n_frames` frames: 23.976 and 24000/1001 are.

    They are when one is the other rounded and no frame of the clip lands elsewhere: frame k of the one is shown at
    frame k * b / a of the other, which rounds to k as long as it is off by less than half a frame. An NTSC rate and
    its three decimals differ by 1e-6, less than half a frame in the longest clip there is.
    Parameters: a and b in frames per second.
    """
    difference = abs(a - b) / min(a, b)
    return difference < RATE_TOLERANCE and n_frames * difference < 0.5


def rounded_rate(fps: float) -> float:
    """A frame rate with three decimals, int if whole: one number however an NTSC rate was written."""
    thousandths = math.floor(fps * 1000 + 0.5)  # not round(): JavaScript's rule
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000


def distinct_texts(a: float, b: float, formats: Sequence[str] = ("g", ".9g")) -> tuple[str, str]:
    """Two numbers as an error message quotes them: in the first of the formats in which they differ, else the first."""
    texts = [(format(a, one), format(b, one)) for one in formats]
    return next((pair for pair in texts if pair[0] != pair[1]), texts[0])


def check_n_frames(n_frames: int) -> None:
    """Raises KeyVIDError unless `n_frames` is a whole number from 2 to MAX_N_FRAMES."""
    is_whole = isinstance(n_frames, int) and not isinstance(n_frames, bool)
    if not (is_whole and 2 <= n_frames <= MAX_N_FRAMES):
        value = f"a {type(n_frames).__name__}" if not is_whole else n_frames
        raise KeyVIDError(
            f"The number of frames is {value}; it must be one whole number from 2 to {MAX_N_FRAMES}. "
            "Connect the frames output of Clip Audio."
        )


def n_samples_at(n_frames: int, *, fps: float | Fraction, sample_rate: float) -> int:
    """How many audio samples `n_frames` frames last, rounded once at the end (half up): no drift over length.

    Parameters: n_frames (int >= 0); fps in frames per second; sample_rate in Hz.
    """
    return math.floor(n_frames * sample_rate / fps_fraction(fps) + Fraction(1, 2))


def n_frames_in(n_samples: int, *, fps: float | Fraction, sample_rate: float) -> int:
    """How many whole frames fit into `n_samples` samples."""
    whole = math.floor(n_samples * fps_fraction(fps) / sample_rate) + 1
    # n_samples_at rounds, so the last frame may end up to half a sample past the sound
    while whole > 0 and n_samples_at(whole, fps=fps, sample_rate=sample_rate) > n_samples:
        whole -= 1
    return whole
