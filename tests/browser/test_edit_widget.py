"""The edit widget in the real frontend: what is typed is what is saved and sent, and nothing else changes it."""

import json

import pytest

BOX = ".keyvid-edit textarea"
START = ".keyvid-edit button:has-text('Edit prediction')"
CLEAR = ".keyvid-edit button:has-text('Clear edit')"
FIND = "app.graph._nodes.find((node) => node.type === 'KeyVID_EditKeyframes')"

pytestmark = pytest.mark.parametrize("vue", [False, True], ids=["classic", "nodes2"])


def sent_edit(page):
    """The edit in the API prompt and in the saved workflow, which must agree."""
    prompts = [
        entry
        for entry in page.api_prompt().values()
        if entry["class_type"] == "KeyVID_EditKeyframes"
    ]
    saved = [n for n in page.workflow_json()["nodes"] if n["type"] == "KeyVID_EditKeyframes"]
    assert saved[0]["widgets_values"] == [prompts[0]["inputs"]["edit"]]
    return prompts[0]["inputs"]["edit"]


def open_editor(page, vue):
    page.open_template("keyvid_timing", vue=vue)
    page.page.evaluate(
        f"() => {{ const node = {FIND}; app.canvas.ds.scale = 1;"
        "app.canvas.ds.offset = [200 - node.pos[0], 150 - node.pos[1]]; app.canvas.setDirty(true, true) }"
    )
    page.settle()


def test_typed_frames_are_saved_sent_and_used(page, vue):
    open_editor(page, vue)
    page.page.locator(BOX).fill("0, 31, 77")
    assert sent_edit(page) == "0, 31, 77"
    page.queue_and_wait()
    assert sent_edit(page) == "0, 31, 77", "running changed the edit"
    result = page.page.evaluate(
        f"() => {FIND}.widgets.find((w) => w.name === 'edit').view.result.plan"
    )
    assert [keyframe["frame"] for keyframe in result["keyframes"]] == [0, 31, 77]
    assert page.console_errors == []


def test_edit_prediction_fills_the_box_once_and_undo_empties_it(page, vue):
    open_editor(page, vue)
    assert page.page.locator(START).is_disabled(), "there is no prediction before the first run"
    page.queue_and_wait()
    assert sent_edit(page) == "", "running wrote into the edit"
    page.page.locator(START).click()
    edit = json.loads(sent_edit(page))
    assert edit["plan"] == edit["base"]
    assert page.page.locator(START).is_disabled()
    page.page.evaluate("() => app.extensionManager.command.execute('Comfy.Undo')")
    page.settle()
    assert page.page.locator(BOX).input_value() == "" == sent_edit(page)
    # after undo the box on the screen must still be the living one
    page.page.locator(BOX).fill("0, 9")
    assert sent_edit(page) == "0, 9"
    page.page.locator(CLEAR).click()
    assert sent_edit(page) == ""
    assert page.console_errors == []


def test_a_cleared_edit_does_not_come_back_with_the_prediction(page, vue):
    open_editor(page, vue)
    page.page.locator(BOX).fill("0, 31, 77")
    page.queue_and_wait()
    page.page.locator(CLEAR).click()
    page.page.locator(START).click()
    edit = json.loads(sent_edit(page))
    assert edit["plan"] == edit["base"]


def test_the_wheel_scrolls_the_box_and_not_the_graph(page, vue):
    open_editor(page, vue)
    page.page.locator(BOX).fill("\n".join(str(frame) for frame in range(90)))
    page.page.locator(BOX).click()
    page.page.mouse.wheel(0, 240)
    page.settle()
    assert page.page.evaluate("() => app.canvas.ds.scale") == 1


def test_a_wrong_edit_is_told_and_kept(page, vue):
    open_editor(page, vue)
    page.page.locator(BOX).fill('{"version": 1,\n oops')
    events = page.queue_and_wait()
    assert dict(events)["execution_error"]["exception_type"] == "KeyVID.PlanError"
    toast = page.page.get_by_text("not valid JSON at line 2")
    toast.first.wait_for()
    assert sent_edit(page) == '{"version": 1,\n oops'
