"""JavaScript and Python give the same result, or the same error message, whatever plan or text they are given.

The tables hold both to results that a person chose; here hundreds of random cases look for what nobody thought of.
"""

import copy
import json
import math
import random
import re
import subprocess
from pathlib import Path

import pytest
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.audio.fingerprint import same_sound
from keyvid_pack.keyframes.edit import apply_edit, edit_from_json
from keyvid_pack.keyframes.fill_gaps import roomiest_frame
from keyvid_pack.keyframes.merge import merge
from keyvid_pack.keyframes.plan import MAX_IMAGE, MAX_PROMPT
from keyvid_pack.keyframes.plan_document import VERSION, plan_from_document, plan_to_document
from keyvid_pack.keyframes.text import frames_from_text
from keyvid_pack.keyframes.timing_file import timing_from_json, timing_to_json

from ..helpers.wrong_documents import PREDICTED, WRONG_EDITS, WRONG_PLANS
from ..oracles import plan_rules as rules
from ..oracles.edit_writer import edit_to_json
from .conftest import find_node

SEED = 20250412
KINDS = ("peak", "valley", "fill", "manual")
SOURCES = ("strongest", "edit", "refill", "")
STEPS = {
    "add": rules.add_keyframe,
    "delete": rules.delete_keyframe,
    "move": rules.move_keyframe,
    "lock": lambda plan, frame, locked: rules.lock_keyframe(plan, frame, locked=locked),
    "kind": rules.set_kind,
    "prompt": rules.set_prompt,
    "image": rules.set_image,
}
PROMPTS = (
    "the door opens", " \u00e9\u6f22\n\U0001f941 ", "",
)  # fmt: skip
IMAGES = ("12.png", "b\u00f6ard/x (1).jpg", "", "x" * (MAX_IMAGE + 1))
LONG = ("\U0001f941" * MAX_PROMPT, "x" * (MAX_PROMPT + 1))
VALUES = (
    None,
    True,
    "x",
    "",
    -1,
    0,
    7,
    7.5,
    10**9,
    [],
    [0, 7],
    {},
    {"frame": 7},
    "peak",
    "\u00e9" * 50,
)
TEXTS = (
    "", "  \n", "\ufeff0, 7", "0 7\n12", "[0, 4]", "0:(1.0), 7:(max(0, t))", "7, 12", "0, 5, 5", "0, 9, 4", "0, 99",
    "0", "-1, 4", "0; 3;", "0, x", "0:(1", "0:1", "null", "[]", "\"0\"", "{}", "true", "{\"version\": 2}", "NaN",
    "[NaN]", "{\"a\": -Infinity}", "{-Infinity}", "{\"a\" NaN}", "  [ 0, 3 ]  ", "0, 999999999999999",
)  # fmt: skip


def random_plan(rng, n_frames, *, fps=24):
    """A document of a valid plan: as a strategy makes it, or with anything that it may hold."""
    is_wild = rng.random() < 0.5
    frames = sorted(rng.sample(range(1, n_frames), rng.randint(1, min(12, n_frames - 1))))
    keyframes = [{"frame": 0, "kind": "first"}]
    keyframes += [
        {"frame": frame, "kind": rng.choice(KINDS[: 4 if is_wild else 3])} for frame in frames
    ]
    for keyframe in keyframes:
        keyframe["locked"] = is_wild and rng.random() < 0.2
        keyframe["source"] = rng.choice(SOURCES) if is_wild else "strongest"
        if is_wild and rng.random() < 0.15:
            keyframe["prompt"] = rng.choice(PROMPTS)
        if is_wild and rng.random() < 0.15:
            keyframe["image"] = rng.choice(IMAGES[:3])
        if is_wild and rng.random() < 0.1:
            keyframe["note"] = rng.choice(["snare", [1, {"a": None}], 0.5])
    levels = [rng.randint(-10, 0) for _ in range(16)]
    document = {
        "version": rng.randint(1, VERSION),
        "fps": fps,
        "n_frames": n_frames,
        "count": len(keyframes),
        "fingerprint": rng.choice([None, {"n_frames": n_frames, "loudness": levels}]),
        "keyframes": keyframes,
    }
    fields = {name: rng.choice(["calm", 90, {"b": [1]}]) for name in ("mood", "tempo", "mine")}
    return document | {
        name: value for name, value in fields.items() if is_wild and rng.random() < 0.5
    }


def random_step(rng, document):
    frames = [keyframe["frame"] for keyframe in document["keyframes"]]
    name = rng.choice(list(STEPS))
    anywhere = rng.randint(-1, document["n_frames"])
    frame = anywhere if name == "add" or rng.random() < 0.1 else rng.choice(frames)
    rest = {
        "move": [rng.randint(-1, document["n_frames"])],
        "lock": [rng.random() < 0.5],
        "kind": [rng.choice([*KINDS, "first", "x"])],
        "prompt": [rng.choice(["a door", *PROMPTS, *LONG])],
        "image": [rng.choice(IMAGES)],
    }
    return [name, frame, *rest.get(name, [])]


def random_edit(rng, plan):
    """The document after a few steps of an artist."""
    for _ in range(rng.randint(0, 6)):
        name, *arguments = random_step(rng, plan)
        try:
            plan = plan_to_document(STEPS[name](plan_from_document(plan), *arguments))
        except PlanError:
            continue
    return plan


def broken(rng, document):
    """A document with one of its fields, or a keyframe's, gone or of any value."""
    document = copy.deepcopy(document)
    holder = rng.choice([document, document, *document["keyframes"]])
    name = rng.choice([*holder, "extra"])
    if rng.random() < 0.3:
        holder.pop(name, None)
    else:
        holder[name] = rng.choice(VALUES)
    return document


def random_text(rng, prediction):
    plan = random_plan(rng, prediction["n_frames"], fps=prediction["fps"])
    text = {
        "version": 1,
        "plan": random_edit(rng, plan),
        "base": plan,
        "made_with": '\u00e9\u2028"\\',
    }
    match rng.randrange(7):
        case 0:
            return rng.choice(TEXTS)
        case 1:
            return json.dumps(text["plan"], indent=1)
        case 2:
            part = rng.choice(["plan", "base"])
            text[part] = broken(rng, text[part])
        case 3:
            text["base"] = None
        case 4:
            text["plan"]["keyframes"] = [{"frame": k["frame"]} for k in reversed(plan["keyframes"])]
        case 5:
            text[rng.choice(list(text))] = rng.choice(VALUES)
    return json.dumps(text, ensure_ascii=rng.random() < 0.5)


def damaged(rng, text):
    start = rng.randint(0, len(text))
    return (
        text[:start]
        + rng.choice(["", "", ",", "}", '"', "\n", "0"])
        + text[start + rng.randint(0, 9) :]
    )


def merge_case(rng):
    n_frames = rng.randint(2, 60)
    base = random_plan(rng, n_frames)
    edited = random_plan(rng, n_frames) if rng.random() < 0.2 else random_edit(rng, base)
    next_fps = 23.976 if rng.random() < 0.05 else 24
    following = random_plan(rng, n_frames + (rng.random() < 0.05), fps=next_fps)
    return {
        "ask": "merge",
        "base": base if rng.random() < 0.9 else None,
        "edited": edited,
        "next": following,
    }


def step_case(rng):
    plan = random_edit(rng, random_plan(rng, rng.randint(2, 30)))
    return {"ask": "step", "plan": plan, "step": random_step(rng, plan)}


def roomiest_case(rng):
    n_frames = rng.randint(2, 40)
    some = [rng.sample(range(1, n_frames), rng.randint(0, n_frames - 1)) for _ in range(3)]
    keyframes, removed, skipped = some[0], *(each[:6] for each in some[1:])
    frames = [0, *sorted(keyframes)]
    return {
        "ask": "roomiest",
        "frames": frames,
        "n_frames": n_frames,
        "removed": removed,
        "skipped": skipped,
    }


def plan_case(rng):
    return {"ask": "plan", "document": broken(rng, random_plan(rng, rng.randint(2, 30)))}


def edit_case(rng):
    prediction = random_plan(rng, rng.choice([24, 24, 24, 8]), fps=rng.choice([24, 24, 29.97]))
    text = random_text(rng, prediction)
    if rng.random() < 0.2:
        text = damaged(rng, text)
    if rng.random() < 0.1:
        prediction = random_plan(rng, 30)
    return {"ask": "edit", "text": text, "prediction": prediction}


def python_result(case):
    match case["ask"]:
        case "merge":
            base = case["base"] and plan_from_document(case["base"])
            edited, following = (plan_from_document(case[key]) for key in ("edited", "next"))
            return plan_to_document(merge(base, edited, following))
        case "step":
            name, *arguments = case["step"]
            return plan_to_document(STEPS[name](plan_from_document(case["plan"]), *arguments))
        case "roomiest":
            clip = {name: case[name] for name in ("n_frames", "removed", "skipped")}
            return roomiest_frame(case["frames"], **clip)
        case "plan":
            return plan_to_document(plan_from_document(case["document"]))
        case "edit":
            return edit_answer(edit_from_json(case["text"]), plan_from_document(case["prediction"]))


def edit_answer(edit, prediction):
    shown = refused = None
    try:
        shown = plan_to_document(apply_edit(edit, prediction))
    except PlanError as error:
        refused = str(error)
    is_same = edit is None or same_sound(edit.fingerprint, prediction.fingerprint)
    return {
        "written": edit_to_json(edit),
        "shown": shown,
        "refused": refused,
        "sound": not refused and not is_same,
    }


def expected(case):
    try:
        return {"result": python_result(case)}
    except PlanError as error:
        return {"error": type(error).__name__, "message": str(error)}


def comparable(result, case):
    """A result without what may differ: a parser's words and column, and the place of fields named 0, 1, ...."""
    if "message" in result:
        message = re.sub(r"at line \d+, column \d+ \(.*?\);", "at ...;", result["message"])
        return {**result, "message": message}
    if case["ask"] == "edit" and re.search(r'"\d+":', case["text"]):
        return {**result["result"], "written": json.loads(result["result"]["written"])}
    return result


@pytest.mark.parametrize(
    ("make", "n_cases"),
    [(merge_case, 400), (step_case, 300), (roomiest_case, 300), (plan_case, 300), (edit_case, 500)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_javascript_gives_what_python_gives(make, n_cases):
    rng = random.Random(SEED)
    cases = [make(rng) for _ in range(n_cases)]
    results = [expected(case) for case in cases]
    # each kind of case is accepted and refused often enough to mean something
    n_refused = sum("error" in result for result in results)
    assert n_refused < n_cases * 0.9 and (n_refused > 5 or make is roomiest_case)
    check_agreement(cases, results)


def test_what_python_is_known_to_refuse_javascript_refuses_with_the_same_message():
    documents = [row[0] for row in WRONG_PLANS if is_same_in_javascript(row[0])]
    texts = [row[0] for row in WRONG_EDITS]
    prediction = plan_to_document(PREDICTED)
    cases = [{"ask": "plan", "document": document} for document in documents]
    cases += [{"ask": "edit", "text": text, "prediction": prediction} for text in texts]
    results = [expected(case) for case in cases]
    assert len(cases) > 60 and all("error" in result for result in results)
    check_agreement(cases, results)


def test_what_javascript_exports_python_reads_and_back():
    rng = random.Random(SEED)
    plans = [
        plan_to_document(plan_from_document(random_plan(rng, rng.randint(2, 60))))
        for _ in range(20)
    ]
    for plan, texts in zip(
        plans, javascript_results([{"ask": "export", "plan": plan} for plan in plans]), strict=True
    ):
        texts = texts["result"]
        assert plan_to_document(timing_from_json(texts["json"])[0]) == plan
        frames = [keyframe["frame"] for keyframe in plan["keyframes"]]
        assert frames_from_text(texts["list"]) == frames_from_text(texts["schedule"]) == frames
        assert edit_from_json(texts["list"]).frames == tuple(frames)
    files = [timing_to_json(plan=plan_from_document(plan)) for plan in plans]
    cases = [
        {"ask": "import", "text": text, "plan": plan}
        for text, plan in zip(files, plans, strict=True)
    ]
    for plan, found in zip(plans, javascript_results(cases), strict=True):
        assert found["result"] == {"plan": plan, "format": "json", "notes": [], "texts": []}


def is_same_in_javascript(value):
    """Whether JavaScript reads a document as it is: it cannot tell 7.0 from 7, nor hold numbers of many digits."""
    if isinstance(value, dict | list):
        return all(map(is_same_in_javascript, value.values() if isinstance(value, dict) else value))
    if isinstance(value, float):
        return math.isfinite(value) and not value.is_integer()
    return not isinstance(value, int) or abs(value) < 2**53


def check_agreement(cases, results):
    for case, result, found in zip(cases, results, javascript_results(cases), strict=True):
        assert comparable(found, case) == comparable(result, case), json.dumps(case)[:4000]


def javascript_results(cases):
    script = Path(__file__).parent / "agreement.mjs"
    result = subprocess.run(
        [find_node(), str(script)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
