"""What was measured, clip by clip, on the disk: one file of JSON lines for each condition, only ever added to."""

import json
import math


def read_results(folder, condition, *, made_by):
    """{seed: result} of a condition, without those made by something else.

    A line cut off by a crash counts as none; of two results of a seed the later counts.
    """
    path = results_file(folder, condition)
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


def add_result(folder, condition, result):
    """Add a result, a dict with "seed" and "made_by", to the file of a condition."""
    folder.mkdir(parents=True, exist_ok=True)
    path = results_file(folder, condition)
    # a line that was cut off must not swallow this one
    whole = not path.is_file() or path.read_bytes()[-1:] in (b"", b"\n")
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(("" if whole else "\n") + json.dumps(_plain(result)) + "\n")


def _plain(result):
    """NaN is no JSON: numbers that could not be measured are null."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in result.items()
    }


def results_file(folder, condition):
    """Where the results of a condition are kept."""
    return folder / f"{condition}.jsonl"
