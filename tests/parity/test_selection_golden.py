"""Peaks, selectors and AP@t against the recorded outputs of the published code, every recorded case, exactly."""

import numpy as np
import pytest
from keyvid_pack.tests.parity.cases.selection import selection_checks
from keyvid_pack.tests.parity.compare import load_tensors
from keyvid_pack.tests.parity.goldens import GOLDENS
from keyvid_pack.tests.parity.run import read_cases

(CASE,) = [case for case in read_cases(GOLDENS) if case["id"] == "keypoints_and_selection"]
CHECKS = selection_checks(CASE, load_tensors(CASE, GOLDENS))


@pytest.mark.parametrize("label", CHECKS)
def test_as_recorded(label):
    found, expected = CHECKS[label]()
    if label.startswith("keypoint"):
        assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


def test_every_kind_was_recorded():
    kinds = {label.split(".")[0] for label in CHECKS}
    assert kinds >= {"keypoint_nosmooth", "keypoint_smooth5", "select", "train_select", "precision"}
