"""Clips shared between servers: each is made once, and one that a server takes with it is made by another.

A server is driven by a thread of its own, so it has one clip at a time. What was queued before a crash of the batch is
found again by its id and not queued twice: no clip is handed out before all servers that run already have said what
they have, and what one has is kept for it as long as it answers.
"""

import contextlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from .. import run_workflow
from ..server import ServerError
from .connection import POLL_S, Connection, RefusedError, ServerGoneError
from .graph import Graph
from .store import Store

MOST_DEATHS = 2  # of servers over one clip, before it is left alone
Say = Callable[[str], object]
Opener = Callable[[], AbstractContextManager[Connection]]  # starts a server, or only knows it


class Job(NamedTuple):
    """A clip to make: its name, the identity of its graph, the graph, and {name on the server: file} to send."""

    name: str
    identity: str
    graph: Graph
    files: Mapping[str, Path]


class Work:
    """The jobs that are waiting, shared by the threads of all servers, which are numbered.

    running: numbers of the servers that ran before. No job is handed out before each has called `keep_for` or `leave`.
    """

    def __init__(
        self, jobs: Iterable[Job], store: Store, say: Say, *, running: Iterable[int] = ()
    ) -> None:
        self.waiting, self.store, self.say = deque(jobs), store, say
        self.n_total, self.n_done, self.n_failed, self.n_running = len(self.waiting), 0, 0, 0
        self.not_asked = set(running)
        self.kept: dict[str, int] = {}  # {id of a waiting graph: server that has it}
        self.deaths: dict[str, int] = {}
        self.changed = threading.Condition()
        self.stopped = False
        self.error: Exception | None = None

    def keep_for(self, server: int, known: set[str]) -> None:
        """Keep the jobs whose graphs a server has for it; of two servers that have one, for the first that says so."""
        with self.changed:
            for job in self.waiting:
                prompt_id = self.store.prompt_id(job.identity)
                if prompt_id in known:
                    self.kept.setdefault(prompt_id, server)
            self.not_asked.discard(server)
            self.changed.notify_all()

    def leave(self, server: int) -> None:
        """A server does nothing more: others may do what was kept for it."""
        with self.changed:
            self.kept = {key: number for key, number in self.kept.items() if number != server}
            self.not_asked.discard(server)
            self.changed.notify_all()

    def take(self, server: int) -> Job | None:
        """The next job for a server, first one that is kept for it; None when there will be none."""
        with self.changed:
            while not self.stopped:
                job = None if self.not_asked else self._next(server)
                if job is not None:
                    self.waiting.remove(job)
                    self.n_running += 1
                    return job
                if not self.waiting and not self.n_running:
                    return None
                self.changed.wait()  # one that is running elsewhere, or kept, may come back
            return None

    def _next(self, server: int) -> Job | None:
        free = None
        for job in self.waiting:
            holder = self.kept.get(self.store.prompt_id(job.identity))
            if holder == server:
                return job
            if holder is None and free is None:
                free = job
        return free

    def finish(self, job: Job, content: bytes | None, *, error: str = "", **facts: Any) -> None:
        """Store what came of a job: a video, or the reason why there is none."""
        with self.changed:
            if content is None:
                self.store.note_failure(job.name, job.identity, error, **facts)
                self.n_failed += 1
            else:
                self.store.keep(job.name, job.identity, content, **facts)
                self.n_done += 1
            self.n_running -= 1
            self.changed.notify_all()
            counted = self.n_done + self.n_failed
            self.say(f"  {counted} of {self.n_total}  {job.name}  {error or 'made'}")

    def give_back(self, job: Job, error: str, **facts: Any) -> None:
        """A server ended over a job: another one does it, unless too many did."""
        deaths = self.deaths[job.identity] = self.deaths.get(job.identity, 0) + 1
        if deaths >= MOST_DEATHS:
            self.finish(job, None, error=f"{deaths} servers ended over it. {error}", **facts)
            return
        with self.changed:
            self.waiting.appendleft(job)
            self.n_running -= 1
            self.changed.notify_all()
        self.say(f"  {job.name} goes to another server: {error}")

    def stop(self, error: Exception | None = None) -> None:
        """No more jobs are handed out. error: why."""
        with self.changed:
            self.stopped, self.error = True, self.error or error
            self.changed.notify_all()


def run_jobs(
    jobs: Sequence[Job],
    running: Sequence[Opener],
    store: Store,
    say: Say,
    *,
    started: Sequence[Opener] = (),
) -> Work:
    """Make all jobs on servers; returns the Work, which says what is left.

    running: servers that ran before. All of them are asked what they have, however few jobs there are; a job that one
    has from before is done there. started: servers that are started for this, at most one per job.
    KeyboardInterrupt stops it: what is running goes on on its server, and is found there the next time.
    """
    work = Work(jobs, store, say, running=range(len(running)))
    openers = [*running, *started[: len(jobs)]] if jobs else []
    threads = [
        threading.Thread(target=_drive, args=(open_, work, number), daemon=True)
        for number, open_ in enumerate(openers)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():  # joining without a limit would hold Ctrl-C back on Windows
                thread.join(0.2)
    except BaseException:
        work.stop()
        for thread in threads:
            thread.join()
        raise
    if work.error:
        raise work.error
    return work


def _drive(open_: Opener, work: Work, number: int) -> None:
    """Give jobs to one server until there are none, or it is gone."""
    try:
        with open_() as server:
            work.keep_for(number, server.known_ids())
            while (job := work.take(number)) is not None:
                if not _done_by(server, job, work):
                    return
    except (ServerGoneError, RefusedError, ServerError) as error:  # the other servers go on
        work.say(f"  A server is left out: {error}")
    except Exception as error:  # such as a full disk: nothing can go on
        work.stop(error)
    finally:
        work.leave(number)


def _done_by(server: Connection, job: Job, work: Work) -> bool:
    """Make one job; whether the server can make another."""
    started_s = time.monotonic()

    def facts() -> dict[str, Any]:
        return {"server": server.url, "seconds": round(time.monotonic() - started_s, 2)}

    try:
        entry = _ended(server, job, work)
        if entry is None:  # stopped: it stays on its server, where the next call finds it
            return False
        content, error = _video(server, job, entry)
    except ServerGoneError as gone:
        work.give_back(job, str(gone), **facts())
        return False
    except RefusedError as refused:
        content, error = None, _refusal(refused, job)
    work.finish(job, content, error=error, **facts())
    return True


def _refusal(refused: RefusedError, job: Job) -> str:
    """What a server says of a graph that it does not accept."""
    try:
        return " ".join(run_workflow.problems(json.loads(str(refused)), _titles(job)))
    except (ValueError, KeyError, TypeError):
        return f"The server refuses it: {refused}"


def _titles(job: Job) -> dict[str, str]:
    return {key: node.get("_meta", {}).get("title", key) for key, node in job.graph.items()}


def _ended(server: Connection, job: Job, work: Work) -> dict[str, Any] | None:
    """The history entry of a job's graph, which is queued unless the server knows it; None when stopped meanwhile."""
    prompt_id = work.store.prompt_id(job.identity)
    while not work.stopped:
        entry = server.result(prompt_id)
        if entry is not None:
            return entry
        # asked again: it may have ended between the two questions, or the server was started anew and has forgotten it
        if not server.is_queued(prompt_id) and server.result(prompt_id) is None:
            for name, path in job.files.items():
                server.upload(name, path)
            server.queue(job.graph, prompt_id)
        time.sleep(POLL_S)
    return None


def _video(server: Connection, job: Job, entry: dict[str, Any]) -> tuple[bytes | None, str]:
    """(the video that a graph saved, "") or (None, why there is none)."""
    failed = run_workflow.problems(entry, _titles(job))
    if failed:
        return None, " ".join(failed)
    saved = [
        item
        for output in entry.get("outputs", {}).values()
        for items in output.values()
        for item in items
        if isinstance(item, dict)
        and item.get("type") == "output"
        and str(item.get("filename", "")).endswith(".mp4")
    ]
    if len(saved) != 1:
        return (
            None,
            f"The workflow saved {len(saved)} MP4 videos instead of one. Use one Save Video node.",
        )
    return server.download(saved[0]), ""


@contextlib.contextmanager
def at(url: str) -> Iterator[Connection]:
    """A server that runs already."""
    yield Connection(url)
