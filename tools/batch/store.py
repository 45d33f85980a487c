"""The results of a batch: videos, and a line of JSON for each that says what it was made of."""

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import KeyVIDError
from ...released.lock import alone

RECORDS, BATCH = "records.jsonl", "batch.json"


class Store:
    """A folder of results. Made by `open_store`.

    batch_id: by which a server knows what it runs for this folder. done: {name: identity} of videos that are there.
    failures: {identity: how often it failed}.
    """

    def __init__(self, folder: Path, batch_id: str) -> None:
        self.folder, self.batch_id = folder, batch_id
        self.done: dict[str, str] = {}
        self.failures: dict[str, int] = {}
        for line in self.records():
            if line["error"]:
                self.failures[line["identity"]] = self.failures.get(line["identity"], 0) + 1
            elif (folder / line["file"]).is_file():
                self.done[line["name"]] = line["identity"]

    def prompt_id(self, identity: str) -> str:
        """The id under which a clip runs: the same after a crash, another one after a failure."""
        attempt = self.failures.get(identity, 0)
        return str(uuid.uuid5(uuid.UUID(self.batch_id), f"{identity} {attempt}"))

    def keep(self, name: str, identity: str, content: bytes, **facts: Any) -> None:
        """Store a video; it appears whole or not at all, and then its record."""
        path = self.folder / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(content)
        os.replace(part, path)
        digest = hashlib.sha256(content).hexdigest()
        self._add(
            name=name, identity=identity, file=f"{name}.mp4", sha256=digest, error="", **facts
        )
        self.done[name] = identity

    def note_failure(self, name: str, identity: str, error: str, **facts: Any) -> None:
        """Say why there is no video of a clip."""
        self._add(name=name, identity=identity, file="", sha256="", error=error, **facts)
        self.failures[identity] = self.failures.get(identity, 0) + 1

    def records(self) -> list[dict[str, Any]]:
        """All lines, in the order in which they were written; one that a crash cut short is left out."""
        path, lines = self.folder / RECORDS, []
        for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            with contextlib.suppress(ValueError):
                lines.append(json.loads(text))
        return lines

    def _add(self, **values: Any) -> None:
        with (self.folder / RECORDS).open("a+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a line that a crash cut short
                    file.write(b"\n")
            file.write(json.dumps(values).encode() + b"\n")


@contextlib.contextmanager
def open_store(folder: str | Path) -> Iterator[Store]:
    """The Store of a folder, made if absent, for one process at a time. Raises KeyVIDError."""
    folder = Path(folder).expanduser().resolve()  # servers run in folders of their own
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = KeyVIDError(
            f"Another batch is writing into {folder}. Wait for it, or name another folder with --out."
        )
        with alone(folder, taken):
            yield Store(folder, _batch_id(folder / BATCH))
    except OSError as error:
        raise KeyVIDError(f"The folder {folder} cannot be written ({error}).") from error


def _batch_id(path: Path) -> str:
    if path.is_file():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(uuid.UUID(json.loads(path.read_text(encoding="utf-8"))["id"]))
    made = str(uuid.uuid4())
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"id": made}), encoding="utf-8")
    os.replace(part, path)
    return made
