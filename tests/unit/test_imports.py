"""The packages of the pack, who may import whom (docs/architecture.md), and that imports make no circle."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# package -> (packages of the pack it may import, foreign packages it may import)
RULES = {
    "keyframes": ({"errors"}, {"numpy", "scipy"}),
    "preview": ({"errors", "keyframes"}, {"numpy", "PIL", "av"}),
    "models": ({"errors", "keyframes"}, {"numpy", "scipy", "torch", "torchvision", "einops"}),
    "released": ({"errors", "models"}, {"torch"}),
    "host": (
        {"errors", "keyframes", "preview", "models", "released"},
        # librosa and cv2 only where the artist has them
        {
            "numpy",
            "torch",
            "av",
            "cv2",
            "comfy",
            "comfy_api",
            "comfy_execution",
            "comfy_extras",
            "folder_paths",
            "node_helpers",
            "server",
            "aiohttp",
            "safetensors",
            "librosa",
        },
    ),
    "nodes": ({"errors", "keyframes", "host"}, {"comfy_api"}),
    "training": (
        {"errors", "keyframes", "preview", "models", "released"},
        {
            "numpy",
            "scipy",
            "PIL",
            "av",
            "torch",
            "safetensors",
            "diffusers",
            "accelerate",
            "open_clip",
        },
    ),
    "evaluation": (
        {"errors", "keyframes", "preview", "models", "training", "tools"},
        {"numpy", "scipy", "torch", "PIL", "av", "open_clip"},
    ),
}
# package -> {folder or module of it: those of the same package that it may import, None for all}; "*": any other one
PARTS = {
    "models": {
        "attention": set(),
        "cpu_layers": set(),
        "config_inference": set(),
        "flow": set(),
        "lucas_kanade": set(),
        "frame_index": set(),
        "operations": set(),
        "published": set(),
        "checkpoint": {"config_inference", "published"},
        "diffusion": {"frame_index"},
        "encoders": {"attention", "config_inference", "frame_index", "operations", "published"},
        "unet": {"attention", "config_inference", "cpu_layers", "operations"},
        "build": None,
    },
    "host": {
        "attention": set(),
        "audio": {"payloads"},
        "bridges": {"files", "images", "node_previews", "payloads", "running_node"},
        "editor_payload": {"files", "payloads", "running_node"},
        "files": set(),
        "images": {"payloads"},
        "librosa_curves": {"audio"},
        "motion": {"loaders", "opencv_flow", "payloads", "running_node", "video_frames"},
        "node_previews": {"files", "images", "payloads", "running_node"},
        "opencv_flow": set(),
        "page_files": set(),
        "payloads": set(),
        "running_node": {"payloads"},
        "sampling": {"attention", "audio", "images", "payloads", "running_node"},
        "rendering": {"audio", "files", "payloads", "running_node", "sampling"},
        "loaders": {"attention", "audio", "files", "images", "payloads", "sampling"},
        "video_frames": {"images", "payloads"},
        "weights_jobs": {"loaders"},
    },
    "training": {
        "world": set(),
        "recipe": {"world"},
        "engine": set(),
        "datasets": {"engine"},
        "vae": {"recipe", "engine"},
        "data": {"recipe", "engine", "vae", "world"},
        "tasks": {"recipe", "engine", "vae", "data"},
        "release": {"recipe", "engine", "vae", "tasks"},
        "lora": {"recipe", "engine", "datasets", "vae", "tasks", "release"},
        "whole_recipe": {"recipe", "engine", "data", "tasks", "release"},
        "full_size": {"recipe", "engine", "datasets", "vae", "tasks", "release"},
        "command": {"recipe", "engine", "data", "tasks", "release", "whole_recipe", "full_size"},
    },
    # how videos are measured is independent of how they are made and reported
    "evaluation": {"tracker": set(), "measures": {"tracker"}, "*": None},
}
STDLIB = {
    "__future__", "argparse", "ast", "bisect", "collections", "contextlib", "copy", "csv", "dataclasses", "errno",
    "fcntl", "fractions", "functools", "hashlib", "heapq", "http", "importlib", "io", "itertools", "json", "logging",
    "math", "msvcrt", "multiprocessing", "operator", "os", "pathlib", "pickle", "pickletools", "queue", "random",
    "re", "resource", "secrets", "shutil", "signal", "socket", "struct", "subprocess", "sys", "tarfile", "threading",
    "time", "types", "typing", "unicodedata", "urllib", "uuid", "warnings", "wave", "zipfile", "zlib",
}  # fmt: skip
FILES = [path for package in RULES for path in sorted((ROOT / package).rglob("*.py"))]


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
def test_package_imports_only_what_it_may(path):
    parts = path.relative_to(ROOT).parts
    depth = len(parts)  # nodes/edit.py: one dot is nodes, two dots are the pack
    own, foreign = RULES[parts[0]]
    for level, name in imported_modules(path):
        top = name.split(".")[0]
        if level == 0:
            assert top in foreign | STDLIB, f"{path.name} imports {name}"
        elif level == depth:
            assert top in own, f"{path.name} imports {'.' * level}{name}"
        else:
            assert level < depth, f"{path.name} reaches out of the pack: {'.' * level}{name}"


def test_every_package_was_looked_at():
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(RULES)


PACK_FILES = [*ROOT.glob("*.py"), *FILES, *sorted((ROOT / "tools").rglob("*.py"))]


def _module(path):
    """The dotted name of a file inside the pack; a package has that of its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported_by(path, modules):
    """The modules of the pack that a file imports, at any depth; a name that is no module stays as it is."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = ".".join((*base, *(node.module.split(".") if node.module else ())))
            for alias in node.names:
                inner = f"{target}.{alias.name}".removeprefix(".")
                yield inner if inner in modules else target


def _circle(imports):
    """One chain of modules that import each other in a circle, or None."""
    done, chain = set(), []

    def visit(module):
        if module in chain:
            return [*chain[chain.index(module) :], module]
        if module in done:
            return None
        chain.append(module)
        found = next(filter(None, map(visit, sorted(imports[module]))), None)
        chain.pop()
        done.add(module)
        return found

    return next(filter(None, map(visit, sorted(imports))), None)


def test_every_import_inside_the_pack_leads_to_a_module():
    modules = {_module(path) for path in PACK_FILES}
    broken = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in PACK_FILES
        for name in _imported_by(path, modules)
        if name not in modules
    ]
    assert broken == []


def test_no_modules_import_each_other_in_a_circle():
    modules = {_module(path) for path in PACK_FILES}
    imports = {_module(path): set(_imported_by(path, modules)) for path in PACK_FILES}
    assert _circle(imports) is None
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def _part(module, package):
    """The folder or module of a package that a dotted name is in, or None."""
    parts = module.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else None


def _forbidden(imports, package):
    """The imports inside a package, {module: imported modules}, that its row of PARTS does not allow."""
    rows = PARTS[package]
    for module, imported in imports.items():
        part = _part(module, package)
        allowed = rows.get(part)
        for other in {_part(name, package) for name in imported} - {None, part}:
            if allowed is not None and other not in allowed:
                yield f"{module} imports {package}/{other}"


@pytest.mark.parametrize("package", PARTS)
def test_parts_of_a_package_import_one_way(package):
    modules = {_module(path) for path in PACK_FILES}
    imports = {_module(path): set(_imported_by(path, modules)) for path in PACK_FILES}
    assert list(_forbidden(imports, package)) == []
    parts = {_part(module, package) for module in modules} - {None}
    rows = set(PARTS[package])
    assert rows - {"*"} == parts or ("*" in rows and rows - {"*"} < parts)


def test_a_forbidden_import_is_noticed():
    imports = {"host.sampling.guider": {"host.loaders.patcher", "host.audio", "models.build"}}
    assert list(_forbidden(imports, "host")) == ["host.sampling.guider imports host/loaders"]
