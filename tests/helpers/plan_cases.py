"""The short notation of merge_cases.json and count_cases.json, and random plans for property tests."""

import json
import pathlib

from hypothesis import strategies as st
from keyvid_pack.keyframes.plan import KINDS, Keyframe, make_plan
from keyvid_pack.keyframes.plan_document import parse_json, plan_from_document, plan_to_document

TESTS = pathlib.Path(__file__).resolve().parents[1]


def load_cases(name):
    cases = json.loads((TESTS / name).read_text(encoding="utf-8"))["cases"]
    assert len({case["name"] for case in cases}) == len(cases) > 0
    return cases


def keyframe(entry):
    frame, kind, source, locked, extra = [*entry, *("", False, {})[len(entry) - 2 :]]
    own = {name: extra[name] for name in ("prompt", "image") if name in extra}
    extra = {name: value for name, value in extra.items() if name not in own}
    return Keyframe(frame, kind, locked=locked, source=source, extra=extra, **own)


def plan_of(entries, *, n_frames=24, fps=24, fields=None):
    return make_plan(
        [keyframe(entry) for entry in entries], fps=fps, n_frames=n_frames, extra=fields
    )


def case_plan(case, key):
    """The plan under a key of a case; None stays None."""
    if case[key] is None:
        return None
    return plan_of(
        case[key],
        n_frames=case.get(f"{key}_n_frames", case.get("n_frames", 24)),
        fps=case.get(f"{key}_fps", case.get("fps", 24)),
        fields=case.get(f"{key}_fields"),
    )


@st.composite
def plans(
    draw,
    n_frames,
    *,
    sources=("strongest",),
    kinds=KINDS[1:4],
    locks=(False,),
    prompts=("",),
    images=("",),
):
    """Any valid plan of a clip; by default as a strategy makes them."""
    count = draw(st.integers(2, n_frames))
    later = draw(st.permutations(range(1, n_frames)))[: count - 1]
    keyframes = [Keyframe(0, "first", source=draw(st.sampled_from(sources)))]
    for frame in sorted(later):
        keyframes.append(
            Keyframe(
                frame,
                draw(st.sampled_from(kinds)),
                locked=draw(st.sampled_from(locks)),
                source=draw(st.sampled_from(sources)),
                prompt=draw(st.sampled_from(prompts)),
                image=draw(st.sampled_from(images)),
            )
        )
    return make_plan(keyframes, fps=24, n_frames=n_frames)


RATES = [8, 12, 15, 16, 23.976, 24000 / 1001, 24, 25, 29.97, 30, 48, 50, 59.94, 60]


def rates():
    """Frame rates from 8 to 60 fps: those in use, and any others."""
    return st.one_of(st.sampled_from(RATES), st.floats(8, 60).map(lambda fps: round(fps, 3)))


@st.composite
def clips(draw):
    """Any plan of 2 to 1,000 frames at 8 to 60 fps, sparse or dense, some keyframes locked."""
    n_frames = draw(st.integers(2, 1000))
    frames = draw(st.sets(st.integers(1, n_frames - 1), min_size=1, max_size=40))
    keyframes = [Keyframe(0, "first", locked=draw(st.booleans()))]
    for frame in sorted(frames):
        kind = draw(st.sampled_from(KINDS[1:]))
        keyframes.append(Keyframe(frame, kind, locked=draw(st.booleans())))
    return make_plan(keyframes, fps=draw(rates()), n_frames=n_frames)


def plan_to_json(plan):
    """The plan as JSON text."""
    return json.dumps(plan_to_document(plan), ensure_ascii=False, allow_nan=False)


def plan_from_json(text):
    """A checked KeyframePlan from JSON text. Raises PlanError (with line and column), PlanVersionError."""
    return plan_from_document(parse_json(text, "plan"))
