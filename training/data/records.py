"""Training data on the disk: files of records that are made once, block by block of seeds, and read where they lie.

A record is one element of a numpy structured array. An interrupted making goes on with the first block not there.
"""

import numpy as np

from ..engine.state import write_atomically


def record_files(folder, name, *, seeds, per_file, make, report=None):
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


def open_records(paths):
    """The arrays of record files, read-only; what is not looked at stays on the disk."""
    return [np.load(path, mmap_mode="r") for path in paths]


def draw_records(files, rng, n):
    """n records drawn by a numpy Generator from a list of arrays of them, each as likely as any other."""
    ends = np.cumsum([len(file) for file in files])
    places = rng.integers(ends[-1], size=n)
    numbers = np.searchsorted(ends, places, side="right")
    drawn = np.empty(n, files[0].dtype)
    for row, (number, place) in enumerate(zip(numbers, places, strict=True)):
        drawn[row] = files[number][place - ends[number]]  # negative: counted from the file's end
    return drawn


def _save(path, records):
    def write(part):
        with part.open("wb") as file:  # by its name, numpy would append .npy
            np.save(file, records)

    write_atomically(path, write)
