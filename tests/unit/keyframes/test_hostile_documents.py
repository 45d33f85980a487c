"""10,000 damaged documents: each is read, or refused with a message; none raises anything else.

Whole documents are changed at one to three places, or their text is: what a bad disk, another program or somebody who
means harm would hand over. What is read is as valid as what this version writes.
"""

import copy
import json
import random
from pathlib import Path

import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.bridges.prompts import keyframe_prompts
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.edit import edit_from_json
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.keyframes.plan_document import parse_json, plan_from_document, plan_to_document
from keyvid_pack.keyframes.select import STRATEGIES, select_keyframes
from keyvid_pack.keyframes.text import frames_from_text
from keyvid_pack.keyframes.timing_file import timing_from_json, timing_to_json

from ...helpers.hostile.damage import places

N_OF_EACH = 2000
DOCUMENTS = Path(__file__).parent / "documents"
ODD = (
    None, True, False, 0, -1, 1.5, 10**30, -(10**400), 1e308, "", "0", "7\u0000", "\ud800", "<script>alert(1)</script>",
    "../../etc/passwd", "a" * 100_000, [], [[]], {}, {"__proto__": {"a": 1}}, [0] * 1000, float("nan"), float("inf"),
)  # fmt: skip
ODD_TEXTS = (
    "NaN",
    "Infinity",
    "1e999",
    "\x00",
    "\ufeff",
    '"',
    "{",
    "]",
    ",",
    "\\ud800",
    "9" * 5000,
    "[" * 3000,
)
PLAN = plan_at_frames((0, 7, 12, 40), fps=24, n_frames=48)
CURVE = motion_curve(
    [0.25] * 48, fps=24, source="onset", strikes=[[0.5, 0.9, True], [1.25, 0.4, False]]
)
WRITTEN = [
    timing_to_json(plan=PLAN, curve=CURVE),
    *[path.read_text(encoding="utf-8") for path in sorted(DOCUMENTS.glob("*.json"))],
]


def damaged(document, rng):
    """A copy of a JSON document, changed at one to three places."""
    document = json.loads(json.dumps(document))
    for _ in range(rng.randint(1, 3)):
        found = list(places(document))
        if not found:
            break
        container, key = rng.choice(found)
        change = rng.randrange(4)
        if change == 0 and isinstance(container, dict):
            del container[key]
        elif change == 1 and isinstance(container, list):
            container.insert(key, container[key])
        elif change == 2 and isinstance(container, dict):
            container[rng.choice(("", "frame", "version", "\ud800", "n" * 9999))] = copy.deepcopy(
                rng.choice(ODD)
            )
        else:
            container[key] = copy.deepcopy(rng.choice(ODD))
    return document


def damaged_text(text, rng):
    """A text cut, doubled, or with something else in it."""
    at, end = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at]
    if kind == 1:
        return text[:end] + text[at:]
    if kind == 2:
        return text[:at] + rng.choice(ODD_TEXTS) + text[at:]
    return text[:at] + "".join(map(chr, rng.choices(range(0xD7FF), k=end - at))) + text[end:]


def hostile(rng):
    """The text of a damaged document."""
    text = rng.choice(WRITTEN)
    if rng.random() < 0.4:
        return damaged_text(text, rng)
    return json.dumps(damaged(json.loads(text), rng))


def read_plan(text):
    found = plan_from_document(parse_json(text, "plan"))
    assert plan_from_document(plan_to_document(found)) == found


def read_edit(text):
    edit_from_json(text)


def read_timing(text):
    plan, curve = timing_from_json(text)
    assert timing_from_json(timing_to_json(plan=plan, curve=curve))[0] == plan


def read_frames(text):
    found = frames_from_text(text)
    assert found == sorted(set(found))


def read_prompts(text):
    assert len(keyframe_prompts(PLAN, "all", text)) == PLAN.count


@pytest.mark.parametrize("read", [read_plan, read_edit, read_timing, read_frames, read_prompts])
def test_a_damaged_document_is_read_or_refused_with_a_message(read):
    rng = random.Random(read.__name__)
    n_read = n_refused = 0
    for number in range(N_OF_EACH):
        text = hostile(rng)
        if read in (read_frames, read_prompts):
            text = damaged_text("0, 7, 12, 40" if read is read_frames else "peak: a\n12: b", rng)
        try:
            read(text)
            n_read += 1
        except KeyVIDError as error:
            assert str(error) and len(str(error)) < 2000, number
            n_refused += 1
    assert n_read > 20 and n_refused > 20, (n_read, n_refused)  # both ways were taken


def test_odd_values_are_a_curve_that_can_be_selected_from_or_a_message():
    rng = random.Random("values")
    n_read = n_refused = 0
    for number in range(N_OF_EACH):
        score = [rng.choice((0, 1, rng.random())) for _ in range(rng.choice((0, 1, 2, 48, 500)))]
        strikes = [
            [rng.random() * 2, rng.random(), rng.random() < 0.5] for _ in range(rng.randrange(4))
        ]
        for _ in range(rng.randrange(3)):
            values = rng.choice((score, *strikes))
            if values:
                values[rng.randrange(len(values))] = copy.deepcopy(rng.choice(ODD))
        fps = rng.choice((24, 29.97, 1, 240, rng.choice(ODD)))
        try:
            curve = motion_curve(
                score, fps=fps, source="values", strikes=rng.choice((None, strikes))
            )
            plan = select_keyframes(curve, strategy=rng.choice(STRATEGIES))
            assert plan.frames[0] == 0 and plan.frames[-1] < curve.n_frames
            n_read += 1
        except KeyVIDError as error:
            assert str(error) and len(str(error)) < 2000, number
            n_refused += 1
    assert n_read > 20 and n_refused > 20, (n_read, n_refused)
