"""How the browser writes an edit into its widget (js: editToJson), for tests of what Python reads back."""

import json

from keyvid_pack.keyframes.edit import VERSION
from keyvid_pack.keyframes.plan_document import plan_to_document
from keyvid_pack.keyframes.text import frames_to_text


def edit_to_json(edit):
    """The text for the edit widget: "" for None, else what edit_from_json reads back."""
    if edit is None:
        return ""
    if edit.plan is None:
        return frames_to_text(edit.frames)
    document = {
        "version": VERSION,
        "plan": plan_to_document(edit.plan),
        "base": plan_to_document(edit.base) if edit.base else None,
        **edit.extra,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False)
