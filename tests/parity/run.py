"""Compares the pack with recorded outputs of the published code. Run: python dev.py parity [DIR]

DIR holds a manifest.json and the files it lists. Each case is checked by the function of its name in one of
cases/*.py, which returns [(label, largest absolute error)]; the manifest says how large that may be.
"""

import dataclasses
import importlib
import json
import math
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = ("unet", "audio", "image", "diffusion", "selection", "measures")


class GoldensError(Exception):
    """The folder cannot be used, or a case in it cannot be checked; the text says why."""


@dataclasses.dataclass(frozen=True)
class Result:
    case_id: str
    error: float | None = None  # None: there is none, because of what the reason says
    tolerance: float | None = None
    reason: str = ""  # empty: it passed


def read_cases(folder):
    """The cases a folder's manifest lists. Raises GoldensError."""
    path = pathlib.Path(folder) / "manifest.json"
    if not path.parent.is_dir():
        raise GoldensError(f"There is no folder {folder}.")
    if not path.is_file():
        raise GoldensError(f"There is no manifest.json in {folder}, so nothing says what to check.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise GoldensError(f"{path} is not JSON: {error}") from None
    cases = manifest.get("cases") if isinstance(manifest, dict) else None
    if not isinstance(cases, list) or not cases:
        raise GoldensError(f"{path} lists no cases, so there is nothing to check.")
    if not all(isinstance(case, dict) and isinstance(case.get("id"), str) for case in cases):
        raise GoldensError(f"{path} lists a case without an id.")
    return cases


def find_check(case_id):
    """The function that checks a case. Raises GoldensError when there is none, or it cannot be imported."""
    broken = []
    for family in FAMILIES:
        name = f"keyvid_pack.tests.parity.cases.{family}"
        try:
            module = importlib.import_module(name)
        except Exception as error:
            broken.append(f"cases/{family}.py: {_one_line(error)}")
            continue
        check = getattr(module, case_id, None)
        # its own functions only, not what it imports
        if callable(check) and getattr(check, "__module__", None) == name and case_id[0] != "_":
            return check
    raise GoldensError("; ".join(["no check has this name", *broken]))


def run_case(case, folder):
    """The Result of one case; whatever goes wrong in it is a failure with its reason."""
    result = Result(case["id"])
    try:
        result = dataclasses.replace(result, tolerance=_tolerance(case))
        check = find_check(case["id"])
        with torch.no_grad():
            errors = check(case, folder)
    except Exception as error:
        return dataclasses.replace(result, reason=_one_line(error))
    if not errors:
        return dataclasses.replace(result, reason="its check compared nothing")
    # NaN counts as the worst of all
    label, worst = max(errors, key=lambda item: math.inf if math.isnan(item[1]) else item[1])
    reason = "" if worst <= result.tolerance else f"the worst is {label}"
    return dataclasses.replace(result, error=worst, reason=reason)


def format_result(result, width):
    error, tolerance = (
        "-" if number is None else f"{number:.2e}" for number in (result.error, result.tolerance)
    )
    verdict = f"FAIL  {result.reason}" if result.reason else "ok"
    return f"{result.case_id:{width}}  {error:>9}  {tolerance:>9}  {verdict}"


def main(folder):
    """Prints a line per case and the sum; 0 when none failed."""
    try:
        cases = read_cases(folder)
    except (GoldensError, OSError) as error:
        print(_one_line(error), file=sys.stderr)
        return 1
    width = max(len(case["id"]) for case in cases)
    passed = failed = 0
    for case in cases:
        result = run_case(case, folder)
        passed, failed = passed + (not result.reason), failed + bool(result.reason)
        print(format_result(result, width), flush=True)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


def _tolerance(case):
    tolerance = case.get("tolerance")
    number = tolerance.get("recommended_atol") if isinstance(tolerance, dict) else None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise GoldensError("the manifest gives it no recommended_atol")
    if not (math.isfinite(number) and number >= 0):
        raise GoldensError(f"its recommended_atol is {number}")
    return float(number)


def _one_line(error):
    text = " ".join(str(error).split())
    if isinstance(error, (GoldensError, AssertionError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    import conftest  # noqa: F401  (gives the pack its name)

    # the same module for the cases as for this script
    sys.exit(importlib.import_module("keyvid_pack.tests.parity.run").main(sys.argv[1]))
