"""What ComfyUI's registry gets of this repository: everything but what .comfyignore leaves out."""

import ast
import re
import subprocess
from pathlib import PurePosixPath

import pytest
from keyvid_pack.tools.environment import PROJECT_URL, ROOT, SetupError
from keyvid_pack.tools.release import archive, notes, scanners
from PIL import Image

IGNORE = ROOT / ".comfyignore"
FOLDERS = {
    "docs", "host", "js", "keyframes", "locales", "models", "nodes", "preview", "released", "subgraphs", "tools",
    "training", "workflows",
}  # fmt: skip
FILES = {
    ".comfyignore", ".gitignore", "CHANGELOG.md", "LICENSE", "NOTICE", "README.md", "SECURITY.md", "__init__.py",
    "comfy-test.toml", "dev.py", "errors.py", "pyproject.toml", "requirements.txt",
}  # fmt: skip
# of the tools and trainings only what the artist's commands import
INSIDE = {
    "tools": {
        "__init__", "arguments", "client", "demo_clip", "environment", "installation", "pins", "processes", "progress",
        "run_workflow", "server", "unfinished_packages", "weights",
    },
    "training": {"__init__", "world"},
}  # fmt: skip


def tracked(*options):
    """Names of tracked files, as git ls-files lists them with these options."""
    command = ["git", "ls-files", "-z", "--cached", *options]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return set(found.split("\0")) - {""}


def shipped():
    return [PurePosixPath(name) for name in archive.published_files()]


def test_the_package_has_what_the_pack_and_its_commands_need_and_no_more():
    assert {path.parts[0] for path in shipped()} == FOLDERS | FILES
    for folder, names in INSIDE.items():
        parts = {path.parts[1] for path in shipped() if path.parts[0] == folder}
        assert {name.removesuffix(".py") for name in parts} == names


def unmet(paths, read):
    """Relative imports in these Python files that lead to none of them."""
    modules = {path.with_suffix("").parts for path in paths if path.suffix == ".py"}
    modules |= {parts[:-1] for parts in modules if parts[-1] == "__init__"}
    for path in (path for path in paths if path.suffix == ".py"):
        for node in ast.walk(ast.parse(read(path))):
            if not (isinstance(node, ast.ImportFrom) and node.level):
                continue
            base = path.parts[: -node.level] + tuple(
                (node.module or "").split(".") if node.module else ()
            )
            inner = [(*base, alias.name) for alias in node.names]
            if base not in modules and not all(name in modules for name in inner):
                yield f"{path}: {'.'.join(base)}"


def test_nothing_in_the_package_imports_what_it_left_out():
    assert list(unmet(shipped(), lambda path: (ROOT / path).read_text(encoding="utf-8"))) == []
    toy = {"a/b.py": "from . import c\nfrom ..d import e\nfrom .f import g", "a/c.py": ""}
    paths = {PurePosixPath(name): text for name, text in toy.items()}
    assert list(unmet(list(paths), paths.get)) == ["a/b.py: d", "a/b.py: a.f"]


@pytest.mark.parametrize(
    "pattern", [line for line in IGNORE.read_text().splitlines() if line and line[0] not in "#!"]
)
def test_everything_that_is_left_out_exists(pattern):
    assert tracked("--ignored", f"--exclude={pattern}")


CHANGELOG = "# Changelog\n\n## Unreleased\n\nnew\n\n## 0.2.0\n\nolder\n\n## 0.1.0\n"


def test_the_notes_of_a_version_are_its_section():
    assert notes.section_of(CHANGELOG, "0.2.0") == "older\n"
    for version in ("0.1.0", "0.3.0", "0.2"):
        with pytest.raises(SetupError, match=re.escape(version)):
            notes.section_of(CHANGELOG, version)


def test_a_tag_that_is_not_the_version_is_refused():
    version = archive.project_field("version")
    assert notes.notes_of(f"v{version}").strip()
    for tag in (version, f"v{version}0", "v9.9.9"):
        with pytest.raises(SetupError, match="pyproject"):
            notes.notes_of(tag)


def test_the_pictures_of_the_registrys_page_are_files_of_the_project():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for field, size in (("Icon", (400, 400)), ("Banner", (1260, 540))):  # 1:1 and 21:9
        address = re.search(rf'^{field} = "(.+)"$', text, re.MULTILINE)[1]
        start = f"https://raw.githubusercontent.com/{PROJECT_URL.partition('github.com/')[2]}/main/"
        name = address.removeprefix(start)
        assert address != name and name in tracked()
        with Image.open(ROOT / name) as image:
            assert image.size == size


@pytest.mark.parametrize(
    ("words", "name", "line", "expected"),
    [
        ("compile(", "host/x.py", 'NAME = re.compile("a")', True),
        ("compile(", "host/x.py", 'compile("a", "b", "exec")', False),
        ("compile(", "host/x.py", 're.compile("a"); exec(compile(text, "b", "exec"))', False),
        ("eval(", "models/x.py", "network.eval()", True),
        ("eval(", "models/x.py", "network.eval(); eval(text)", False),
        ("eval(", "models/x.py", "eval(text)", False),
        ("eval(", "models/x.py", "frame.eval(text)", False),
        ("subprocess.run", "tools/a/x.py", "subprocess.run(words)", True),
        ("subprocess.run", "host/tools/x.py", "subprocess.run(words)", False),
        ("subprocess.run", "__init__.py", "subprocess.run(words)", False),
        ("os.system", "tools/x.py", "os.system(words)", False),
    ],
)
def test_what_a_scanner_finds_is_explained_only_where_it_is_what_is_known(
    tmp_path, words, name, line, expected
):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# first\n{line}\n", encoding="utf-8")
    title = f"code_execution: pattern `{words}` matched"
    finding = {"severity": "high", "title": title, "file": name, "line": 2}
    assert scanners.is_explained(finding, tmp_path) is expected
    assert scanners.is_explained({**finding, "severity": "medium"}, tmp_path)
    assert scanners.is_explained({**finding, "severity": "grave"}, tmp_path) is expected
