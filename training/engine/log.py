"""The log of a training: log.csv for a spreadsheet, TensorBoard where installed, a line for people."""

import csv
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .state import write_atomically

logger = logging.getLogger("keyvid.training")
Row = dict[str, Any]  # of log.csv, by column


class TrainingLog:
    """Means of numbers since the last line, written into folder / "log.csv" and folder / "tensorboard".

    after_step: the step a training resumes from; rows that an earlier run logged beyond it are dropped.
    """

    def __init__(self, folder: Path, *, after_step: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "log.csv"
        self.rows = [row for row in _read(self.path) if int(row["step"]) <= after_step]
        self.seconds_before = float(self.rows[-1]["seconds"]) if self.rows else 0.0
        self.started_s = time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0
        self.board = _board(folder / "tensorboard", after_step)

    def add(self, numbers: Mapping[str, float]) -> None:
        """Count a step's numbers in."""
        for name, value in numbers.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def write(self, step: int, **others: float) -> None:
        """Write the means since the last line, and other numbers as they are; nothing if no step was added."""
        if self.count:
            means = {name: total / self.count for name, total in self.sums.items()}
            self.sums, self.count = {}, 0
            self.note(step, {**means, **others})

    def note(self, step: int, numbers: Mapping[str, float]) -> None:
        """Write numbers as they are."""
        seconds = self.seconds_before + time.monotonic() - self.started_s
        self.rows.append({"step": step, "seconds": f"{seconds:.1f}", **_short(numbers)})
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        write_atomically(self.path, lambda part: _write(part, names, self.rows))
        line = ", ".join(f"{name} {value}" for name, value in _short(numbers).items())
        logger.info("step %d, %.0f s: %s", step, seconds, line)
        if self.board:
            for name, value in numbers.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        """Close TensorBoard's writer, if there is one."""
        if self.board:
            self.board.close()


def _short(numbers: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.6g}" for name, value in numbers.items()}


def _read(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [{name: value for name, value in row.items() if value} for row in rows]


def _write(path: Path, names: Sequence[str], rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def _board(folder: Path, after_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # the extra "train" brings it; the CSV is enough without
        return None
    return SummaryWriter(str(folder), purge_step=after_step + 1)
