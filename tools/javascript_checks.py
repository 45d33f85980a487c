"""Style, format and types of the JavaScript, checked by Biome and TypeScript (package.json says which versions).

Nothing of it is needed to run the pack. The packages are in node_modules/, installed once per package-lock.json.
"""

import hashlib
import shutil
import subprocess

from . import environment, progress
from .environment import ROOT

LOCK = ROOT / "package-lock.json"
PACKAGES = ROOT / "node_modules"
STAMP = PACKAGES / ".keyvid-lock"
BIOME = PACKAGES / "@biomejs" / "biome" / "bin" / "biome"
TYPESCRIPT = PACKAGES / "typescript" / "bin" / "tsc"
NO_NODE = "install Node.js 20 or newer, which brings node and npm"


def check(*, fix: bool) -> int:
    """Check all JavaScript, with `fix` repairing what can be; returns an exit code.

    Without node, npm or their packages it says so and returns 0: the tests run without them, and a registry that is
    down for an hour is no fault of a change.
    """
    node, missing = shutil.which("node"), _install()
    if missing or not node:
        print(f"The JavaScript is not checked: {missing or NO_NODE}.")
        return 0
    words = ["check", "--write"] if fix else ["check"]
    for command in ([BIOME, *words, "--error-on-warnings"], [TYPESCRIPT, "--project", ROOT]):
        code = subprocess.run([node, *command], cwd=ROOT, check=False).returncode
        if code:
            return code
    return 0


def _install() -> str:
    """Bring node_modules/ to what package-lock.json names; returns why that cannot be, or ""."""
    key = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == key:
        return ""
    npm = shutil.which("npm")
    if not npm:
        return NO_NODE
    environment.WORK.mkdir(exist_ok=True)
    log = environment.WORK / "npm.log"
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    line = progress.Line("Biome and TypeScript, which check the JavaScript")
    code = progress.run(command, log, line, progress.Reader(), cwd=ROOT)
    line.end("not to be had" if code else "ready")
    if code:
        return progress.cause(environment.tail(log)) or f"npm ci failed; {log} says why"
    STAMP.write_text(key, encoding="utf-8")
    return ""
