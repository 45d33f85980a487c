"""The pack's boxes as an artist takes them: found by name, put into a graph of one's own."""

import pytest

from ...helpers.graphs.boxed_workflows import (
    BLUEPRINT_NAMES,
    BOXED,
    WORKFLOWS,
    boxes,
    read,
    structure,
)

EMPTY = {"nodes": [], "links": [], "groups": [], "version": 0.4}
_CONNECT_SOUND = """() => {
  const add = (type) => app.graph.add(LiteGraph.createNode(type)) && app.graph._nodes.at(-1);
  const box = app.graph._nodes[0];
  const [sound, info, shown] = ["LoadAudio", "KeyVID_PlanInfo", "PreviewAny"].map(add);
  sound.widgets.find((one) => one.name === "audio").value = "keyvid_snare_accelerate.wav";
  const to = (node, name) => node.inputs.findIndex((one) => one.name === name);
  sound.connect(0, box, to(box, "audio"));
  box.connect(box.outputs.findIndex((one) => one.name === "plan"), info, to(info, "plan"));
  info.connect(0, shown, 0);
}"""


def place(page, name):
    """Put a blueprint into an empty graph: a double-click on it, the name, Enter, a click where it shall stand."""
    page.load(EMPTY)
    page.page.mouse.dblclick(800, 500)
    page.page.wait_for_function("() => document.activeElement instanceof HTMLInputElement")
    page.page.keyboard.type(name)
    page.settle()
    page.page.keyboard.press("Enter")
    page.settle()
    page.page.mouse.click(800, 500)
    page.settle()


@pytest.mark.parametrize("name", BLUEPRINT_NAMES)
def test_a_blueprint_is_found_by_name_and_is_what_the_workflows_have(kept_page, name):
    place(kept_page, name)
    workflow = kept_page.workflow_json()
    (box,) = workflow["nodes"]
    placed = boxes(workflow)[name]
    assert box["type"] == placed["id"]
    shipped = [boxes(read(WORKFLOWS / f"{one}.json")).get(name) for one in BOXED]
    assert any(shipped)
    assert all(structure(placed) == structure(one) for one in shipped if one)
    assert kept_page.complaints() == []


def test_a_blueprint_runs_in_a_graph_of_ones_own(kept_page):
    place(kept_page, "Sound to plan")
    kept_page.page.evaluate(_CONNECT_SOUND)
    events = kept_page.queue_and_wait()
    assert "execution_success" in dict(events), events
    assert kept_page.complaints() == []
