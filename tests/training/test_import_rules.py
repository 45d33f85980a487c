"""The folders of training/ and evaluation/ import one way, and no module imports itself through others."""

import ast
import graphlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# folder or module -> what of the same package it may import
TRAINING = {
    "world": set(),
    "recipe": {"world"},
    "engine": set(),
    "vae": {"recipe", "engine"},
    "data": {"recipe", "engine", "vae", "world"},
    "tasks": {"recipe", "engine", "vae", "data"},
    "release": {"recipe", "engine", "vae", "tasks"},
    "command": {"recipe", "engine", "data", "tasks", "release"},
}
# the tracker is independent of how videos are made and reported
EVALUATION_TRACKER = {"matching", "options"}


def modules_of(package):
    """{dotted module: its path} of a package."""
    paths = (ROOT / package).rglob("*.py")
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}


def imports_of(module, path):
    """The dotted modules and names of the pack that a module imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = module.split(".")[: -node.level]
            target = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{target}.{alias.name}" for alias in node.names)


def part_of(name, package):
    """The folder or module of a package that a dotted name lies in, or None."""
    parts = name.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else None


def test_training_folders_import_one_way():
    seen = set()
    for module, path in modules_of("training").items():
        own = part_of(module, "training")
        seen.add(own)
        for name in imports_of(module, path):
            other = part_of(name, "training")
            assert other in (None, own) or other in TRAINING[own], f"{module} imports {name}"
    assert seen - {"__init__"} == set(TRAINING)


def test_training_rules_have_no_circle():
    assert list(graphlib.TopologicalSorter(TRAINING).static_order())


def test_tracker_imports_no_other_part_of_the_evaluation():
    for module, path in modules_of("evaluation").items():
        if part_of(module, "evaluation") == "tracker":
            others = {part_of(name, "evaluation") for name in imports_of(module, path)}
            assert others <= {None, "tracker"} | EVALUATION_TRACKER, module


@pytest.mark.parametrize("package", ["training", "evaluation", "preview"])
def test_no_module_imports_itself_through_others(package):
    modules = modules_of(package)
    graph = {}
    for module, path in modules.items():
        found = set()
        for name in imports_of(module, path):
            found |= {name, name.rpartition(".")[0]} & modules.keys()
        graph[module] = found
    assert sum(map(len, graph.values())) > 5
    assert list(graphlib.TopologicalSorter(graph).static_order())
