"""Edits that were made for something else: another sound, another length, another version of the pack."""

import json

from ..helpers.editor import KINDS, NODE, Editor, prediction, result_of

FRAMES = list(KINDS)


def choose(editor, label):
    editor.page.locator(".keyvid-banner button", has_text=label).click()
    editor.pause()


def test_another_length_is_kept_rescaled_or_reset(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.drag(24, 28)
    edited, text = editor.frames, editor.text
    longer = prediction(n_frames=192)
    editor.executed(result_of(longer))
    banner = editor.page.locator(".keyvid-banner")
    assert "96 frames" in banner.inner_text() and "192" in banner.inner_text()
    assert editor.text == text, "a run changed the edit"
    editor.drag(28, 40)
    assert editor.text == text, "an edit for another clip was changed before the artist chose"

    choose(editor, "Keep")
    assert 28 in editor.frames and editor.edit["plan"]["n_frames"] == 192
    assert not banner.is_visible()
    editor.undo()
    assert editor.text == text
    choose(editor, "Rescale")
    assert 56 in editor.frames and editor.edit["plan"]["n_frames"] == 192
    editor.undo()
    choose(editor, "Reset")
    assert editor.text == "" and editor.shown == FRAMES
    editor.undo()
    assert [k["frame"] for k in editor.edit["plan"]["keyframes"]] == edited


def test_another_sound_is_named_until_it_is_kept(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.drag(24, 28)
    edited = editor.frames
    other = prediction(fingerprint={"n_frames": 96, "loudness": [0, 9, 0, 9, 0, 9]})
    editor.executed(result_of(other))
    banner = editor.page.locator(".keyvid-banner")
    assert "another sound" in banner.inner_text()
    assert editor.shown == edited
    editor.drag(28, 30)
    assert "another sound" in banner.inner_text()
    choose(editor, "Keep")
    assert not banner.is_visible()
    assert editor.edit["base"]["fingerprint"] == other["fingerprint"]
    assert editor.frames[2] == 30


def test_a_changed_prediction_leaves_the_edit_and_moves_the_rest(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    editor.drag(24, 28)
    text = editor.text
    changed = prediction()
    changed["keyframes"][6]["frame"] = 68  # the peak at 66
    editor.executed(result_of(changed))
    assert editor.text == text
    assert editor.shown == [0, 16, 28, 34, 44, 56, 68, 76, 86]
    editor.drag(76, 79)
    assert editor.frames == [0, 16, 28, 34, 44, 56, 68, 79, 86]
    assert editor.edit["base"] == changed


def test_a_newer_versions_edit_is_shown_as_a_sentence_and_left_alone(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))
    newer = json.dumps({"version": 99, "plan": prediction(), "base": None, "more": [1, 2]})
    editor.page.evaluate(f"text => {{ {NODE}.widgets[0].value = text }}", newer)
    editor.pause()
    assert "update ComfyUI-KeyVID" in editor.page.locator(".keyvid-banner").inner_text()
    editor.drag(24, 28)
    editor.double_click(50)
    editor.press_at(34)
    editor.key("Delete", "ArrowRight", "l", "e", "n")
    assert editor.text == newer
    editor.key("t")
    box = editor.page.locator(".keyvid-edit [role=dialog] textarea")
    assert box.input_value() == newer
    editor.page.keyboard.type("0, 7")
    editor.key("Control+a", "Delete")
    assert editor.text == newer and box.input_value() == newer
    editor.key("Escape")
    assert not box.is_visible()
