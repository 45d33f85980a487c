"""Another version of ComfyUI's frontend than the pinned one, for `python dev.py test browser --frontend newest`."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from .. import environment, progress

OPTION = "--frontend"
PACKAGE = "comfyui-frontend-package"
NEWEST = "newest"
VARIABLE = "KEYVID_FRONTEND"  # the folder of page files that servers of the tests are started with
PAGE_FILES = Path("comfyui_frontend_package") / "static"


def taken_out(words: Sequence[str]) -> tuple[list[str], str | None]:
    """(the words without `--frontend VERSION`, the version or None). Raises SetupError for one that is none."""
    words = list(words)
    if OPTION not in words:
        return words, None
    at = words.index(OPTION)
    version = words[at + 1] if at + 1 < len(words) else ""
    if version != NEWEST and not re.fullmatch(r"\d+(\.\d+)+", version):
        raise environment.SetupError(
            f"{OPTION} {version} names no version of {PACKAGE}; write one such as 1.58.1, or {NEWEST}."
        )
    return words[:at] + words[at + 2 :], version


def variables(version: str | None) -> dict[str, str]:
    """Environment variables for a process whose servers have this version; gets the package if it is not there yet."""
    return {} if version is None else {VARIABLE: str(_get(version))}


def server_arguments() -> list[str]:
    """What ComfyUI is started with, from the environment: nothing, or where its page files are."""
    folder = os.environ.get(VARIABLE)
    return ["--front-end-root", folder] if folder else []


def _get(version: str) -> Path:
    """The folder of page files of a version, in .dev/frontends; the newest is asked for each time."""
    environment.WORK.mkdir(exist_ok=True)
    folder = environment.WORK / "frontends" / version
    page_files = folder / PAGE_FILES
    if version != NEWEST and page_files.is_dir():
        return page_files
    part = folder.with_name(version + ".part")
    shutil.rmtree(part, ignore_errors=True)
    line = progress.Line(f"{PACKAGE} {version}")
    requirement = PACKAGE if version == NEWEST else f"{PACKAGE}=={version}"
    # a folder of its own: ComfyUI's environment keeps the version that it is pinned to
    environment.pip(line, "install", "--no-deps", "--target", part, requirement)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(part, folder)
    line.end(_version_in(folder))
    return page_files


def _version_in(folder: Path) -> str:
    (info,) = folder.glob("comfyui_frontend_package-*.dist-info")
    return info.name.removesuffix(".dist-info").rpartition("-")[2]
