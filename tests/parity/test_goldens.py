"""Every case of the goldens within its tolerance, as `python dev.py parity` runs them."""

import pytest
from keyvid_pack.tests.parity.goldens import GOLDENS
from keyvid_pack.tests.parity.run import read_cases, run_case

CASES = read_cases(GOLDENS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_within_tolerance(case):
    result = run_case(case, GOLDENS)
    assert not result.reason, f"{result.error} (allowed {result.tolerance}): {result.reason}"
    assert result.error <= result.tolerance
