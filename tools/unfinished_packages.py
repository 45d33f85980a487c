"""Packages that an interrupted pip left without some of their files, though pip counts them as installed."""

import csv
import shutil
from pathlib import Path


def package_folders(venv: Path) -> list[Path]:
    """Where a virtual environment has its packages."""
    folders = [venv / "Lib" / "site-packages", *venv.glob("lib/python3.*/site-packages")]
    return [folder for folder in folders if folder.is_dir()]


def forget_unfinished_packages(venv: Path) -> None:
    """Remove the descriptions of packages whose recorded files are not all there at their full size."""
    for folder in package_folders(venv):
        for info in folder.glob("*.dist-info"):
            if not _is_complete(info):
                shutil.rmtree(info)


def _is_complete(info: Path) -> bool:
    record = info / "RECORD"
    if not record.is_file():
        return False
    with record.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    # files that pip makes itself (scripts, byte code) are recorded without a size
    sized = [(info.parent / row[0], int(row[2])) for row in rows if len(row) > 2 and row[2]]
    return bool(rows) and all(p.is_file() and p.stat().st_size == size for p, size in sized)
