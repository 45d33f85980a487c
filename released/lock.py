"""One process at a time fetches a file, or writes into a folder."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import KeyVIDError

logger = logging.getLogger("keyvid.lock")


@contextlib.contextmanager
def alone(folder: Path, taken: KeyVIDError, *, name: str = "lock") -> Iterator[None]:
    """Nobody else works in this folder meanwhile. The system lets go when a process ends, however it does.

    taken: raised when somebody does; says who, and what to do. name: of the file that is locked; work of other names
    may go on in the same folder. Raises OSError where the disk cannot be asked.
    """
    with (folder / name).open("a+b") as handle:
        try:
            lock_file(handle)
        except (BlockingIOError, PermissionError) as error:  # of Linux and macOS, of Windows
            raise taken from error
        yield


@contextlib.contextmanager
def alone_if_possible(folder: Path, taken: KeyVIDError, *, name: str = "lock") -> Iterator[None]:
    """`alone` in a folder that is made if absent; where the disk has no locks, as some of clusters, a warning."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(alone(folder, taken, name=name))
        except OSError as error:
            logger.warning(
                "%s cannot be locked (%s): do not work in it twice at a time.", folder, error
            )
        yield


def lock_file(handle: Any) -> None:
    """Lock an open file until it is closed. Raises OSError when somebody else holds it, or the disk has no locks."""
    if os.name == "nt":
        import msvcrt

        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
