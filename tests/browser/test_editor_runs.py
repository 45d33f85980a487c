"""What runs bring to the editor, from the real server: a sound to hear, another clip, painted images."""

import pytest

from ..helpers.editor import NODE, Editor

pytestmark = pytest.mark.usefixtures("forgotten")
# counts the audio contexts of the page, living and closed ones
COUNT_CONTEXTS = """() => {
  window.contexts = [];
  window.keyvidContext = AudioContext;
  window.AudioContext = class extends AudioContext {
    constructor(...given) {
      super(...given);
      window.contexts.push(this);
    }
  };
}"""
ADD_SHEET = """([count]) => {
  const images = LiteGraph.createNode("EmptyImage"), sheet = LiteGraph.createNode("KeyVID_KeyframeSheet");
  for (const node of [images, sheet]) app.graph.add(node);
  for (const [name, value] of [["width", 64], ["height", 48], ["batch_size", count]])
    images.widgets.find((widget) => widget.name === name).value = value;
  images.connect(0, sheet, "images");
  EDITOR.connect(0, sheet, "plan");
}""".replace("EDITOR", NODE)


@pytest.fixture
def editor(kept_page):
    return Editor(kept_page)


def set_frames(editor, n_frames):
    editor.page.evaluate(
        """(n) => { const clip = app.graph._nodes.find((node) => node.type === "KeyVID_ClipAudio");
          clip.widgets.find((widget) => widget.name === "n_frames").value = n; }""",
        n_frames,
    )


def test_the_sound_of_a_run_is_heard_and_its_context_goes_with_the_node(editor):
    editor.page.evaluate(COUNT_CONTEXTS)
    editor.run_up_to_here()
    assert editor.text == "", "running wrote into the edit"
    assert editor.ask("view.session.measured.onsets.length") > 10
    assert editor.page.evaluate("window.contexts.length") == 0, "nobody asked to hear anything yet"

    editor.press_at(100, "ruler")
    assert editor.ask("view.session.state.playhead") == pytest.approx(100, abs=1)
    editor.key("c", "Space")
    editor.page.wait_for_function(
        f"() => {NODE}.widgets.find((one) => one.name === 'edit').editor.session.state.playhead > 110"
    )
    editor.key("Space")
    stopped = editor.ask("view.session.state.playhead")
    editor.frontend.show_frames(12)
    assert editor.ask("view.session.state.playhead") == stopped < 192
    assert editor.text == "", "listening is no edit"

    editor.page.evaluate(f"() => app.graph.remove({NODE})")
    editor.frontend.settle()
    assert editor.page.evaluate("window.contexts.map((one) => one.state)") == ["closed"]
    editor.page.evaluate("() => { window.AudioContext = window.keyvidContext }")


def test_an_edit_of_another_length_is_named_with_its_ways_out(editor):
    editor.run_up_to_here()
    first = editor.shown[1]
    editor.press_at(first)
    editor.key("ArrowRight", "l")
    assert editor.keyframe(first + 1)["locked"]
    before = editor.text

    set_frames(editor, 96)
    kinds = [kind for kind, _ in editor.frontend.queue_and_wait()]
    assert "execution_error" in kinds
    banner = editor.page.locator(".keyvid-banner")
    assert "another length" in banner.inner_text()
    assert "192 frames" in banner.inner_text() and "96" in banner.inner_text()
    assert editor.text == before, "a run that fails wrote into the edit"

    banner.get_by_role("button", name="Keep").click()
    editor.pause()
    assert editor.edit["plan"]["n_frames"] == 96
    assert editor.keyframe(first + 1)["locked"], "what was locked is where it was"
    editor.undo()
    assert editor.text == before

    editor.page.locator(".keyvid-banner").get_by_role("button", name="Rescale").click()
    editor.pause()
    assert any(k["locked"] for k in editor.edit["plan"]["keyframes"])
    rescaled = editor.text
    kinds = [kind for kind, _ in editor.frontend.queue_and_wait()]
    assert "execution_success" in kinds
    assert editor.text == rescaled
    assert not editor.page.locator(".keyvid-banner").is_visible()


def test_painted_keyframes_stand_above_the_plan_they_were_painted_with(editor):
    editor.run_up_to_here()
    count = len(editor.shown)
    editor.page.evaluate(ADD_SHEET, [count])
    kinds = [kind for kind, _ in editor.frontend.queue_and_wait()]
    assert "execution_success" in kinds
    n_images = "view.timeline.images.size"
    assert editor.ask(n_images) == count
    editor.page.wait_for_function(
        f"""() => [...{NODE}.widgets.find((one) => one.name === "edit").editor.timeline.images.values()]
          .every((image) => image.naturalWidth > 0)"""
    )
    frame = editor.shown[3]
    editor.press_at(frame)
    editor.key("l")
    assert editor.ask(n_images) == count, "a lock repaints nothing"
    editor.key("l")
    editor.press_at(frame)
    editor.key("ArrowRight")
    assert editor.ask(n_images) == 0, "nobody has painted this plan"
    editor.undo()
    assert editor.ask(n_images) == count
