"""Twelve prompts from two sentences, and what is said of lines that cannot be understood."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.bridges.prompts import (
    keyframe_prompts,
    line_per_keyframe,
    prompt_lines,
    prompt_schedule,
    relay,
    seeds,
)
from keyvid_pack.keyframes.plan import with_keyframes

from ....helpers.plan_cases import clips, plan_of

PLAN = plan_of(
    [[0, "first"], [4, "peak"], [7, "valley"], [12, "peak"], [19, "fill", "", True], [21, "fill"]]
)
TWO_SENTENCES = "peak: the stick hits the drum\nvalley: the stick is up"


def test_two_sentences_are_twelve_prompts():
    kinds = ["first"] + ["peak", "valley"] * 5 + ["fill"]
    plan = plan_of([[4 * i, kind] for i, kind in enumerate(kinds)], n_frames=48)
    prompts = keyframe_prompts(plan, "a snare drum in a studio", TWO_SENTENCES)
    assert len(prompts) == 12
    hit, up = (f"a snare drum in a studio, the stick {what}" for what in ("hits the drum", "is up"))
    assert prompts == ["a snare drum in a studio", *[hit, up] * 5, "a snare drum in a studio"]


def test_a_frame_comes_before_a_lock_and_that_before_a_kind():
    text = "Fill: f\n\n first, valley : b\nlocked: l\npeak: p\n12: its own: with a colon"
    assert line_per_keyframe(PLAN, text) == ["b", "p", "b", "its own: with a colon", "l", "f"]
    assert line_per_keyframe(PLAN, text + "\n19: n")[4] == "n"


def with_words(*words):
    """PLAN with words typed on the timeline, "" for none."""
    pairs = zip(PLAN.keyframes, words, strict=True)
    return with_keyframes(PLAN, [replace(keyframe, prompt=text) for keyframe, text in pairs])


def test_words_on_the_timeline_come_after_a_line_for_the_frame_and_before_all_others():
    plan = with_words("own 0", "", " own 7\nof two lines ", "own 12", "own 19", "  ")
    assert line_per_keyframe(plan, "") == [
        "own 0", "", "own 7\nof two lines", "own 12", "own 19", "",
    ]  # fmt: skip
    text = "first, peak, valley, fill: kind\nlocked: lock\n12: typed here\n21: here too"
    assert line_per_keyframe(plan, text) == [
        "own 0", "kind", "own 7\nof two lines", "typed here", "own 19", "here too",
    ]  # fmt: skip
    # a line for a frame without anything behind it leaves the global text alone
    assert keyframe_prompts(plan, "a drum", "12:")[3] == "a drum"
    assert keyframe_prompts(plan, "a drum", text)[0] == "a drum, own 0"
    # one line per keyframe is typed for each of them
    assert line_per_keyframe(plan, "a\nb\nc\nd\ne\nf") == list("abcdef")


def test_a_plan_without_words_gives_what_it_always_gave():
    assert line_per_keyframe(with_words(*[""] * 6), "peak: p") == ["", "p", "", "p", "", ""]


def test_words_reach_every_output():
    plan = with_words("", "two\nlines | 1", "", "", "", "")
    prompts = keyframe_prompts(plan, "a drum", "")
    assert prompts[1] == "a drum, two\nlines | 1"
    assert prompt_lines(prompts).splitlines()[1] == "a drum, two lines | 1"
    assert '"4": "a drum, two lines | 1"' in prompt_schedule(plan, prompts)
    assert relay(plan, "a drum", "")[0].split(" | ")[1] == "two lines / 1"


def test_plain_lines_are_one_per_keyframe():
    text = "a\nb\n\nclose-up: c\nd\ne\nf"
    assert line_per_keyframe(PLAN, text) == ["a", "b", "close-up: c", "d", "e", "f"]


@pytest.mark.parametrize(
    ("global_text", "line", "expected"),
    [
        ("a drum", "hit", "a drum, hit"),
        ("A drum.", "It is hit.", "A drum. It is hit."),
        ("", "hit", "hit"),
        (" a drum \n", "", "a drum"),
    ],
)
def test_global_text_and_line_become_one_prompt(global_text, line, expected):
    lines = f"first, peak, valley, fill: {line}"
    assert keyframe_prompts(PLAN, global_text, lines) == [expected] * 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("peak: a\npeek: b", ["Line 2", '"peek: b"', "does not say", "peak", "12: "]),
        ("peak: a\n\njust words", ["Line 3", '"just words"']),
        ("peak: a\n13: b", ["Line 2", "frame 13", "at 12", "at 19"]),
        ("99: b", ["Line 1", "frame 99", "at 21", "the last"]),
        ("peak: a\nvalley, peak: b", ["Lines 1 and 2", "peak"]),
        ("peak, peak: a", ["Line 1", "twice"]),
        ("a\nb", ["2 lines", "6 keyframes", "frame 7 has none"]),
        ("a\nb\nc\nd\ne\nf\n\ng", ["7 lines", "line 8", '"g"']),
        ("peak: " + "x" * 90 + "\n" + "y" * 90, ["Line 2", "yyy..."]),
    ],
)
def test_a_line_that_cannot_be_understood_is_named(text, words):
    with pytest.raises(PlanError) as error:
        keyframe_prompts(PLAN, "global", text)
    message = str(error.value)
    assert all(word in message for word in words), message
    assert message.endswith(".") and len(message) < 400


def test_a_keyframe_without_any_text_is_named():
    with pytest.raises(PlanError, match=r"frame 0 \(first\) has no text"):
        keyframe_prompts(PLAN, "", TWO_SENTENCES)
    with pytest.raises(PlanError, match=r"frame 21 \(fill\) has no text"):
        keyframe_prompts(PLAN, " ", TWO_SENTENCES + "\nfirst: a\nlocked: b\nfill:")


@given(clips(), st.integers(0, 2**64 - 1), st.sampled_from(["fixed", "per keyframe"]))
def test_every_keyframe_has_a_seed_that_others_do_not_change(plan, seed, mode):
    found = seeds(plan, seed, mode)
    assert len(found) == plan.count and found[0] == seed
    assert all(0 <= one < 2**64 for one in found)
    assert len(set(found)) == (1 if mode == "fixed" else plan.count)
    fewer = plan_of([[0, "first"], [plan.frames[-1], "peak"]], n_frames=plan.n_frames)
    assert seeds(fewer, seed, mode)[1] == found[-1]


def test_an_unknown_seed_mode_is_refused():
    with pytest.raises(PlanError, match="fixed, per keyframe"):
        seeds(PLAN, 1, "random")


@given(clips(), st.text(alphabet='ab"\\|\n\u00e9:,', min_size=1, max_size=20))
def test_text_schedule_and_relay_hold_every_prompt(plan, text):
    prompts = [f"{text} {i}" for i in range(plan.count)]
    flat = [" ".join(prompt.split()) for prompt in prompts]
    assert prompt_lines(prompts).split("\n") == flat
    schedule = json.loads("{" + prompt_schedule(plan, prompts) + "}")
    assert schedule == dict(zip(map(str, plan.frames), flat, strict=True))
    texts, lengths = relay(plan, "all | of it", "peak: one | two\nfill: three")
    assert len(texts.split(" | ")) == plan.count == len(lengths.split(","))
    assert sum(map(int, lengths.split(","))) == plan.n_frames
    assert set(texts.split(" | ")) <= {"all / of it", "one / two", "three"}


def test_the_forms_of_other_programs():
    prompts = keyframe_prompts(PLAN, "a drum", "peak: hit\n7: up")
    assert prompt_schedule(PLAN, prompts).splitlines()[:2] == [
        '"0": "a drum",',
        '"4": "a drum, hit",',
    ]
    texts, lengths = relay(PLAN, "a drum", "peak: hit\n7: up")
    assert texts == "a drum | hit | up | hit | a drum | a drum"
    assert lengths == "4,3,5,7,2,3"
