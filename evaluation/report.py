"""From results of single clips to the table that is read: text for people, CSV for a spreadsheet."""

import csv
import io
import itertools
import math

import numpy as np

from ..training.engine.state import write_atomically
from .matching import FIGURES, TOLERANCES, count_matches, differences, figures, intervals
from .variants import COMPARED

SHOWN_TOLERANCE = 2  # frames, of the text
CLEAN = ("seen", "background", "colour", "psnr", "follows")  # means over clips
COLUMNS = ("condition", "within", "clips", "events", "found", "figure", "value", "low", "high")


def write_report(results, folder):
    """Write folder/report.csv and folder/report.txt; returns the text. results: {condition: {seed: result}}."""
    rows = list(report_rows(results))
    lines = io.StringIO(newline="")
    writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    text = report_text(rows)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("report.csv", lines.getvalue()), ("report.txt", text + "\n")):
        write_atomically(
            folder / name,
            lambda part, content=content: part.write_text(content, encoding="utf-8", newline="\n"),
        )
    return text


def report_rows(results):
    """Rows (dicts of COLUMNS) of every figure; low and high bound its 95 % interval where there is one.

    A difference, named "one - other", is over the clips that both conditions have.
    """
    for condition, found in results.items():
        struck = _struck(found)
        for tolerance in TOLERANCES if struck else ():
            counts = _counts(found, struck, tolerance)
            about = _about(condition, tolerance, counts)
            bounds = intervals(counts)
            for name, value in figures(counts).items():
                low, high = bounds.get(name, ("", ""))
                yield {**about, "figure": name, "value": value, "low": low, "high": high}
        for name in CLEAN:
            values = [r[name] for r in found.values() if r.get(name) is not None]
            if values:
                about = dict.fromkeys(COLUMNS, "") | {"condition": condition, "clips": len(values)}
                yield {**about, "figure": name, "value": float(np.mean(values))}
    for pair in COMPARED:
        if all(name in results for name in pair):
            yield from _difference_rows(results, *pair)


def report_text(rows):
    """The table for people: what was found within SHOWN_TOLERANCE frames, and how clean the pictures are."""
    lines = []
    for condition, its in itertools.groupby(rows, key=lambda row: row["condition"]):
        lines.append(condition)
        for row in its:
            if row["within"] in ("", SHOWN_TOLERANCE):
                within = f" within {row['within']} frames" if row["within"] else ""
                lines.append(f"  {row['figure'] + within:34} {_number(row)}")
    return "\n".join(lines)


def _number(row):
    if isinstance(row["value"], float) and math.isnan(row["value"]):
        return "-"
    bounds = f"  [{row['low']:.3f}, {row['high']:.3f}]" if row["low"] != "" else ""
    of = f"{row['clips']} clips"
    if row["events"] != "":
        of += f", {row['events']} events"
    if row["found"] != "":
        of += f", {row['found']} found"
    return f"{row['value']:8.3f}{bounds}  ({of})"


def _difference_rows(results, one, other):
    both = sorted(set(_struck(results[one])) & set(_struck(results[other])))
    for tolerance in TOLERANCES if both else ():
        counts = [_counts(results[name], both, tolerance) for name in (one, other)]
        about = {**_about(f"{one} - {other}", tolerance, counts[0]), "found": ""}
        measured = differences(*counts)
        for name in FIGURES:
            value, low, high = measured[name]
            yield {**about, "figure": name, "value": value, "low": low, "high": high}


def _struck(found):
    """The seeds of scenes that have events, in order."""
    return sorted(seed for seed, result in found.items() if result["found"] is not None)


def _counts(found, seeds, tolerance):
    lists = [[found[seed][key] for seed in seeds] for key in ("found", "true")]
    return count_matches(*lists, tolerance=tolerance)


def _about(condition, tolerance, counts):
    return {
        "condition": condition,
        "within": tolerance,
        "clips": len(counts.true),
        "events": int(counts.true.sum()),
        "found": int(counts.found.sum()),
    }
