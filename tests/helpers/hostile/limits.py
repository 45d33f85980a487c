"""A disk that has no more room, and memory that has an end, as the system itself tells it to Python and to libraries.

Tests are skipped where the system has no such limits, as on Windows.
"""

import contextlib

import psutil
import pytest


@contextlib.contextmanager
def room_for(n_bytes):
    """So many bytes fit into any one file of this process; the system refuses the next one.

    It says "File too large" where a full disk says "No space left on device".
    """
    resource = pytest.importorskip("resource")
    with _limit(resource, resource.RLIMIT_FSIZE, n_bytes):
        yield


@contextlib.contextmanager
def memory_for(n_bytes):
    """So many bytes may be asked for beside those that this process has; what needs more fails with MemoryError."""
    resource = pytest.importorskip("resource")
    with _limit(resource, resource.RLIMIT_AS, psutil.Process().memory_info().vms + n_bytes):
        yield


@contextlib.contextmanager
def _limit(resource, kind, n_bytes):
    before, most = resource.getrlimit(kind)
    resource.setrlimit(kind, (n_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(kind, (before, most))
