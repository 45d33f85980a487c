"""Frames and values as text, for other nodes and for people: "0, 7, 12" and "0:(1.000), 1:(0.250)"."""

import re
from collections.abc import Iterable

import numpy as np

from ..errors import CurveError, PlanError
from .timebase import MAX_N_FRAMES

NO_FRAMES = "none"  # in the place of a list: what would be chosen is nothing
_EXAMPLE = 'write frames like "0, 7, 12" or a schedule like "0:(1.0), 7:(0.5)".'


def frames_to_text(frames: Iterable[int]) -> str:
    """Frames as "0, 7, 12"."""
    return ", ".join(str(int(frame)) for frame in frames)


def there_are(n: int, noun: str) -> str:
    """The beginning of a sentence: "There is 1 image", "There are 3 images"."""
    return f"There is 1 {noun}" if n == 1 else f"There are {n} {noun}s"


def frames_from_text(text: str) -> list[int]:
    """Frames from a list ("0, 7, 12"; commas, spaces or lines; brackets allowed) or a schedule ("0:(1.0), 7:(0.5)").

    Returns: ascending list of unique ints. Raises PlanError naming what is not a frame, comes twice or is out of order.
    """
    if not isinstance(text, str) or not text.strip():
        raise PlanError(f"The list of frames is empty; {_EXAMPLE}")
    text = text.strip().lstrip("\ufeff")
    if ":" in text:
        words = _schedule_frames(text)
    else:
        if text.startswith("[") and text.endswith("]"):
            text = text[1:-1]
        words = [word for word in re.split(r"[\s,;]+", text) if word]
        if not words:
            raise PlanError(f"The list of frames is empty; {_EXAMPLE}")
    frames = [_frame(word) for word in words]
    for earlier, later in zip(frames, frames[1:], strict=False):
        if later == earlier:
            raise PlanError(f"The list of frames has {later} twice; delete one of them.")
        if later < earlier:
            raise PlanError(
                f"The list of frames has {later} after {earlier}; put the frames in order of time."
            )
    return frames


def values_to_schedule(values: object) -> str:
    """Values (n,), one per frame, as a schedule with three decimals: "0:(1.000), 1:(0.250)". Raises CurveError."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise CurveError(
            f"Values of shape {array.shape} cannot become a schedule; give one finite number per frame."
        )
    return ", ".join(f"{frame}:({value:.3f})" for frame, value in enumerate(array))


def _schedule_frames(text: str) -> list[str]:
    """The words before each ":(...)"; the value in the brackets may be any expression."""
    words, rest = [], text
    while rest:
        word, colon, rest = rest.partition(":")
        rest = rest.lstrip()
        end = _closing_bracket(rest)
        if not colon or not end:
            raise PlanError(
                f"The schedule has no value in round brackets after {_quoted(word)}; {_EXAMPLE}"
            )
        words.append(word.strip())
        rest = rest[end + 1 :].lstrip(" \t\r\n,;")
    return words


def _closing_bracket(text: str) -> int | None:
    """Where the round bracket that text opens with is closed; 0 or None if there is none."""
    depth = 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth <= 0:
            return i
    return None


def _frame(word: str) -> int:
    # \d would accept digits of other scripts
    if not re.fullmatch(r"[0-9]{1,12}", word) or int(word) >= MAX_N_FRAMES:
        raise PlanError(
            f"{_quoted(word)} in the list of frames is not a whole number from 0 to {MAX_N_FRAMES - 1}; {_EXAMPLE}"
        )
    return int(word)


def _quoted(word: str) -> str:
    word = word.strip()
    return f'"{word}"' if len(word) <= 40 else f'"{word[:37]}..."'
