"""The painted windows of a render on the disk: what a stopped render goes on from, and what a retake keeps.

A folder beside the video, with the latents of each window in a file that is named by what it was made of, and a list of
which frames come from which. It may be deleted at any time.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from ...errors import KeyVIDError
from ...keyframes.long_clips.kept_frames import Stretch, covers

LIST = "frames.json"
VERSION = 1
_LATENTS = "latents"
_KEY = r"[0-9a-f]{32}"
_WINDOW = re.compile(_KEY + r"\.safetensors(\.partial)?")


class WindowStore:
    """The folder of one render. Raises KeyVIDError where the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, key: str) -> bool:
        """Whether the window of this name is there and can be read."""
        try:
            with safetensors.safe_open(self._path(key), "pt") as file:
                return _LATENTS in file.keys()
        except (OSError, safetensors.SafetensorError):
            return False

    def get(self, key: str) -> torch.Tensor:
        """The latents (1, 4, n, h, w) of the window of this name."""
        try:
            return safetensors.torch.load_file(self._path(key))[_LATENTS]
        except (OSError, KeyError, safetensors.SafetensorError) as error:
            raise KeyVIDError(
                f"A painted part of this video is gone or damaged ({self._path(key).name} in {self.folder.name}); run "
                "the node again with an empty retake."
            ) from error

    def put(self, key: str, latents: torch.Tensor) -> None:
        """Keep the latents of a window, whole or not at all."""
        self._write(
            self._path(key),
            safetensors.torch.save({_LATENTS: latents.detach().cpu().float().contiguous()}),
        )

    def finish(self, stretches: Sequence[Stretch], *, n_frames: int) -> None:
        """Write the list of a finished render, and remove the windows that are no part of it."""
        listed = {
            "version": VERSION,
            "n_frames": n_frames,
            "stretches": [asdict(stretch) for stretch in stretches],
        }
        self._write(self.folder / LIST, json.dumps(listed, indent=1).encode())
        used = {self._path(stretch.key).name for stretch in stretches}
        for path in self.folder.iterdir():
            if _WINDOW.fullmatch(path.name) and path.name not in used:
                path.unlink(missing_ok=True)

    def finished(self, *, n_frames: int) -> list[Stretch] | None:
        """The stretches of the last finished render; None where there is none of n_frames frames, or it is damaged."""
        try:
            listed = json.loads((self.folder / LIST).read_text(encoding="utf-8"))
            stretches = [_stretch(**entry) for entry in listed["stretches"]]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if listed.get("version") != VERSION or not covers(stretches, n_frames):
            return None
        return stretches if all(self.has(stretch.key) for stretch in stretches) else None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _write(self, path: Path, data: bytes) -> None:
        partial = path.with_name(path.name + ".partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            os.replace(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise KeyVIDError(
                f"A painted part of the video cannot be kept in {self.folder.name} ({error.strerror}); free some disk "
                "space, or choose another filename_prefix. What was painted before is kept."
            ) from error


def _stretch(*, first: Any, end: Any, key: Any, offset: Any) -> Stretch:
    """A Stretch of an entry of the list. Raises ValueError for anything but whole numbers and a window's name."""
    if not (type(first) is type(end) is type(offset) is int and offset >= 0):
        raise ValueError("frames are whole numbers")
    if not (isinstance(key, str) and re.fullmatch(_KEY, key)):
        raise ValueError("not the name of a window")
    return Stretch(first, end, key, offset)
