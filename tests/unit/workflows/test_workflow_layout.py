"""The workflows as drawings: nothing overlaps, everything flows to the right, no two wires cross."""

import itertools
import json
import math
import pathlib

import pytest

WORKFLOWS = pathlib.Path(__file__).resolve().parents[3] / "workflows"
NAMES = (
    "keyvid_demo",
    "keyvid_demo_all_nodes",
    "keyvid_timing",
    "keyvid_timing_all_nodes",
    "keyvid_song",
    "keyvid_one_pass",
    "keyvid_motion_from_video",
    "keyvid_prompt_per_keyframe",
    "keyvid_own_images",
    "keyvid_paint_again",
    "keyvid_full",
    "keyvid_full_fast",
    "keyvid_uniform_baseline",
    "keyvid_keyframes_only",
    "dynamicrafter_i2v",
    "keyvid_storyboard",
    "keyvid_storyboard_interpolate",
    "keyvid_ltx_sound",
    "keyvid_ltx_edits",
    "keyvid_wan_vace_edits",
    "keyvid_wan_segments",
)
TITLE, FIRST_SLOT, SLOT = 30, 14, 20  # px, of ComfyUI's classic renderer
FOOTER = 20  # px by which Nodes 2.0 draws some nodes taller
STEP = 4  # px between the points at which a wire is looked at


class Drawing:
    """A UI-format workflow: its nodes as boxes (left, top, right, bottom) and its links as polylines."""

    def __init__(self, workflow):
        self.nodes = {node["id"]: node for node in workflow["nodes"]}
        self.groups = [_box(*group["bounding"]) for group in workflow["groups"]]
        self.links = {link[0]: link for link in workflow["links"]}
        extra = workflow["extra"]
        self.reroutes = {reroute["id"]: reroute for reroute in extra.get("reroutes") or ()}
        self.ends = {e["id"]: e["parentId"] for e in extra.get("linkExtensions") or ()}
        self.boxes = {
            key: _box(node["pos"][0], node["pos"][1] - TITLE, node["size"][0], _height(node))
            for key, node in self.nodes.items()
        }

    def title(self, key):
        return self.nodes[key].get("title", self.nodes[key]["type"])

    def ports(self, link):
        """((x, y) of the output, (x, y) of the input) of a link."""
        _, source, slot, target, entry, _ = link
        (_, top, right, _), (into, below, _, _) = self.boxes[source], self.boxes[target]
        return (
            (right, top + TITLE + FIRST_SLOT + SLOT * slot),
            (into, below + TITLE + FIRST_SLOT + SLOT * entry),
        )

    def wire(self, link):
        """The points of a link from its output to its input, over its reroutes."""
        start, end = self.ports(link)
        between, at = [], self.ends.get(link[0])
        while at is not None:
            between.append(tuple(self.reroutes[at]["pos"]))
            at = self.reroutes[at].get("parentId")
        return [start, *reversed(between), end]

    def visible_pieces(self, link):
        """The short pieces of a link that no node hides."""
        corners = self.wire(link)
        points = [
            _between(a, b, part / n)
            for a, b in itertools.pairwise(corners)
            for n in [max(1, round(math.dist(a, b) / STEP))]
            for part in range(n)
        ]
        points.append(corners[-1])
        pieces = itertools.pairwise(points)
        return [piece for piece in pieces if not any(map(self._is_hidden, piece))]

    def _is_hidden(self, point):
        return any(_contains(box, (*point, *point)) for box in self.boxes.values())

    def crossings(self):
        """Pairs of outputs whose wires cross in sight, but for two wires between the same two nodes.

        Those cross where the nodes have their sockets in another order, wherever the nodes stand.
        """
        pieces = [
            ((*link[1:3], link[3]), piece)
            for link in self.links.values()
            for piece in self.visible_pieces(link)
        ]
        cells = {}
        for net, piece in pieces:
            for cell in {tuple(int(value // 32) for value in point) for point in piece}:
                cells.setdefault(cell, []).append((tuple(net), piece))
        return {
            (a[:2], b[:2])
            for inside in cells.values()
            for (a, one), (b, other) in itertools.combinations(inside, 2)
            if a[:2] != b[:2] and (a[0], a[2]) != (b[0], b[2]) and _cross(one, other)
        }


def _box(left, top, width, height):
    return left, top, left + width, top + height


def _height(node):
    return TITLE + node["size"][1] + (0 if node["type"] == "MarkdownNote" else FOOTER)


def _contains(outer, inner):
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and inner[2] <= outer[2]
        and inner[3] <= outer[3]
    )


def _overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _between(a, b, share):
    return tuple(p + (q - p) * share for p, q in zip(a, b, strict=True))


def _cross(one, other):
    def side(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    (a, b), (c, d) = one, other
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def read(name):
    return json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(params=NAMES)
def workflow(request):
    return read(request.param)


def insides(workflow):
    """{box's title: its inside, as a workflow}, of boxes that are ours: without the wires from and to its edges."""
    found = {}
    for graph in (workflow.get("definitions") or {}).get("subgraphs", ()):
        if "ComfyUI's own" in graph["description"]:
            continue
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        inner = [one for one in graph["links"] if min(one["origin_id"], one["target_id"]) >= 0]
        ends = [
            {"id": one["id"], "parentId": one["parentId"]} for one in inner if "parentId" in one
        ]
        found[graph["name"]] = {
            "nodes": graph["nodes"],
            "groups": graph["groups"],
            "links": [[one[key] for key in keys] for one in inner],
            "extra": {"reroutes": graph["reroutes"], "linkExtensions": ends},
        }
    return found


def overlapping(drawing):
    return [
        (drawing.title(a), drawing.title(b))
        for (a, one), (b, other) in itertools.combinations(drawing.boxes.items(), 2)
        if _overlap(one, other)
    ]


def backwards(drawing):
    """The links that do not lead to the right."""
    ports = {key: drawing.ports(link) for key, link in drawing.links.items()}
    return [key for key, ((start, _), (end, _)) in ports.items() if start >= end]


def test_nothing_overlaps(workflow):
    drawing = Drawing(workflow)
    assert overlapping(drawing) == []
    assert not any(_overlap(a, b) for a, b in itertools.combinations(drawing.groups, 2))


def test_every_node_stands_in_a_group_with_a_number(workflow):
    drawing = Drawing(workflow)
    found = [
        drawing.title(key)
        for key, box in drawing.boxes.items()
        if not any(_contains(group, box) for group in drawing.groups)
    ]
    assert found in (["Read me"], ["Read me", "Model files"])
    numbers = sorted(group["title"].split()[0] for group in workflow["groups"])
    assert numbers == [str(number + 1) for number in range(len(numbers))]


def test_everything_flows_to_the_right(workflow):
    assert backwards(Drawing(workflow)) == []


def test_a_box_is_as_tidy_inside(workflow):
    for title, inside in insides(workflow).items():
        drawing = Drawing(inside)
        assert overlapping(drawing) == backwards(drawing) == [], title
        assert drawing.crossings() == set(), title


def test_no_two_wires_cross(workflow):
    assert Drawing(workflow).crossings() == set()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "dynamicrafter_i2v"])
def test_a_wire_across_is_noticed(name):
    """Without its reroutes, and with the inputs of every node in reverse, the same graph is a tangle.

    Not where three nodes stand in a row.
    """
    workflow = read(name)
    workflow["extra"] = {"reroutes": [], "linkExtensions": []}
    n_inputs = {node["id"]: len(node["inputs"]) for node in workflow["nodes"]}
    for link in workflow["links"]:
        link[4] = n_inputs[link[3]] - 1 - link[4]
    assert Drawing(workflow).crossings()
