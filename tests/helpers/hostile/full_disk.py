"""A disk that has no more room, as the system itself tells it to whatever writes, in Python or not."""

import contextlib

import pytest


@contextlib.contextmanager
def room_for(n_bytes):
    """So many bytes fit into any one file of this process; the system refuses the next one.

    It says "File too large" where a full disk says "No space left on device". Skips where the system has no such
    limit, as on Windows.
    """
    resource = pytest.importorskip("resource")
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
