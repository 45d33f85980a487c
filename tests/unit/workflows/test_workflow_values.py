"""What stands beneath a wire in the shipped workflows.

A node that is bypassed or muted takes its wires along, and what was typed beneath them counts: it has to be what the
wire brings in the workflow as it is shipped, or the video silently gets another speed.
"""

import json
import pathlib

import pytest

WORKFLOWS = pathlib.Path(__file__).resolve().parents[3] / "workflows"
BLUEPRINTS = WORKFLOWS.parent / "subgraphs"
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
# their outputs are lists, another value for every keyframe or segment: nothing typed beneath could be all of them
LISTS = {"KeyVID_KeyframePrompts", "KeyVID_KeyframeSegments"}
# which files are there is not in the workflow: test_own_images.py says what this one brings
FILES = {"KeyVID_StoryboardImages"}
# {output: the widget in which its value was typed, somewhere upstream}
TYPED_IN = {"fps": "fps", "frames": "n_frames", "n_frames": "n_frames"}


EDGE = -10  # ComfyUI's number for the near side of a box, from which its inputs go on inside


def whole(workflow):
    """(nodes by id, {link id: (source node, slot)}) of a workflow and of its boxes that are ours.

    What is inside box 102 has ids such as "102:15"; "102:-10" is the box itself as it is seen from inside, with what is
    typed into it. Where a box is ComfyUI's own (tests/graph/test_official_workflows.py), what stands beneath a wire is
    theirs.
    """
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs", [])
    ours = {one["id"]: one for one in subgraphs if "ComfyUI's own" not in one["description"]}
    nodes = {node["id"]: node for node in workflow["nodes"]}
    links = {link[0]: tuple(link[1:3]) for link in workflow["links"]}
    for box in [node for node in workflow["nodes"] if node["type"] in ours]:
        graph = ours[box["type"]]

        def place(number, box=box):
            return f"{box['id']}:{number}"

        nodes[place(EDGE)] = {**box, "id": place(EDGE), "outputs": graph["inputs"]}
        for node in graph["nodes"]:
            inputs = [
                {**entry, "link": None if entry.get("link") is None else place(entry["link"])}
                for entry in node.get("inputs", [])
            ]
            nodes[place(node["id"])] = {**node, "id": place(node["id"]), "inputs": inputs}
        for link in graph["links"]:
            links[place(link["id"])] = place(link["origin_id"]), link["origin_slot"]
    return nodes, links


def widgets(node):
    """{widget: (its value, its link or None)} of a node."""
    names = [entry for entry in node.get("inputs", []) if entry.get("widget")]
    values = list(node.get("widgets_values") or [])
    if len(values) != len(names):  # a seed has a second widget: what happens to it after a run
        values = [value for value in values if value not in ("fixed", "randomize", "increment")]
    if len(values) != len(names):
        return {}
    return {
        entry["name"]: (value, entry.get("link"))
        for entry, value in zip(names, values, strict=True)
    }


def typed_upstream(nodes, links, link, widget):
    """The value in the nearest widget of this name that no wire feeds, from a wire's source upwards; else None."""
    waiting, seen = [links[link][0]], set()
    while waiting:
        node = nodes[waiting.pop(0)]
        if node["id"] in seen:
            continue
        seen.add(node["id"])
        value, above = widgets(node).get(widget, (None, None))
        if value is not None and above is None:
            return value
        above = [entry["link"] for entry in node.get("inputs", []) if entry.get("link") is not None]
        waiting += [links[one][0] for one in above]
    return None


def beneath_wires(workflow):
    """(node's title, widget, value beneath the wire, value the wire brings) of every wired widget."""
    nodes, links = whole(workflow)
    for key, node in nodes.items():
        for name, (value, link) in widgets(node).items():
            if link is None or str(key).endswith(f":{EDGE}"):
                continue
            source, slot = links[link]
            if nodes[source]["type"] in LISTS | FILES:
                continue
            output = nodes[source]["outputs"][slot]["name"]
            brought = typed_upstream(nodes, links, link, TYPED_IN.get(output, output))
            yield node.get("title", node["type"]), name, value, brought


@pytest.fixture(params=NAMES)
def workflow(request):
    return json.loads((WORKFLOWS / f"{request.param}.json").read_text(encoding="utf-8"))


def test_beneath_a_wire_stands_what_the_wire_brings(workflow):
    for title, widget, value, brought in beneath_wires(workflow):
        # where it cannot be read off the file, the workflow has to be looked at: extend TYPED_IN
        assert brought is not None, f"{title}: nobody typed what is wired into {widget}"
        assert value == brought, (
            f"{title}: {widget} is {value} beneath its wire, which brings {brought}"
        )


def test_a_widget_of_every_node_that_makes_a_video_is_looked_at():
    found = {
        (name, title, widget)
        for name in NAMES
        for title, widget, _, _ in beneath_wires(
            json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
        )
    }
    with_sound = {
        "keyvid_demo",
        "keyvid_demo_all_nodes",
        "keyvid_motion_from_video",
        "keyvid_one_pass",
        "keyvid_full",
        "keyvid_prompt_per_keyframe",
        "keyvid_own_images",
        "keyvid_paint_again",
        "keyvid_full_fast",
        "keyvid_uniform_baseline",
        "keyvid_wan_segments",
        "keyvid_storyboard_interpolate",
    }
    videos = {name for name, title, widget in found if (title, widget) == ("CreateVideo", "fps")}
    assert videos == with_sound


def test_another_number_beneath_a_wire_is_noticed():
    workflow = json.loads((WORKFLOWS / "keyvid_demo.json").read_text(encoding="utf-8"))
    boxes = workflow["definitions"]["subgraphs"]
    (video,) = [node for box in boxes for node in box["nodes"] if node["type"] == "CreateVideo"]
    video["widgets_values"][0] = 30
    wrong = [row[1:] for row in beneath_wires(workflow) if row[2] != row[3]]
    assert wrong == [("fps", 30, 24)]


def test_another_number_in_a_box_than_on_it_is_noticed():
    workflow = json.loads((WORKFLOWS / "keyvid_demo.json").read_text(encoding="utf-8"))
    (box,) = [node for node in workflow["nodes"] if node.get("title") == "Fill in-betweens"]
    box["widgets_values"][1] = 33
    wrong = [row[1:] for row in beneath_wires(workflow) if row[2] != row[3]]
    assert wrong == [("steps", 20, 33)]


# what ComfyUI itself saves as null: a socket without a wire
EMPTY = {"link", "links"}


def nulls(saved):
    """The keys of a saved graph that stand for nothing, where ComfyUI leaves them out."""
    if isinstance(saved, dict):
        found = {name for name, value in saved.items() if value is None} - EMPTY
        return found.union(*(nulls(value) for value in saved.values()))
    return set().union(*map(nulls, saved)) if isinstance(saved, list) else set()


@pytest.mark.parametrize(
    "path", [*WORKFLOWS.glob("*.json"), *BLUEPRINTS.glob("*.json")], ids=lambda path: path.stem
)
def test_a_workflow_has_no_nulls_that_a_frontend_trips_over(path):
    """`"floatingLinks": null` opens in frontend 1.47 and not in 1.58, where it has to be a list if it is there."""
    assert nulls(json.loads(path.read_text(encoding="utf-8"))) == set()
    assert nulls({"links": None, "nodes": [{"pos": None}], "floatingLinks": None}) == {
        "pos",
        "floatingLinks",
    }
