"""A clip of a list put into a workflow in API form."""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

from ...errors import KeyVIDError
from ..run_workflow import nodes_of
from .clip_list import BatchClip, file_hash

Graph = dict[str, dict[str, Any]]
FOLDER = "keyvid_batch"  # of the server's output folder


def read_graph(path: str | Path) -> Graph:
    """A workflow in API form. Raises KeyVIDError for a file that is none."""
    path = Path(path).expanduser()
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KeyVIDError(f"The workflow {path} cannot be read ({error}).") from None
    if not isinstance(graph, dict) or not all(
        isinstance(node, dict) and "class_type" in node and "inputs" in node
        for node in graph.values()
    ):
        raise KeyVIDError(
            f"The workflow {path} is not in API form. In ComfyUI use the menu's Export (API), or take one of "
            "workflows/api."
        )
    return graph


def graph_for(graph: Graph, clip: BatchClip) -> tuple[Graph, dict[str, Path]]:
    """(the graph that makes a clip, {name in the server's input folder: the file to put there}).

    Files are named by their content, so the graph tells all that the clip is made of. Raises KeyVIDError where the
    workflow has no place, or several, for what the clip has.
    """
    graph, files = copy.deepcopy(graph), {}
    for path, kind, name in (
        (clip.image, "LoadImage", "image"),
        (clip.sound, "LoadAudio", "audio"),
    ):
        if path is not None:
            stored = f"{FOLDER}_{file_hash(path)[:24]}{path.suffix.lower()}"
            _only(graph, kind, clip)["inputs"][name] = stored
            files[stored] = path
    if clip.prompt is not None:
        _prompt_node(graph, clip)["inputs"]["text"] = clip.prompt
    if clip.edit is not None:
        _only(graph, "KeyVID_EditKeyframes", clip)["inputs"]["edit"] = clip.edit
    if clip.seed is not None:
        noises = nodes_of(graph, "RandomNoise")
        if not noises:
            raise KeyVIDError(
                f'The clip "{clip.name}" has a seed, but the workflow has no Random Noise.'
            )
        for number, node in enumerate(noises):
            node["inputs"]["noise_seed"] = clip.seed + number
    _only(graph, "SaveVideo", clip)["inputs"]["filename_prefix"] = (
        f"{FOLDER}/{identity(graph)[:24]}"
    )
    return graph, files


def identity(graph: Graph) -> str:
    """A name of everything that a graph makes its video of."""
    return hashlib.sha256(json.dumps(graph, sort_keys=True).encode()).hexdigest()


def _prompt_node(graph: Graph, clip: BatchClip) -> dict[str, Any]:
    """The text behind the positive input of Keyframe Conditioning."""
    links = [
        node["inputs"].get("positive") for node in nodes_of(graph, "KeyVID_KeyframeConditioning")
    ]
    behind = {link[0] for link in links if isinstance(link, list)}
    nodes = [graph[key] for key in behind if "text" in graph[key]["inputs"]]
    if len(nodes) != 1 or isinstance(nodes[0]["inputs"]["text"], list):
        raise KeyVIDError(
            f'The clip "{clip.name}" has a prompt, but the workflow has {len(nodes)} texts behind Keyframe '
            "Conditioning where one can be put. Leave the prompt out, or use a workflow with one."
        )
    return nodes[0]


def _only(graph: Graph, kind: str, clip: BatchClip) -> dict[str, Any]:
    nodes = nodes_of(graph, kind)
    if len(nodes) != 1:
        raise KeyVIDError(
            f'For the clip "{clip.name}" the workflow needs one node {kind}, but it has {len(nodes)}.'
        )
    return nodes[0]
