"""What is left when a timeline goes: no listener, no observer, no sound, whatever took its node away."""

import pytest

from ..helpers.editor import CANVAS, NODE, Editor, prediction, result_of
from ..helpers.graphs.workflow_files import ui_form

# as the menu's Clear Workflow does
_EMPTY = """() => {
  app.canvas.setGraph(app.graph);
  app.clean();
  app.api.dispatchCustomEvent("graphCleared");
}"""
_COUNT = """() => {
  const kept = (window.keyvidKept = { listeners: [], observers: new Set(), contexts: new Set() });
  const isOurs = () => /ComfyUI-KeyVID/i.test(new Error().stack);
  const { prototype } = EventTarget, { addEventListener, removeEventListener } = prototype;
  prototype.addEventListener = function (type, listener, options) {
    if (isOurs()) kept.listeners.push({ target: this, type, listener });
    return addEventListener.call(this, type, listener, options);
  };
  prototype.removeEventListener = function (type, listener, options) {
    const isIt = (one) => one.target === this && one.type === type && one.listener === listener;
    kept.listeners = kept.listeners.filter((one) => !isIt(one));
    return removeEventListener.call(this, type, listener, options);
  };
  const { ResizeObserver, MutationObserver, IntersectionObserver, AudioContext } = window;
  const observers = { ResizeObserver, MutationObserver, IntersectionObserver };
  for (const [name, Observer] of Object.entries(observers)) {
    window[name] = class extends Observer {
      observe(...given) { if (isOurs()) kept.observers.add(this); super.observe(...given); }
      disconnect() { kept.observers.delete(this); super.disconnect(); }
    };
  }
  window.AudioContext = class extends AudioContext {
    constructor(...given) { super(...given); if (isOurs()) kept.contexts.add(this); }
    close() { kept.contexts.delete(this); return super.close(); }
  };
  kept.stop = () => {
    Object.assign(prototype, { addEventListener, removeEventListener });
    Object.assign(window, { ...observers, AudioContext });
  };
}"""
_KEPT = """() => {
  const { listeners, observers, contexts } = window.keyvidKept;
  const lives = ({ target }) => target === window || target === document || target.isConnected;
  const named = ({ target, type }) => `${target.constructor.name}.${target.className ?? ""} ${type}`;
  return { listeners: listeners.filter(lives).map(named).sort(), observers: observers.size, contexts: contexts.size };
}"""


@pytest.fixture
def counted(kept_page):
    """The open page, which counts what our scripts hold."""
    kept_page.page.evaluate(_COUNT)
    yield kept_page
    kept_page.page.evaluate("() => window.keyvidKept.stop()")


def test_a_deleted_node_leaves_nothing_behind(counted):
    page = counted.page
    page.evaluate(_EMPTY)
    counted.settle()
    before = page.evaluate(_KEPT)
    page.evaluate("() => { app.graph.add(LiteGraph.createNode('KeyVID_EditKeyframes')) }")
    # where the test before left the view, the node may be out of sight, and the keyboard cannot go there
    view = "app.canvas.ds.scale = 1; app.canvas.ds.offset = [0, 0]; app.canvas.setDirty(true, true)"
    page.evaluate(f"() => {{ {NODE}.pos = [300, 300]; {view} }}")
    counted.settle()
    ran = result_of(prediction())
    page.evaluate(f"result => {NODE}.onExecuted({{ keyvid_edit: [result] }})", ran)
    counted.settle()  # the timeline takes the place of the first page
    page.locator(CANVAS).focus()
    page.wait_for_function(f"() => document.activeElement === document.querySelector('{CANVAS}')")
    page.keyboard.press("c")
    page.keyboard.press("Space")
    page.wait_for_function("() => window.keyvidKept.contexts.size")
    page.keyboard.press("m")
    counted.show_frames()
    during = page.evaluate(_KEPT)
    assert during["contexts"] == 1
    assert during["observers"] >= 2
    assert any("wheel" in name for name in during["listeners"])
    page.evaluate(f"() => app.graph.remove({NODE})")
    counted.settle()
    assert page.evaluate(_KEPT) == before
    assert page.locator(".keyvid-edit, .keyvid-menu").count() == 0


def test_copies_undo_and_other_workflows_leave_nothing_behind(counted):
    page = counted.page
    page.evaluate(_EMPTY)
    counted.settle()

    def held():
        kept = page.evaluate(_KEPT)
        on_page = [name for name in kept["listeners"] if name.startswith("Window")]
        return {**kept, "listeners": on_page}

    nothing = held()
    editor = Editor(counted, result=result_of(prediction()))
    one = held()
    assert len(one["listeners"]) > len(nothing["listeners"])
    assert one["observers"] > nothing["observers"]
    for _ in range(3):
        page.evaluate(f"() => app.canvas.copyToClipboard(new Set([{NODE}]))")
    assert held() == one, "copying"

    def edit_and_undo():
        for _ in range(3):
            editor.drag(24, 28, keys=["Control"])
            editor.undo()
            assert editor.text == ""

    edit_and_undo()
    assert held() == one, "undo"
    editor.into_subgraph()
    editor.executed(result_of(prediction()))
    edit_and_undo()
    assert held() == one, "undo in a subgraph"

    page.locator(CANVAS).focus()
    editor.key("r", "c", "Space")
    page.wait_for_function(f"() => {NODE}.widgets[0].editor.session.state.playhead > 1")
    assert held()["contexts"] == 1
    page.evaluate(f"() => {{ window.keyvidOld = {NODE}.widgets[0].editor }}")
    # ComfyUI takes who is inside a subgraph back there, so out of it first; the loop goes on
    page.evaluate("() => app.canvas.setGraph(app.graph)")
    counted.settle()
    assert held()["contexts"] == 1
    editor.load(ui_form("keyvid_timing_all_nodes"))
    assert held() == one, "another workflow"
    playhead = "() => window.keyvidOld.session.state.playhead"
    stopped = page.evaluate(playhead)
    editor.frontend.show_frames(12)
    assert page.evaluate(playhead) == stopped


def test_a_cleared_workflow_leaves_nothing_of_a_timeline_in_a_box(counted):
    page = counted.page
    page.evaluate(_EMPTY)
    counted.settle()
    nothing = page.evaluate(_KEPT)
    editor = Editor(counted, result=result_of(prediction()))
    editor.into_subgraph()
    editor.executed(result_of(prediction()))
    page.locator(CANVAS).focus()
    editor.key("c", "Space")
    page.wait_for_function("() => window.keyvidKept.contexts.size")
    page.evaluate(_EMPTY)
    counted.settle()
    left = page.evaluate(_KEPT)
    assert left["contexts"] == 0, "it plays on"
    assert left == nothing
