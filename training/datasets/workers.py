"""Work on many files in processes of their own: one that ends over a file takes no other work with it.

Each process runs a module of the pack that answers a line of JSON with a line of JSON. A damaged video can end the
program that decodes it, and a process that is started anew is the same on every system.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from ...errors import KeyVIDError

LOOK_EVERY_S = 0.5  # for Ctrl-C, which on Windows does not end a wait without a limit
RUN_IN_PACK = Path(__file__).resolve().parents[2] / "tools" / "processes" / "run_in_pack.py"


class Answer(NamedTuple):
    """What came of a job. result: None when the process ended over it, with this exit code."""

    job: dict[str, Any]
    result: dict[str, Any] | None
    exit_code: int | None = None


def work_on(
    jobs: Iterable[dict[str, Any]], command: Sequence[str], *, n_processes: int
) -> Iterator[Answer]:
    """The Answers to jobs, each as soon as it is there. command: the module of the pack and its words.

    A process takes a job when it has answered the one before. Where a caller stops early, the processes end.
    Raises KeyVIDError when n_processes is below 1 or a process says what keeps it from its work, such as a full disk.
    """
    if n_processes < 1:
        raise KeyVIDError(f"{n_processes} processes can do nothing; ask for at least 1.")
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    n_jobs = 0
    for job in jobs:
        waiting.put(job)
        n_jobs += 1
    answers: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
    stopped = threading.Event()
    threads = [
        threading.Thread(target=_feed, args=(waiting, answers, command, stopped), daemon=True)
        for _ in range(min(n_processes, n_jobs))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(n_jobs):
            yield _next(answers)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def _next(answers: queue.SimpleQueue) -> Answer:
    while True:
        try:
            answer = answers.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            continue
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer_jobs(work: Callable[[dict[str, Any]], dict[str, Any]]) -> int:
    """The other side: answers each line on standard input with work(job), until the input ends; the exit code.

    An OSError or a KeyVIDError of the work is no fault of its job, and is answered as such.
    """
    lines, out = sys.stdin, sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no answer
    try:
        for line in lines:
            try:
                answer = {"result": work(json.loads(line))}
            except (OSError, KeyVIDError) as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), file=out, flush=True)
    except BrokenPipeError:  # nobody is there any more
        os._exit(1)
    return 0


def _feed(
    waiting: queue.SimpleQueue,
    answers: queue.SimpleQueue,
    command: Sequence[str],
    stopped: threading.Event,
) -> None:
    """Give jobs to one process, and start another where it ended over one."""
    process = None
    try:
        while not stopped.is_set():
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            process = process or _start(command)
            line = _asked(process, job)
            if line.endswith(b"\n"):
                answers.put(_answer(job, json.loads(line)))
            else:
                answers.put(Answer(job, None, process.wait()))
                process = None
    except Exception as error:  # whoever waits for answers is to know it
        answers.put(error)
    finally:
        if process is not None:
            with contextlib.suppress(OSError):  # it has ended already
                _pipe(process.stdin).close()  # at which it ends
            process.wait()


def _answer(job: dict[str, Any], said: dict[str, Any]) -> Answer:
    if "error" in said:
        raise KeyVIDError(said["error"])
    return Answer(job, said["result"])


def _start(command: Sequence[str]) -> subprocess.Popen:
    words = [sys.executable, str(RUN_IN_PACK), *command]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _asked(process: subprocess.Popen, job: dict[str, Any]) -> bytes:
    """The line that a process answers a job with; without its end when the process ends instead."""
    try:
        _pipe(process.stdin).write(json.dumps(job).encode() + b"\n")
        _pipe(process.stdin).flush()
        return _pipe(process.stdout).readline()
    except OSError:  # a broken pipe; Windows calls it an invalid argument
        return b""


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("The process was started without pipes.")
    return pipe
