"""Images dropped on the timeline: copied to ComfyUI's input folder, kept by name, seen, and not opened by ComfyUI."""

import base64
import io
import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ...helpers.editor import CANVAS, VIEW, Editor, prediction, result_of

EMPTY_WORKFLOW = {"last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "version": 0.4}
DROP = """([selector, place, files]) => {
  const target = document.querySelector(selector), dataTransfer = new DataTransfer();
  for (const [name, type, data] of files) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], name, { type }));
  }
  const [clientX, clientY] = place;
  for (const type of ["dragenter", "dragover", "drop"]) {
    const about = { bubbles: true, cancelable: true, composed: true, dataTransfer, clientX, clientY };
    target.dispatchEvent(new DragEvent(type, about));
  }
}"""


@pytest.fixture
def editor(kept_page):
    return Editor(kept_page, result=result_of(prediction()))


def image_file(name, colour):
    """[name, type, base64] of a PNG that ComfyUI would open as an empty workflow."""
    about = PngInfo()
    about.add_text("workflow", json.dumps(EMPTY_WORKFLOW))
    data = io.BytesIO()
    Image.new("RGB", (64, 40), colour).save(data, "PNG", pnginfo=about)
    return [name, "image/png", base64.b64encode(data.getvalue()).decode()]


def drop(editor, frame, *files, band="keys"):
    before = editor.text
    editor.page.evaluate(DROP, [CANVAS, editor.at(frame, band), files])
    editor.page.wait_for_function(f"before => {VIEW}.session.text !== before", arg=before)
    editor.pause()


def images_of(editor):
    keyframes = editor.edit["plan"]["keyframes"]
    return {one["frame"]: one["image"] for one in keyframes if "image" in one}


def wait_for_images(editor, expected):
    """Until the images of all keyframes have come: {frame: width in pixels}, 0 for one that is missing."""
    editor.page.wait_for_function(
        f"() => [...{VIEW}.timeline.images.values()].every((image) => image.complete)"
    )
    shown = editor.ask(
        "[...view.timeline.images].map(([frame, image]) => [frame, image.naturalWidth])"
    )
    assert {frame: width for frame, width in shown} == expected


def test_a_dropped_image_is_copied_kept_by_name_and_seen(editor, browser_server):
    n_nodes = editor.ask("app.graph._nodes.length")
    drop(editor, 34, image_file("strike.png", "red"))
    name = images_of(editor)[34]
    with Image.open(browser_server.base / "input" / name) as copied:
        assert copied.getpixel((5, 5)) == (255, 0, 0)
    assert editor.ask("app.graph._nodes.length") == n_nodes, "ComfyUI opened it as a workflow"
    wait_for_images(editor, {34: 64})
    assert f"image: {name}" in editor.ask("view.timeline.canvas.getAttribute('aria-valuetext')")
    editor.undo()
    assert editor.text == ""
    editor.redo()
    assert images_of(editor) == {34: name}


def test_an_image_of_the_same_name_does_not_take_the_place_of_another(editor, browser_server):
    drop(editor, 34, image_file("same.png", "red"))
    drop(editor, 66, image_file("same.png", "blue"))
    first, second = images_of(editor)[34], images_of(editor)[66]
    assert first != second
    for name, colour in ((first, (255, 0, 0)), (second, (0, 0, 255))):
        with Image.open(browser_server.base / "input" / name) as copied:
            assert copied.getpixel((5, 5)) == colour


def test_beside_the_keyframes_a_dropped_image_makes_one(editor):
    drop(editor, 50, image_file("between.png", "green"), band="wave")
    assert list(images_of(editor)) == [50] and 50 in editor.frames
    assert len(editor.frames) == len(prediction()["keyframes"]), "a fill gave way"


def test_beside_the_timeline_comfyui_opens_it(editor):
    """What the first test says does not happen on the timeline happens everywhere else."""
    editor.page.evaluate(DROP, ["#graph-canvas", [30, 600], [image_file("open.png", "red")]])
    editor.page.wait_for_function("() => app.graph._nodes.length === 0")


def test_an_image_that_is_not_there_is_shown_as_missing(editor):
    plan = prediction()
    plan["keyframes"][3]["image"] = "of somebody else/gone.png"
    edit = {"version": 1, "plan": plan, "base": prediction()}
    editor.page.evaluate(f"text => {VIEW}.session.write(text)", json.dumps(edit))
    wait_for_images(editor, {34: 0})
    assert images_of(editor) == {34: "of somebody else/gone.png"}
    errors = editor.frontend.console_errors
    assert all("404" in error for error in errors)
    errors.clear()  # the browser's own line about the file
