"""Editing by hand: after each gesture the workflow and the prompt carry exactly the plan on the screen."""

import pytest

from ..helpers.editor import KINDS, Editor, prediction, result_of

FRAMES = list(KINDS)


@pytest.fixture
def editor(kept_page):
    opened = Editor(kept_page, result=result_of(prediction()))
    assert opened.text == "", "showing a result wrote into the edit"
    return opened


def test_a_drag_moves_one_keyframe_and_is_one_step_of_undo(editor):
    where = editor.places
    editor.drag(24, 29)
    moved = [0, 16, 29, 34, 44, 56, 66, 76, 86]
    assert editor.frames == moved
    assert editor.keyframe(29) == {"frame": 29, "kind": "manual", "locked": False, "source": "edit"}
    assert editor.edit["base"] == prediction()
    assert editor.selected == [29]

    editor.drag(76, 80)
    again = [0, 16, 29, 34, 44, 56, 66, 80, 86]
    assert editor.frames == again
    # the graph stays put while its widget is dragged
    assert editor.places == where

    editor.undo()
    assert editor.frames == moved
    editor.undo()
    assert editor.text == ""
    assert editor.shown == FRAMES, "the prediction is still known after undo"
    editor.redo()
    editor.redo()
    assert editor.frames == again
    # after undo and redo the element on the screen is the living one
    editor.drag(86, 90)
    assert editor.frames == [0, 16, 29, 34, 44, 56, 66, 80, 90]


def test_snapping_its_toggle_and_its_bypass(editor):
    # the onset at 33 is two frames before 35, and nearer than 8 pixels only when zoomed out
    pixels = editor.x_of(1) - editor.x_of(0)
    near = 52 + 6 / pixels  # six pixels beside the onset at 52
    editor.drag(56, near)
    assert 52 in editor.frames
    editor.undo()
    editor.drag(56, near, keys=["Control"])
    assert round(near) in editor.frames and 52 not in editor.frames
    editor.undo()
    editor.key("s")
    editor.drag(56, near)
    assert round(near) in editor.frames and 52 not in editor.frames


def test_a_drag_stops_before_another_keyframe(editor):
    editor.drag(24, 34)
    assert editor.frames == [0, 16, 33, 34, 44, 56, 66, 76, 86]


def test_frame_0_and_locked_keyframes_stay(editor):
    editor.drag(0, 8)
    assert editor.text == ""
    editor.press_at(44)
    editor.key("l")
    assert editor.keyframe(44)["locked"] is True
    locked = editor.text
    editor.drag(44, 49)
    editor.key("ArrowRight", "Delete")
    assert editor.text == locked
    assert "locked" in editor.said
    editor.key("l")
    assert editor.keyframe(44)["locked"] is False


def test_escape_takes_a_drag_back(editor):
    editor.page.mouse.move(*editor.at(24))
    editor.page.mouse.down()
    editor.page.mouse.move(*editor.at(30), steps=4)
    editor.pause()
    assert editor.ask("view.session.previewPlan !== null")
    editor.key("Escape")
    editor.page.mouse.up()
    editor.pause()
    assert editor.text == ""
    assert editor.shown == FRAMES


def test_adding_and_deleting_keep_the_count(editor):
    editor.double_click(50, "wave")
    assert editor.frames == [0, 16, 24, 34, 44, 50, 66, 76, 86], "the fill at 56 was nearest"
    assert editor.keyframe(50)["kind"] == "manual"
    editor.key("Delete")
    assert len(editor.frames) == len(FRAMES)
    assert 50 not in editor.frames
    assert editor.ask("app.graph._nodes.some((node) => node.type === 'KeyVID_EditKeyframes')")


def test_a_box_selects_and_the_selection_moves_together(editor):
    editor.drag(30, 60, band="wave")
    assert editor.selected == [34, 44, 56]
    assert editor.text == "", "selecting is no edit"
    editor.drag(44, 47)
    assert editor.frames == [0, 16, 24, 37, 47, 59, 66, 76, 86]
    editor.page.keyboard.down("Shift")
    editor.press_at(76)
    editor.page.keyboard.up("Shift")
    assert editor.selected == [37, 47, 59, 76]


def test_alt_scales_a_selection(editor):
    editor.drag(20, 46, band="wave")
    assert editor.selected == [24, 34, 44]
    editor.drag(44, 54, keys=["Alt", "Control"])
    assert editor.frames == [0, 16, 24, 39, 54, 56, 66, 76, 86]


def test_the_keyboard_alone(editor):
    editor.page.locator(".keyvid-edit canvas").focus()
    editor.key("ArrowDown", "ArrowDown", "ArrowDown")
    assert editor.selected == [24]
    editor.key("ArrowRight")
    assert editor.frames[2] == 25
    editor.key("Shift+ArrowRight")
    assert editor.frames[2] == 30
    assert "frame 30" in editor.page.locator(".keyvid-edit canvas").get_attribute("aria-valuetext")
    # a key that is held is one step
    for _ in range(3):
        editor.page.keyboard.down("ArrowLeft")
    editor.page.keyboard.up("ArrowLeft")
    editor.pause()
    assert editor.frames[2] == 27
    editor.undo()
    assert editor.frames[2] == 30
    # the keyboard is still on the timeline after undo
    editor.key("1")
    assert editor.keyframe(30)["kind"] == "peak"
    editor.key("Enter")
    editor.page.keyboard.type("21")
    editor.key("Enter")
    assert editor.frames == [0, 16, 21, 34, 44, 56, 66, 76, 86]
    # what was typed counts, however one goes on
    editor.key("Enter")
    editor.page.keyboard.type("23")
    editor.key("Tab")
    assert editor.frames[2] == 23
    editor.page.locator(".keyvid-edit canvas").focus()
    editor.key("Enter")
    editor.page.keyboard.type("22")
    editor.press_at(66, band="wave")
    assert editor.frames[2] == 22
    editor.key("Control+a")
    assert len(editor.selected) == len(FRAMES)


def test_all_at_once_from_the_menu(editor):
    def choose(label):
        editor.page.locator(".keyvid-edit button[aria-label='More']").click()
        editor.page.get_by_role("menuitem", name=label).click()
        editor.pause()

    choose("Snap all to nearest strikes")
    assert editor.frames == [0, 17, 24, 33, 44, 52, 70, 76, 86]
    choose("Reset to prediction")
    assert editor.text == ""
    choose("Distribute all evenly")
    gaps = [b - a for a, b in zip(editor.frames, editor.frames[1:], strict=False)]
    assert max(gaps) - min(gaps) <= 1
    choose("Reset to prediction")
    choose("Shift all")
    editor.page.locator(".p-dialog input, [role=dialog] input").first.fill("3")
    editor.page.keyboard.press("Enter")
    editor.pause()
    assert editor.frames == [0, 19, 27, 37, 47, 59, 69, 79, 89]


def test_right_click_offers_what_can_be_done_here(editor):
    editor.press_at(66, button="right")
    assert editor.selected == [66]
    editor.page.get_by_role("menuitem", name="Make it a valley").click()
    editor.pause()
    assert editor.keyframe(66)["kind"] == "valley"
    assert editor.page.locator(".keyvid-menu").count() == 0
    assert editor.page.locator(".litecontextmenu, .p-contextmenu").count() == 0


def test_a_zoomed_graph_is_edited_as_exactly(editor):
    editor.show_node(scale=0.6)
    editor.drag(24, 29, keys=["Control"])
    assert editor.frames[2] == 29
    editor.show_node(scale=1.4)
    editor.drag(29, 26, keys=["Control"])
    assert editor.frames[2] == 26


def test_fingers_drag_zoom_and_open_the_menu(editor):
    touch = editor.page.context.new_cdp_session(editor.page)

    def fingers(kind, *places):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        editor.pause()

    x, y = editor.at(24)
    there = editor.x_of(29)
    fingers("touchStart", (x + 9, y))  # beside the marker, as fingers are
    for share in (0.3, 0.6, 1.0):
        fingers("touchMove", (x + 9 + share * (there - x), y))
    fingers("touchEnd")
    editor.pause()
    assert editor.frames[2] == 29

    x, y = editor.at(48, "wave")
    fingers("touchStart", (x - 40, y))
    fingers("touchStart", (x - 40, y), (x + 40, y))
    for spread in (60, 90, 120):
        fingers("touchMove", (x - spread, y), (x + spread, y))
    fingers("touchEnd")
    editor.pause()
    assert editor.ask("view.timeline.view().span") == pytest.approx(96 / 3, rel=0.02)
    assert editor.page.evaluate("() => app.canvas.ds.scale") == 1, "the graph was zoomed as well"

    editor.key("0")
    fingers("touchStart", editor.at(66))
    editor.page.locator(".keyvid-menu").wait_for()
    fingers("touchEnd")
    assert editor.selected == [66]
    editor.key("Escape")
    assert editor.page.locator(".keyvid-menu").count() == 0
