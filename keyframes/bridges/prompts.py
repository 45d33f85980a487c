"""One prompt per keyframe, from a text for all of them, a few lines, and the words on the timeline.

A line is for a kind of keyframe (`peak: the stick hits the drum`), for frames (`12: ...`), or for several of both
(`peak, manual, 31: ...`). Lines without such a beginning are one per keyframe, in order of time. The words of a
keyframe itself (`Keyframe.prompt`) take the place of the line of its kind or lock.
"""

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from ...errors import PlanError
from ..plan import KINDS, Keyframe, KeyframePlan
from ..text import there_are
from ..values import is_whole, plain_number, shown

KEYS = (*KINDS, "locked")
SEED_MODES = ("fixed", "per keyframe")
_SEEDS = 2**64
_EXAMPLE = 'such as "peak: the stick hits the drum" or "12: the door opens"'


class _Line(NamedTuple):
    """number: of the line in the text, from 1. keys: kinds as text and frames as ints; none for a plain line."""

    number: int
    keys: tuple[str | int, ...]
    text: str


def line_per_keyframe(plan: KeyframePlan, text: str) -> list[str]:
    """The line of each keyframe, without its beginning; empty where there is none.

    A line for that one frame, or one line per keyframe, comes first, since it was typed for this node alone; then the
    keyframe's own words, a line for locked keyframes, and one for the kind. Empty lines are skipped. Raises PlanError
    naming the line that cannot be understood.
    """
    lines = [_line(i, line) for i, line in enumerate(text.splitlines(), start=1) if line.strip()]
    plain = [line for line in lines if not line.keys]
    if plain and len(plain) == len(lines):
        return _one_each(plan, plain)
    if plain:
        raise PlanError(
            f"Line {plain[0].number} ({_quoted(plain[0].text)}) does not say which keyframes it is for, as other lines "
            f"do; begin it with {', '.join(KEYS)}, or a frame, {_EXAMPLE}."
        )
    by_key = _by_key(lines)
    _check_frames(by_key, plan)
    return [_text_of(keyframe, by_key) for keyframe in plan.keyframes]


def keyframe_prompts(plan: KeyframePlan, global_text: str, text: str) -> list[str]:
    """One prompt per keyframe: the global text and the keyframe's line. Raises PlanError, also for an empty one."""
    prompts = joined_prompts(plan, global_text, text)
    empty = [k for k, prompt in zip(plan.keyframes, prompts, strict=True) if not prompt]
    if empty:
        first = empty[0]
        raise PlanError(
            f"The keyframe at frame {first.frame} ({first.kind}) has no text. Write a line for it, such as "
            f'"{first.kind}: ...", or a global text, which all keyframes get.'
        )
    return prompts


def joined_prompts(plan: KeyframePlan, global_text: str, text: str) -> list[str]:
    """As `keyframe_prompts`, but a keyframe may have no text at all. Raises PlanError."""
    return [_joined(global_text.strip(), line) for line in line_per_keyframe(plan, text)]


def seeds(plan: KeyframePlan, seed: int, mode: str) -> list[int]:
    """One seed per keyframe: the same for all, or seed + frame, so that adding a keyframe changes no other's seed.

    Raises PlanError for a seed that is no whole number, or another mode.
    """
    if mode not in SEED_MODES:
        raise PlanError(
            f"There is no seed mode {shown(mode)}; choose one of {', '.join(SEED_MODES)}."
        )
    seed = plain_number(seed)
    if not is_whole(seed):
        raise PlanError(f"The seed is {shown(seed)}; it has to be a whole number.")
    return [(seed + frame * (mode != "fixed")) % _SEEDS for frame in plan.frames]


def prompt_lines(prompts: Iterable[str]) -> str:
    """The prompts as text, one a line."""
    return "\n".join(map(_in_one_line, prompts))


def prompt_schedule(plan: KeyframePlan, prompts: Iterable[str]) -> str:
    """The prompts as `"0": "...", "12": "..."`, in JSON's notation, one a line."""
    pairs = zip(plan.frames, map(_in_one_line, prompts), strict=True)
    return ",\n".join(f'"{frame}": {json.dumps(text, ensure_ascii=False)}' for frame, text in pairs)


def relay(plan: KeyframePlan, global_text: str, text: str) -> tuple[str, str]:
    """(texts "a | b | c", lengths "7,12,29") of the stretches from each keyframe to the next, the last one to the end.

    The texts are without the global one, unless a keyframe has no other; a "|" within one becomes "/".
    """
    lines = [line or global_text for line in line_per_keyframe(plan, text)]
    texts = " | ".join(_in_one_line(line).replace("|", "/") for line in lines)
    ends = [*plan.frames, plan.n_frames]
    return texts, ",".join(str(b - a) for a, b in zip(ends, ends[1:], strict=False))


def _line(number: int, line: str) -> _Line:
    head, colon, text = line.partition(":")
    words = [word.strip().lower() for word in head.split(",")]
    # \d would accept digits of other scripts
    if colon and all(word in KEYS or re.fullmatch(r"[0-9]{1,6}", word) for word in words):
        keys = tuple(word if word in KEYS else int(word) for word in words)
        return _Line(number, keys, text.strip())
    return _Line(number, (), line.strip())


def _one_each(plan: KeyframePlan, lines: list[_Line]) -> list[str]:
    if len(lines) == plan.count:
        return [line.text for line in lines]
    which = (
        f"line {lines[plan.count].number} ({_quoted(lines[plan.count].text)}) is for none"
        if len(lines) > plan.count
        else f"the one at frame {plan.frames[len(lines)]} has none"
    )
    raise PlanError(
        f"{there_are(len(lines), 'line')} for the {plan.count} keyframes of the plan, and {which}. Write one line per "
        f"keyframe, or lines that say which they are for, {_EXAMPLE}."
    )


def _by_key(lines: list[_Line]) -> dict[str | int, _Line]:
    by_key: dict[str | int, _Line] = {}
    for line in lines:
        for key in line.keys:
            if key in by_key:
                raise PlanError(
                    f"Lines {by_key[key].number} and {line.number} are both for {key}; delete one of them."
                    if by_key[key] is not line
                    else f"Line {line.number} names {key} twice; delete one of them."
                )
            by_key[key] = line
    return by_key


def _check_frames(by_key: dict[str | int, _Line], plan: KeyframePlan) -> None:
    for key, line in by_key.items():
        if isinstance(key, int) and key not in plan.frames:
            before = max(frame for frame in plan.frames if frame < key)  # frame 0 is a keyframe
            after = min((frame for frame in plan.frames if frame > key), default=None)
            raise PlanError(
                f"Line {line.number} ({_quoted(line.text)}) is for frame {key}, where the plan has no keyframe; the "
                f"one before it is at {before}"
                + (", and it is the last." if after is None else f", the one behind it at {after}.")
            )


def _text_of(keyframe: Keyframe, by_key: dict[str | int, _Line]) -> str:
    if keyframe.frame in by_key:
        return by_key[keyframe.frame].text
    if own := keyframe.prompt.strip():
        return own
    keys = [*(["locked"] if keyframe.locked else []), keyframe.kind]
    return next((by_key[key].text for key in keys if key in by_key), "")


def _joined(global_text: str, line: str) -> str:
    if not (global_text and line):
        return global_text or line
    return f"{global_text} {line}" if global_text[-1] in ".,;:!?" else f"{global_text}, {line}"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= 40 else f'"{text[:37]}..."'
