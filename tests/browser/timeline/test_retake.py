"""Render ... again in the timeline's menu: Render Video is told the stretch and another seed, and runs alone."""

import pytest

from ...helpers.editor import Editor, result_of
from ...helpers.graphs.workflow_files import ui_form

RENDER = "app.graph._nodes.find((node) => node.type === 'KeyVID_RenderVideo')"
N_FRAMES = 96
FRAMES = [0, 20, 44, 45, 70]


@pytest.fixture
def editor(kept_page):
    keyframes = [
        {"frame": f, "kind": "peak" if f else "first", "locked": False, "source": "strongest"}
        for f in FRAMES
    ]
    plan = {
        "version": 3,
        "fps": 24,
        "n_frames": N_FRAMES,
        "count": len(FRAMES),
        "fingerprint": None,
    }
    result = result_of({**plan, "keyframes": keyframes})
    editor = Editor(kept_page, result=result, workflow=ui_form("keyvid_song"))
    editor.page.evaluate(
        "() => { app.keptQueue = app.queuePrompt; app.asked = []; "
        "app.queuePrompt = (...what) => { app.asked.push(what) } }"
    )
    yield editor
    editor.page.evaluate("() => { app.queuePrompt = app.keptQueue }")


def widgets(editor):
    values = editor.page.evaluate(
        f"() => Object.fromEntries({RENDER}.widgets.map((widget) => [widget.name, widget.value]))"
    )
    return values["retake"], values["retake_seed"]


def items(editor, frame):
    """What the menu offers above a frame; it is open then."""
    editor.press_at(frame, "wave", button="right")
    return editor.page.locator(".keyvid-menu button").all_inner_texts()


def test_the_stretch_between_two_keyframes_is_rendered_again(editor):
    retake, seed = widgets(editor)
    (item,) = [text for text in items(editor, 30) if text.startswith("Render")]
    assert item.splitlines()[0] == "Render 21 to 43 again"
    editor.page.locator(".keyvid-menu button", has_text="Render 21 to 43 again").click()
    editor.pause()
    assert widgets(editor) == ("21-43", seed + 1)
    (asked,) = editor.page.evaluate("() => app.asked")
    render = editor.page.evaluate(f"() => String({RENDER}.id)")
    assert [str(one) for one in asked[2]] == [render], "only Render Video and what it needs run"
    assert "21 to 43" in editor.said
    sent = editor.frontend.api_prompt()[render]["inputs"]
    assert (sent["retake"], sent["retake_seed"]) == ("21-43", seed + 1)
    editor.undo()
    assert widgets(editor) == (retake, seed)


def test_it_is_offered_where_there_are_frames_between(editor):
    (item,) = [text for text in items(editor, 90) if text.startswith("Render")]
    assert item.splitlines()[0] == f"Render 71 to {N_FRAMES - 1} again"
    editor.key("Escape")
    editor.page.evaluate(f"() => {{ {RENDER}.mode = 4 }}")
    assert not [text for text in items(editor, 30) if text.startswith("Render")]
    editor.key("Escape")
