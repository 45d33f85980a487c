"""What the tests of networks share."""

import pytest

from ..helpers import small_checkpoint as small


@pytest.fixture(scope="module")
def whole():
    """The state dict of a small generator with every part."""
    return small.filled(small.whole_shapes())
