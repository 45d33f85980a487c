"""The weight files that the shipped workflows ask for, and empty ones in their place."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from .environment import ROOT

WORKFLOWS = ROOT / "workflows"
OWN = "keyvid"  # the folder of this pack's files, below models/


def model_files(workflow: dict) -> Iterator[tuple[str, str]]:
    """(folder below models/, name) of every weight file that a UI-format workflow asks for.

    Those of this pack's loaders are what is chosen in them; ComfyUI's own say it themselves, also in subgraphs.
    """
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs", ())
    for node in [node for graph in (workflow, *subgraphs) for node in graph["nodes"]]:
        for model in node.get("properties", {}).get("models") or ():
            yield model["directory"], model["name"]
        if node["type"].startswith("KeyVID_"):
            for value in node.get("widgets_values") or ():
                if isinstance(value, str) and value.endswith(".safetensors"):
                    yield OWN, value


def put_empty_models(models: Path, names: Iterable[str], *, own: bool) -> None:
    """Empty files under the names that workflows ask for, so that ComfyUI's lists show them; own: also this pack's.

    An empty file hides the one of that name that comes with the pack.
    """
    for name in names:
        workflow = json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
        for folder, file in model_files(workflow):
            if own or folder != OWN:
                (models / folder).mkdir(parents=True, exist_ok=True)
                (models / folder / file).touch()
