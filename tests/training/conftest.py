"""Networks this small are computed faster by one thread than by several, above all on a machine that is busy."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
