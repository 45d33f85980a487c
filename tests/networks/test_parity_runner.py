"""The runner of the recorded cases: it can fail, says why, and never lets a case drop out."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from keyvid_pack.tests.parity import run
from keyvid_pack.tests.parity.compare import max_abs_err
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDENS = ROOT / "tests" / "goldens"
FIXTURE = "keypoints_and_selection"


def manifest_case(case_id):
    manifest = json.loads((GOLDENS / "manifest.json").read_text(encoding="utf-8"))
    (case,) = [case for case in manifest["cases"] if case["id"] == case_id]
    return case


@pytest.fixture
def folder(tmp_path):
    """A folder with one case of its own, which a test may change and write."""

    def write(*cases, change=None):
        tensors = load_file(GOLDENS / f"{FIXTURE}.safetensors")
        if change:
            change(tensors)
        save_file(tensors, tmp_path / f"{FIXTURE}.safetensors")
        cases = cases or [manifest_case(FIXTURE)]
        (tmp_path / "manifest.json").write_text(json.dumps({"cases": cases}), encoding="utf-8")
        return tmp_path

    return write


def lines_of(capsys, folder):
    code = run.main(folder)
    return code, capsys.readouterr().out.splitlines()


def test_a_case_that_agrees_passes(folder, capsys):
    code, lines = lines_of(capsys, folder())
    assert code == 0
    assert lines[0].split() == [FIXTURE, "0.00e+00", "0.00e+00", "ok"]
    assert lines[-1] == "1 passed, 0 failed"


def test_one_number_off_fails_and_is_named(folder, capsys):
    def change(tensors):
        tensors["out.select.2"][3] += 1

    code, lines = lines_of(capsys, folder(change=change))
    assert code == 1
    assert lines[0].split() == [*f"{FIXTURE} 1.00e+00 0.00e+00 FAIL the worst is select.2".split()]
    assert lines[-1] == "0 passed, 1 failed"


def test_nan_fails(folder, capsys):
    def change(tensors):
        tensors["out.precision"][0, 3] = np.nan

    code, lines = lines_of(capsys, folder(change=change))
    assert code == 1 and lines[0].split()[1] == "nan" and lines[0].endswith("precision.0")


def test_another_shape_fails(folder, capsys):
    def change(tensors):
        tensors["out.keypoint_nosmooth.1"] = tensors["out.keypoint_nosmooth.1"][:-1]

    code, lines = lines_of(capsys, folder(change=change))
    assert code == 1 and "FAIL  the shape is (48,), recorded is (47,)" in lines[0]


@pytest.mark.parametrize(
    ("case_id", "reason"),
    [
        ("colours", "no check has this name"),
        ("load_tensors", "no check has this name"),  # imported by the modules, no case
        ("_labels", "no check has this name"),
        ("", "no check has this name"),
        (FIXTURE, "FileNotFoundError"),
    ],
)
def test_a_case_that_cannot_be_checked_fails(folder, capsys, case_id, reason):
    other = {"id": case_id, "file": "none.safetensors", "tolerance": {"recommended_atol": 1}}
    code, lines = lines_of(capsys, folder(other, manifest_case(FIXTURE)))
    assert code == 1 and lines[-1] == "1 passed, 1 failed"
    assert lines[0].startswith(f"{case_id:{len(FIXTURE)}}          -   1.00e+00  FAIL  ")
    assert reason in lines[0]


@pytest.mark.parametrize(
    "tolerance", [None, {}, {"recommended_atol": "1"}, {"recommended_atol": -1}]
)
def test_a_case_without_a_tolerance_fails(folder, capsys, tolerance):
    code, lines = lines_of(capsys, folder({**manifest_case(FIXTURE), "tolerance": tolerance}))
    assert code == 1 and "recommended_atol" in lines[0] and lines[-1] == "0 passed, 1 failed"


def test_nothing_compared_is_a_failure(monkeypatch):
    monkeypatch.setattr(run, "find_check", lambda case_id: lambda case, folder: [])
    result = run.run_case({"id": "any", "tolerance": {"recommended_atol": 1}}, ".")
    assert result.reason == "its check compared nothing"


def test_nan_is_worse_than_any_number(monkeypatch):
    errors = [("a", 0.5), ("b", float("nan")), ("c", 0.1)]
    monkeypatch.setattr(run, "find_check", lambda case_id: lambda case, folder: errors)
    result = run.run_case({"id": "any", "tolerance": {"recommended_atol": 1}}, ".")
    assert result.reason == "the worst is b" and np.isnan(result.error)


def test_every_case_has_a_check():
    for case in run.read_cases(GOLDENS):
        assert callable(run.find_check(case["id"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no manifest.json in"),
        ("{", "is not JSON"),
        ("[]", "lists no cases"),
        ('{"cases": []}', "lists no cases"),
        ('{"cases": [{"file": "a"}]}', "a case without an id"),
    ],
)
def test_a_broken_folder_is_an_error_message(tmp_path, capsys, content, message):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    assert run.main(tmp_path) == 1
    assert message in capsys.readouterr().err


def test_from_outside_it_exits_with_1_and_an_error_message(tmp_path):
    command = [sys.executable, ROOT / "tests" / "parity" / "run.py", tmp_path / "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == f"There is no folder {tmp_path / 'nowhere'}."


def test_errors_are_measured_in_double_and_shapes_never_stretched():
    assert max_abs_err(np.array([1, 2**53], dtype=np.int64), torch.tensor([1, 2**53])) == 0
    assert max_abs_err(torch.ones(2).half(), torch.tensor([1.0, 1.5])) == 0.5
    assert np.isnan(max_abs_err(torch.tensor([1.0, np.nan]), torch.tensor([1.0, np.nan])))
    with pytest.raises(AssertionError, match=r"\(1,\), recorded is \(3,\)"):
        max_abs_err(torch.ones(1), torch.ones(3))
