"""The editor in its node: running, undo, reload, copies, subgraphs, the other renderer; and nothing left behind."""

import pytest

from .editor import CANVAS, KINDS, NODE, Editor, prediction, result_of

both_renderers = pytest.mark.parametrize("vue", [False, True], ids=["classic", "nodes2"])
FRAMES = list(KINDS)


@both_renderers
def test_the_first_run_an_edit_and_a_second_run(page, vue):
    editor = Editor(page, vue=vue)
    start = editor.page.locator(".keyvid-start button")
    assert start.is_visible()
    start.click()
    editor.page.wait_for_function(f"() => {NODE}.widgets[0].view.session.plan !== null")
    editor.pause(500)
    assert editor.text == "", "running wrote into the edit"
    ran = {
        node
        for kind, node in editor.page.evaluate("() => window.keyvidEvents")
        if kind == "executing"
    }
    assert page.api_prompt().keys() - ran, "everything ran, and not just up to here"
    assert not start.is_visible()

    editor.page.locator(CANVAS).focus()
    editor.key("Space")
    editor.page.wait_for_function(f"() => {NODE}.widgets[0].view.session.state.playhead > 1")
    editor.key("Space")
    stopped = editor.ask("view.session.state.playhead")
    editor.pause(400)
    assert editor.ask("view.session.state.playhead") == stopped

    frames = editor.shown
    editor.drag(frames[2], frames[2] + 3, keys=["Control"])
    edited = editor.frames
    assert edited != frames
    text = editor.text
    page.queue_and_wait()
    assert editor.text == text, "running changed the edit"
    result = editor.ask("view.session.state.result")
    assert [keyframe["frame"] for keyframe in result["plan"]["keyframes"]] == edited
    assert [keyframe["frame"] for keyframe in result["prediction"]["keyframes"]] == frames
    assert page.console_errors == []


@both_renderers
def test_an_edit_is_opened_again_and_shown_without_a_run(page, vue):
    editor = Editor(page, vue=vue, result=result_of(prediction()))
    editor.drag(24, 28)
    text, workflow = editor.text, page.workflow_json()
    page.open_workflow(workflow, vue=vue)
    editor.show_node()
    assert editor.text == text
    assert editor.shown == [0, 16, 28, 34, 44, 56, 66, 76, 86]
    assert "run up to here" in editor.page.locator(".keyvid-banner").inner_text()
    editor.drag(28, 30)
    assert editor.frames[2] == 30
    assert editor.edit["base"] == prediction()
    assert page.console_errors == []


@pytest.mark.parametrize("vue", [False, True], ids=["to_nodes2", "to_classic"])
def test_the_other_renderer_shows_the_same(page, vue):
    editor = Editor(page, vue=vue, result=result_of(prediction()))
    editor.drag(24, 28)
    text = editor.text
    editor.page.evaluate(
        "on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", not vue
    )
    page.settle()
    editor.show_node()
    assert editor.text == text
    editor.drag(28, 31, keys=["Control"])
    assert editor.frames == [0, 16, 31, 34, 44, 56, 66, 76, 86]
    assert page.console_errors == []


@both_renderers
def test_a_pasted_node_has_an_edit_of_its_own(page, vue):
    editor = Editor(page, vue=vue, result=result_of(prediction()))
    editor.drag(24, 28)
    text = editor.text
    editor.page.evaluate(
        f"() => {{ app.canvas.copyToClipboard(new Set([{NODE}])); app.canvas.pasteFromClipboard(); }}"
    )
    page.settle()
    editors = "app.graph._nodes.filter((node) => node.type === 'KeyVID_EditKeyframes')"
    edits = f"{editors}.map((node) => node.widgets[0].value)"
    assert editor.ask(edits) == [text, text]
    editor.page.evaluate(f"() => {{ {editors}.at(-1).widgets[0].value = '0, 5' }}")
    assert sorted(editor.ask(edits)) == sorted([text, "0, 5"])
    assert page.console_errors == []


@both_renderers
def test_an_edit_goes_along_into_a_subgraph(page, vue):
    editor = Editor(page, vue=vue, result=result_of(prediction()))
    editor.drag(24, 28)
    text = editor.text
    editor.page.evaluate(
        f"""() => {{
          const {{ subgraph }} = app.graph.convertToSubgraph(new Set([{NODE}]));
          app.canvas.openSubgraph ? app.canvas.openSubgraph(subgraph, null) : app.canvas.setGraph(subgraph);
        }}"""
    )
    page.settle()
    editor.show_node()
    assert editor.text == text
    editor.drag(28, 31, keys=["Control"])
    assert editor.frames == [0, 16, 31, 34, 44, 56, 66, 76, 86]
    editor.undo()
    assert editor.text == text
    page.queue_and_wait()
    assert editor.text == text
    assert page.console_errors == []


@both_renderers
def test_zoom_and_selection_outlive_undo_and_are_not_saved(page, vue):
    editor = Editor(page, vue=vue, result=result_of(prediction()))
    editor.press_at(44)
    before = page.workflow_json()
    x = editor.x_of(44)
    editor.page.mouse.move(x, editor.y_of("wave"))
    for _ in range(4):
        editor.page.mouse.wheel(0, -120)
    editor.pause()
    seen = editor.ask("view.stage.view()")
    assert seen["span"] < 50
    assert abs(editor.x_of(44) - x) < 1, "the frame under the pointer stays"
    assert editor.page.evaluate("() => app.canvas.ds.scale") == 1
    assert page.workflow_json()["nodes"] == before["nodes"]
    editor.key("ArrowRight")
    editor.undo()
    assert editor.ask("view.stage.view()") == seen
    assert editor.selected == [44]
    assert editor.text == ""
    editor.key("0")
    assert editor.ask("view.stage.view().span") == 96
    assert page.console_errors == []


@both_renderers
def test_the_palette_is_followed(page, vue):
    editor = Editor(page, vue=vue, result=result_of(prediction()))
    corner = """(() => {
      const { canvas } = view.stage, { ruler } = view.stage.boxes();
      return [...canvas.getContext("2d").getImageData(canvas.width - 60, ruler.height / 2, 1, 1).data].slice(0, 3);
    })()"""
    dark = editor.ask(corner)
    editor.page.evaluate("() => app.extensionManager.setting.set('Comfy.ColorPalette', 'light')")
    page.settle()
    light = editor.ask(corner)
    assert sum(light) > sum(dark) + 300
    assert page.console_errors == []


_COUNT = """
window.keyvidKept = { listeners: [], observers: new Set(), contexts: new Set() };
{
  const kept = window.keyvidKept;
  const isOurs = () => /ComfyUI-KeyVID/i.test(new Error().stack);
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    if (isOurs()) kept.listeners.push({ target: this, type, listener });
    return addEventListener.call(this, type, listener, options);
  };
  EventTarget.prototype.removeEventListener = function (type, listener, options) {
    const isIt = (one) => one.target === this && one.type === type && one.listener === listener;
    kept.listeners = kept.listeners.filter((one) => !isIt(one));
    return removeEventListener.call(this, type, listener, options);
  };
  for (const name of ["ResizeObserver", "MutationObserver", "IntersectionObserver"]) {
    const Observer = window[name];
    window[name] = class extends Observer {
      observe(...given) { if (isOurs()) kept.observers.add(this); super.observe(...given); }
      disconnect() { kept.observers.delete(this); super.disconnect(); }
    };
  }
  const Context = window.AudioContext;
  window.AudioContext = class extends Context {
    constructor(...given) { super(...given); if (isOurs()) kept.contexts.add(this); }
    close() { kept.contexts.delete(this); return super.close(); }
  };
}
"""
_KEPT = """() => {
  const { listeners, observers, contexts } = window.keyvidKept;
  const lives = ({ target }) => target === window || target === document || target.isConnected;
  const named = ({ target, type }) => `${target.constructor.name}.${target.className ?? ""} ${type}`;
  return { listeners: listeners.filter(lives).map(named).sort(), observers: observers.size, contexts: contexts.size };
}"""


@both_renderers
def test_a_deleted_node_leaves_nothing_behind(page, vue):
    page.page.add_init_script(_COUNT)
    page.open(vue=vue)
    page.page.evaluate("() => app.graph.clear()")
    page.settle()
    before = page.page.evaluate(_KEPT)
    page.page.evaluate("() => app.graph.add(LiteGraph.createNode('KeyVID_EditKeyframes'))")
    page.page.evaluate(f"() => {{ {NODE}.pos = [300, 300] }}")
    page.settle()
    page.page.evaluate(
        f"result => {NODE}.onExecuted({{ keyvid_edit: [result] }})", result_of(prediction())
    )
    page.page.locator(CANVAS).focus()
    page.page.keyboard.press("c")
    page.page.keyboard.press("Space")
    page.settle(500)
    page.page.keyboard.press("m")
    during = page.page.evaluate(_KEPT)
    assert during["contexts"] == 1
    assert during["observers"] >= 2
    assert any("wheel" in name for name in during["listeners"])
    page.page.evaluate(f"() => app.graph.remove({NODE})")
    page.settle()
    assert page.page.evaluate(_KEPT) == before
    assert page.page.locator(".keyvid-edit, .keyvid-menu").count() == 0
    assert page.console_errors == []


@both_renderers
def test_a_drag_is_drawn_once_per_frame_of_the_screen(page, vue):
    editor = Editor(page, vue=vue, result=result_of(prediction()))
    x, y = editor.at(44)
    editor.page.mouse.move(x, y)
    editor.page.mouse.down()
    drawn = editor.page.evaluate(
        f"""async ([x, y]) => {{
          const view = {NODE}.widgets[0].view, {{ canvas }} = view.stage;
          let nScreens = 0, isOver = false;
          const count = () => {{ nScreens++; if (!isOver) requestAnimationFrame(count); }};
          requestAnimationFrame(count);
          const before = view.stage.nDrawn;
          for (let i = 0; i < 400; i++) {{
            const move = {{ clientX: x + (i % 60), clientY: y, pointerId: 1, pointerType: "mouse", buttons: 1 }};
            canvas.dispatchEvent(new PointerEvent("pointermove", {{ ...move, bubbles: true }}));
            if (i % 20 === 19) await new Promise(requestAnimationFrame);
          }}
          isOver = true;
          return {{ nDrawn: view.stage.nDrawn - before, nScreens }};
        }}""",
        [x, y],
    )
    editor.page.mouse.up()
    assert 5 <= drawn["nDrawn"] <= drawn["nScreens"] + 1, drawn
