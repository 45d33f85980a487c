"""API-format graphs: their nodes, running them, and what ComfyUI says of those that cannot run."""

import re

import safetensors.torch
from keyvid_pack import errors as keyvid_errors


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def shown(name, slot):
    return node("PreviewAny", source=[name, slot])


def up_to(prompt, name):
    """The part of a graph that a node needs, that node included."""
    kept, waiting = {}, [name]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = prompt[name]
            values = prompt[name]["inputs"].values()
            waiting += [value[0] for value in values if isinstance(value, list)]
    return kept


def with_inputs(prompt, changes):
    """A copy of a graph; changes: {name: {input: value}}, a value of None takes the input away."""
    changed = {name: {**entry, "inputs": dict(entry["inputs"])} for name, entry in prompt.items()}
    for name, inputs in changes.items():
        merged = {**changed[name]["inputs"], **inputs}
        changed[name]["inputs"] = {k: v for k, v in merged.items() if v is not None}
    return changed


def succeed(comfy, prompt, **options):
    """The outputs of a run, {node: ui}; fails with ComfyUI's own words otherwise."""
    return followed(comfy, prompt, **options)[0]


def followed(comfy, prompt, **options):
    """The outputs of a run, {node: ui}, and its events; fails with ComfyUI's own words otherwise."""
    history, events = comfy.run(prompt, **options)
    assert "outputs" in history, history
    ends = [data for kind, data in events if kind in ("execution_error", "execution_interrupted")]
    assert not ends, ends
    return history["outputs"], events


def executed(events):
    """The names of the nodes that ran."""
    return {data["node"] for kind, data in events if kind == "executing" and data["node"]}


def complaint(comfy, prompt):
    """What ComfyUI shows the artist about a graph that cannot run: one text."""
    history, events = comfy.run(prompt)
    errors = [data for kind, data in events if kind == "execution_error"]
    if errors:
        module, _, name = errors[0]["exception_type"].rpartition(".")
        assert module == "KeyVID", errors[0]
        assert issubclass(getattr(keyvid_errors, name), keyvid_errors.KeyVIDError)
        return errors[0]["exception_message"].strip()
    assert "node_errors" in history, "the graph ran without a complaint"
    found = [e for entry in history["node_errors"].values() for e in entry["errors"]]
    return " ".join(error["details"] for error in found)


def check_message(text, words=()):
    assert text.rstrip().endswith("."), text
    assert 20 < len(text) < 400, text
    for jargon in ("Traceback", "tensor", "NoneType", "object has no", "dtype", "ndarray"):
        assert not re.search(rf"\b{jargon}", text), text  # a word: "safetensors" is a file's name
    for word in words:
        assert word in text, text


def put_tensors(comfy, file, tensors):
    """Write {name: tensor} to a file in the server's input folder; returns its name."""
    path = comfy.base / "input" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path)
    return file


def saved_tensors(comfy, file):
    """{name: tensor} of a file in the server's output folder."""
    return safetensors.torch.load_file(comfy.base / "output" / file)
