"""The browser dies: what was edited on the timeline is there when ComfyUI is opened again.

ComfyUI keeps a draft of a workflow that is not saved, half a second after each change that it is told of.
"""

import contextlib
import types

import pytest
from keyvid_pack.tools.frontend import SETTINGS, Frontend
from playwright.sync_api import Error

from ...helpers.editor import NODE, Editor, prediction, result_of

KEEPS_DRAFTS = "Comfy.Workflow.Persist"
# the text of an edit is JSON in a workflow that is JSON in a draft that is JSON
_IN_DRAFT = """(words) => Object.entries(localStorage)
  .filter(([key]) => /draft/i.test(key))
  .some(([, value]) => value.replaceAll("\\\\", "").includes(words))"""


@pytest.fixture
def profile(browser, browser_server):
    """A browser profile whose pages share what they keep, as a Browser for Frontend."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    yield types.SimpleNamespace(new_page=lambda **_: context.new_page())
    context.close()
    browser_server.post("/api/settings", {KEEPS_DRAFTS: SETTINGS[KEEPS_DRAFTS]})


def crash(frontend):
    """Kill the process that draws the page, so that no script of it has a last word."""
    with frontend.page.expect_event("crash"), contextlib.suppress(Error):
        frontend.page.goto("chrome://crash")


@pytest.mark.parametrize("vue", [False, True], ids=["classic", "nodes2"])
def test_an_edit_outlives_a_crash_of_the_page(profile, browser_server, vue):
    page = Frontend(profile, browser_server)
    page.open(vue=vue)
    page.set(KEEPS_DRAFTS, True)
    editor = Editor(page, result=result_of(prediction()))
    editor.drag(34, 39)
    assert 39 in editor.frames and 34 not in editor.frames
    page.page.wait_for_function(_IN_DRAFT, arg='{"frame": 39,')
    # words too, when their box is left by a key
    editor.page.locator(".keyvid-words textarea").click()
    editor.page.keyboard.type("the door opens")
    editor.page.keyboard.press("Escape")
    page.page.wait_for_function(_IN_DRAFT, arg="the door opens")
    text = editor.text
    crash(page)

    after = Frontend(profile, browser_server)
    after.come_back()
    kept = f"() => {NODE}?.widgets[0].editor.session.text"
    after.page.wait_for_function(kept)
    assert after.page.evaluate(kept) == text
    assert after.console_errors == []
