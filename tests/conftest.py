"""Lets tests import the pack under one name, `keyvid_pack`, as ComfyUI does under a path of its own; and how a whole
run is shared between processes (`-n auto`)."""

import importlib.util
import os
import pathlib
import re
import sys

import pytest
from hypothesis import HealthCheck, settings

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST_WORKERS = 4
MEMORY_PER_WORKER = 5 * 2**30  # bytes: the tests' networks, a ComfyUI and a browser

# a busy machine draws examples slowly, and no test asserts on time
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

if "keyvid_pack" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "keyvid_pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["keyvid_pack"] = module
    spec.loader.exec_module(module)


def pytest_configure():
    """One thread for every process, servers too: networks this small are slower on several, the more so when busy.

    OMP_NUM_THREADS asks for more, which add up in another order and so try the tolerances.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One worker per core that we may use, as far as they have memory."""
    import psutil

    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    by_memory = psutil.virtual_memory().available // MEMORY_PER_WORKER
    return max(1, min(n_cores or 1, MOST_WORKERS, by_memory))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests that share a server, a page or ComfyUI's modules run in one worker; else a file is a piece of work."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False

    class ByWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return piece_of_work(nodeid)

    return ByWhatIsShared(config, log)


def piece_of_work(nodeid):
    """The name that tests have in common which have to run in one process, one after the other."""
    path, _, name = nodeid.partition("::")
    suite = path.removeprefix("tests/").partition("/")[0]
    renderer = re.search(r"\b(classic|nodes2)\b", name)
    if suite == "browser" and renderer:
        return f"browser, {renderer[0]}"
    return suite if suite in ("graph", "host", "browser") else path
