"""Results of single clips on the disk: one append-only file of JSON lines for each variant."""

import json
import math
from pathlib import Path
from typing import Any

# of one clip: numbers, texts and lists by name, as sync.measure_video gives them
Result = dict[str, Any]


def read_results(folder: Path, variant: str, *, made_by: str) -> dict[int, Result]:
    """{seed: result} of a variant, without those made by something else.

    A line cut off by a crash is skipped; of two results of a seed the later counts.
    """
    path = results_file(folder, variant)
    if not path.is_file():
        return {}
    results = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            result = json.loads(line)
        except json.JSONDecodeError:
            continue
        if result["made_by"] == made_by:
            results[result["seed"]] = result
    return results


def add_result(folder: Path, variant: str, result: Result) -> None:
    """Add a result, a dict with "seed" and "made_by", to the file of a variant."""
    folder.mkdir(parents=True, exist_ok=True)
    path = results_file(folder, variant)
    # a line that was cut off must not swallow this one
    whole = not path.is_file() or path.read_bytes()[-1:] in (b"", b"\n")
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(("" if whole else "\n") + json.dumps(_plain(result)) + "\n")


def _plain(result: Result) -> Result:
    """JSON has no NaN: numbers that could not be measured become null."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in result.items()
    }


def results_file(folder: Path, variant: str) -> Path:
    """Where the results of a variant are kept."""
    return folder / f"{variant}.jsonl"
