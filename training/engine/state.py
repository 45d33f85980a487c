"""Saved states of a training, so that it can be stopped at any time and resumed exactly."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ...errors import KeyVIDError

CHECKOUT = Path(__file__).resolve().parents[2]
Tensors = dict[str, torch.Tensor]  # by name, such as a state dict
FOLDER_NAME = "keyvid-training"
N_KEPT = 2  # states of one training: the newest, and one in case the newest cannot be read


def state_dir(given: str | Path | None = None) -> Path:
    """The folder of all trainings, made if needed: the given one, else one in the user's data folder.

    Raises KeyVIDError for a folder inside the checkout, where states would end up in the pack.
    """
    folder = Path(given).expanduser().resolve() if given else _user_data() / FOLDER_NAME
    if folder.is_relative_to(CHECKOUT):
        raise KeyVIDError(
            f"The training state would lie in {folder}, inside the pack; name a folder elsewhere with --state-dir."
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_state(folder: Path, *, step: int, state: dict[str, Any]) -> Path:
    """Write the state (tensors, numbers, texts, and dicts and lists of them) reached after `step` steps into a
    training's folder; all but the newest N_KEPT are removed. A crash at any time leaves the earlier files whole.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step_{step:08d}.pt"
    write_atomically(path, lambda part: torch.save({"step": step, **state}, part))
    for old in _states(folder)[:-N_KEPT]:
        old.unlink()
    return path


def load_state(folder: Path) -> dict[str, Any] | None:
    """The newest state saved in a training's folder, on the CPU, with its `step`; None when there is none.

    Raises KeyVIDError when the file cannot be read.
    """
    states = _states(Path(folder))
    if not states:
        return None
    try:
        return torch.load(states[-1], map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise KeyVIDError(
            f"The training state {states[-1]} cannot be read ({error}); remove it to go on from the one before."
        ) from error


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let write(temporary path) make a file, then replace `path` with it in one step."""
    part = path.with_name(path.name + ".part")
    write(part)
    os.replace(part, path)


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("step_*.pt"))


def _user_data() -> Path:
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
