"""What the tests of networks share."""

import pytest
import torch

from . import small_checkpoint as small


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Networks this small are slower on several threads, most of all on a busy machine."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def whole():
    """The state dict of a small generator with every part."""
    return small.filled(small.whole_shapes())
