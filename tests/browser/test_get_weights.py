"""The button on the loader nodes that gets a published file: what it says, that it waits, and what comes of it."""

import shutil

import pytest
from keyvid_pack.released.published_files import GENERATOR
from keyvid_pack.tools import frontend

from ..helpers.graphs.page_of_weights import comfy_with_page, hold, wait_until

PANEL = ".keyvid-weights"
LOADER = "KeyVID_LoadCheckpoint"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    base = tmp_path_factory.mktemp("weights")
    with comfy_with_page(base, arguments=["--cache-classic"]) as pair:
        yield pair


@pytest.fixture(scope="module", params=[False, True], ids=["classic", "nodes2"])
def screen(request, browser, both):
    page = frontend.Frontend(browser, both[0])
    page.open(vue=request.param)
    yield page
    page.close()


@pytest.fixture
def weights_page(both, screen):
    """The page of weights; nothing of it is in the models folder."""
    comfy, page = both
    page.answer = lambda *_: False
    page.asked.clear()
    for folder in ("keyvid", "keyvid_downloads"):
        shutil.rmtree(comfy.base / "models" / folder, ignore_errors=True)
    (comfy.base / "models" / "keyvid").mkdir()
    screen.page.evaluate("() => app.refreshComboInNodes()")
    screen.clear()
    yield page
    assert screen.console_errors == []


def workflow(name, kind=LOADER):
    loader = {
        "id": 1, "type": kind, "pos": [60, 60], "size": [420, 180], "flags": {}, "order": 0, "mode": 0,
        "inputs": [], "outputs": [], "properties": {}, "widgets_values": [name, "default"],
    }  # fmt: skip
    return {"version": 0.4, "last_node_id": 1, "last_link_id": 0, "nodes": [loader], "links": []}


def panel(screen):
    found = screen.page.locator(PANEL)
    assert found.count() == 1
    return found


def press(screen, name):
    # the canvas may be anywhere; what is tested is the button and not where it lies
    panel(screen).get_by_role("button", name=name).dispatch_event("click")
    screen.settle()


def test_it_says_size_and_licence_and_waits(screen, weights_page):
    screen.load(workflow(GENERATOR.target))
    assert panel(screen).inner_text() == "Get this file …"
    assert panel(screen).is_visible()
    press(screen, "Get this file …")
    said = panel(screen).inner_text()
    for words in ("15.5 GB to download", "5.3 GB are kept", "CC BY-NC-SA 4.0", GENERATOR.path):
        assert words in said
    assert panel(screen).locator("select").input_value() == "generator"
    press(screen, "Not now")
    assert panel(screen).inner_text() == "Get this file …"
    assert weights_page.asked == []


def test_the_file_comes_and_the_list_has_it(screen, both, weights_page):
    comfy, _ = both
    size = (weights_page.folder / GENERATOR.path).stat().st_size
    go_on = hold(weights_page, size // 2)
    screen.load(workflow(GENERATOR.target))
    press(screen, "Get this file …")
    press(screen, "Get it")
    panel(screen).get_by_text("downloading").wait_for()
    assert panel(screen).get_by_role("button").all_inner_texts() == ["Cancel"]
    go_on()
    target = comfy.base / "models" / "keyvid" / GENERATOR.target
    wait_until(target.exists)
    # the node names it: what is left to offer are the others
    panel(screen).get_by_text("Get a published file …").wait_for()
    values = (
        "name => app.graph._nodes[0].widgets.find((w) => w.name === 'ckpt_name').options.values"
        ".includes(name)"
    )
    screen.page.wait_for_function(values, arg=GENERATOR.target)
    screen.settle()
    (loader,) = screen.api_prompt().values()
    assert loader["inputs"] == {"ckpt_name": GENERATOR.target, "weight_dtype": "default"}
    (saved,) = screen.workflow_json()["nodes"]
    assert saved["widgets_values"] == [GENERATOR.target, "default"]


def test_cancel_stops_it_and_says_that_it_goes_on(screen, both, weights_page):
    comfy, _ = both
    size = (weights_page.folder / GENERATOR.path).stat().st_size
    go_on = hold(weights_page, size // 2)
    screen.load(workflow(GENERATOR.target))
    press(screen, "Get this file …")
    press(screen, "Get it")
    panel(screen).get_by_text("downloading").wait_for()
    press(screen, "Cancel")
    go_on()
    panel(screen).get_by_role("button", name="Get this file …").wait_for()
    press(screen, "Get this file …")
    assert "It goes on from here the next time." in panel(screen).inner_text()
    assert list((comfy.base / "models" / "keyvid").iterdir()) == []


def test_a_failure_is_told_on_the_node(screen, weights_page):
    screen.load(workflow("keyvid_localizer.safetensors", kind="KeyVID_LoadLocalizer"))
    press(screen, "Get this file …")
    press(screen, "Get it")
    failure = panel(screen).get_by_role("alert")
    failure.get_by_text("does not have the file any more").wait_for()
    assert "python dev.py weights localizer --from" in failure.inner_text()


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("KeyVID_LoadModel", "generator"),
        ("KeyVID_LoadAudioEncoder", "imagebind"),
        ("KeyVID_LoadLocalizer", "localizer"),
    ],
)
def test_a_loader_that_names_a_file_that_is_here_offers_what_is_published(
    screen, weights_page, kind, first
):
    embedded = "keyvid_small_localizer" if kind.endswith("Localizer") else "keyvid_small_generator"
    screen.load(workflow(f"{embedded}.safetensors", kind=kind))
    press(screen, "Get a published file …")
    assert panel(screen).locator("option").first.get_attribute("value") == first
    assert weights_page.asked == []
