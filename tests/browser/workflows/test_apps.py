"""The apps of three workflows: what an artist gets without a graph."""

import pytest

_SHORT = """() => {
  const box = app.graph._nodes.find((node) => node.title === "Sound to plan");
  for (const [name, value] of [["n_frames", 24], ["count", 3]]) {
    const widget = box.widgets.find((one) => one.name === name);
    widget.value = value;
    widget.callback?.(value);
  }
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


def test_a_first_video_is_two_clicks_from_an_open_template(page):
    """The card in Templates is the third."""
    page.open_template("keyvid_storyboard", vue=False)
    page.page.evaluate(_SHORT)
    page.page.get_by_label("Enter app mode").first.click()
    page.page.locator(".keyvid-edit").filter(visible=True).wait_for()
    page.page.get_by_role("button", name="Run", exact=True).last.click()
    page.page.wait_for_function(_ENDED)
    assert "execution_success" in dict(page.page.evaluate("() => window.keyvidEvents"))
    page.page.locator("video").filter(visible=True).first.wait_for()
    assert page.complaints() == [] and page.console_errors == []
