"""`python dev.py batch LIST`: many clips through one or many ComfyUI servers.

Stopped or crashed at any time, the same command goes on: what is there is kept, what a server is still making is waited
for, and only the rest is made.
"""

import argparse
import contextlib
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

from ...errors import KeyVIDError
from .. import environment, server
from .clip_list import read_list
from .connection import Connection
from .graph import graph_for, identity, read_graph
from .runner import Job, Opener, at, run_jobs
from .store import Store, open_store

MAIN_WORKFLOW = environment.ROOT / "workflows" / "api" / "keyvid_demo.json"


def main(*words: str) -> int:
    """Make the clips that the words name; the exit status: 0 when all of them are there."""
    options = _parser().parse_args(words)
    try:
        graph = read_graph(options.workflow)
        jobs = []
        for clip in read_list(options.list):
            filled, files = graph_for(graph, clip)
            jobs.append(Job(clip.name, identity(filled), filled, files))
        with open_store(options.out) as store:
            running, started = _openers(options, store.folder)
            return _make(jobs, store, running, started)
    except KeyVIDError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130


def _make(jobs: list[Job], store: Store, running: list[Opener], started: list[Opener]) -> int:
    left = [job for job in jobs if store.done.get(job.name) != job.identity]
    _say(f"{len(jobs)} clips, {len(jobs) - len(left)} of them there already.")
    work = run_jobs(left, running, store, _say, started=started)
    there = [job for job in jobs if store.done.get(job.name) == job.identity]
    failed = {line["name"]: line["error"] for line in store.records() if line["error"]}
    for job in jobs:
        if job not in there and job.name in failed:
            _say(f"  {job.name}: {failed[job.name]}")
    _say(f"{len(there)} of {len(jobs)} clips are in {store.folder}; {work.n_failed} failed.")
    if len(there) + work.n_failed < len(jobs):
        _say("No server is left for the others; start some, and give the same command again.")
    return 0 if len(there) == len(jobs) else 1


def _openers(options: argparse.Namespace, folder: Path) -> tuple[list[Opener], list[Opener]]:
    """(of the servers that are named, of those to be started)."""

    def known(url: str) -> Opener:
        return lambda: at(url)

    running = [known(url) for url in options.server]
    started = [_started(folder / "servers" / str(number)) for number in range(options.start)]
    if not running and not started:
        raise KeyVIDError(
            "No server is named. Add --server http://ADDRESS:8188, once for each, or --start N to start some here."
        )
    return running, started


def _started(base: Path) -> Callable[[], contextlib.AbstractContextManager[Connection]]:
    @contextlib.contextmanager
    def start() -> Iterator[Connection]:
        import torch  # slow to import

        cpu = not torch.cuda.is_available()
        with server.running(base, python=sys.executable, pack=environment.ROOT, cpu=cpu) as comfy:
            yield Connection(comfy.url, ended=lambda: comfy.process.poll() is not None)

    return start


def _say(text: str) -> None:
    print(text, flush=True)


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")) or not urllib.parse.urlsplit(text).netloc:
        raise argparse.ArgumentTypeError(
            f"{text} is no address of a server. Give it like http://127.0.0.1:8188."
        )
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python dev.py batch", description=__doc__)
    parser.add_argument(
        "list", metavar="LIST", help="CSV or JSON lines: name, image, sound, prompt, edit, seed"
    )
    parser.add_argument(
        "--out", default="keyvid_batch", metavar="DIR", help="for the videos and their records"
    )
    parser.add_argument(
        "--workflow", default=MAIN_WORKFLOW, metavar="FILE", help="in API form; default: the demo's"
    )
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="URL",
        type=_address,
        help="of a running ComfyUI with the pack; may be given more than once",
    )
    parser.add_argument("--start", type=int, default=0, metavar="N", help="start N servers here")
    return parser
