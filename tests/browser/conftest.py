"""The real frontend in a real browser: one page per renderer, opened once, and fresh ones where the start is tested."""

import os
import shutil
import sys

import pytest
from keyvid_pack.tools import environment, frontend, server

from ..helpers.graphs.workflow_files import put_workflow_files

ANYTHING = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    },
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}
SPOILT = pytest.StashKey[bool]()  # a test failed: the open page is wherever that left it


@pytest.fixture(scope="session")
def browser_server(tmp_path_factory):
    """A ComfyUI of their own for the browser tests: they wipe its user folder. It has the workflows' weight files."""
    base = tmp_path_factory.mktemp("browser")
    # the default cache drops results when memory is short, which the machine decides, not the pack
    arguments = ["--cache-classic"]
    with server.running(
        base,
        python=sys.executable,
        pack=environment.ROOT,
        arguments=arguments,
    ) as running:
        put_workflow_files(running)
        yield running


@pytest.fixture(scope="session")
def browser():
    if not environment.find_browser():
        message = "No browser: `python dev.py test` installs one where it can."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with frontend.browsing() as started:
        yield started


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.session.stash[SPOILT] = True
    return report


@pytest.fixture(scope="session", params=[False, True], ids=["classic", "nodes2"])
def opened(request, browser, browser_server):
    """A Frontend opened once for all tests, in each renderer: opening it is what takes long."""
    page = frontend.Frontend(browser, browser_server)
    page.open(vue=request.param)
    yield page
    page.close()


@pytest.fixture
def kept_page(opened, request):
    """The page of `opened` without what was opened and said before; a test must not make it complain either."""
    if request.session.stash.get(SPOILT, False):
        request.session.stash[SPOILT] = False
        opened.restart()
    opened.clear()
    yield opened
    assert opened.console_errors == []


@pytest.fixture
def forgotten(browser_server):
    """Nothing is cached on the server, and there is no output from before."""
    shutil.rmtree(browser_server.base / "output", ignore_errors=True)
    # a page asks for the images of every run on record
    browser_server.post("/history", {"clear": True})
    browser_server.post("/free", {"free_memory": True})
    # ComfyUI forgets when it has run something after being asked to
    browser_server.run(ANYTHING)


@pytest.fixture
def page(browser, browser_server, forgotten):
    """A tools/frontend.py Frontend of its own, not opened yet."""
    fresh = frontend.Frontend(browser, browser_server)
    yield fresh
    fresh.close()
