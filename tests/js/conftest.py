"""Node, which runs the editor's modules without a browser."""

import os
import shutil

import pytest


def find_node():
    """The node program; without one the test that asks is skipped, or fails where it must not be."""
    node = shutil.which("node")
    if not node:
        message = "No node: install Node.js 20 or newer to run the JavaScript tests."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return node
