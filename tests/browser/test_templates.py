"""Every shipped workflow opens from Templates, runs, and matches its API form, in both renderers."""

import re

import av
import pytest
from keyvid_pack.tools.environment import PACK_NAME

from ..helpers.graphs.workflow_files import (
    NAMES,
    SMALL,
    api_form,
    named_files,
    put_workflow_files,
    remove_workflow_files,
    ui_form,
)

both_renderers = pytest.mark.parametrize("vue", [False, True], ids=["classic", "nodes2"])


_MAKE_SMALL = """small => {
  for (const node of app.graph._nodes)
    for (const [name, value] of Object.entries(small[node.type] ?? {})) {
      const widget = node.widgets.find((one) => one.name === name);
      widget.value = value;
      widget.callback?.(value);
    }
}"""


@pytest.fixture
def with_files(browser_server):
    """The weight files that the workflows name; taken away again, so that tests without them find none."""
    put_workflow_files(browser_server)
    yield
    remove_workflow_files(browser_server)


@both_renderers
@pytest.mark.parametrize("name", NAMES)
def test_template_opens_as_its_api_form_says(page, with_files, name, vue):
    page.open_template(name, vue=vue)
    assert page.complaints() == []
    assert page.api_prompt() == api_form(name), (
        "workflows/api differs from what the frontend makes; run `python dev.py workflows`"
    )
    assert page.console_errors == []


# tests/graph runs them all; here it is the frontend that is looked at, and the two renderers differ in few of its parts
@pytest.mark.parametrize(
    ("name", "vue"),
    [("keyvid_timing", False), ("keyvid_timing", True), ("keyvid_full", True)],
)
def test_template_runs_and_is_cached(page, with_files, name, vue):
    page.open_template(name, vue=vue)
    prompt = page.api_prompt()
    page.page.evaluate(_MAKE_SMALL, SMALL)
    events = page.queue_and_wait()
    assert "execution_success" in dict(events), events
    assert _executed(events), "nothing ran"
    videos = sorted((page.server.base / "output").rglob("*.mp4"))
    assert bool(videos) == any(node["class_type"] == "SaveVideo" for node in prompt.values())
    for video in videos:
        assert _n_frames(video) > 1

    events = page.queue_and_wait()
    assert _executed(events) == []
    assert set(dict(events)["execution_cached"]["nodes"]) == set(prompt)
    assert page.complaints() == []
    assert page.console_errors == []


@pytest.mark.parametrize(
    ("name", "vue"), [("keyvid_full", False), ("keyvid_full", True), ("dynamicrafter_i2v", True)]
)
def test_a_template_without_its_files_says_which_and_where(page, name, vue):
    page.open_template(name, vue=vue)
    page.queue_and_wait()
    for file in named_files(name):
        sentence = page.page.get_by_text(
            re.compile(f"There is no .* named '{file}'.*models/keyvid.*")
        )
        sentence.first.wait_for()
    assert not list((page.server.base / "output").rglob("*.mp4"))


@pytest.mark.parametrize("name", NAMES)
def test_templates_dialog_shows_the_workflow(page, with_files, name):
    """The artist's way: Templates, the pack's entry, the card with its picture."""
    page.open(vue=False)
    page.page.evaluate("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.page.get_by_text(PACK_NAME, exact=True).first.click()
    card = page.page.locator(f"[data-testid='template-workflow-{name}']")
    card.wait_for()
    picture = card.locator("img").first.element_handle()
    page.page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture)
    card.click()
    page.wait_until_open(name)
    assert page.complaints() == []
    assert page.console_errors == []


def test_a_broken_workflow_is_noticed(page):
    """What the tests above look at can fail: a node nobody has, and a picture that is not there."""
    workflow = ui_form("keyvid_timing")
    page.open_workflow(_changed(workflow, type="KeyVID_NoSuchNode"), vue=False)
    assert any("KeyVID_NoSuchNode" in text for text in page.complaints())

    picture = {"class_type": "LoadImage", "inputs": {"image": "keyvid/no_such.png"}}
    page.open(vue=False)
    page.page.evaluate("graph => app.loadApiJson(graph, 'missing')", {"1": picture})
    page.open_workflow(page.workflow_json(), vue=False)
    assert any("no_such.png" in text for text in page.complaints())
    assert page.console_errors


def _changed(workflow, **changes):
    first, *others = workflow["nodes"]
    return {**workflow, "nodes": [{**first, **changes}, *others]}


def _executed(events):
    return [node for kind, node in events if kind == "executing" and node is not None]


def _n_frames(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))
