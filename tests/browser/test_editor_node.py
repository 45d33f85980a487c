"""The editor in its node: running, undo, reload, copies, subgraphs, the other renderer; and nothing left behind."""

from ..helpers.editor import CANVAS, KINDS, NODE, Editor, prediction, result_of
from ..helpers.graphs.workflow_files import ui_form

FRAMES = list(KINDS)
PERSIST = "Comfy.Workflow.Persist"
# in whatever JSON inside JSON ComfyUI keeps it
_IS_KEPT = r"""text => {
  const bare = (some) => some.replaceAll(/[\\"]/g, "");
  const kept = [...Object.values(localStorage), ...Object.values(sessionStorage)];
  return kept.some((one) => bare(one).includes(bare(text)));
}"""
_EMPTY = "() => { app.canvas.setGraph(app.graph); app.graph.clear(); }"


def test_the_first_run_an_edit_and_a_second_run(kept_page):
    editor = Editor(kept_page)
    start = editor.page.locator(".keyvid-start button")
    assert start.is_visible()
    start.click()
    editor.page.wait_for_function(f"() => {NODE}.widgets[0].editor.session.plan !== null")
    editor.pause()
    assert editor.text == "", "running wrote into the edit"
    ran = {
        node
        for kind, node in editor.page.evaluate("() => window.keyvidEvents")
        if kind == "executing"
    }
    assert kept_page.api_prompt().keys() - ran, "everything ran, and not just up to here"
    assert not start.is_visible()

    editor.page.locator(CANVAS).focus()
    editor.key("Space")
    editor.page.wait_for_function(f"() => {NODE}.widgets[0].editor.session.state.playhead > 1")
    editor.key("Space")
    stopped = editor.ask("view.session.state.playhead")
    editor.frontend.show_frames(12)
    assert editor.ask("view.session.state.playhead") == stopped

    frames = editor.shown
    editor.drag(frames[2], frames[2] + 3, keys=["Control"])
    edited = editor.frames
    assert edited != frames
    text = editor.text
    kept_page.queue_and_wait()
    assert editor.text == text, "running changed the edit"
    result = editor.ask("view.session.state.result")
    assert [keyframe["frame"] for keyframe in result["plan"]["keyframes"]] == edited
    assert [keyframe["frame"] for keyframe in result["prediction"]["keyframes"]] == frames


def test_an_edit_is_opened_again_and_shown_without_a_run(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.drag(24, 28)
    text, workflow = editor.text, kept_page.workflow_json()
    # as after a restart: nobody remembers what ran
    editor.load({**workflow, "id": "6f9c0d3e-0000-4000-8000-000000000001"})
    assert editor.text == text
    assert editor.shown == [0, 16, 28, 34, 44, 56, 66, 76, 86]
    assert "run up to here" in editor.page.locator(".keyvid-banner").inner_text()
    editor.drag(28, 30)
    assert editor.frames[2] == 30
    assert editor.edit["base"] == prediction()


def test_an_edit_outlives_a_reload_of_the_page(kept_page):
    kept_page.set(PERSIST, True)
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.drag(24, 28)
    text = editor.text
    # ComfyUI keeps what is open a moment later
    kept_page.page.wait_for_function(_IS_KEPT, arg=text)
    kept_page.reload()
    editor.show_node()
    assert editor.text == text
    assert editor.ask("view.session.state.result") is None
    assert editor.shown == [0, 16, 28, 34, 44, 56, 66, 76, 86]
    editor.drag(28, 30)
    assert editor.frames[2] == 30
    kept_page.set(PERSIST, False)


def test_a_new_node_knows_nothing_of_one_that_had_its_number(kept_page):
    page = kept_page.page
    page.evaluate(_EMPTY)
    for _ in range(2):
        page.evaluate(
            """() => {
              const node = LiteGraph.createNode("KeyVID_EditKeyframes");
              node.id = 77;
              app.graph.add(node);
            }"""
        )
        kept_page.settle()
        assert page.evaluate(f"() => Number({NODE}.id)") == 77
        assert page.evaluate(f"() => {NODE}.widgets[0].editor.session.state.result") is None
        ran = result_of(prediction())
        page.evaluate(f"result => {NODE}.onExecuted({{ keyvid_edit: [result] }})", ran)
        page.evaluate(f"() => app.graph.remove({NODE})")


def test_the_other_renderer_shows_the_same(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.drag(24, 28)
    setting = "app.extensionManager.setting"
    is_vue = editor.ask(f"{setting}.get('Comfy.VueNodes.Enabled')")
    text = editor.text
    for renderer, frame in ((not is_vue, 31), (is_vue, 28)):
        editor.page.evaluate(f"on => {setting}.set('Comfy.VueNodes.Enabled', on)", renderer)
        kept_page.settle()
        editor.show_node()
        assert editor.text == text
        editor.drag(editor.shown[2], frame, keys=["Control"])
        assert editor.frames == [0, 16, frame, 34, 44, 56, 66, 76, 86]
        text = editor.text


def test_a_pasted_node_has_an_edit_of_its_own(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.drag(24, 28)
    text = editor.text
    editor.page.evaluate(
        f"() => {{ app.canvas.copyToClipboard(new Set([{NODE}])); app.canvas.pasteFromClipboard(); }}"
    )
    kept_page.settle()
    editors = "app.graph._nodes.filter((node) => node.type === 'KeyVID_EditKeyframes')"
    edits = f"{editors}.map((node) => node.widgets[0].value)"
    assert editor.ask(edits) == [text, text]
    editor.page.evaluate(f"() => {{ {editors}.at(-1).widgets[0].value = '0, 5' }}")
    assert sorted(editor.ask(edits)) == sorted([text, "0, 5"])


def test_an_edit_goes_along_into_a_subgraph(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.drag(24, 28)
    text = editor.text
    editor.into_subgraph()
    assert editor.text == text
    editor.drag(28, 31, keys=["Control"])
    assert editor.frames == [0, 16, 31, 34, 44, 56, 66, 76, 86]
    editor.undo()
    assert editor.text == text
    kept_page.queue_and_wait()
    assert editor.text == text


def test_zoom_and_selection_outlive_undo_and_are_not_saved(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.press_at(44)
    before = kept_page.workflow_json()
    x = round(editor.x_of(44))  # wheels tell whole pixels
    editor.page.mouse.move(x, editor.y_of("wave"))
    for _ in range(4):
        editor.page.mouse.wheel(0, -120)
    editor.pause()
    seen = editor.ask("view.timeline.view()")
    assert seen["span"] < 50
    assert abs(editor.x_of(44) - x) < 3, "the frame under the pointer stays"
    assert editor.page.evaluate("() => app.canvas.ds.scale") == 1
    assert kept_page.workflow_json()["nodes"] == before["nodes"]
    editor.key("ArrowRight")
    editor.undo()
    assert editor.ask("view.timeline.view()") == seen
    assert editor.selected == [44]
    assert editor.text == ""
    editor.key("0")
    assert editor.ask("view.timeline.view().span") == 96


def test_the_palette_is_followed(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    corner = """(() => {
      const { canvas } = view.timeline, { ruler } = view.timeline.boxes();
      return [...canvas.getContext("2d").getImageData(canvas.width - 60, ruler.height / 2, 1, 1).data].slice(0, 3);
    })()"""
    seen = {}
    for palette in ("light", "dark"):
        editor.page.evaluate(
            "name => app.extensionManager.setting.set('Comfy.ColorPalette', name)", palette
        )
        kept_page.settle()
        seen[palette] = editor.ask(corner)
    assert sum(seen["light"]) > sum(seen["dark"]) + 300


def test_a_drag_is_drawn_once_per_frame_of_the_screen(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    x, y = editor.at(44)
    editor.page.mouse.move(x, y)
    editor.page.mouse.down()
    drawn = editor.page.evaluate(
        f"""async ([x, y]) => {{
          const view = {NODE}.widgets[0].editor, {{ canvas }} = view.timeline;
          let nScreens = 0, isOver = false;
          const count = () => {{ nScreens++; if (!isOver) requestAnimationFrame(count); }};
          requestAnimationFrame(count);
          const before = view.timeline.nDrawn;
          for (let i = 0; i < 400; i++) {{
            const move = {{ clientX: x + (i % 60), clientY: y, pointerId: 1, pointerType: "mouse", buttons: 1 }};
            canvas.dispatchEvent(new PointerEvent("pointermove", {{ ...move, bubbles: true }}));
            if (i % 20 === 19) await new Promise(requestAnimationFrame);
          }}
          isOver = true;
          return {{ nDrawn: view.timeline.nDrawn - before, nScreens }};
        }}""",
        [x, y],
    )
    editor.page.mouse.up()
    assert 5 <= drawn["nDrawn"] <= drawn["nScreens"] + 1, drawn


def test_painted_keyframes_appear_above_their_markers(kept_page):
    editor = Editor(
        kept_page,
        workflow=ui_form("keyvid_demo_all_nodes"),
        result=result_of(prediction()),
    )
    image = {"filename": "keyvid_snare_drum.png", "subfolder": "", "type": "input"}
    shown = {"frames": FRAMES, "n_frames": 96, "fps": 24, "pictures": [image] * len(FRAMES)}
    editor.page.evaluate(
        """async shown => {
          const { planChecksum } = await import("/extensions/ComfyUI-KeyVID/editor/state/painted_keyframes.mjs");
          const node = (type) => app.graph._nodes.find((one) => one.type === type);
          const { plan } = node("KeyVID_EditKeyframes").widgets[0].editor.session;
          node("KeyVID_KeyframeSheet").onExecuted({ keyvid_sheet: [{ ...shown, plan: planChecksum(plan) }] });
        }""",
        shown,
    )
    editor.pause()
    painted = "[...view.timeline.images.keys()]"
    assert editor.ask(painted) == FRAMES
    editor.drag(24, 29)
    assert editor.ask(painted) == [], "they were painted with another plan"
    editor.undo()
    assert editor.ask(painted) == FRAMES
    editor.press_at(34)
    editor.key("l")
    assert editor.ask(painted) == FRAMES, "a locked keyframe needs no new image"
