"""What ComfyUI's registry gets of this repository: everything but what .comfyignore leaves out."""

import subprocess

import pytest
from keyvid_pack.tools.environment import ROOT

IGNORE = ROOT / ".comfyignore"
FOLDERS = {
    "docs", "evaluation", "host", "js", "keyframes", "models", "nodes", "preview", "released", "tools", "training",
    "workflows",
}  # fmt: skip
FILES = {
    ".comfyignore", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "NOTICE", "README.md", "SECURITY.md",
    "__init__.py", "dev.py", "errors.py", "pyproject.toml", "requirements.txt",
}  # fmt: skip


def tracked(*options):
    """Names of tracked files, as git ls-files lists them with these options."""
    command = ["git", "ls-files", "-z", "--cached", *options]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return set(found.split("\0")) - {""}


def test_the_package_has_what_the_pack_and_its_commands_need_and_no_more():
    shipped = tracked() - tracked("--ignored", f"--exclude-from={IGNORE}")
    assert {name.split("/")[0] for name in shipped} == FOLDERS | FILES
    inside_tools = {name.split("/")[1] for name in shipped if name.startswith("tools/")}
    assert {name for name in inside_tools if "." not in name} == {
        "batch",
        "pins",
        "processes",
        "rehearsal",
        "weights",
    }


@pytest.mark.parametrize(
    "pattern", [line for line in IGNORE.read_text().splitlines() if line and line[0] != "#"]
)
def test_everything_that_is_left_out_exists(pattern):
    assert tracked("--ignored", f"--exclude={pattern}")
