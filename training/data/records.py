"""Training data on the disk: files of records, made once, a block of seeds at a time, and memory-mapped.

A record is one element of a numpy structured array. An interrupted run resumes with the first missing block.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ..engine.state import write_atomically

Report = Callable[[int, int], None]  # report(done, total), called after each file made


def record_files(
    folder: Path,
    name: str,
    *,
    seeds: range,
    per_file: int,
    make: Callable[[range], np.ndarray],
    report: Report | None = None,
) -> list[Path]:
    """The files with the records of these seeds (a range) in a folder; blocks that are not there yet are made.

    make(seeds): the structured array of a block of seeds. report(done, total): called after each block made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for first in range(seeds.start, seeds.stop, per_file):
        block = range(first, min(first + per_file, seeds.stop))
        path = folder / f"{name}_{block.start:08d}_{block.stop:08d}.npy"
        if not path.is_file():
            _save(path, make(block))
            if report:
                report(block.stop - seeds.start, len(seeds))
        paths.append(path)
    return paths


def open_records(paths: Iterable[Path]) -> list[np.ndarray]:
    """The arrays of record files, read-only and memory-mapped."""
    return [np.load(path, mmap_mode="r") for path in paths]


def draw_records(files: list[np.ndarray], rng: np.random.Generator, n: int) -> np.ndarray:
    """n records drawn by a numpy Generator from a list of arrays of them, each as likely as any other."""
    ends = np.cumsum([len(file) for file in files])
    indices = rng.integers(ends[-1], size=n)
    numbers = np.searchsorted(ends, indices, side="right")
    drawn = np.empty(n, files[0].dtype)
    for row, (number, index) in enumerate(zip(numbers, indices, strict=True)):
        drawn[row] = files[number][index - ends[number]]  # negative: counted from the file's end
    return drawn


def _save(path: Path, records: np.ndarray) -> None:
    def write(part: Path) -> None:
        with part.open("wb") as file:  # by its name, numpy would append .npy
            np.save(file, records)

    write_atomically(path, write)
