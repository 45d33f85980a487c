"""The line on Multimodal CFG that says how many passes a step takes, in the real frontend."""

FIND = "app.graph._nodes.find((node) => node.type === 'KeyVID_MultimodalCFG')"
LINE = ".keyvid-passes"
FOUR = "4 passes per step (3 for a model without sound)"
VALUES = [2.0, 7.5, 9.0, 0.7, 0.0, 1.0]
SCALES = {"image_scale": 1.0, "text_scale": 1.0, "audio_scale": 1.0, "rescale": 0.0}
NAMES = [*SCALES, "guided_from", "guided_until"]


def node(node_id, kind, **more):
    return {
        "id": node_id, "type": kind, "pos": [60 + 420 * (node_id - 1), 60], "size": [360, 260], "flags": {},
        "order": node_id, "mode": 0, "inputs": [], "outputs": [], "properties": {}, **more,
    }  # fmt: skip


def workflow(values=VALUES):
    guider = node(1, "KeyVID_MultimodalCFG", widgets_values=list(values))
    return {"version": 0.4, "last_node_id": 1, "last_link_id": 0, "nodes": [guider], "links": []}


def line(page):
    """What is on the screen: one line, and nothing of an earlier node."""
    lines = page.page.locator(LINE)
    assert lines.count() == 1
    assert lines.is_visible()
    return lines.inner_text()


def set_scale(page, name, value):
    """As the widget does it when the artist types or drags."""
    page.page.evaluate(
        f"""([name, value]) => {{
          const node = {FIND}, widget = node.widgets.find((w) => w.name === name);
          widget.value = value; widget.callback(value, app.canvas, node);
        }}""",
        [name, value],
    )


def test_the_line_follows_the_values(kept_page):
    kept_page.load(workflow())
    assert line(kept_page) == FOUR
    set_scale(kept_page, "audio_scale", 7.5)
    assert line(kept_page) == "3 passes per step"
    set_scale(kept_page, "guided_until", 0.5)
    assert line(kept_page) == "2 passes per step on average"
    for name, value in SCALES.items():
        set_scale(kept_page, name, value)
    assert line(kept_page) == "1 pass per step"


def test_a_value_typed_by_hand_counts(kept_page):
    kept_page.load(workflow())
    if kept_page.vue:
        field = kept_page.page.locator("[data-node-id='1'] .lg-node-widget input").nth(2)
        field.fill("7.5")
        field.press("Enter")
    else:
        kept_page.page.evaluate(
            f"() => {{ const {{ ds }} = app.canvas, node = {FIND}; ds.scale = 1; ds.offset = [100, 100];"
            "app.canvas.setDirty(true, true) }"
        )
        kept_page.settle()
        where = kept_page.page.evaluate(
            f"""() => {{
              const node = {FIND}, widget = node.widgets.find((w) => w.name === "audio_scale");
              const box = app.canvas.canvas.getBoundingClientRect(), {{ offset }} = app.canvas.ds;
              return [box.x + offset[0] + node.pos[0] + node.size[0] / 2,
                      box.y + offset[1] + node.pos[1] + widget.y + 10];
            }}"""
        )
        kept_page.page.mouse.dblclick(*where)
        field = kept_page.page.locator(".graphdialog input, input.value").first
        field.fill("7.5")
        field.press("Enter")
    kept_page.settle()
    assert line(kept_page) == "3 passes per step"


def test_the_line_is_neither_saved_nor_sent(kept_page):
    kept_page.load(workflow())
    (saved,) = kept_page.workflow_json()["nodes"]
    assert saved["widgets_values"] == VALUES
    (sent,) = kept_page.api_prompt().values()
    assert sent["inputs"] == dict(zip(NAMES, VALUES, strict=True))
    # and what was saved opens as it was
    kept_page.load(workflow(saved["widgets_values"]))
    assert line(kept_page) == FOUR


def test_a_workflow_saved_before_guidance_could_end_opens_as_it_was(kept_page):
    kept_page.load(workflow(VALUES[:4]))
    assert line(kept_page) == FOUR
    (sent,) = kept_page.api_prompt().values()
    assert sent["inputs"] == dict(zip(NAMES, VALUES, strict=True))


def test_a_linked_value_may_be_any(kept_page):
    graph = workflow([2.0, 7.5, 7.5, 0.7])
    number = node(2, "PrimitiveFloat", widgets_values=[9.0])
    number["outputs"] = [{"name": "FLOAT", "type": "FLOAT", "links": []}]
    graph["nodes"].append(number)
    kept_page.load(graph)
    assert line(kept_page) == "3 passes per step"
    link = (
        f"() => {{ const node = {FIND}, from = app.graph._nodes.find((n) => n.type === 'PrimitiveFloat');"
        "from.connect(0, node, node.inputs.findIndex((i) => i.name === 'audio_scale')) }"
    )
    kept_page.page.evaluate(link)
    kept_page.settle()
    assert line(kept_page) == "up to " + FOUR
    kept_page.page.evaluate(
        f"() => {{ const node = {FIND};"
        "node.disconnectInput(node.inputs.findIndex((i) => i.name === 'audio_scale')) }"
    )
    kept_page.settle()
    assert line(kept_page) == "3 passes per step"


def test_after_undo_the_line_is_that_of_the_living_node(kept_page):
    kept_page.load(workflow())
    set_scale(kept_page, "audio_scale", 7.5)
    capture = "app.extensionManager.workflow.activeWorkflow.changeTracker.captureCanvasState()"
    kept_page.page.evaluate(f"() => {capture}")
    kept_page.page.evaluate("() => app.extensionManager.command.execute('Comfy.Undo')")
    kept_page.settle()
    assert line(kept_page) == FOUR
    set_scale(kept_page, "audio_scale", 7.5)
    assert line(kept_page) == "3 passes per step"


def test_a_value_that_may_come_without_a_wire_is_not_taken_for_known(kept_page):
    opened = workflow([1.0, 1.0, 1.0, 0.0])
    allowed = {"version": "7.0.1", "widget_ue_connectable": {"audio_scale": True}}
    opened["nodes"][0]["properties"] = {"ue_properties": allowed}
    kept_page.load(opened)
    assert line(kept_page).startswith("up to ")
