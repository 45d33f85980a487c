"""Turns results of single clips into a report: text for people, CSV for a spreadsheet."""

import csv
import io
import itertools
import math
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..training.engine.state import write_atomically
from .matching import FIGURES, TOLERANCES, Counts, count_matches, differences, figures, intervals
from .results import Result
from .variants import COMPARED_PAIRS

SHOWN_TOLERANCE = 2  # frames, of the text
MEAN_FIGURES = ("seen", "background", "colour", "psnr", "follows")  # means over clips
Row = dict[str, Any]  # by COLUMNS
COLUMNS: tuple[str, ...] = (
    "condition",
    "within",
    "clips",
    "events",
    "found",
    "figure",
    "value",
    "low",
    "high",
)


def write_report(results: dict[str, dict[int, Result]], folder: Path) -> str:
    """Write folder/report.csv and folder/report.txt; returns the text. results: {variant: {seed: result}}."""
    rows = list(report_rows(results))
    lines = io.StringIO(newline="")
    writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    text = report_text(rows)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("report.csv", lines.getvalue()), ("report.txt", text + "\n")):
        write_atomically(folder / name, partial(_write, content))
    return text


def _write(content: str, part: Path) -> None:
    part.write_text(content, encoding="utf-8", newline="\n")


def report_rows(results: dict[str, dict[int, Result]]) -> Iterator[Row]:
    """Rows (dicts of COLUMNS) of every figure; low and high bound its 95 % interval where there is one.

    A difference, named "one - other", is over the clips that both variants have.
    """
    for variant, found in results.items():
        seeds_with_events = _with_events(found)
        for tolerance in TOLERANCES if seeds_with_events else ():
            counts = _counts(found, seeds_with_events, tolerance)
            about = _about(variant, tolerance, counts)
            bounds = intervals(counts)
            for name, value in figures(counts).items():
                low, high = bounds.get(name, ("", ""))
                yield {**about, "figure": name, "value": value, "low": low, "high": high}
        for name in MEAN_FIGURES:
            values = [r[name] for r in found.values() if r.get(name) is not None]
            if values:
                about = dict.fromkeys(COLUMNS, "") | {"condition": variant, "clips": len(values)}
                yield {**about, "figure": name, "value": float(np.mean(values))}
    for pair in COMPARED_PAIRS:
        if all(name in results for name in pair):
            yield from _difference_rows(results, *pair)


def report_text(rows: Iterable[Row]) -> str:
    """The table for people: events found within SHOWN_TOLERANCE frames, and the image figures."""
    lines = []
    for variant, its in itertools.groupby(rows, key=lambda row: row["condition"]):
        lines.append(variant)
        for row in its:
            if row["within"] in ("", SHOWN_TOLERANCE):
                within = f" within {row['within']} frames" if row["within"] else ""
                lines.append(f"  {row['figure'] + within:34} {_number(row)}")
    return "\n".join(lines)


def _number(row: Row) -> str:
    if isinstance(row["value"], float) and math.isnan(row["value"]):
        return "-"
    bounds = f"  [{row['low']:.3f}, {row['high']:.3f}]" if row["low"] != "" else ""
    of = f"{row['clips']} clips"
    if row["events"] != "":
        of += f", {row['events']} events"
    if row["found"] != "":
        of += f", {row['found']} found"
    return f"{row['value']:8.3f}{bounds}  ({of})"


def _difference_rows(results: dict[str, dict[int, Result]], one: str, other: str) -> Iterator[Row]:
    both = sorted(set(_with_events(results[one])) & set(_with_events(results[other])))
    for tolerance in TOLERANCES if both else ():
        counts = [_counts(results[name], both, tolerance) for name in (one, other)]
        about = {**_about(f"{one} - {other}", tolerance, counts[0]), "found": ""}
        measured = differences(*counts)
        for name in FIGURES:
            value, low, high = measured[name]
            yield {**about, "figure": name, "value": value, "low": low, "high": high}


def _with_events(found: dict[int, Result]) -> list[int]:
    """The seeds of scenes that have events, in order."""
    return sorted(seed for seed, result in found.items() if result["found"] is not None)


def _counts(found: dict[int, Result], seeds: Iterable[int], tolerance: int) -> Counts:
    lists = [[found[seed][key] for seed in seeds] for key in ("found", "true")]
    return count_matches(*lists, tolerance=tolerance)


def _about(variant: str, tolerance: int, counts: Counts) -> Row:
    return {
        "condition": variant,
        "within": tolerance,
        "clips": len(counts.true),
        "events": int(counts.true.sum()),
        "found": int(counts.found.sum()),
    }
