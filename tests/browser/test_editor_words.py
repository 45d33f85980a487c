"""A prompt for a moment, typed on the timeline: kept as it is typed, no key of the editor, one step of undo."""

import pytest

from ..helpers.editor import Editor, prediction, result_of

BOX = ".keyvid-edit .keyvid-words textarea"
WORDS = "la porte s'ouvre: 漢字 🥁"


@pytest.fixture
def editor(kept_page):
    return Editor(kept_page, result=result_of(prediction()))


def words_of(editor):
    keyframes = editor.edit["plan"]["keyframes"]
    return {one["frame"]: one["prompt"] for one in keyframes if "prompt" in one}


def type_words(editor, frame, text):
    editor.press_at(frame)
    editor.page.locator(BOX).click()
    editor.page.keyboard.insert_text(text) if not text.isascii() else editor.page.keyboard.type(
        text
    )
    editor.pause()


def test_words_are_kept_as_they_are_typed_and_no_key_of_the_editor(editor):
    frames = editor.shown
    type_words(editor, 34, "all 1 snare, Delete a fill")
    assert words_of(editor) == {34: "all 1 snare, Delete a fill"}
    for key in ("Delete", "Backspace", "ArrowLeft", "Home", "Enter"):
        editor.page.keyboard.press(key)
    editor.pause()
    assert editor.frames == frames and editor.selected == [34]
    assert editor.keyframe(34)["kind"] == "peak" and not editor.keyframe(34)["locked"]
    assert words_of(editor)[34].strip() == "all 1 snare, Delete a fil"
    assert editor.ask("app.graph._nodes.some((node) => node.type === 'KeyVID_EditKeyframes')")
    # Esc gives the keyboard back to the timeline, and P to the words
    editor.page.keyboard.press("Escape")
    assert editor.ask("document.activeElement === view.timeline.canvas")
    editor.key("p")
    assert editor.page.evaluate(f"() => document.activeElement === document.querySelector('{BOX}')")


def test_what_is_typed_in_one_go_is_one_step_of_undo(editor):
    type_words(editor, 34, "the door")
    editor.press_at(66)
    assert words_of(editor) == {34: "the door"}
    type_words(editor, 66, WORDS)
    editor.press_at(16)
    assert words_of(editor) == {34: "the door", 66: WORDS}
    editor.undo()
    assert words_of(editor) == {34: "the door"}
    editor.undo()
    assert editor.text == ""
    editor.redo()
    editor.redo()
    assert words_of(editor) == {34: "the door", 66: WORDS}


def test_typing_moves_nothing_on_the_page_and_the_words_are_seen(editor):
    where = editor.at(34)
    type_words(editor, 34, "the door\nopens slowly, and light falls into the dark hall behind it")
    assert editor.at(34) == where, "the timeline stays under the hand"
    box = editor.page.locator(BOX).bounding_box()
    assert box["height"] > 50
    editor.page.keyboard.press("Escape")
    editor.pause()
    assert editor.page.locator(BOX).bounding_box()["height"] < 30
    editor.press_at(16)
    assert editor.page.locator(BOX).input_value() == ""
    editor.press_at(34)
    assert editor.page.locator(BOX).input_value().startswith("the door\nopens")
    editor.page.mouse.move(*editor.at(34))
    editor.pause()
    assert "prompt: the door" in editor.ask("view.timeline.canvas.getAttribute('aria-valuetext')")
    counted = editor.page.locator(".keyvid-legend").inner_text().split()
    assert counted[counted.index("prompt") + 1] == "1"
