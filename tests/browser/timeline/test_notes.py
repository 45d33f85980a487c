"""Notes on the timeline: kept with the node, known to undo, and no part of what a run is given."""

import pytest

from ...helpers.editor import CANVAS, NODE, VIEW, Editor, prediction, result_of

PROMPT_BOX = ".p-dialog input, [role=dialog] input"


@pytest.fixture
def editor(kept_page):
    return Editor(kept_page, result=result_of(prediction()))


def answer(editor, text):
    """Type into ComfyUI's question, and wait until it is gone."""
    box = editor.page.locator(PROMPT_BOX).first
    box.fill(text)
    box.press("Enter")
    box.wait_for(state="detached")
    editor.pause()


def note_at(editor, frame, text):
    editor.ask(f"view.session.state.setPlayhead({frame})")
    editor.page.locator(CANVAS).press("Shift+N")
    answer(editor, text)


def notes_of(editor):
    kept = editor.page.evaluate(f"() => {NODE}.properties.keyvid_notes ?? null")
    return kept and [(round(one["time_s"] * 24), one["text"]) for one in kept["notes"]]


def prompt_of(editor):
    return editor.page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)")


def test_a_note_is_kept_with_the_node_and_no_run_gets_it(editor):
    before = prompt_of(editor)
    note_at(editor, 12, "first verse")
    note_at(editor, 30, "chorus")
    assert notes_of(editor) == [(12, "first verse"), (30, "chorus")]
    assert prompt_of(editor) == before and editor.text == ""
    assert "note: chorus" in editor.ask("view.timeline.canvas.getAttribute('aria-valuetext')")
    editor.undo()
    assert notes_of(editor) == [(12, "first verse")]
    editor.redo()
    assert notes_of(editor) == [(12, "first verse"), (30, "chorus")]
    assert editor.ask("view.timeline.frameNotes().map(({ text }) => text)") == [
        "first verse",
        "chorus",
    ]


def test_a_note_is_dragged_changed_by_a_double_click_and_taken_away(editor):
    note_at(editor, 12, "verse")
    editor.drag(12.2, 20.2, band="notes")
    assert notes_of(editor) == [(20, "verse")]
    editor.double_click(20.3, "notes")
    answer(editor, "bridge")
    assert notes_of(editor) == [(20, "bridge")]
    editor.press_at(20.3, "notes", button="right")
    editor.page.get_by_role("menuitem", name="Delete the note").click()
    editor.pause()
    assert notes_of(editor) is None
    assert editor.ask("view.timeline.boxes().notes.height") == 0


def test_a_note_comes_back_with_the_workflow(editor):
    note_at(editor, 5, "<img src=x onerror='window.ran = 1'> a note that is longer than its row")
    workflow = editor.page.evaluate("() => app.graph.serialize()")
    editor.load(workflow)
    assert [frame for frame, _ in notes_of(editor)] == [5]
    editor.page.wait_for_function(f"() => {VIEW}.timeline.boxes().notes.height > 0")
    assert editor.page.evaluate("() => window.ran ?? null") is None
