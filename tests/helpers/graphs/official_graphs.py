"""ComfyUI's own blueprints and templates, and how a subgraph of ours may differ from the one it is built on."""

import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from keyvid_pack.tools import environment

from .workflow_files import ui_form


class Built(NamedTuple):
    """A subgraph of a workflow and the official graph that it is built on.

    official: the file's name without .json and its subgraph's name; None takes the top graph of the file. left_out:
    node ids that ours does not have. added: the types of our own boxes. rewired: (node id, input) whose wire comes
    from elsewhere. values: {node id: widget values of ours}, where they differ.
    """

    workflow: str
    subgraph: str
    official: tuple[str, str | None]
    left_out: frozenset[int]
    added: tuple[str, ...]
    rewired: frozenset[tuple[int, str]]
    values: frozenset[int]


def official_graph(file, name):
    """Nodes by id and links of a blueprint in ComfyUI's folder, else of a template in its package."""
    path = environment.COMFYUI / "blueprints" / f"{file}.json"
    if not path.is_file():
        spec = importlib.util.find_spec("comfyui_workflow_templates_json")
        path = Path(spec.submodule_search_locations[0]) / "templates" / f"{file}.json"
    return graph_named(json.loads(path.read_text(encoding="utf-8")), name)


def our_graph(workflow, name):
    return graph_named(ui_form(workflow), name)


def graph_named(workflow, name):
    """({node id: node}, {(origin, output slot, target, input's name)}) of a subgraph, or of the top graph."""
    graph = workflow
    if name is not None:
        (graph,) = [g for g in workflow["definitions"]["subgraphs"] if g["name"] == name]
    nodes = {node["id"]: node for node in graph["nodes"]}
    links = set()
    for link in graph["links"]:
        if isinstance(link, dict):
            keys = ("origin_id", "origin_slot", "target_id", "target_slot")
            origin, slot, target, entry = (link[key] for key in keys)
        else:
            _, origin, slot, target, entry, _ = link
        if origin in nodes and target in nodes:  # not those to the subgraph's own sockets
            links.add((origin, slot, target, nodes[target]["inputs"][entry]["name"]))
    return nodes, links


def differences(ours, official, built):
    """What differs between two graphs (as of `graph_named`) beyond what `built` allows, in words."""
    (nodes, links), (theirs, their_links) = ours, official
    kept = {key: node for key, node in theirs.items() if key not in built.left_out}
    found = [f"{node['type']} {key} is missing" for key, node in kept.items() if key not in nodes]
    kept = {key: node for key, node in kept.items() if key in nodes}
    for key, node in kept.items():
        for what in ("type", "widgets_values", "models"):
            if what == "widgets_values" and key in built.values:
                continue
            one, other = (_told(each, what) for each in (nodes[key], node))
            if what == "widgets_values":
                one = one[: len(other)]  # inputs that ComfyUI has appended since, at their defaults
            if one != other:
                found.append(f"{node['type']} {key} has {what} {one!r}, not {other!r}")
    extra = Counter(node["type"] for key, node in nodes.items() if key not in theirs)
    if extra != Counter(built.added):
        found.append(f"added are {sorted(extra.elements())}")
    for origin, slot, target, name in their_links - links:
        if origin in kept and target in kept and (target, name) not in built.rewired:
            found.append(f"the wire from {origin} output {slot} to {name} of {target} is missing")
    for origin, slot, target, name in links - their_links:
        if {origin, target} <= kept.keys() and (target, name) not in built.rewired:
            found.append(f"the wire from {origin} output {slot} to {name} of {target} is new")
    return found


def _told(node, what):
    if what == "models":
        return node.get("properties", {}).get("models") or []
    value = node.get(what)
    return value or [] if what == "widgets_values" else value
