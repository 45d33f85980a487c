"""One process at a time fetches a file, or writes into a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import DownloadError


@contextlib.contextmanager
def alone(folder: Path, name: str = "lock") -> Iterator[None]:
    """Nobody else works in this folder meanwhile. The system lets go when a process ends, however it does.

    name: of the file that is locked; work of other names may go on in the same folder.
    Raises DownloadError when somebody does, OSError where the disk cannot be asked.
    """
    with (folder / name).open("a+b") as handle:
        try:
            _lock(handle)
        except (BlockingIOError, PermissionError) as error:  # of Linux and macOS, of Windows
            raise DownloadError(
                "Another window or ComfyUI is fetching this file already."
            ) from error
        yield


def _lock(handle: Any) -> None:
    if os.name == "nt":
        import msvcrt

        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
