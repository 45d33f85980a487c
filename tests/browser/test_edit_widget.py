"""The edit as text in the real frontend: what is typed is what is saved and sent, and nothing else changes it."""

from ..helpers.editor import Editor, prediction, result_of

BOX = ".keyvid-edit textarea[aria-label='Keyframe edit']"


def open_text(kept_page, result=None):
    editor = Editor(kept_page, result=result)
    editor.page.locator(".keyvid-edit button[aria-label='Text']").click()
    editor.pause()
    return editor


def test_typed_frames_are_saved_sent_and_used(kept_page):
    editor = open_text(kept_page)
    editor.page.locator(BOX).fill("0, 31, 77")
    assert editor.text == "0, 31, 77"
    kept_page.queue_and_wait()
    assert editor.text == "0, 31, 77", "running changed the edit"
    assert editor.shown == [0, 31, 77]
    # the first gesture makes a whole edit of them, and a prediction never changes it
    editor.page.locator(BOX).press("Escape")
    editor.drag(31, 40, keys=["Control"])
    assert editor.frames == [0, 40, 77]
    assert editor.edit["base"] is None


def test_a_reset_edit_does_not_come_back(kept_page):
    editor = open_text(kept_page, result_of(prediction()))
    editor.page.locator(BOX).fill("0, 31, 77")
    assert editor.shown == [0, 31, 77]
    editor.page.locator(BOX).fill("")
    assert editor.text == ""
    assert editor.shown == [keyframe["frame"] for keyframe in prediction()["keyframes"]]


def test_the_wheel_scrolls_the_box_and_not_the_graph(kept_page):
    editor = open_text(kept_page)
    editor.page.locator(BOX).fill("\n".join(str(frame) for frame in range(90)))
    editor.page.locator(BOX).click()
    editor.page.mouse.wheel(0, 240)
    kept_page.settle()
    assert editor.page.evaluate("() => app.canvas.ds.scale") == 1


def test_a_wrong_edit_is_named_and_kept(kept_page):
    editor = open_text(kept_page)
    wrong = '{"version": 1,\n oops'
    editor.page.locator(BOX).fill(wrong)
    assert "line 2" in editor.page.locator(".keyvid-banner").inner_text()
    events = kept_page.queue_and_wait()
    assert dict(events)["execution_error"]["exception_type"] == "KeyVID.PlanError"
    editor.page.get_by_text("not valid JSON at line 2").first.wait_for()
    assert editor.text == wrong


def test_import_and_export(kept_page):
    editor = Editor(kept_page, result=result_of(prediction()))

    def choose(label):
        editor.page.locator(".keyvid-edit button[aria-label='More']").click()
        editor.page.get_by_role("menuitem", name=label).click()
        editor.pause()

    choose("Export")
    shown = editor.page.locator(".keyvid-over textarea")
    editor.page.locator(".keyvid-over select").select_option("list")
    assert shown.input_value() == "0, 16, 24, 34, 44, 56, 66, 76, 86"
    editor.page.locator(".keyvid-over select").select_option("audacity")
    labels = shown.input_value()
    assert editor.text == "", "exporting is no edit"
    editor.page.locator(".keyvid-over button", has_text="Close").click()

    choose("Import")
    editor.page.locator(".keyvid-over textarea").fill("0:(1.0), 12:(0.5), 50:(1.0)")
    editor.page.locator(".keyvid-over button", has_text="Import").click()
    editor.pause()
    assert editor.frames == [0, 12, 50]
    choose("Import")
    file = {"name": "labels.txt", "mimeType": "text/plain", "buffer": labels.encode()}
    editor.page.locator(".keyvid-over input[type=file]").set_input_files(file)
    editor.pause()
    assert editor.frames == [0, 16, 24, 34, 44, 56, 66, 76, 86]
    editor.undo()
    assert editor.frames == [0, 12, 50]


def test_a_saved_midi_file_is_opened_again(kept_page, tmp_path):
    editor = Editor(kept_page, result=result_of(prediction()))
    page = editor.page

    def choose(label):
        page.locator(".keyvid-edit button[aria-label='More']").click()
        page.get_by_role("menuitem", name=label).click()
        editor.pause()

    choose("Export")
    page.locator(".keyvid-over select").select_option("midi")
    assert "MIDI" in page.locator(".keyvid-over textarea").input_value()
    assert page.locator(".keyvid-over button", has_text="Copy").is_disabled()
    with page.expect_download() as download:
        page.locator(".keyvid-over button", has_text="Save").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == "keyframes.mid" and saved.read_bytes().startswith(b"MThd")
    page.locator(".keyvid-over button", has_text="Close").click()
    choose("Import")
    page.locator(".keyvid-over input[type=file]").set_input_files(saved)
    editor.pause()
    assert editor.frames == [0, 16, 24, 34, 44, 56, 66, 76, 86]
