"""The keyframe plan as a JSON document, versioned: which frames are painted as keyframes, and why.

    {"version": 3, "fps": 24, "n_frames": 48, "count": 12, "fingerprint": {...} or null,
     "keyframes": [{"frame": 0, "kind": "first", "locked": false, "source": "strongest"}, ...]}

A keyframe with words of its own has them as "prompt" too; version 1 had none. One with an image of its own has the
file's name in ComfyUI's input folder as "image"; version 2 had none. Frames are authoritative, seconds derived. Fields
this version does not know are kept, at both levels.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from ..errors import PlanError, PlanVersionError
from .plan import Keyframe, KeyframePlan, make_plan
from .values import is_whole, shown

VERSION = 3

_PLAN_FIELDS = ("version", "fps", "n_frames", "count", "fingerprint", "keyframes")
_KEYFRAME_FIELDS = ("frame", "kind", "locked", "source", "prompt", "image")


def _from_version_1(document: dict) -> dict:
    """Version 1 knew no prompt."""
    return {**_with_renamed(document, "prompt", "prompt_of_version_1"), "version": 2}


def _from_version_2(document: dict) -> dict:
    """Version 2 knew no image."""
    return {**_with_renamed(document, "image", "image_of_version_2"), "version": 3}


def _with_renamed(document: dict, name: str, other: str) -> dict:
    """A keyframe's field that a version did not know was another program's: it is kept, under another name."""
    entries = document.get("keyframes")
    if not isinstance(entries, list):
        return document
    renamed = [
        {other if key == name else key: value for key, value in entry.items()}
        if isinstance(entry, dict)
        else entry
        for entry in entries
    ]
    return {**document, "keyframes": renamed}


# {version: function from a document of that version to one of the next}; each gets a saved example in the tests
MIGRATIONS: dict[int, Callable[[dict], dict]] = {1: _from_version_1, 2: _from_version_2}


def plan_to_document(plan: KeyframePlan) -> dict:
    """The plan as a JSON-able dict; fields that were unknown when it was read come last."""
    return {
        "version": VERSION,
        # as JavaScript writes it: 24, not 24.0
        "fps": int(plan.fps) if plan.fps.is_integer() else plan.fps,
        "n_frames": plan.n_frames,
        "count": plan.count,
        "fingerprint": plan.fingerprint,
        "keyframes": [_keyframe_to_document(keyframe) for keyframe in plan.keyframes],
        **plan.extra,
    }


def plan_from_document(document: object) -> KeyframePlan:
    """A checked KeyframePlan from a dict of this or an older version.

    `locked`, `source`, `prompt`, `image` and `fingerprint` may be left out. Raises PlanVersionError if it is of a newer
    version, PlanError with the frame or value at fault and the remedy otherwise.
    """
    document = migrated(document, "plan", version=VERSION, migrations=MIGRATIONS)
    for name in ("fps", "n_frames", "count", "keyframes"):
        if name not in document:
            raise PlanError(f'The plan has no "{name}"; add it, or delete the plan to start anew.')
    entries = document["keyframes"]
    if not isinstance(entries, list):
        raise PlanError(
            f"The plan's keyframes are {shown(entries)}; give a list such as "
            '[{"frame": 0, "kind": "first"}].'
        )
    keyframes = [_keyframe_from_document(entry, i) for i, entry in enumerate(entries, start=1)]
    plan = make_plan(
        keyframes,
        fps=document["fps"],
        n_frames=document["n_frames"],
        fingerprint=document.get("fingerprint"),
        extra=_without(document, _PLAN_FIELDS),
    )
    count = document["count"]
    if not is_whole(count) or count != plan.count:
        raise PlanError(
            f"The plan's count is {shown(count)}, but it lists {plan.count} keyframes; set count to {plan.count}."
        )
    return plan


def parse_json(text: object, name: str) -> Any:
    """JSON text as Python values. Raises PlanError saying where it is wrong; `name` is what the text is."""
    if not isinstance(text, str):
        raise PlanError(f"The {name} is {shown(text)}; give it as JSON text.")

    def refuse(constant: str) -> NoReturn:
        raise PlanError(
            f"The {name} contains {constant}, which is no finite number; write a number."
        )

    def finite(digits: str) -> float:
        number = float(digits)
        return number if math.isfinite(number) else refuse(digits)

    try:
        return json.loads(text.lstrip("\ufeff"), parse_constant=refuse, parse_float=finite)
    except json.JSONDecodeError as error:
        raise PlanError(
            f"The {name} is not valid JSON at line {error.lineno}, column {error.colno} ({error.msg}); correct it "
            "there or clear the text. Nothing was changed."
        ) from None
    except PlanError:
        raise
    except (ValueError, RecursionError):
        raise PlanError(
            f"The {name} holds a number too long or lists too deep to read; correct it or clear the text. "
            "Nothing was changed."
        ) from None


def migrated(
    document: object, name: str, *, version: int, migrations: Mapping[int, Callable[[dict], dict]]
) -> dict:
    """A document brought to `version` step by step; `name` is what it is. Raises PlanError, PlanVersionError."""
    if not isinstance(document, dict):
        raise PlanError(
            f"The {name} is {shown(document)} instead of a JSON object; write it in braces: "
            f'{{"version": {version}, ...}}.'
        )
    found = document.get("version")
    if not is_whole(found):
        raise PlanError(
            f'The {name} has version {shown(found)}; add "version": {version}.'
            if "version" in document
            else f'The {name} has no version; add "version": {version}.'
        )
    if found > version:
        raise PlanVersionError(
            f"The {name} is of version {shown(found)}, and this ComfyUI-KeyVID reads up to version {version}; "
            "update ComfyUI-KeyVID. Nothing was changed."
        )
    while found < version:
        if found not in migrations:
            raise PlanError(
                f"The {name} has version {shown(found)}, which never existed; set it to {version}."
            )
        document = migrations[found](document)
        found = document["version"]
    return document


def _keyframe_to_document(keyframe: Keyframe) -> dict:
    return {
        "frame": keyframe.frame,
        "kind": keyframe.kind,
        "locked": keyframe.locked,
        "source": keyframe.source,
        **({"prompt": keyframe.prompt} if keyframe.prompt else {}),
        **({"image": keyframe.image} if keyframe.image else {}),
        **keyframe.extra,
    }


def _keyframe_from_document(entry: object, number: int) -> Keyframe:
    if not isinstance(entry, dict):
        raise PlanError(
            f"Keyframe {number} of the plan is {shown(entry)}; write it like "
            '{"frame": 7, "kind": "manual"}.'
        )
    for name in ("frame", "kind"):
        if name not in entry:
            raise PlanError(
                f'Keyframe {number} of the plan has no "{name}"; write it like '
                '{"frame": 7, "kind": "manual"}.'
            )
    return Keyframe(
        frame=entry["frame"],
        kind=entry["kind"],
        locked=entry.get("locked", False),
        source=entry.get("source", ""),
        prompt=entry.get("prompt", ""),
        image=entry.get("image", ""),
        extra=_without(entry, _KEYFRAME_FIELDS),
    )


def _without(document: dict, names: Iterable[str]) -> dict:
    return {name: value for name, value in document.items() if name not in names}
