"""What the artist changed, as the one text a workflow keeps: the edited plan and the prediction it was made from.

    {"version": 1, "plan": {...}, "base": {...}}

Empty text means no edit. A person may also type a plan document alone, or just frames ("0, 7, 12"): then there is no
base, and every keyframe of that plan is the artist's. Unknown fields are kept.
"""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import PlanError
from .merge import merge
from .plan import EDIT, KeyframePlan, plan_at_frames
from .plan_document import migrated, parse_json, plan_from_document
from .text import frames_from_text
from .timebase import distinct_texts, same_rate
from .values import is_whole, plain_number, plain_value, shown

VERSION = 1

# as in plan_document.py: {version: function from a document of that version to one of the next}
MIGRATIONS: dict[int, Callable[[dict], dict]] = {}


@dataclass(frozen=True)
class Edit:
    """An edit. plan and base are KeyframePlans, base None if unknown.

    frames: of an edit typed as a mere list, ascending ints; then plan is None, for the clip is not known yet.
    """

    plan: KeyframePlan | None
    base: KeyframePlan | None = None
    frames: tuple[int, ...] | None = None
    extra: dict = field(default_factory=dict)

    @property
    def fingerprint(self) -> dict | None:
        """The sound the edit was made for, None if unknown."""
        return self.plan.fingerprint if self.plan else None


def edit_text(value: object) -> str:
    """What a client sent as the edit, as the text that edit_from_json reads.

    The edit is a text, but a client may as well send null, or the document itself. ComfyUI turns both into text with
    Python's str() before a node sees them; over a wire they come as they are. Raises PlanError naming what came.
    """
    value = plain_value(value)
    if isinstance(value, str):
        stripped = value.strip("\ufeff \t\r\n")
        if stripped == "None":
            return ""
        if stripped in ("True", "False"):
            raise _no_edit(stripped == "True")
        # no JSON begins like this, and every dict with names does so in Python's notation
        return _json_of_dict(stripped, value) if stripped.startswith("{'") else value
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple)):
        if not isinstance(value, dict):
            value = [plain_number(one) for one in value]  # a list of frames
        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            raise _no_edit(value) from None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise _no_edit(value)


def _json_of_dict(written: str, otherwise: str) -> str:
    """A dict in Python's notation as JSON; anything else stays `otherwise`, whose errors are reported later."""
    try:
        return json.dumps(ast.literal_eval(written), ensure_ascii=False)
    except (TypeError, ValueError, SyntaxError, MemoryError, RecursionError):
        return otherwise


def _no_edit(value: object) -> PlanError:
    return PlanError(
        f"The edit is {shown(value)}, which is neither a text nor an edit; send a text such as 0, 7, 12 or the edit's "
        "JSON document, or leave the edit out for the prediction."
    )


def edit_from_json(text: str | None) -> Edit | None:
    """An Edit from the text of the edit widget, None if that is empty.

    Raises PlanError saying where the text is wrong and what to do, PlanVersionError for a newer version's.
    """
    if text is None or (isinstance(text, str) and not text.strip("\ufeff \t\r\n")):
        return None
    # digits first: meant as a list of frames, and its errors should speak of frames
    if isinstance(text, str) and re.match(r"\s*\[?\s*[-+]?[0-9]", text.lstrip("\ufeff")):
        return Edit(plan=None, frames=tuple(_typed_frames(text)))
    document = parse_json(text, "edit")
    if isinstance(document, dict) and "keyframes" in document and "plan" not in document:
        return Edit(plan=_plan_of(document))
    document = migrated(document, "edit", version=VERSION, migrations=MIGRATIONS)
    if "plan" not in document:
        raise PlanError('The edit has no "plan"; add it, or clear the text to start anew.')
    plan = _plan_of(document["plan"])
    base = document.get("base")
    if base is not None:
        base = _plan_of(base)
        is_same_rate = same_rate(base.fps, plan.fps, n_frames=plan.n_frames)
        if base.n_frames != plan.n_frames or not is_same_rate:
            of_plan, of_base = distinct_texts(plan.fps, base.fps)
            raise PlanError(
                f"The edit's plan has {plan.n_frames} frames at {of_plan} fps, its base {base.n_frames} at "
                f"{of_base}; set base to null, and all of the plan counts as yours."
            )
    known = ("version", "plan", "base")
    extra = {name: value for name, value in document.items() if name not in known}
    return Edit(plan=plan, base=base, extra=extra)


def apply_edit(edit: Edit | None, predicted: KeyframePlan) -> KeyframePlan:
    """The predicted KeyframePlan with an edit merged in; edit may be None.

    Raises PlanMismatchError if the edit was made for another length or rate, PlanError if it does not fit.
    Another sound raises nothing: compare the fingerprints with `fingerprint.same_sound` and warn.
    """
    if edit is None:
        return predicted
    return merge(edit.base, _edited_plan(edit, predicted), predicted)


def _edited_plan(edit: Edit, predicted: KeyframePlan) -> KeyframePlan:
    """The plan of an edit; one typed as frames takes length and rate from the prediction. Raises PlanError."""
    if edit.plan is not None:
        return edit.plan
    return plan_at_frames(
        edit.frames or (),
        fps=predicted.fps,
        n_frames=predicted.n_frames,
        fingerprint=predicted.fingerprint,
    )


def _plan_of(document: Any) -> KeyframePlan:
    """A plan of an edit. Who edits by hand adds and deletes lines: order, kind and count follow from them."""
    if isinstance(document, dict) and isinstance(document.get("keyframes"), list):
        entries = [_with_kind(entry) for entry in document["keyframes"]]
        if all(isinstance(entry, dict) and is_whole(entry.get("frame")) for entry in entries):
            entries.sort(key=lambda entry: entry["frame"])
        document = {**document, "keyframes": entries, "count": len(entries)}
    return plan_from_document(document)


def _with_kind(entry: Any) -> Any:
    """An entry of an edit with the kind that a typed keyframe has."""
    if not isinstance(entry, dict) or "kind" in entry:
        return entry
    return {**entry, "kind": "manual" if entry.get("frame") else "first", "source": EDIT}


def _typed_frames(text: str) -> list[int]:
    frames = frames_from_text(text)
    if frames[0] != 0:
        raise PlanError(
            f"The typed frames begin at {frames[0]}; begin with 0, the frame the video starts with."
        )
    return frames
