"""Which folder of js/ may import which, that no imports make a circle, and who touches the page."""

import os
import re
from pathlib import Path

import pytest

JS = Path(__file__).resolve().parents[2] / "js"
# folder -> folders it may import, besides its own; "editor" is the top of js/editor, "js" the extensions
RULES = {
    "js": {"comfy"},
    "comfy": {"editor", "editor/state", "editor/plan"},
    "editor": {"editor/panels", "editor/input", "editor/audio", "editor/canvas", "editor/state"},
    "editor/panels": {
        "editor", "editor/input", "editor/canvas", "editor/state", "editor/plan",
    },
    "editor/input": {"editor/canvas", "editor/state", "editor/plan"},
    "editor/audio": {"editor/canvas", "editor/plan"},
    "editor/canvas": {"editor", "editor/plan"},
    "editor/state": {"editor", "editor/plan"},
    "editor/plan": set(),
}  # fmt: skip
# what any folder below may import from the top of js/editor
LEAVES = {"editor/dom.mjs", "editor/events.mjs", "editor/words.mjs"}
PURE = ("editor/plan", "editor/state")  # work without a page
PAGE = re.compile(
    r"\bdocument\.(create|body|head|get|query|active|documentElement)|"
    r"\b(window|navigator|requestAnimationFrame|getComputedStyle)\b[.(]"
)
FILES = sorted([*JS.rglob("*.mjs"), *JS.glob("*.js")])
IMPORT = re.compile(r'^(?:import|export)\b[^;]*? from "([^"]+)";|\bimport\("([^"]+)"\)', re.M)


def code_of(path):
    """A file's text without comments."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"/\*[\s\S]*?\*/|^\s*//.*$| // .*$", "", text, flags=re.MULTILINE)


def folder_of(name):
    return os.path.dirname(name) or "js"


def name_of(path):
    return path.relative_to(JS).as_posix()


def imports_of(path):
    """The files of js/ that a file imports, as names relative to it; ComfyUI's own are left out."""
    for found in IMPORT.finditer(code_of(path)):
        target = os.path.normpath(path.parent / (found[1] or found[2]))
        if os.path.relpath(target, JS).startswith(".."):
            assert "/scripts/" in target, f"{name_of(path)} imports {target}"
        else:
            yield name_of(Path(target))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_folder_imports_only_what_it_may(path):
    folder = folder_of(name_of(path))
    for target in imports_of(path):
        assert (JS / target).is_file(), f"{target} is not there"
        allowed = {folder} | RULES[folder]
        assert folder_of(target) in allowed, f"{name_of(path)} imports {target}"
        if folder_of(target) == "editor" and folder.startswith("editor/"):
            assert target in LEAVES, f"{name_of(path)} imports {target}"


def test_every_folder_was_looked_at():
    assert {folder_of(name_of(path)) for path in FILES} == set(RULES)
    assert sum(1 for path in FILES for _ in imports_of(path)) > 150


def circle(imports):
    """The names that are left when those that import none of the others have gone, again and again."""
    left = dict(imports)
    while free := {name for name, targets in left.items() if not set(targets) & set(left)}:
        for name in free:
            del left[name]
    return sorted(left)


def test_no_files_import_each_other_in_a_circle():
    assert circle({name_of(path): set(imports_of(path)) for path in FILES}) == []
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"], "d": []}) == ["a", "b", "c"]


@pytest.mark.parametrize("folder", PURE)
def test_plan_and_state_touch_no_page(folder):
    touching = [
        name_of(path) for path in sorted((JS / folder).glob("*.mjs")) if PAGE.search(code_of(path))
    ]
    assert touching == []
    assert PAGE.search(code_of(JS / "editor/dom.mjs")), "the check finds nothing"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_is_type_checked(path):
    assert path.read_text(encoding="utf-8").startswith("// @ts-check\n")
