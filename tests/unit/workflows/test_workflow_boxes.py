"""The boxes (subgraphs) of the shipped workflows: few at the top, the pack's blueprints, and the same graph inside."""

import functools
import hashlib
import json
from collections import Counter

import pytest

from ...helpers.graphs.boxed_workflows import (
    ALL_NODES,
    BLUEPRINT_NAMES,
    BLUEPRINTS,
    BOXED,
    NAMES,
    WORKFLOWS,
    boxes,
    read,
    structure,
)

EDGE = -10, -20  # ComfyUI's numbers for the near and the far side of a box
MOST_NODES = 12  # of a workflow at its top, notes included
OWN = set(BLUEPRINT_NAMES)


def meaning(prompt):
    """Hashes of the nodes of an API form, whatever their ids: of class, values and all that is behind the node."""

    @functools.cache
    def told(key):
        inputs = {
            name: [told(value[0]), value[1]] if isinstance(value, list) else value
            for name, value in prompt[key]["inputs"].items()
        }
        text = json.dumps([prompt[key]["class_type"], inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    return Counter(map(told, prompt))


def wires(workflow):
    """{(node, input): (node, output slot)} of a workflow with its boxes opened, under the ids of the API form."""
    found = {}
    graphs = {one["id"]: one for one in (workflow.get("definitions") or {}).get("subgraphs", ())}

    def links_of(graph):
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
        return {
            link[0]: link[1:]
            for link in (
                [one[key] for key in keys] if isinstance(one, dict) else one[:5]
                for one in graph["links"]
            )
        }

    def source(path, graph, around, link):
        """The node and slot that a link comes from, through the edges of boxes; None where nothing is connected."""
        key, slot = links_of(graph)[link][:2]
        if key == EDGE[0]:  # from outside of the box
            outer_path, outer, outer_around, box = around
            entry = box["inputs"][slot]
            return entry["link"] and source(outer_path, outer, outer_around, entry["link"])
        (node,) = [one for one in graph["nodes"] if one["id"] == key]
        if node["type"] in graphs:  # from inside of a box
            inside = graphs[node["type"]]
            (end,) = [one for one, ends in links_of(inside).items() if ends[2:] == [EDGE[1], slot]]
            return source(f"{path}{key}:", inside, (path, graph, around, node), end)
        if node["type"] == "Reroute":  # the one that is a node is not sent
            return source(path, graph, around, node["inputs"][0]["link"])
        return f"{path}{key}", slot

    def walk(path, graph, around):
        for node in graph["nodes"]:
            if node["type"] in graphs:
                place = (path, graph, around, node)
                walk(f"{path}{node['id']}:", graphs[node["type"]], place)
                continue
            for entry in node.get("inputs", ()):
                origin = entry.get("link") and source(path, graph, around, entry["link"])
                if origin:
                    found[f"{path}{node['id']}", entry["name"]] = origin

    walk("", workflow, None)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_has_the_wires_of_its_api_form(name):
    prompt = read(WORKFLOWS / "api" / f"{name}.json")
    sent = {
        (key, entry): tuple(value)
        for key, node in prompt.items()
        for entry, value in node["inputs"].items()
        if isinstance(value, list)
    }
    drawn = wires(read(WORKFLOWS / f"{name}.json"))
    assert {end: start for end, start in drawn.items() if end[0] in prompt} == sent


def test_a_wire_to_another_socket_is_noticed():
    workflow = read(WORKFLOWS / "keyvid_demo.json")
    before = wires(workflow)
    box = workflow["definitions"]["subgraphs"][1]
    box["links"][0]["origin_slot"] = 2
    assert wires(workflow) != before


@pytest.mark.parametrize("name", BOXED)
def test_a_workflow_has_few_boxes(name):
    assert len(read(WORKFLOWS / f"{name}.json")["nodes"]) <= MOST_NODES


@pytest.mark.parametrize("name", BLUEPRINT_NAMES)
def test_a_blueprint_is_one_box_with_its_name_and_what_it_does(name):
    blueprint = read(BLUEPRINTS / f"{name}.json")
    (node,), (graph,) = blueprint["nodes"], blueprint["definitions"]["subgraphs"]
    assert (node["type"], node["title"], graph["name"]) == (graph["id"], name, name)
    assert graph["description"].endswith(".") and graph["category"] == "KeyVID"


def test_every_blueprint_is_in_a_workflow():
    assert set().union(*(boxes(read(WORKFLOWS / f"{name}.json")) for name in BOXED)) >= OWN


@pytest.mark.parametrize("name", BOXED)
def test_a_box_with_the_name_of_a_blueprint_is_one(name):
    for title, graph in boxes(read(WORKFLOWS / f"{name}.json")).items():
        if title in OWN:
            (blueprint,) = boxes(read(BLUEPRINTS / f"{title}.json")).values()
            assert structure(graph) == structure(blueprint), title


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(ALL_NODES)])
def test_boxes_do_what_all_nodes_do(name):
    boxed = read(WORKFLOWS / "api" / f"{name.removesuffix(ALL_NODES)}.json")
    prompt = read(WORKFLOWS / "api" / f"{name}.json")
    assert meaning(boxed) == meaning(prompt)
    (select,) = [one for one in prompt.values() if one["class_type"] == "KeyVID_SelectKeyframes"]
    select["inputs"]["peak_distance"] += 1  # a change deep inside is noticed
    assert meaning(boxed) != meaning(prompt)
