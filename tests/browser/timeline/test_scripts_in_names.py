"""Scripts in the names and texts of a workflow that somebody else made: shown as text, never run."""

import json

import pytest

from ...helpers.editor import CANVAS, NODE, Editor, prediction, result_of, timing_workflow

RAN = "window.keyvidRan = true"
SCRIPTS = {
    "image": f'<img src=x onerror="{RAN}">',
    "script": f"</script><script>{RAN}</script>",
    "attribute": f'" autofocus onfocus="{RAN}" x="',
    "address": f"javascript:{RAN}",
}
SHORT = "<svg/onload=keyvidRan=true>"  # which messages quote whole
# what a text that was taken for HTML would leave in the page
_MADE = """() => {
  const marks = ["img[src=x]", "[onerror]", "[onfocus]", "[onload]", "[href^='javascript:']", "[src^='javascript:']"];
  return {
    ran: window.keyvidRan === true,
    scripts: document.querySelectorAll("script").length,
    elements: [...document.querySelectorAll(marks.join())].map((one) => one.outerHTML),
  };
}"""
TEXT_PANEL = ".keyvid-over textarea"


def all_scripts(place):
    """All of SCRIPTS in one text, and where it stands."""
    return f"{place} {' '.join(SCRIPTS.values())}"


def hostile_plan():
    """A plan of somebody else: prompts, images and sources that are scripts, and a field that nobody knows."""
    plan = prediction(caption=all_scripts("caption"))
    for keyframe, script in zip(plan["keyframes"][1:], SCRIPTS.values(), strict=False):
        keyframe.update(prompt=f"prompt {script}", image=f"image {script}", source=script)
        keyframe["name"] = all_scripts("name of a strike")
    return plan


def hostile_workflow(edit):
    """A workflow with this edit, and scripts in its titles."""
    workflow = timing_workflow()
    for number, node in enumerate(workflow["nodes"]):
        node["title"] = all_scripts(f"title {number}")
    for group in workflow["groups"]:
        group["title"] = all_scripts("group")
    (node,) = [one for one in workflow["nodes"] if one["type"] == "KeyVID_EditKeyframes"]
    node["widgets_values"] = [edit]
    return workflow


@pytest.fixture
def watched(kept_page):
    """The page, in which nothing may have been made of the texts when the test ends; and which would be noticed."""
    page = kept_page.page
    page.evaluate("() => { delete window.keyvidRan }")
    before = page.evaluate(_MADE)
    yield kept_page
    kept_page.settle()
    assert (
        page.evaluate(_MADE)
        == before
        == {"ran": False, "scripts": before["scripts"], "elements": []}
    )
    page.evaluate(
        "html => { const box = document.createElement('div'); box.id = 'taken-for-html';"
        " box.innerHTML = html; document.body.append(box) }",
        SCRIPTS["image"],
    )
    page.wait_for_function("() => window.keyvidRan")
    assert page.evaluate(_MADE)["elements"], "a text that is taken for HTML is noticed"
    page.evaluate(
        "() => { document.getElementById('taken-for-html').remove(); delete window.keyvidRan }"
    )
    # the image x was asked for, here and where the timeline looks for images of keyframes
    kept_page.console_errors[:] = [
        one for one in kept_page.console_errors if "Failed to load" not in one
    ]


def test_a_plan_full_of_scripts_is_text_everywhere_on_the_timeline(watched):
    plan = hostile_plan()
    edit = json.dumps({"version": 1, "plan": plan, "base": None})
    editor = Editor(watched, workflow=hostile_workflow(edit), result=result_of(plan))
    page = editor.page
    kept = {one["frame"]: one for one in editor.edit["plan"]["keyframes"]}
    for frame, script in zip((16, 24, 34, 44), SCRIPTS.values(), strict=True):
        assert kept[frame]["prompt"] == f"prompt {script}"
        editor.press_at(frame)
        assert page.locator(".keyvid-words textarea").input_value() == f"prompt {script}"
        page.mouse.move(*editor.at(frame))
        editor.pause()
        hint = editor.ask("view.timeline.canvas.getAttribute('aria-valuetext')")
        assert f"prompt: prompt {script}" in hint and f"image: image {script}" in hint
        editor.key("m")
        assert page.locator(".keyvid-menu").count() == 1
        editor.key("Escape")
    editor.key("t")
    assert page.locator(TEXT_PANEL).input_value() == editor.text
    editor.key("Escape")
    # an edit of the artist's keeps what it does not know
    editor.drag(76, 80)
    assert editor.edit["plan"]["caption"] == plan["caption"]


def test_messages_that_quote_scripts_are_text(watched):
    script = SCRIPTS["image"]
    editor = Editor(watched, workflow=hostile_workflow(""), result=result_of(prediction()))
    page = editor.page
    spoken = {
        "notice": all_scripts("notice"),
        "error": all_scripts("error"),
        "audio_notice": script,
    }
    for part, text in spoken.items():
        editor.executed(result_of(prediction(), **{part: text}))
    editor.executed(result_of(prediction()))
    # what is typed comes back in the message that refuses it
    page.locator(CANVAS).focus()
    editor.key("t")
    for typed in (f"0, 7, {SHORT}", f'{{"version": "{SHORT}"}}'):
        page.locator(TEXT_PANEL).fill(typed)
        editor.pause()
        assert SHORT in page.locator(".keyvid-banner").text_content()
    # of a node that fails, in the toast with its title
    detail = {
        "prompt_id": "none",
        "node_id": editor.ask(f"String({NODE}.id)"),
        "node_type": "KeyVID_EditKeyframes",
        "executed": [],
        "exception_type": "KeyVID.PlanError",
        "exception_message": all_scripts("It failed:"),
        "traceback": [script],
        "current_inputs": {},
        "current_outputs": [],
    }
    page.evaluate("detail => app.api.dispatchCustomEvent('execution_error', detail)", detail)
    page.wait_for_function("() => document.body.innerText.includes('It failed:')")
    assert script in watched.toasts()
