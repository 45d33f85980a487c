"""What API clients send, or leave out, through the real server: the edit in other forms, and null for any value."""

import json

import pytest
from keyvid_pack import errors as keyvid_errors

from ...helpers.graphs.prompts import check_message, complaint, succeed
from ...helpers.graphs.timing_graph import chain, edited_result, frames_of, moved_edit


def planned(comfy, edit):
    return frames_of(edited_result(succeed(comfy, chain(edit=edit)))["plan"])


def test_null_is_no_edit(comfy):
    assert planned(comfy, None) == planned(comfy, "")
    assert planned(comfy, {"__value__": None}) == planned(comfy, "")


def test_the_document_itself_is_as_good_as_its_text(comfy):
    text = moved_edit(comfy, 24, 26)
    frames = planned(comfy, text)
    assert 26 in frames
    assert planned(comfy, json.loads(text)) == frames
    assert planned(comfy, json.loads(text)["plan"]) == frames


def test_a_list_of_frames_in_the_wrapping_that_comfyui_asks_for(comfy):
    assert planned(comfy, {"__value__": [0, 7, 12]}) == [0, 7, 12]


@pytest.mark.parametrize(
    ("edit", "words"),
    [(True, ["true", "leave the edit out"]), (12.5, ['"12.5"']), ({"a": 1}, ["version"])],
)
def test_what_is_no_edit_is_named(comfy, edit, words):
    check_message(complaint(comfy, chain(edit=edit)), words)


def values_of(prompt):
    """(node, input) of everything in a graph that is no wire."""
    inputs = [
        (name, key, value) for name, one in prompt.items() for key, value in one["inputs"].items()
    ]
    own = [one for one in inputs if prompt[one[0]]["class_type"].startswith("KeyVID_")]
    return [(name, key) for name, key, value in own if not isinstance(value, list)]


@pytest.mark.parametrize(("name", "key"), values_of(chain()), ids="-".join)
@pytest.mark.parametrize("is_left_out", [False, True], ids=["null", "absent"])
def test_no_value_ends_in_a_traceback(comfy, name, key, is_left_out):
    prompt = chain()
    if is_left_out:
        del prompt[name]["inputs"][key]
    else:
        prompt[name]["inputs"][key] = None
    history, events = comfy.run(prompt)
    for kind, data in events:
        if kind == "execution_error":
            module, _, error = data["exception_type"].rpartition(".")
            assert module == "KeyVID" and hasattr(keyvid_errors, error), data
            check_message(data["exception_message"])
    for one in history.get("node_errors", {}).values():
        kinds = {error["type"] for error in one["errors"]}
        assert not kinds & {"exception_during_validation", "exception_during_inner_validation"}
