"""Without the pack's JavaScript, or with a part of it missing, the edit is a text box: it stays in file and prompt."""

import pytest

from ..helpers.graphs.workflow_files import ui_form

NODE = "app.graph._nodes.find((node) => node.type === 'KeyVID_EditKeyframes')"
EDIT = "0, 12, 31"
# what does not come
LOST = {
    "entry": "**/edit_keyframes.js",
    "node": "**/timeline_node.mjs",
    "inner": "**/editor/canvas/geometry.mjs",
    "everything": "**/extensions/ComfyUI-KeyVID/**",
}
renderers = pytest.mark.parametrize("vue", [False, True], ids=["classic", "nodes2"])


def edited_workflow():
    workflow = ui_form("keyvid_timing_all_nodes")
    (node,) = [node for node in workflow["nodes"] if node["type"] == "KeyVID_EditKeyframes"]
    node["widgets_values"] = [EDIT]
    return workflow


def saved_node(page):
    nodes = page.workflow_json()["nodes"]
    (node,) = [node for node in nodes if node["type"] == "KeyVID_EditKeyframes"]
    return node


def sent_edit(page):
    (sent,) = [
        one["inputs"]["edit"]
        for one in page.api_prompt().values()
        if one["class_type"] == "KeyVID_EditKeyframes"
    ]
    return sent


@pytest.mark.parametrize("lost", LOST)
def test_the_edit_outlives_a_page_without_our_javascript(page, kept_page, lost):
    page.page.route(LOST[lost], lambda route: route.abort())
    page.open_workflow(edited_workflow(), vue=kept_page.vue)
    assert sent_edit(page) == EDIT
    assert saved_node(page)["widgets_values"] == [EDIT]
    assert page.page.locator(".keyvid-edit").count() == 0
    if lost != "everything":
        assert "shows its edit as a text box" in page.toasts()
    # it can be worked with, saved, and opened where the timeline is there
    box = page.page.locator("textarea").filter(visible=True).first
    if not page.vue:  # whose text boxes are hidden where text is too small to read
        page.page.evaluate(
            "() => { app.canvas.ds.scale = 1;"
            f" app.canvas.centerOnNode({NODE}); app.canvas.setDirty(true, true) }}"
        )
        page.settle()
    page.page.evaluate(
        f"() => {{ const w = {NODE}.widgets[0]; w.value = '0, 9'; w.callback?.(w.value) }}"
    )
    assert box.count() == 1
    assert sent_edit(page) == "0, 9"
    kept_page.load(page.workflow_json())
    assert kept_page.page.locator(".keyvid-edit").count() == 1
    assert sent_edit(kept_page) == "0, 9"
    node = saved_node(kept_page)
    assert node["widgets_values"] == ["0, 9"]
    assert [one["name"] for one in node["inputs"]] == ["plan", "curve", "audio"]


def serve_instead(page, file, script):
    """Have the page get another script in the place of one of ours."""
    response = {"content_type": "text/javascript", "body": script}
    page.page.route(file, lambda route: route.fulfill(**response))


def check_text_box(page, vue, message):
    """A page that starts in this renderer shows the edit as text, and the message."""
    page.open_workflow(edited_workflow(), vue=vue)
    assert sent_edit(page) == EDIT
    assert saved_node(page)["widgets_values"] == [EDIT]
    assert page.page.locator(".keyvid-edit").count() == 0
    assert message in page.toasts()


@renderers
def test_a_script_error_in_one_file_leaves_the_text_box(page, vue):
    serve_instead(page, "**/merge.mjs", "export const = ;")
    check_text_box(page, vue, "shows its edit as a text box")


@renderers
def test_a_timeline_that_cannot_be_made_leaves_the_text_box(page, vue):
    failing = "export function createLegend() { throw new Error('an old browser') }"
    serve_instead(page, "**/legend.mjs", failing)
    check_text_box(page, vue, "cannot be shown in this browser")


@pytest.mark.parametrize("value", [None, {"version": 1, "plan": None}], ids=["null", "object"])
def test_what_is_no_text_becomes_one_when_it_is_opened(kept_page, value):
    workflow = edited_workflow()
    (node,) = [node for node in workflow["nodes"] if node["type"] == "KeyVID_EditKeyframes"]
    node["widgets_values"] = [value]
    kept_page.load(workflow)
    assert sent_edit(kept_page) == ("" if value is None else '{"version":1,"plan":null}')
