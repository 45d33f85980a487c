"""The real frontend in a real browser, on a clean user folder for each test."""

import os
import shutil
import sys

import pytest
from keyvid_pack.tools import environment, frontend, server

ANYTHING = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    },
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}


@pytest.fixture(scope="session")
def browser_server(tmp_path_factory):
    """A ComfyUI of their own for the browser tests: they wipe its user folder."""
    base = tmp_path_factory.mktemp("browser")
    # the default cache drops results when memory is short, which the machine decides, not the pack
    arguments = ["--cache-classic"]
    with server.running(
        base, python=sys.executable, pack=environment.ROOT, arguments=arguments
    ) as running:
        yield running


@pytest.fixture(scope="package")
def browser():
    if not environment.find_browser():
        message = "No browser: `python dev.py test` installs one where it can."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with frontend.browsing() as started:
        yield started


@pytest.fixture(scope="module", params=[False, True], ids=["classic", "nodes2"])
def opened(request, browser, browser_server):
    """A Frontend opened once for all tests of a file, in each renderer: opening it is what takes long."""
    page = frontend.Frontend(browser, browser_server)
    page.open(vue=request.param)
    yield page
    page.close()


@pytest.fixture
def kept_page(opened):
    """The page of `opened`, without what it complained about before; a test must not make it complain either."""
    opened.console_errors.clear()
    yield opened
    assert opened.console_errors == []


@pytest.fixture
def page(browser, browser_server):
    """A tools/frontend.py Frontend: nothing opened, nothing cached, no output from before."""
    shutil.rmtree(browser_server.base / "output", ignore_errors=True)
    # a page asks for the pictures of every run on record
    browser_server.post("/history", {"clear": True})
    browser_server.post("/free", {"free_memory": True})
    # ComfyUI forgets when it has run something after being asked to
    browser_server.run(ANYTHING)
    opened = frontend.Frontend(browser, browser_server)
    yield opened
    opened.close()
