"""Which shipped workflows are drawn with boxes, which show every node, and what a box is made of."""

import json
from collections import Counter

from keyvid_pack.tools.environment import ROOT

WORKFLOWS = ROOT / "workflows"
BLUEPRINTS = ROOT / "subgraphs"
ALL_NODES = "_all_nodes"  # ends the names of workflows that are there to show every node and wire
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
BOXED = [name for name in NAMES if not name.endswith(ALL_NODES)]
BLUEPRINT_NAMES = sorted(path.stem for path in BLUEPRINTS.glob("*.json"))


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def boxes(workflow):
    """{name: subgraph} of a workflow."""
    return {
        graph["name"]: graph for graph in (workflow.get("definitions") or {}).get("subgraphs", ())
    }


def structure(graph):
    """What a subgraph is made of, whatever the ids: node types, and wires as (type, output, type, input)."""
    nodes = {node["id"]: node for node in graph["nodes"] if "Note" not in node["type"]}

    def end(key, slot, side, edge):
        if key in nodes:
            return nodes[key]["type"], nodes[key][side][slot]["name"]
        return "edge", graph[edge][slot]["name"]

    wires = Counter(
        (
            *end(link["origin_id"], link["origin_slot"], "outputs", "inputs"),
            *end(link["target_id"], link["target_slot"], "inputs", "outputs"),
        )
        for link in graph["links"]
    )
    return Counter(node["type"] for node in nodes.values()), wires
