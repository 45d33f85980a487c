"""What the graphs of the bridges have in common."""

import pytest

from ...helpers.graphs.bridge_graphs import fitted
from ...helpers.graphs.prompts import shown, succeed


@pytest.fixture(scope="session")
def frames(comfy):
    """The frames of the fitted plan's keyframes."""
    prompt = fitted() | {"show": shown("frames", 2)}
    return list(map(int, succeed(comfy, prompt)["show"]["text"][0].split(", ")))
