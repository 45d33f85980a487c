"""Images that come without a wire that could be followed, a plan that comes without one, and a subgraph that
is in the graph twice: from the real server."""

import pytest

from ..helpers.editor import NODE, Editor

pytestmark = pytest.mark.usefixtures("forgotten")

# the ways a plan comes to a Keyframe Sheet as other packs bring it
WAYS = """{
  // as KJNodes' Set and Get, or rgthree's Reroute: a node of the page alone, which hands another link on
  virtual({ edit, sheet }) {
    class Get extends LiteGraph.LGraphNode {
      constructor() {
        super("Get");
        this.isVirtualNode = true;
        this.addOutput("plan", "KEYVID_PLAN");
      }
      resolveVirtualOutput() { return { node: edit, slot: 0 }; }
      getInputLink() { return { origin_id: edit.id, origin_slot: 0 }; }
    }
    LiteGraph.registerNodeType("test/Get", Get);
    const get = LiteGraph.createNode("test/Get");
    app.graph.add(get);
    get.connect(0, sheet, "plan");
  },
  // as Anything Everywhere: wired in the prompt alone
  wireless({ edit, sheet }) {
    const { graphToPrompt } = app;
    app.graphToPrompt = async function (...given) {
      const prompt = await graphToPrompt.apply(this, given);
      const sent = prompt.output[sheet.id];
      if (sent) sent.inputs.plan = [String(edit.id), 0];
      return prompt;
    };
  },
  bypassed({ edit, sheet }) {
    const second = LiteGraph.createNode("KeyVID_EditKeyframes");
    app.graph.add(second);
    second.mode = 4;
    edit.connect(0, second, "plan");
    second.connect(0, sheet, "plan");
  },
}"""
# a Keyframe Sheet of so many images
ADD_SHEET = """([count, way]) => {
  const edit = EDITOR, images = LiteGraph.createNode("EmptyImage");
  const sheet = LiteGraph.createNode("KeyVID_KeyframeSheet");
  for (const node of [images, sheet]) app.graph.add(node);
  for (const [name, value] of [["width", 64], ["height", 48], ["batch_size", count]])
    images.widgets.find((widget) => widget.name === name).value = value;
  images.connect(0, sheet, "images");
  (WAYS)[way]({ edit, sheet });
}""".replace("EDITOR", NODE).replace("WAYS", WAYS)
N_IMAGES = "view.timeline.images.size"


@pytest.fixture
def editor(kept_page):
    """In a page whose `app.graphToPrompt` a test may replace."""
    kept_page.page.evaluate("() => { window.keyvidPrompt = app.graphToPrompt }")
    yield Editor(kept_page)
    kept_page.page.evaluate("() => { app.graphToPrompt = window.keyvidPrompt }")


@pytest.mark.parametrize("way", ["virtual", "wireless", "bypassed"])
def test_images_appear_whatever_way_the_plan_went(editor, way):
    editor.run_up_to_here()
    count = len(editor.shown)
    editor.page.evaluate(ADD_SHEET, [count, way])
    kinds = [kind for kind, _ in editor.frontend.queue_and_wait()]
    assert "execution_success" in kinds
    assert editor.ask(N_IMAGES) == count
    frame = editor.shown[3]
    editor.press_at(frame)
    editor.key("ArrowRight")
    assert editor.ask(N_IMAGES) == 0, "nobody has painted this plan"
    editor.key("ArrowLeft")
    assert editor.ask(N_IMAGES) == count


def test_a_plan_that_comes_without_a_wire_can_be_run_up_to(editor):
    editor.page.evaluate(
        f"""() => {{
          const edit = {NODE};
          const from = app.graph._nodes.find((node) => node.type === "KeyVID_SelectKeyframes").id;
          edit.disconnectInput(edit.inputs.findIndex((input) => input.name === "plan"));
          const {{ graphToPrompt }} = app;
          app.graphToPrompt = async function (...given) {{
            const prompt = await graphToPrompt.apply(this, given);
            prompt.output[edit.id].inputs.plan = [String(from), 0];
            return prompt;
          }};
        }}"""
    )
    editor.frontend.settle()
    assert "No wire comes to the plan input" in editor.page.locator(".keyvid-start").inner_text()
    editor.run_up_to_here()
    assert editor.shown


# the clip of the second place is 24 frames long
TWICE = """() => {
  const edit = EDITOR;
  const clip = app.graph._nodes.find((node) => node.type === "KeyVID_ClipAudio");
  const inside = ["KeyVID_LocalizeKeyframes", "KeyVID_SelectKeyframes", "KeyVID_EditKeyframes"];
  const nodes = app.graph._nodes.filter((node) => inside.includes(node.type));
  const { node: first } = app.graph.convertToSubgraph(new Set(nodes));
  const second = LiteGraph.createNode(first.type);
  app.graph.add(second);
  const short = LiteGraph.createNode("KeyVID_ClipAudio");
  app.graph.add(short);
  short.widgets.find((widget) => widget.name === "n_frames").value = 24;
  const audio = app.graph._nodes.find((node) => node.type === "LoadAudio");
  audio.connect(0, short, "audio");
  for (const [slot, input] of first.inputs.entries()) {
    const link = app.graph.getLink(input.link);
    if (link) short.connect(link.origin_slot, second, slot);
  }
  return [first.id, second.id];
}""".replace("EDITOR", NODE)
ENTER = """(id) => {
  app.canvas.setGraph(app.graph);
  const node = app.graph.getNodeById(id);
  app.canvas.openSubgraph(node.subgraph, node);
}"""


def test_of_a_subgraph_that_stands_twice_the_one_that_was_entered_is_run_and_shown(editor):
    page = editor.page
    first, second = page.evaluate(TWICE)
    seen = "view.session.state.result?.n_frames ?? null"

    def enter(place):
        page.evaluate(ENTER, place)
        editor.frontend.settle()
        editor.show_node()

    for place, n_frames in ((second, 24), (first, 192)):
        enter(place)
        assert editor.ask(seen) is None
        page.evaluate("() => { window.keyvidEvents.length = 0 }")
        editor.run_up_to_here()
        assert editor.ask(seen) == n_frames
        events = page.evaluate("() => window.keyvidEvents")
        ran = [detail["node"] for kind, detail in events if kind == "executed"]
        other = first if place == second else second
        assert any(node.startswith(f"{place}:") for node in ran)
        assert not any(node.startswith(f"{other}:") for node in ran)
    for place, n_frames in ((second, 24), (first, 192)):
        enter(place)
        assert editor.ask(seen) == n_frames
    # a whole run runs both; each shows its own
    editor.frontend.queue_and_wait()
    for place, n_frames in ((second, 24), (first, 192)):
        enter(place)
        assert editor.ask(seen) == n_frames
