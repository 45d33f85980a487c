"""`python dev.py label ROOT`: motion curves of a data set's videos, and a report of those that cannot be used.

Stopped at any time, it goes on when it is called again, and ends with the same files as if it had not been stopped.
"""

import argparse
import logging
import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ...errors import KeyVIDError
from ...released.lock import alone_if_possible
from .clip_list import write_clip_list
from .curves import curve_file
from .inspection import Findings
from .label_options import read_options
from .label_records import (
    Record,
    add_planned,
    add_record,
    is_current,
    other_reports,
    read_planned,
    read_records,
    record_of,
    report_name,
    share_suffix,
    write_records,
)
from .label_worker import open_raft
from .layouts import Dataset, Video, open_dataset
from .shards import VIDEOS_PER_SHARD, write_shards
from .workers import Answer, work_on

FLOW, RAFT, GIVEN, LOOKED = "flow without weights", "RAFT", "given", ""
CRASHED = "crashed"
WORKER = "training.datasets.label_worker"
SAY_EVERY_S = 10.0
N_SHOWN = 20  # videos that cannot be used; all are in the report

logger = logging.getLogger("keyvid.training")


def main(*words: str) -> int:
    """Label as the words say; the exit status: 0 when all videos of the share were looked at, and are in the shards."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = read_options(words, description=__doc__)
    try:
        dataset = open_dataset(options.root, split=options.split)
        return 0 if _label(dataset, options) else 1
    except KeyVIDError as error:
        logger.error("%s", error)
        return 1
    except OSError as error:
        logger.error(
            "A file cannot be read or written (%s). Free the disk or the file; then the same command goes on.",
            error,
        )
        return 1
    except KeyboardInterrupt:
        logger.info("Stopped; the same command goes on from here.")
        return 130


def _label(dataset: Dataset, options: argparse.Namespace) -> bool:
    """Label a share; whether all of its videos were looked at, and all that can be used are in the shards."""
    method = LOOKED if options.check else RAFT if options.raft else FLOW
    if method == RAFT:
        open_raft(options.raft)  # what is wrong with it is said once, and now
    number, total = (
        options.share
    )  # every n-th video, so that each machine has some of every category
    mine, missing = dataset.videos[number - 1 :: total], dataset.missing[number - 1 :: total]
    path = Path(options.to or options.root).expanduser() / report_name(dataset.split, options.share)
    taken = KeyVIDError(
        f"Another call of label is writing {path}. Wait for it, or let each do its --share."
    )
    with alone_if_possible(path.parent, taken, name=path.with_suffix(".lock").name):
        past = _past(dataset, mine, method, path)
        known, planned = past.known, past.ours_here
        jobs = [
            _job(number, video, method, options, past.ours)
            for number, video in enumerate(mine)
            if not _is_done(known.get(video.name), video, method, options)
        ]
        logger.info(
            "%d videos of %s (%s), %d of them to be looked at.",
            len(mine), options.root, dataset.split, len(jobs),
        )  # fmt: skip
        if method != LOOKED and jobs:
            names = [mine[job["number"]].name for job in jobs if not job["keep"]]
            add_planned(path, names)
            planned = planned | set(names)
        progress = _Progress(len(jobs))
        for answer in work_on(
            jobs, _worker(method, options), n_processes=_n_processes(method, options)
        ):
            video = mine[answer.job["number"]]
            record = record_of(video, _made_by(answer, method), _findings(answer))
            add_record(path, record)
            known[video.name] = record
            progress.add(record)
        write_records(path, known, _still_planned(planned, known, mine, options))
        unusable = _unusable(missing, known)
        text = "".join(f"{line}\n" for line in unusable)
        path.with_suffix(".unusable.txt").write_text(text, "utf-8", errors="backslashreplace")
        _say_result(unusable, known, path)
        is_whole = all(record.method != CRASHED for record in known.values())
        usable = [v for v in mine if v.name in known and not known[v.name].findings.problem]
        if options.shards:
            is_whole &= _write_shards(usable, dataset.split, options)
        if options.clips:
            is_whole &= _write_clips(usable, options)
        return is_whole


class _Past(NamedTuple):
    """What earlier calls left.

    known: {name: Record} of the videos of this share whose files are those that were looked at. ours: the names of
    videos whose curves were not given but measured by some share. ours_here: those that this report names.
    """

    known: dict[str, Record]
    ours: set[str]
    ours_here: set[str]


def _past(dataset: Dataset, mine: Sequence[Video], method: str, path: Path) -> _Past:
    """The _Past in the reports of all shares; this one's is at `path` and goes before. Raises KeyVIDError."""
    known, ours, ours_here = {}, set(), set()
    own_names = {video.name for video in mine}
    for report in (*other_reports(path, dataset.split), path):
        records = read_records(report)
        measured = {name for name, record in records.items() if record.method in (FLOW, RAFT)}
        ours_here = measured | read_planned(report)
        ours |= ours_here
        current = {
            video.name: records[video.name]
            for video in dataset.videos
            if video.name in records and is_current(records[video.name], video)
        }
        _refuse_mixture(current, method, report)
        known |= {name: record for name, record in current.items() if name in own_names}
    return _Past(known, ours, ours_here)


def _still_planned(
    planned: set[str],
    known: dict[str, Record],
    mine: Sequence[Video],
    options: argparse.Namespace,
) -> set[str]:
    """The videos that are to be remembered as ours beside their Records: a later call must not take the curve of
    another version of the video, which is still there, as given."""
    places = {video.name: _curve_path(video, options) for video in mine}
    return {
        name
        for name in planned
        if (name not in known or known[name].method not in (FLOW, RAFT))
        and (name not in places or curve_file(places[name]) is not None)
    }


def _worker(method: str, options: argparse.Namespace) -> list[str]:
    # resolved here: the worker may run in another folder
    return [WORKER, *([str(Path(options.raft).expanduser().resolve())] if method == RAFT else [])]


def _write_shards(videos: list[Video], split: str, options: argparse.Namespace) -> bool:
    """The clips of these videos as shards in the folder --shards, with their curves; whether all are in them."""
    videos = [video._replace(curve_path=_curve_path(video, options)) for video in videos]
    name, folder = split + share_suffix(options.share), Path(options.shards).expanduser()
    n_shards, left_out = -(-len(videos) // VIDEOS_PER_SHARD), []

    def leave_out(video: Video, error: KeyVIDError) -> None:
        left_out.append(video.name)
        logger.error("  %s is left out: %s", video.name, error)

    shards = write_shards(videos, folder, split=name, on_unusable=leave_out)
    for number, shard in enumerate(shards, 1):
        logger.info("  shard %d of %d: %s", number, n_shards, shard)
    if left_out:
        logger.error(
            "%d videos are not in the shards. The same command writes these shards again.",
            len(left_out),
        )
    return not left_out


def _write_clips(videos: list[Video], options: argparse.Namespace) -> bool:
    """What the clips of these videos are generated from, in the folder --clips; whether all are there."""
    left_out = []

    def leave_out(video: Video, error: KeyVIDError) -> None:
        left_out.append(video.name)
        logger.error("  %s is left out: %s", video.name, error)

    name = f"list{share_suffix(options.share)}.jsonl"
    folder = Path(options.clips).expanduser()
    path = write_clip_list(videos, folder, name=name, on_unusable=leave_out)
    logger.info("The list of %d videos' clips: %s", len(videos) - len(left_out), path)
    return not left_out


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
    if record is None or record.method == CRASHED:
        return False
    if method == LOOKED:
        return True
    if record.findings.problem:
        return record.method != GIVEN  # of a curve that was given: it may be another one now
    return bool(record.method) and curve_file(_curve_path(video, options)) is not None


def _refuse_mixture(known: dict[str, Record], method: str, path: Path) -> None:
    """Curves of two methods are of different units; one data set has those of one."""
    others = {r.method for r in known.values()} - {method, GIVEN, LOOKED, CRASHED}
    if method != LOOKED and others:
        raise KeyVIDError(
            f"The curves here were measured by {others.pop()}, and now {method} is asked for. Name another folder with "
            f"--to, or remove {path} and the curves to measure all of them anew."
        )


def _made_by(answer: Answer, method: str) -> str:
    if answer.result is None:
        return CRASHED
    if answer.job["keep"] and method != LOOKED:
        return GIVEN
    return LOOKED if answer.result["problem"] else method


def _findings(answer: Answer) -> Findings:
    if answer.result is None:
        return Findings(
            f"Reading it ended the program that reads it (exit code {answer.exit_code}), which may not be "
            "its fault. The same command tries it again; leave it out if it ends so each time.",
            (),
        )
    return Findings(**{**answer.result, "notes": tuple(answer.result["notes"])})


def _n_processes(method: str, options: argparse.Namespace) -> int:
    if options.processes:
        return options.processes
    # one keeps a GPU busy; RAFT takes gigabytes in each
    return 1 if method == RAFT and torch.cuda.is_available() else os.cpu_count() or 1


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


def _unusable(missing: Sequence[str], known: dict[str, Record]) -> list[str]:
    """A line for every video that cannot be used, and for every line of the list that names none."""
    lines = [f"{r.name}: {r.findings.problem}" for r in known.values() if r.findings.problem]
    lines += [f"{name}: It is in the list, but there is no such file." for name in missing]
    return sorted(lines)


def _say_result(lines: list[str], known: dict[str, Record], path: Path) -> None:
    """lines: of the videos that cannot be used."""
    good = [record for record in known.values() if not record.findings.problem]
    for record in good:
        if record.findings.notes:
            logger.info("  %s: %s, handled", record.name, "; ".join(record.findings.notes))
    for line in lines[:N_SHOWN]:
        logger.info("  %s", line)
    if len(lines) > N_SHOWN:
        logger.info("  and %d more", len(lines) - N_SHOWN)
    n_given = sum(record.method == GIVEN for record in good)
    logger.info(
        "%d videos can be used (%d had their curve already), %d cannot. The report: %s",
        len(good), n_given, len(lines), path,
    )  # fmt: skip
