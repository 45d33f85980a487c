"""The rooms of the pack and who may import whom (docs/architecture.md)."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# room -> (rooms of the pack it may import, foreign packages it may import)
RULES = {
    "keyframes": ({"errors"}, {"numpy", "scipy"}),
    "preview": ({"errors", "keyframes"}, {"numpy", "PIL", "av"}),
    "models": ({"errors", "keyframes"}, {"numpy", "scipy", "torch", "torchvision", "safetensors"}),
    "host": (
        {"errors", "keyframes", "preview", "models"},
        {"numpy", "torch", "comfy", "comfy_api", "comfy_execution", "folder_paths", "server"},
    ),
    "nodes": ({"errors", "keyframes", "host"}, {"comfy_api"}),
    "training": (
        {"errors", "keyframes", "preview", "models"},
        {"numpy", "scipy", "PIL", "torch", "safetensors", "diffusers", "accelerate", "open_clip"},
    ),
    "evaluation": (
        {"errors", "keyframes", "preview", "models", "training", "tools"},
        {"numpy", "scipy", "torch", "PIL"},
    ),
}
STDLIB = {
    "__future__", "argparse", "ast", "bisect", "collections", "contextlib", "csv", "dataclasses", "fractions",
    "functools", "hashlib", "heapq", "importlib", "io", "itertools", "json", "logging", "math", "operator", "os",
    "pathlib", "pickle", "pickletools", "random", "re", "shutil", "signal", "struct", "sys", "threading", "time",
    "typing", "wave", "zipfile", "zlib",
}  # fmt: skip
FILES = [path for room in RULES for path in sorted((ROOT / room).rglob("*.py"))]


def imported_modules(path):
    """(level, dotted name) of everything a file imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module is None:  # from .. import x
                yield from ((node.level, alias.name) for alias in node.names)
            else:
                yield node.level, node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_room_imports_only_what_it_may(path):
    parts = path.relative_to(ROOT).parts
    depth = len(parts)  # nodes/edit.py: one dot is nodes, two dots are the pack
    rooms, packages = RULES[parts[0]]
    for level, name in imported_modules(path):
        top = name.split(".")[0]
        if level == 0:
            assert top in packages | STDLIB, f"{path.name} imports {name}"
        elif level == depth:
            assert top in rooms, f"{path.name} imports {'.' * level}{name}"
        else:
            assert level < depth, f"{path.name} reaches out of the pack: {'.' * level}{name}"


def test_every_room_was_looked_at():
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(RULES)
