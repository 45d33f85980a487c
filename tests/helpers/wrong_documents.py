"""Plan and edit documents, and wrong ones with what is said of them: both languages have to refuse each."""

import json
import pathlib

from .plan_cases import plan_of

DOCUMENTS = pathlib.Path(__file__).resolve().parents[1] / "unit" / "keyframes" / "documents"


def document(**changes):
    """A valid document with top-level fields replaced."""
    return {
        "version": 3,
        "fps": 24,
        "n_frames": 48,
        "count": 3,
        "fingerprint": None,
        "keyframes": [
            {"frame": 0, "kind": "first", "locked": False, "source": ""},
            {"frame": 7, "kind": "peak", "locked": False, "source": ""},
            {"frame": 12, "kind": "fill", "locked": False, "source": ""},
        ],
        **changes,
    }


def with_keyframe(**changes):
    """A valid document whose second keyframe has fields replaced."""
    changed = document()
    changed["keyframes"][1].update(changes)
    return changed


def with_frames(*frames):
    kinds = ["peak" if frame else "first" for frame in frames]
    keyframes = [{"frame": f, "kind": kind} for f, kind in zip(frames, kinds, strict=True)]
    return document(keyframes=keyframes, count=len(frames))


def without(name):
    changed = document()
    del changed[name]
    return changed


# (document, what the message names, what it says to do)
WRONG_PLANS = [
    (document(version=0), "version 0", "set it to 3"),
    (document(version=True), "version true", '"version": 3'),
    (document(version="1"), 'version "1"', '"version": 3'),
    (document(version=1.0), "version 1.0", '"version": 3'),
    (without("version"), "no version", '"version": 3'),
    (without("fps"), '"fps"', "add it"),
    (without("n_frames"), '"n_frames"', "add it"),
    (without("count"), '"count"', "add it"),
    (without("keyframes"), '"keyframes"', "add it"),
    (document(fps=0), "fps is 0", "from 1 to 240"),
    (document(fps=-24), "fps is -24", "from 1 to 240"),
    (document(fps="24"), 'fps is "24"', "from 1 to 240"),
    (document(fps=None), "fps is null", "from 1 to 240"),
    (document(fps=True), "fps is true", "from 1 to 240"),
    (document(fps=[24]), "fps is [24]", "from 1 to 240"),
    (document(fps=10**400), "12 digits", "from 1 to 240"),
    (document(fps=1e300), "1e+300", "from 1 to 240"),
    (document(n_frames=1), "n_frames is 1;", "from 2 to"),
    (document(n_frames=48.0), "n_frames is 48.0", "whole number"),
    (document(n_frames=True), "n_frames is true", "whole number"),
    (document(n_frames="48"), 'n_frames is "48"', "whole number"),
    (document(n_frames=10**9), "n_frames is 1000000000", "from 2 to"),
    (document(n_frames=10**5000), "12 digits", "from 2 to"),
    (document(n_frames=8), "frame 12", "from 0 to 7"),
    (document(count=4), "count is 4", "set count to 3"),
    (document(count=3.0), "count is 3.0", "set count to 3"),
    (document(count=True), "count is true", "set count to 3"),
    (document(count=None), "count is null", "set count to 3"),
    (document(fingerprint="snare"), 'fingerprint is "snare"', "null"),
    (document(fingerprint={}), "fingerprint is {}", "null"),
    (document(fingerprint={"n_frames": 48, "loudness": [0.5]}), "fingerprint", "null"),
    (document(fingerprint={"n_frames": 4.8, "loudness": [0]}), "fingerprint", "null"),
    (document(fingerprint={"n_frames": 48, "loudness": 3}), "fingerprint", "null"),
    (document(keyframes={}), "keyframes are {}", "list"),
    (document(keyframes=None), "keyframes are null", "list"),
    (document(keyframes=[]), "no keyframe at frame 0", "add one"),
    (document(keyframes=[0, 7, 12]), "Keyframe 1 of the plan is 0", '"frame": 7'),
    (document(keyframes=[None]), "Keyframe 1 of the plan is null", '"frame": 7'),
    (document(keyframes=[{"kind": "first"}]), 'no "frame"', '"frame": 7'),
    (document(keyframes=[{"frame": 0}]), 'no "kind"', '"frame": 7'),
    (with_frames(0), "1 keyframe", "add another"),
    (with_frames(3, 7, 12), "frame 0", "add one"),
    (with_frames(0, 12, 7), "frame 7 after frame 12", "order"),
    (with_frames(7, 0, 12), "frame 0 after frame 7", "order"),
    (with_frames(0, 7, 7), "two keyframes at frame 7", "delete"),
    (with_frames(0, 0, 7), "two keyframes at frame 0", "delete"),
    (with_frames(0, 7, 48), "frame 48", "from 0 to 47"),
    (with_frames(0, -1, 7), "frame -1", "from 0 to 47"),
    (with_frames(0, 7, 10**400), "12 digits", "from 0 to 47"),
    (with_keyframe(frame=3.0), "frame 3.0", "whole number"),
    (with_keyframe(frame="7"), 'frame "7"', "whole number"),
    (with_keyframe(frame=True), "frame true", "whole number"),
    (with_keyframe(frame=None), "frame null", "whole number"),
    (with_keyframe(frame=[7]), "frame [7]", "whole number"),
    (with_keyframe(frame=float("inf")), "frame Infinity", "whole number"),
    (with_keyframe(kind="Peak"), '"Peak"', "first, peak, valley, fill, manual"),
    (with_keyframe(kind=None), "kind null", "first, peak, valley, fill, manual"),
    (with_keyframe(kind=["peak"]), '["peak"]', "first, peak, valley, fill, manual"),
    (with_keyframe(kind="first"), "frame 7", "frame 0, and no other"),
    (with_keyframe(locked=1), "locked 1", "true or false"),
    (with_keyframe(locked="yes"), 'locked "yes"', "true or false"),
    (with_keyframe(source=None), "source null", "text"),
    (with_keyframe(prompt=None), "prompt null", "text"),
    (with_keyframe(prompt=["a door"]), 'prompt ["a door"]', "text"),
    (with_keyframe(prompt="\U0001f941" * 2001), "2001 characters", "2000 or fewer"),
    (with_keyframe(image=None), "image null", "name of an image file"),
    (with_keyframe(image=["12.png"]), 'image ["12.png"]', "name of an image file"),
    (with_keyframe(image="\U0001f941" * 501), "501 characters", "500 or fewer"),
    (document(keyframes=[{"frame": 0, "kind": "peak"}]), "frame 0", "'first'"),
    ([], "is []", "braces"),
    (None, "is null", "braces"),
    ("plan", '"plan"', "braces"),
    (48, "is 48", "braces"),
]  # fmt: skip

SAVED_EDIT = (DOCUMENTS / "edit_v1.json").read_text(encoding="utf-8")
PREDICTED = plan_of(
    [[0, "first"], [10, "peak"], [24, "peak"], [40, "fill"]], n_frames=48, fields={"tempo": 120}
)


def saved_edit(**changes):
    return {**json.loads(SAVED_EDIT), **changes}


# (text, what the message names, what it says to do)
WRONG_EDITS = [
    ("null", "null", "braces"),
    ('"0, 7"', '"0, 7"', "braces"),
    ("[]", "[]", "braces"),
    ("true", "true", "braces"),
    ("{}", "no version", '"version": 1'),
    ('{"version": 1}', '"plan"', "clear the text"),
    (json.dumps(saved_edit(version="1")), 'version "1"', '"version": 1'),
    (json.dumps(saved_edit(version=-1)), "version -1", "set it to 1"),
    (json.dumps(saved_edit(plan=None)), "plan is null", "braces"),
    (json.dumps(saved_edit(plan=[0, 7])), "plan is [0, 7]", "braces"),
    (json.dumps(saved_edit(base=7)), "plan is 7", "braces"),
    (
        json.dumps(saved_edit(base={**saved_edit()["base"], "n_frames": 60})),
        "60",
        "set base to null",
    ),
    (json.dumps(saved_edit(base={**saved_edit()["base"], "fps": 30})), "30", "set base to null"),
    ("NaN", "NaN", "number"),
    ("7, 12", "begin at 7", "begin with 0"),
    ("0, 7, 7", "7 twice", "delete"),
    ("0, 12, 7", "7 after 12", "order"),
    ("0, 7.5", '"7.5"', "whole number"),
    ("-1, 7", '"-1"', "whole number"),
    ("0, seven", '"seven"', "write frames like"),
]
