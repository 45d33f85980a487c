"""The timing file: a plan, a curve, or both as JSON, to keep or to hand to another program."""

import json
from typing import Any

from ..errors import KeyVIDError, PlanError, PlanVersionError
from .curve import MotionCurve, motion_curve
from .plan import KeyframePlan, checked_fingerprint
from .plan_document import parse_json, plan_from_document, plan_to_document
from .values import is_whole, shown

VERSION = 1


def timing_to_json(*, plan: KeyframePlan | None = None, curve: MotionCurve | None = None) -> str:
    """The text of a timing file holding a KeyframePlan, a MotionCurve, or both."""
    document: dict[str, Any] = {"keyvid_timing": VERSION}
    if plan is not None:
        document["plan"] = plan_to_document(plan)
    if curve is not None:
        document["curve"] = {
            "fps": curve.fps,
            "source": curve.source,
            "fingerprint": curve.fingerprint,
            # rounded to what a score means, so that the file stays readable
            "score": [round(float(score), 6) for score in curve.score],
        }
        if curve.strikes is not None:
            document["curve"]["strikes"] = [
                [round(s.time_s, 6), round(s.strength, 6), s.clear] for s in curve.strikes
            ]
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def timing_from_json(text: str) -> tuple[KeyframePlan | None, MotionCurve | None]:
    """(plan or None, curve or None) of a timing file's text.

    Raises KeyVIDError, PlanError or PlanVersionError when the text is no timing file of this version, or its plan or
    curve is malformed.
    """
    document = parse_json(text, "timing file")
    version = document.get("keyvid_timing") if isinstance(document, dict) else None
    if not is_whole(version) or version < 1:
        raise PlanError(
            "This JSON file is not a KeyVID timing file: it has no keyvid_timing version number. "
            "Choose a file written by Save Timing."
        )
    if version > VERSION:
        raise PlanVersionError(
            f"The timing file has version {shown(version)}; this KeyVID reads up to {VERSION}. "
            "Update ComfyUI-KeyVID to open it."
        )
    plan = curve = None
    if document.get("plan") is not None:
        plan = plan_from_document(document["plan"])
    if document.get("curve") is not None:
        curve = _curve_from_document(document["curve"])
    return plan, curve


def _curve_from_document(document: object) -> MotionCurve:
    if not isinstance(document, dict) or "score" not in document or "fps" not in document:
        raise KeyVIDError(
            "The curve in the timing file has no score or no fps. Save it again with Save Timing."
        )
    return motion_curve(
        document["score"],
        fps=document["fps"],
        source=str(document.get("source", "file")),
        fingerprint=checked_fingerprint(document.get("fingerprint")),
        strikes=document.get("strikes"),  # files of earlier versions of KeyVID have none
    )
