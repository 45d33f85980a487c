"""What a keyframe plan is, and what makes one valid; `plan_document.py` is its JSON form."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import KeyVIDError, PlanError
from .timebase import MAX_N_FRAMES, fps_fraction
from .values import is_whole, plain_number, plain_value, shown

KINDS = ("first", "peak", "valley", "fill", "manual")
EDIT = "edit"  # source of a keyframe the artist placed or changed
# source of a fill that took the place of something deleted; no decision of the artist
REFILL = "refill"
MAX_PROMPT = 2000  # characters of a keyframe's own words; far more than any text encoder reads
MAX_IMAGE = 500  # characters of the name of an image file, with its folders


@dataclass(frozen=True)
class Keyframe:
    """One keyframe. prompt: its own words; image: its own image, a file's name in ComfyUI's input folder, such as
    "board/12.png". Only the artist gives these; empty for none. extra: fields of its document that this version does
    not know.
    """

    frame: int
    kind: str
    locked: bool = False
    source: str = ""
    extra: dict = field(default_factory=dict)
    prompt: str = ""
    image: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it has what only an artist gives: a lock, words or an image of its own."""
        return self.locked or bool(self.prompt) or bool(self.image)


@dataclass(frozen=True)
class KeyframePlan:
    """A plan as `make_plan` checks it: unique ascending keyframes, frame 0 first, `count` of them."""

    fps: float
    n_frames: int
    count: int
    fingerprint: dict | None
    keyframes: tuple[Keyframe, ...]
    extra: dict = field(default_factory=dict)

    @property
    def frames(self) -> list[int]:
        """Frames of the keyframes, ascending."""
        return [keyframe.frame for keyframe in self.keyframes]

    @property
    def images(self) -> list[str]:
        """Names of the keyframes' own images, in order of time."""
        return [keyframe.image for keyframe in self.keyframes if keyframe.image]


def make_plan(
    keyframes: Iterable[Keyframe],
    *,
    fps: float,
    n_frames: int,
    fingerprint: dict | None = None,
    extra: dict | None = None,
) -> KeyframePlan:
    """A checked KeyframePlan from Keyframes in ascending order, the first at frame 0.

    fps in frames per second; n_frames of the clip. Raises PlanError with the frame or value at fault.
    """
    keyframes = tuple(keyframes)
    plan = KeyframePlan(
        fps=_checked_fps(fps),
        n_frames=_checked_n_frames(n_frames),
        count=len(keyframes),
        fingerprint=checked_fingerprint(fingerprint),
        keyframes=keyframes,
        extra=dict(extra or {}),
    )
    for number, keyframe in enumerate(plan.keyframes, start=1):
        _check_keyframe(keyframe, number, plan.n_frames)
    _check_order(plan.frames)
    return plan


def plan_at_frames(
    frames: Iterable[object],
    *,
    fps: float,
    n_frames: int,
    fingerprint: dict | None = None,
    source: str = EDIT,
) -> KeyframePlan:
    """A plan of manual keyframes at these frames, in any order; frame 0 must be among them. 7.0 counts as 7.

    Raises PlanError.
    """
    _checked_n_frames(n_frames)
    whole = sorted(whole_frame(plain_number(frame), n_frames) for frame in frames)
    keyframes = [Keyframe(f, "manual" if f else "first", source=source) for f in whole]
    return make_plan(keyframes, fps=fps, n_frames=n_frames, fingerprint=fingerprint)


def with_keyframes(plan: KeyframePlan, keyframes: Iterable[Keyframe]) -> KeyframePlan:
    """The plan with other keyframes, sorted and checked. Raises PlanError."""
    ordered = sorted(keyframes, key=lambda keyframe: keyframe.frame)
    return make_plan(
        ordered,
        fps=plan.fps,
        n_frames=plan.n_frames,
        fingerprint=plan.fingerprint,
        extra=plan.extra,
    )


def whole_frame(value: object, n_frames: int) -> int:
    """A frame of the clip as int. Raises PlanError unless it is a whole number from 0 to n_frames - 1."""
    frame = plain_value(value)
    if not is_whole(frame):
        raise PlanError(f"The frame {shown(frame)} is not a whole number; write it like 7.")
    if not 0 <= frame < n_frames:
        raise PlanError(
            f"Frame {shown(frame)} lies outside the clip of {n_frames} frames; use 0 to {n_frames - 1}."
        )
    return frame


def _checked_fps(fps: Any) -> float:
    try:
        fps_fraction(math.nan if isinstance(fps, bool) else fps)
    except (KeyVIDError, OverflowError):
        raise PlanError(
            f"The plan's fps is {shown(fps)}; give a number of frames per second from 1 to 240, such as 24."
        ) from None
    return float(fps)


def _checked_n_frames(n_frames: object) -> int:
    if not (is_whole(n_frames) and 2 <= n_frames <= MAX_N_FRAMES):
        raise PlanError(
            f"The plan's n_frames is {shown(n_frames)}; give the clip's length as a whole number "
            f"of frames from 2 to {MAX_N_FRAMES}."
        )
    return n_frames


def checked_fingerprint(fingerprint: Any) -> dict | None:
    """A fingerprint as `audio.fingerprint` makes it, or None. Raises PlanError for anything else."""
    if fingerprint is None:
        return None
    loudness = fingerprint.get("loudness") if isinstance(fingerprint, dict) else None
    levels_fit = isinstance(loudness, list) and all(is_whole(level) for level in loudness)
    if not (levels_fit and is_whole(fingerprint.get("n_frames"))):
        raise PlanError(
            f"The sound's fingerprint is {shown(fingerprint)}, which describes no sound; "
            "set it to null, and the plan fits any sound."
        )
    return fingerprint


def _check_keyframe(keyframe: Keyframe, number: int, n_frames: int) -> None:
    if not is_whole(keyframe.frame):
        raise PlanError(
            f"Keyframe {number} of the plan has frame {shown(keyframe.frame)}; write a whole number like 7."
        )
    if not 0 <= keyframe.frame < n_frames:
        raise PlanError(
            f"Keyframe {number} of the plan is at frame {shown(keyframe.frame)}, outside the clip of {n_frames} "
            f"frames; use a frame from 0 to {n_frames - 1}."
        )
    where = f"The keyframe at frame {keyframe.frame}"
    if keyframe.kind not in KINDS:
        raise PlanError(f"{where} has kind {shown(keyframe.kind)}; use one of {', '.join(KINDS)}.")
    if (keyframe.kind == "first") != (keyframe.frame == 0):
        raise PlanError(
            f"{where} has kind {keyframe.kind!r}; frame 0, and no other, has kind 'first'."
        )
    if not isinstance(keyframe.locked, bool):
        raise PlanError(f"{where} has locked {shown(keyframe.locked)}; use true or false.")
    if not isinstance(keyframe.source, str):
        raise PlanError(
            f"{where} has source {shown(keyframe.source)}; use a text, or leave it out."
        )
    _check_own(keyframe, where)


def _check_own(keyframe: Keyframe, where: str) -> None:
    if not isinstance(keyframe.prompt, str):
        raise PlanError(
            f"{where} has prompt {shown(keyframe.prompt)}; use a text, or leave it out."
        )
    if len(keyframe.prompt) > MAX_PROMPT:
        raise PlanError(
            f"{where} has a prompt of {len(keyframe.prompt)} characters; shorten it to {MAX_PROMPT} or fewer."
        )
    if not isinstance(keyframe.image, str):
        raise PlanError(
            f"{where} has image {shown(keyframe.image)}; use the name of an image file, or leave it out."
        )
    if len(keyframe.image) > MAX_IMAGE:
        raise PlanError(
            f"{where} has an image whose name has {len(keyframe.image)} characters; give the file a name of "
            f"{MAX_IMAGE} or fewer."
        )


def _check_order(frames: list[int]) -> None:
    if 0 not in frames:
        raise PlanError(
            "The plan has no keyframe at frame 0; add one of kind 'first': the video starts with it."
        )
    for earlier, later in zip(frames, frames[1:], strict=False):
        if earlier == later:
            raise PlanError(f"The plan has two keyframes at frame {later}; delete one of them.")
        if earlier > later:
            raise PlanError(
                f"The plan lists frame {later} after frame {earlier}; put the keyframes in order of time."
            )
    if len(frames) < 2:
        raise PlanError("The plan has 1 keyframe; it needs at least 2, so add another one.")
