"""Turns results of single clips into a report: text for people, CSV for a spreadsheet."""

import csv
import io
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..keyframes.timebase import N_FRAMES
from ..training.engine.state import write_atomically
from .acceptance import ALL_SCENES, LIMITS, SILENCE, judge, shown
from .measures.matching import (
    FIGURES,
    TOLERANCES,
    Counts,
    count_matches,
    differences,
    figures,
    intervals,
)
from .measures.pooled import pooled
from .results import Result
from .variants import COMPARED_PAIRS, VARIANTS, is_silent

SHOWN_TOLERANCE = 2  # frames, of the text
# the names of what is pooled over clips, with which numbers of a clip are summed and by which of their sums divided:
# None stands for 1, so that it is a mean
POOLED_FIGURES: dict[str, tuple[str, str | None]] = {
    "seen": ("seen", None),
    "background": ("background", None),
    "colour": ("colour", None),
    "colour_p90": ("colour_p90", None),
    "size": ("size", None),
    "psnr": ("psnr", None),
    "moving_psnr": ("moving_psnr", None),
    "vacated_psnr": ("vacated_psnr", None),
    "trajectory_mean": ("trajectory_mean", None),
    "trajectory_p90": ("trajectory_p90", None),
    "jerk_ratio": ("jerk", "true_jerk"),
    "largest_step_ratio": ("largest_step", "true_largest_step"),
    "excursion_share": ("excursions", "n_frames"),
    "quiet_events_per_20_s": ("quiet_events", "quiet_20_s"),
    "follows": ("follows", None),
    "flow_correlation": ("flow_correlation", None),
    "flow_peaks_f1": ("flow_hits", "flow_peaks"),
    "flow_heard_f1": ("heard_hits", "heard_peaks"),
}
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
    "scene",
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
        for scene in (ALL_SCENES, *_scenes(found)):
            its = {s: r for s, r in found.items() if scene in (ALL_SCENES, r["scene"])}
            for row in (*_event_rows(variant, its), *_pooled_rows(variant, its)):
                yield {**row, "scene": scene}
    for pair in COMPARED_PAIRS:
        if all(name in results for name in pair):
            yield from _difference_rows(results, *pair)


def _event_rows(variant: str, found: dict[int, Result]) -> Iterator[Row]:
    seeds_with_events = _with_events(found)
    for tolerance in TOLERANCES if seeds_with_events else ():
        counts = _counts(found, seeds_with_events, tolerance)
        about = _about(variant, tolerance, counts)
        bounds = intervals(counts)
        for name, value in figures(counts).items():
            low, high = bounds.get(name, ("", ""))
            yield {**about, "figure": name, "value": value, "low": low, "high": high}


def _pooled_rows(variant: str, found: dict[int, Result]) -> Iterator[Row]:
    for figure, (number, weight) in POOLED_FIGURES.items():
        pairs = [
            (result[number], 1.0 if weight is None else _weight(result, weight))
            for result in found.values()
            if result.get(number) is not None
        ]
        if not pairs:
            continue
        its = pooled(*zip(*pairs, strict=True))
        about = dict.fromkeys(COLUMNS, "") | {"condition": variant, "clips": its.n_clips}
        yield {**about, "figure": figure, "value": its.value, "low": its.low, "high": its.high}


def _weight(result: Result, name: str) -> float:
    if name == "quiet_20_s":
        return result["quiet_s"] / 20
    return N_FRAMES if name == "n_frames" else result[name]


def _scenes(found: dict[int, Result]) -> list[str]:
    return sorted({result["scene"] for result in found.values()})


def report_text(rows: Sequence[Row]) -> str:
    """The text for people: events found within SHOWN_TOLERANCE frames and the pooled figures, of every variant over
    all clips and scene by scene, and what is reached of the limits (acceptance.py).
    """
    lines = []
    its_rows = [row for row in rows if row["within"] in ("", SHOWN_TOLERANCE)]
    for variant, its in itertools.groupby(its_rows, key=lambda row: row["condition"]):
        lines.append(variant)
        of_variant = list(its)
        for row in of_variant:
            if row["scene"] == ALL_SCENES:
                within = f" within {row['within']} frames" if row["within"] else ""
                lines.append(f"  {row['figure'] + within:34} {_number(row)}")
        lines += _scene_table(of_variant)
        if variant in VARIANTS:
            lines += _limits(variant, of_variant)
    return "\n".join(lines)


def _scene_table(rows: Sequence[Row]) -> list[str]:
    """A line for every figure, a column for every scene; their intervals are in the CSV."""
    values = {
        (row["figure"], row["scene"]): row["value"]
        for row in rows
        if row["scene"] != ALL_SCENES and not row["figure"].startswith("median")
    }
    scenes = sorted({scene for _, scene in values})
    if len(scenes) < 2:
        return []
    lines = [f"  {'scene by scene':24}" + "".join(f"{scene:>10}" for scene in scenes)]
    for figure in dict.fromkeys(figure for figure, _ in values):
        cells = [_cell(values.get((figure, scene), math.nan)) for scene in scenes]
        lines.append(f"  {figure:24}" + "".join(f"{cell:>10}" for cell in cells))
    return lines


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def values_of(rows: Iterable[Row]) -> dict[tuple[str, str], float]:
    """{(figure, scene): value} of one variant's rows, for acceptance.judge: events within SHOWN_TOLERANCE frames."""
    shown_rows = [row for row in rows if row["within"] in ("", SHOWN_TOLERANCE)]
    return {(row["figure"], row["scene"]): row["value"] for row in shown_rows}


def _limits(variant: str, rows: Sequence[Row]) -> list[str]:
    limits = (SILENCE,) if is_silent(variant) else LIMITS
    return [f"  {shown(judgement)}" for judgement in judge(values_of(rows), limits)]


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
        about = {
            **_about(f"{one} - {other}", tolerance, counts[0]),
            "found": "",
            "scene": ALL_SCENES,
        }
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
