"""Networks this small are computed faster by one thread than by several, above all on a machine that is busy."""

import pytest
import torch
from keyvid_pack.tests.helpers.threads import N_THREADS


@pytest.fixture(autouse=True, scope="session")
def few_threads():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(N_THREADS)
    yield
    torch.set_num_threads(n_threads)
