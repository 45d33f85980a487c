"""The JavaScript tests, each file run by node's own test runner."""

import re
import subprocess
from pathlib import Path

import pytest

from .conftest import find_node

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.rglob("*.test.mjs"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_javascript(path):
    command = [find_node(), "--test", "--test-reporter=tap", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert result.returncode == 0, result.stdout + result.stderr
    # node counts a file without tests as one test of the file's own name
    assert re.search(r"# Subtest: (?!.*\.mjs$)", result.stdout, re.MULTILINE), (
        "the file holds no test"
    )
