"""What the tests of networks share."""

import pytest
import torch
from keyvid_pack.tests.helpers.threads import N_THREADS

from ..helpers import small_checkpoint as small


@pytest.fixture(autouse=True, scope="module")
def few_threads():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(N_THREADS)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def whole():
    """The state dict of a small generator with every part."""
    return small.filled(small.whole_shapes())
