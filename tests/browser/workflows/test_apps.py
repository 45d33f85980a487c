"""The apps of three workflows: what an artist gets without a graph."""

import av
import pytest
from keyvid_pack.keyframes.timebase import N_FRAMES
from keyvid_pack.tools.environment import PACK_NAME

_FEW_STEPS = """() => {
  const boxes = app.graph._nodes.filter((node) => ["Paint keyframes", "Fill in-betweens"].includes(node.title));
  for (const box of boxes) {
    const steps = box.widgets.find((one) => one.name === "steps");
    steps.value = 2;
    steps.callback?.(2);
  }
  return boxes.length;
}"""
_ENDED = """() => window.keyvidEvents.some(([kind]) => ["execution_success", "execution_error"].includes(kind))"""


def app_of(page):
    """(inputs, outputs) of the app of the open workflow, as the frontend has understood them."""
    return page.page.evaluate(
        """() => {
          const stores = document.querySelector("#vue-app").__vue_app__.config.globalProperties.$pinia.state.value;
          const { selectedInputs, selectedOutputs } = stores.appMode;
          return [selectedInputs.map(([, name]) => name), selectedOutputs.map(String)];
        }"""
    )


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("keyvid_demo", ["image", "audio", "text", "edit"], ["37"]),
        ("keyvid_timing", ["image", "audio", "edit"], ["8"]),
        ("keyvid_storyboard", ["image", "image", "audio", "edit"], ["10"]),
    ],
)
def test_an_app_has_image_sound_timeline_and_result(page, name, inputs, outputs):
    page.open_template(name, vue=False)
    assert app_of(page) == [inputs, outputs]


def has_app_open(page):
    """Whether the page shows an app and not a graph: its timeline is there, the canvas is not."""
    page.page.locator(".keyvid-edit").filter(visible=True).wait_for()
    return not page.page.locator("#graph-canvas").is_visible()


def test_a_first_video_is_three_clicks_away(page):
    """The workflow's card in Templates, the app mode, Run: then the video is there, with its sound."""
    page.open(vue=False)
    page.page.evaluate("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.page.get_by_text(PACK_NAME, exact=True).first.click()  # of many packs

    page.page.locator("[data-testid='template-workflow-keyvid_demo']").click()
    page.wait_until_open("keyvid_demo")
    assert page.page.evaluate(_FEW_STEPS) == 2  # the test does not wait for all of them
    page.page.get_by_label("Enter app mode").first.click()
    assert has_app_open(page)
    page.page.get_by_role("button", name="Run", exact=True).last.click()

    page.page.wait_for_function(_ENDED)
    assert "execution_success" in dict(page.page.evaluate("() => window.keyvidEvents"))
    shown = page.page.locator("video").filter(visible=True).first
    shown.wait_for()
    (saved,) = (page.server.base / "output").rglob("*.mp4")
    assert saved.name in shown.evaluate(
        "video => video.currentSrc || video.querySelector('source').src"
    )
    with av.open(str(saved)) as video:
        assert video.streams.audio and video.streams.video[0].frames == N_FRAMES
    assert page.complaints() == [] and page.console_errors == []
