"""Finding a ComfyUI that somebody has installed, and the Python that runs it. Nothing is changed in it."""

import re
import shutil
from pathlib import Path

from .environment import WINDOWS, SetupError

PYTHONS = (
    (".venv/Scripts/python.exe", "venv/Scripts/python.exe", "python_embeded/python.exe")
    if WINDOWS
    else (".venv/bin/python", "venv/bin/python")
)


def find(path: str, python: str | None = None) -> tuple[Path, Path]:
    """(ComfyUI's folder, its Python) of an installation.

    path: the folder of ComfyUI or the one around it; python: the program that runs it, looked for if not given.
    Raises SetupError when there is no ComfyUI, an older one than 0.30, or no Python.
    """
    given = Path(path).expanduser().resolve()
    comfyui = next((p for p in (given, given / "ComfyUI") if (p / "main.py").is_file()), None)
    if comfyui is None:
        raise SetupError(f"There is no ComfyUI (main.py) in {given}.")
    version = comfyui / "comfyui_version.py"  # old ones have none
    text = version.read_text(encoding="utf-8") if version.is_file() else ""
    found = re.search(r'__version__ = "(\d+)\.(\d+)', text)
    if not found or tuple(map(int, found.groups())) < (0, 30):
        raise SetupError(f"{comfyui} is older than ComfyUI 0.30; update it first.")
    if python:
        program = shutil.which(Path(python).expanduser())
        if not program:
            raise SetupError(f"There is no Python program at {python}.")
        # absolute, but not resolved: a virtual environment's Python is a link
        return comfyui, Path(program).absolute()
    for folder in (comfyui, comfyui.parent):
        for name in PYTHONS:
            if (folder / name).is_file():
                return comfyui, folder / name
    raise SetupError(
        f"No Python was found beside {comfyui}; name the one that runs it: --python EXE"
    )
