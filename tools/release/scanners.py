"""python dev.py release scan: what three scanners of code say of the archive, as a registry or a careful artist has it.

nodesafe looks for words, wherever they stand, and counts `re.compile(` and a network's `.eval()` as running code. What
it calls grave is therefore compared with what is known, and anything else makes the command fail.
"""

import json
import os
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from .. import environment, progress
from . import archive

PACKAGES = ("comfy-cli==1.23.0", "comfy-test==0.4.15", "nodesafe==0.6.0")
PLACE = environment.WORK / "scanners"
HARMLESS = ("info", "low", "medium")


class Known(NamedTuple):
    """A grave finding that is explained in SECURITY.md. words: what nodesafe found; files: a pattern of where it may
    be; line: what it then is, "" for whatever it is."""

    words: str
    files: str
    line: str


DEVELOPERS = r"(dev\.py|tools/.*\.py)$"  # started by a person who typed a command, never by ComfyUI
KNOWN = (
    Known("compile(", r".*\.py$", r"\bre\.compile\("),
    Known("eval(", r".*\.py$", r"\.eval\(\)|\bast\.literal_eval\(|\bdef command_eval\("),
    Known("subprocess.run", DEVELOPERS, ""),
    Known("subprocess.Popen", DEVELOPERS, ""),
    Known("os.execv", DEVELOPERS, ""),
    Known("importlib.import_module", DEVELOPERS, ""),
    Known("", r"SECURITY\.md$", ""),  # names all of these
)


def scan() -> int:
    """Run the scanners on the unpacked archive and print what they say; 1 when something is not explained."""
    environment.setup()
    _get()
    pack = _unpacked()
    node, _ = _run("comfy_cli", "--skip-prompt", "node", "validate", folder=pack)
    print(f"comfy node validate: {'nothing found' if node == 0 else 'failed'}")
    lint, said = _run("comfy_test", "lint", ".", folder=pack)
    print(f"comfy-test lint: {'passed' if lint == 0 else 'failed'}")
    _, report = _run("nodesafe.cli", "scan", "--format", "json", "--no-llm", ".", folder=pack)
    findings = _findings(report)
    unexplained = [finding for finding in findings if not is_explained(finding, pack)]
    levels = ", ".join(
        f"{n} {level}" for level, n in Counter(f["severity"] for f in findings).items()
    )
    print(f"nodesafe: {levels}; {len(unexplained)} grave ones are not explained")
    for finding in unexplained:
        print(f"  {finding['file']}:{finding['line']}: {finding['title']}")
    if lint:
        print(said)
    return int(bool(node or lint or unexplained))


def is_explained(finding: dict[str, Any], pack: Path) -> bool:
    """Whether a finding of nodesafe is not grave, or is one that SECURITY.md explains. pack: the folder scanned."""
    if finding["severity"] in HARMLESS:
        return True
    lines = (pack / finding["file"]).read_text(encoding="utf-8").splitlines()
    line = lines[finding["line"] - 1]
    return any(_is(known, finding, line) for known in KNOWN)


def _is(known: Known, finding: dict[str, Any], line: str) -> bool:
    if known.words not in finding["title"] or not re.match(known.files, finding["file"]):
        return False
    rest = re.sub(known.line, "", line) if known.line else ""
    return rest != line and not (
        known.line and known.words in rest
    )  # nothing of it beside what is known


def _findings(report: str) -> list[dict[str, Any]]:
    """Those of nodesafe's report. Raises SetupError when there are none: it always finds something here."""
    try:
        found = json.loads(report)["findings"]
    except (ValueError, KeyError, TypeError):
        found = []
    if not found:
        raise environment.SetupError(f"nodesafe has not scanned the archive: {report[:200]!r}")
    return found


def _get() -> None:
    """The scanners, in a folder of their own: the environment keeps the versions that it is pinned to."""
    folder = PLACE / "packages"
    stamp = folder / "keyvid-stamp"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == repr(PACKAGES):
        return
    shutil.rmtree(folder, ignore_errors=True)
    line = progress.Line("scanners")
    environment.pip(line, "install", "--target", folder, *PACKAGES)
    stamp.write_text(repr(PACKAGES), encoding="utf-8")
    line.end(", ".join(PACKAGES))


def _unpacked() -> Path:
    """The folder with the content of an archive made now."""
    pack = PLACE / environment.PACK_NAME
    shutil.rmtree(pack, ignore_errors=True)
    with zipfile.ZipFile(archive.write(PLACE / "archive.zip")) as file:
        file.extractall(pack)
    return pack


def _run(module: str, *words: str, folder: Path) -> tuple[int, str]:
    """(exit code, standard output) of a scanner's module in a folder. It asks nothing and knows no home of the user."""
    env = {**os.environ, "PYTHONPATH": str(PLACE / "packages"), "HOME": str(PLACE), "NO_COLOR": "1"}
    command = [environment.venv_python(), "-m", module, *words]
    done = subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    return done.returncode, done.stdout
