"""The painted windows of a render on the disk: what a stopped render goes on from, and what a retake keeps.

A folder beside the video, with the latents of each window in a file that is named by what it was made of, and a list of
which frames come from which. It may be deleted at any time.
"""

import contextlib
import json
import os
import re
from collections.abc import Mapping, Sequence
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

    def finish(
        self, stretches: Sequence[Stretch], *, n_frames: int, made_of: Mapping[str, Any]
    ) -> None:
        """Write the list of a finished render, and remove the windows that are no part of it.

        made_of: what must be the same in a retake: "shape" of the latent, "fps", "sound".
        """
        listed = {
            "version": VERSION,
            "n_frames": n_frames,
            **made_of,
            "stretches": [asdict(stretch) for stretch in stretches],
        }
        self._write(self.folder / LIST, json.dumps(listed, indent=1).encode())
        used = {self._path(stretch.key).name for stretch in stretches}
        with contextlib.suppress(
            OSError
        ):  # what another program holds open is removed by a later render
            for path in self.folder.iterdir():
                if _WINDOW.fullmatch(path.name) and path.name not in used:
                    path.unlink(missing_ok=True)

    def finished(self, *, n_frames: int, made_of: Mapping[str, Any]) -> list[Stretch] | str:
        """The stretches of the last finished render of this clip; else what it is instead, in words."""
        listed = self._listed()
        if listed is None:
            return "there is none that is whole"
        if listed["n_frames"] != n_frames:
            return f"the last one has {listed['n_frames']} frames, this clip {n_frames}"
        names = {"shape": "size", "fps": "frame rate", "sound": "sound"}
        other = [word for key, word in names.items() if listed.get(key) != made_of[key]]
        if other:
            return f"the last one has another {' and another '.join(other)}"
        return listed["stretches"]

    def is_whole(self) -> bool:
        """Whether a finished render is there with all its windows."""
        return self._listed() is not None

    def _listed(self) -> dict[str, Any] | None:
        """The list of the last finished render, its stretches as such; None where it or a window of it is missing."""
        try:
            listed = json.loads((self.folder / LIST).read_text(encoding="utf-8"))
            listed["stretches"] = [_stretch(**entry) for entry in listed["stretches"]]
            fits = listed["version"] == VERSION and covers(listed["stretches"], listed["n_frames"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        is_there = fits and all(self.has(stretch.key) for stretch in listed["stretches"])
        return listed if is_there else None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _write(self, path: Path, data: bytes) -> None:
        partial = path.with_name(path.name + ".partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            os.replace(partial, path)
        except OSError as error:
            with contextlib.suppress(OSError):
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
