"""Starts the processes that share a training, and tells each what PyTorch asks: who it is, and where the first is."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from ...errors import KeyVIDError
from ..datasets.workers import RUN_IN_PACK

MODULE = "training.full_size.command"
HERE = "127.0.0.1"
LOOK_EVERY_S = 0.2


def is_one_of_many() -> bool:
    """Whether this process was started as one of several: by `start`, or by torchrun, accelerate or a cluster."""
    return "WORLD_SIZE" in os.environ and "RANK" in os.environ


def rank() -> int:
    """The number of this process among those that train together; 0 where it is alone."""
    return int(os.environ.get("RANK", 0))


def world_size() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", 1)) if is_one_of_many() else 1


def start(
    words: Sequence[str],
    *,
    n_processes: int,
    machine: tuple[int, int] = (1, 1),
    address: str | None = None,
) -> int:
    """Run `train full` with these words in n_processes of this machine, (its number, of how many); the exit status.

    address: "HOST:PORT" of machine 1. Where one process fails the others are ended: they would wait for it for ever.
    Ctrl-C reaches all of them, and they end by themselves. Raises KeyVIDError.
    """
    host, port = _meeting_place(machine[1], address)
    processes = []
    for local in range(n_processes):
        environment = {
            **os.environ,
            "RANK": str((machine[0] - 1) * n_processes + local),
            "LOCAL_RANK": str(local),
            "WORLD_SIZE": str(machine[1] * n_processes),
            "LOCAL_WORLD_SIZE": str(n_processes),
            "MASTER_ADDR": host,
            "MASTER_PORT": port,
        }
        if n_processes > 1:
            environment.setdefault("OMP_NUM_THREADS", str(_threads_each(n_processes)))
        command = [sys.executable, str(RUN_IN_PACK), MODULE, *words]
        processes.append(subprocess.Popen(command, env=environment))
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        # Ctrl-C goes to the whole group; SIGTERM to this process alone
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: [p.terminate() for p in processes])
        return _wait(processes)
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
        for process in processes:
            process.kill()
            process.wait()


def _wait(processes: Sequence[subprocess.Popen]) -> int:
    while True:
        codes = [process.poll() for process in processes]
        failed = [code for code in codes if code]
        if failed:
            return failed[0]
        if None not in codes:
            return 0
        time.sleep(LOOK_EVERY_S)


def _meeting_place(n_machines: int, address: str | None) -> tuple[str, str]:
    if address is None:
        if n_machines > 1:
            raise KeyVIDError(
                "Several machines are to train together; name the first one's address, which all can reach, with "
                "--address HOST:PORT."
            )
        with socket.socket() as free:
            free.bind((HERE, 0))
            return HERE, str(free.getsockname()[1])
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise KeyVIDError(f'"{address}" is no address; write HOST:PORT, such as 10.0.0.1:29500.')
    return host, port


def _threads_each(n_processes: int) -> int:
    return max(1, (os.cpu_count() or 1) // n_processes)
