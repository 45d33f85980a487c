"""`python dev.py label ROOT`: motion curves of a data set's videos, and a report of those that cannot be used.

Stopped at any time, it goes on when it is called again, and ends with the same files as if it had not been stopped.
"""

import argparse
import logging
import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch

from ...errors import KeyVIDError
from .curves import curve_file
from .inspection import Findings
from .label_records import (
    Record,
    add_planned,
    add_record,
    is_current,
    read_planned,
    read_records,
    record_of,
    write_records,
)
from .label_worker import open_raft
from .layouts import SPLITS, Dataset, Video, open_dataset
from .shards import VIDEOS_PER_SHARD, write_shards
from .workers import Answer, work_on

FLOW, RAFT, GIVEN, LOOKED = "flow without weights", "RAFT", "given", ""
WORKER = "training.datasets.label_worker"
SAY_EVERY_S = 10.0
N_SHOWN = 20  # videos that cannot be used; all are in the report

logger = logging.getLogger("keyvid.training")


def main(*words: str) -> int:
    """Label as the words say; the exit status: 0 when all videos of the share were looked at."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = _parser().parse_args(words)
    try:
        dataset = open_dataset(options.root, split=options.split)
        _label(dataset, options)
    except KeyVIDError as error:
        logger.error("%s", error)
        return 1
    except KeyboardInterrupt:
        logger.info("Stopped; the same command goes on from here.")
        return 130
    return 0


def _label(dataset: Dataset, options: argparse.Namespace) -> None:
    method = LOOKED if options.check else RAFT if options.raft else FLOW
    if method == RAFT:
        open_raft(options.raft)  # what is wrong with it is said once, and now
    mine = _share(dataset.videos, options.share)
    path = _report(options, dataset.split)
    before, ours = read_records(path), read_planned(path)
    ours |= {name for name, record in before.items() if record.method in (FLOW, RAFT)}
    known = {
        video.name: before[video.name]
        for video in mine
        if video.name in before and is_current(before[video.name], video)
    }
    _refuse_mixture(before, method, path)
    jobs = [
        _job(number, video, method, options, ours)
        for number, video in enumerate(mine)
        if not _is_done(known.get(video.name), video, method, options)
    ]
    logger.info(
        "%d videos of %s (%s), %d of them to be looked at.",
        len(mine), options.root, dataset.split, len(jobs),
    )  # fmt: skip
    if method != LOOKED and jobs:
        add_planned(path, (mine[job["number"]].name for job in jobs if not job["keep"]))
    progress = _Progress(len(jobs))
    words = [WORKER, str(Path(options.raft).expanduser().resolve())] if options.raft else [WORKER]
    for answer in work_on(jobs, words, n_processes=_n_processes(options)):
        video = mine[answer.job["number"]]
        record = record_of(video, _made_by(answer, method), _findings(answer))
        add_record(path, record)
        known[video.name] = record
        progress.add(record)
    write_records(path, known)
    _write_unusable(path, dataset, known)
    _say_result(dataset, known, path)
    if options.shards:
        usable = [v for v in mine if v.name in known and not known[v.name].findings.problem]
        _write_shards(usable, dataset.split, options)


def _write_shards(videos: list[Video], split: str, options: argparse.Namespace) -> None:
    """The clips of these videos as shards in the folder --shards, with their curves where there are some."""
    videos = [video._replace(curve_path=_curve_path(video, options)) for video in videos]
    name, folder = split + _share_suffix(options), Path(options.shards).expanduser()
    n_shards = -(-len(videos) // VIDEOS_PER_SHARD)
    for number, shard in enumerate(write_shards(videos, folder, split=name), 1):
        logger.info("  shard %d of %d: %s", number, n_shards, shard)


def _share(videos: Sequence[Video], share: tuple[int, int]) -> list[Video]:
    """The videos of machine k of n: every n-th, so that each has some of every category."""
    number, total = share
    return list(videos[number - 1 :: total])


def _report(options: argparse.Namespace, split: str) -> Path:
    name = f"keyvid_labels_{split}{_share_suffix(options)}.jsonl"
    return Path(options.to or options.root).expanduser() / name


def _share_suffix(options: argparse.Namespace) -> str:
    number, total = options.share
    return "" if total == 1 else f"_{number}-of-{total}"


def _curve_path(video: Video, options: argparse.Namespace) -> Path:
    """Where a video's curve belongs: in the data set, or at the same place below --to."""
    if not options.to:
        return video.curve_path
    root = Path(options.root).expanduser()
    return Path(options.to).expanduser() / video.curve_path.relative_to(root)


def _job(
    number: int, video: Video, method: str, options: argparse.Namespace, ours: Collection[str]
) -> dict[str, Any]:
    """What a worker is given. keep: the curve is there and was not measured here."""
    path = _curve_path(video, options)
    there = curve_file(path)
    keep = there is not None and video.name not in ours
    curve = "" if method == LOOKED else str((there or path).resolve())
    # resolved here: the worker may run in another folder
    return {"number": number, "path": str(video.path.resolve()), "curve": curve, "keep": keep}


def _is_done(record: Record | None, video: Video, method: str, options: argparse.Namespace) -> bool:
    if record is None:
        return False
    if method == LOOKED:
        return True
    if record.findings.problem:
        return record.method != GIVEN  # of a curve that was given: it may be another one now
    return bool(record.method) and curve_file(_curve_path(video, options)) is not None


def _refuse_mixture(known: dict[str, Record], method: str, path: Path) -> None:
    """Curves of two methods are of different units; one data set has those of one."""
    others = {r.method for r in known.values()} - {method, GIVEN, LOOKED}
    if method != LOOKED and others:
        raise KeyVIDError(
            f"The curves here were measured by {others.pop()}, and now {method} is asked for. Name another folder with "
            f"--to, or remove {path} and the curves to measure all of them anew."
        )


def _made_by(answer: Answer, method: str) -> str:
    if answer.job["keep"] and method != LOOKED:
        return GIVEN
    return LOOKED if answer.result is None or answer.result["problem"] else method


def _findings(answer: Answer) -> Findings:
    if answer.result is None:
        return Findings(
            f"Reading it ended the program that reads it (exit code {answer.exit_code}). Leave it out, or fetch it "
            "again.",
            (),
        )
    return Findings(**{**answer.result, "notes": tuple(answer.result["notes"])})


def _n_processes(options: argparse.Namespace) -> int:
    if options.processes:
        return options.processes
    # a GPU is busy with one; RAFT takes gigabytes in each
    return 1 if options.raft and torch.cuda.is_available() else os.cpu_count() or 1


class _Progress:
    """Says now and then how far it is."""

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs, self.n_done, self.n_unusable = n_jobs, 0, 0
        self.started_s = self.said_s = time.monotonic()

    def add(self, record: Record) -> None:
        """One more is done."""
        self.n_done += 1
        self.n_unusable += bool(record.findings.problem)
        now_s = time.monotonic()
        if now_s - self.said_s < SAY_EVERY_S and self.n_done < self.n_jobs:
            return
        self.said_s = now_s
        rate = self.n_done / max(1e-9, now_s - self.started_s)
        rest_s = (self.n_jobs - self.n_done) / rate
        logger.info(
            "  %d of %d, %.2f videos per second, %d cannot be used, %.0f s to go",
            self.n_done, self.n_jobs, rate, self.n_unusable, rest_s,
        )  # fmt: skip


def _unusable(dataset: Dataset, known: dict[str, Record]) -> list[str]:
    """A line for every video that cannot be used, and for every line of the list that names none."""
    lines = [f"{r.name}: {r.findings.problem}" for r in known.values() if r.findings.problem]
    lines += [f"{name}: It is in the list, but there is no such file." for name in dataset.missing]
    return sorted(lines)


def _write_unusable(path: Path, dataset: Dataset, known: dict[str, Record]) -> None:
    text = "".join(f"{line}\n" for line in _unusable(dataset, known))
    path.with_suffix(".unusable.txt").write_text(text, "utf-8", errors="backslashreplace")


def _say_result(dataset: Dataset, known: dict[str, Record], path: Path) -> None:
    good = [record for record in known.values() if not record.findings.problem]
    for record in good:
        if record.findings.notes:
            logger.info("  %s: %s, handled", record.name, "; ".join(record.findings.notes))
    lines = _unusable(dataset, known)
    for line in lines[:N_SHOWN]:
        logger.info("  %s", line)
    if len(lines) > N_SHOWN:
        logger.info("  and %d more", len(lines) - N_SHOWN)
    n_given = sum(record.method == GIVEN for record in good)
    logger.info(
        "%d videos can be used (%d had their curve already), %d cannot. The report: %s",
        len(good), n_given, len(lines), path,
    )  # fmt: skip


def _share_of(text: str) -> tuple[int, int]:
    number, _, total = text.partition("/")
    if not (number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise argparse.ArgumentTypeError(f"{text} is no share; write for example 2/4")
    return int(number), int(total)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python dev.py label", description=__doc__)
    parser.add_argument("root", metavar="ROOT", help="the data set (docs/training.md)")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument(
        "--raft",
        metavar="FILE",
        help="measure by RAFT, with this file; default: flow without weights",
    )
    parser.add_argument(
        "--to", metavar="DIR", help="for curves and report; default: the data set itself"
    )
    parser.add_argument(
        "--shards", metavar="DIR", help="then write the clips of all usable videos as shards"
    )
    parser.add_argument("--check", action="store_true", help="only look which videos can be used")
    parser.add_argument(
        "--processes", type=int, metavar="N", help="default: one per core, with RAFT one per GPU"
    )
    parser.add_argument(
        "--share", type=_share_of, default=(1, 1), metavar="K/N",
        help="this is machine K of N that share the work; all see the same folder",
    )  # fmt: skip
    return parser
