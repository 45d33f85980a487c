"""Which stretches of a video come from which painted window, and what a retake changes about that."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...errors import PlanError


@dataclass(frozen=True)
class Stretch:
    """Frames first <= frame < end of a video, which come from one painted window.

    key: the window's name in the store; offset: where its frame `first` is in what is stored of it.
    """

    first: int
    end: int
    key: str
    offset: int = 0


def retaken(stretches: Sequence[Stretch], new: Iterable[Stretch]) -> list[Stretch]:
    """The stretches of a video, ascending, after `new` ones have taken the place of their frames."""
    kept = list(stretches)
    for one in new:
        parts = []
        for old in kept:
            if old.first < one.first:
                parts.append(replace(old, end=min(old.end, one.first)))
            if old.end > one.end:
                first = max(old.first, one.end)
                parts.append(replace(old, first=first, offset=old.offset + first - old.first))
        kept = sorted([*parts, one], key=lambda stretch: stretch.first)
    return kept


def covers(stretches: Sequence[Stretch], n_frames: int) -> bool:
    """Whether ascending stretches are the frames 0 to n_frames - 1, each once."""
    ends = [0, *(stretch.end for stretch in stretches)]
    return ends[-1] == n_frames and all(
        stretch.first == end < stretch.end for stretch, end in zip(stretches, ends, strict=False)
    )


def frames_to_retake(text: str, n_frames: int) -> range | None:
    """The frames that "49-59" names, both included; one alone is "49"; None for an empty text.

    Raises PlanError for another text and for frames outside the clip.
    """
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d{1,9})\s*(?:[-–:]\s*(\d{1,9})\s*)?", text)
    if match is None:
        raise PlanError(
            f'The frames to render again are "{text.strip()[:40]}"; write the first and the last, such as 49-59, or '
            "nothing for the whole video."
        )
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    if not first <= last < n_frames:
        raise PlanError(
            f"The frames to render again are {first} to {last}, but the clip has frames 0 to {n_frames - 1}, and the "
            "first must not lie after the last."
        )
    return range(first, last + 1)
