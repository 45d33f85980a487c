"""Peak memory of a program, and of the graphics card, stage by stage."""

import contextlib
import threading
from collections.abc import Callable
from types import TracebackType

import psutil

EVERY_S = 0.1


class Watch:
    """Samples a process and its children until it is left; `peak()` gives the peaks since the last call.

    Memory is what the processes hold for themselves: pages of mapped files, which the system may drop at any time,
    are not counted. vram: gives the bytes in use on the graphics card, or 0.
    """

    def __init__(self, pid: int, vram: Callable[[], int] = lambda: 0) -> None:
        self._process, self._vram = psutil.Process(pid), vram
        self._memory = self._card = 0
        self._lock, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self._end.set()
        self._thread.join()

    def peak(self) -> tuple[int, int]:
        """(bytes of memory, bytes of graphics memory) at most since the last call."""
        self._sample()
        with self._lock:
            peaks, self._memory, self._card = (self._memory, self._card), 0, 0
        return peaks

    def _run(self) -> None:
        while not self._end.wait(EVERY_S):
            self._sample()

    def _sample(self) -> None:
        memory = card = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in (self._process, *self._process.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    info = one.memory_info()
                    memory += info.rss - getattr(info, "shared", 0)
        with contextlib.suppress(OSError, ValueError):
            card = self._vram()
        with self._lock:
            self._memory, self._card = max(self._memory, memory), max(self._card, card)
