"""What is known of the videos of a data set: one line of JSON each, written as they are looked at.

So labelling that was stopped goes on, and a video that cannot be used is not decoded again until its file changes.
"""

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from .inspection import Findings
from .layouts import Video


class Record(NamedTuple):
    """name: of the video. size, changed_ns: of its file when it was looked at. method: how its curve was measured.

    method is "given" for a curve that was there before, "" where nothing was measured, "crashed" where the program that
    looked at it ended: then nothing is known of the video.
    """

    name: str
    size: int
    changed_ns: int
    method: str
    findings: Findings


def record_of(video: Video, method: str, findings: Findings) -> Record:
    """The Record of a video whose file is as it is now."""
    status = video.path.stat()
    return Record(video.name, status.st_size, status.st_mtime_ns, method, findings)


def is_current(record: Record, video: Video) -> bool:
    """Whether a video's file is the one that the record is of."""
    status = video.path.stat()
    return (record.size, record.changed_ns) == (status.st_size, status.st_mtime_ns)


def report_name(split: str, share: tuple[int, int]) -> str:
    """The name of the file of machine k of n."""
    return f"keyvid_labels_{split}{share_suffix(share)}.jsonl"


def share_suffix(share: tuple[int, int]) -> str:
    """What the names of the files of machine k of n end with; "" where one does everything."""
    number, total = share
    return "" if total == 1 else f"_{number}-of-{total}"


def other_reports(path: Path, split: str) -> list[Path]:
    """The files of the same split beside this one: of other shares of the same work, or of the whole."""
    whole = path.with_name(report_name(split, (1, 1)))
    parts = path.parent.glob(f"keyvid_labels_{split}_*-of-*.jsonl")
    return [one for one in sorted({whole, *parts}) if one != path and one.is_file()]


def read_records(path: Path) -> dict[str, Record]:
    """{name: the newest Record} of a file; a line that a crash cut short counts as not written."""
    records = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in lines:
        try:
            record = _record(json.loads(line))
        except (ValueError, TypeError, KeyError):
            continue
        records[record.name] = record
    return records


def read_planned(path: Path) -> set[str]:
    """The names of videos whose curves were to be measured: one that is there was not given, it is ours."""
    planned = set()
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        if line.startswith('{"planned"'):
            with contextlib.suppress(ValueError):
                planned |= set(json.loads(line)["planned"])
    return planned


def add_record(path: Path, record: Record) -> None:
    """Add a Record to a file."""
    _add_line(path, _line(record))


def add_planned(path: Path, names: Iterable[str]) -> None:
    """Say in a file, before it is done, that the curves of these videos are to be measured."""
    _add_line(path, _planned_line(names))


def _planned_line(names: Iterable[str]) -> bytes:
    return json.dumps({"planned": list(names)}).encode() + b"\n"


def _add_line(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        # a line of its own, even behind one that was cut short
        file.write((b"" if _at_line_start(path) else b"\n") + line)


def write_records(path: Path, records: dict[str, Record], planned: Iterable[str] = ()) -> None:
    """Write a file with these Records alone, in the order of their names: the same, however often it was stopped.

    planned: names as `add_planned` takes them, whose curves are ours though no record says so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    lines = [_planned_line(sorted(planned))] if planned else []
    part.write_bytes(b"".join([*lines, *(_line(records[name]) for name in sorted(records))]))
    os.replace(part, path)


def _at_line_start(path: Path) -> bool:
    size = path.stat().st_size
    if not size:
        return True
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"


def _line(record: Record) -> bytes:
    values: dict[str, Any] = {**record._asdict(), **record.findings._asdict()}
    del values["findings"]
    return (
        json.dumps(values).encode() + b"\n"
    )  # ASCII, also where a name has bytes that are no text


def _record(values: dict[str, Any]) -> Record:
    found = {name: values[name] for name in Findings._fields}
    found["notes"] = tuple(found["notes"])
    own = {name: values[name] for name in Record._fields if name != "findings"}
    return Record(**own, findings=Findings(**found))
