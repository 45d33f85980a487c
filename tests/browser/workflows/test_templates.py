"""Every shipped workflow opens from Templates, runs, and matches its API form, in both renderers."""

import re

import av
import pytest
from keyvid_pack.tools.environment import PACK_NAME
from keyvid_pack.tools.frontend import LAPTOP
from keyvid_pack.tools.named_models import OWN, model_files

from ...helpers.graphs.boxed_workflows import BOXED
from ...helpers.graphs.workflow_files import (
    NAMES,
    SMALL,
    api_form,
    named_files,
    ui_form,
)

_MAKE_SMALL = """small => {
  const set = (node, name, value) => {
    const widget = node.widgets.find((one) => one.name === name);
    widget.value = value;
    widget.callback?.(value);
  };
  const walk = (graph, box) => {
    for (const node of graph.nodes) {
      if (node.subgraph) walk(node.subgraph, node);
      for (const [name, value] of Object.entries(small[node.type] ?? {})) {
        const { link } = node.inputs.find((one) => one.widget?.name === name);
        // what is on a box counts, not what is beneath it
        if (link == null) set(node, name, value);
        else set(box, box.subgraph.inputs[graph.getLink(link).origin_slot].name, value);
      }
    }
  };
  walk(app.graph, null);
}"""

WIDE = {"width": 1600, "height": 1000}
SMALLEST_TEXT = 8  # px on the screen, below which ComfyUI's classic renderer draws none
_OPENING = """() => {
  const { ds, low_quality, visible_area } = app.canvas;
  const [left, top, width, height] = visible_area;
  const isOutside = ([x, y, w, h]) => x < left || y < top || x + w > left + width || y + h > top + height;
  const nodes = app.graph._nodes;
  const meet = ([x, y, w, h], [x2, y2, w2, h2]) => x < x2 + w2 && x2 < x + w && y < y2 + h2 && y2 < y + h;
  return {
    text: LiteGraph.NODE_TEXT_SIZE * ds.scale,
    withoutText: low_quality,
    outside: nodes.filter((node) => isOutside(node.boundingRect)).map((node) => node.title),
    // the page makes a node wider than the file says where its title needs it, Nodes 2.0 a note as high as its text
    covered: nodes
      .filter((one) => nodes.some((other) => other !== one && meet(one.boundingRect, other.boundingRect)))
      .map((node) => node.title),
  };
}"""

_TIMING_ALONE = """() => {
  for (const node of app.graph._nodes)
    if (["Paint keyframes", "Fill in-betweens", "Save Video"].includes(node.title)) node.mode = 2;
  const box = app.graph._nodes.find((node) => node.title === "Video to plan");
  app.canvas.openSubgraph(box.subgraph, box);
  return String(box.subgraph.nodes.find((node) => node.type === "KeyVID_MotionFromVideo").id);
}"""


@pytest.fixture
def laptop(kept_page):
    """The page as large as the screen of a laptop."""
    kept_page.page.set_viewport_size(LAPTOP)
    yield kept_page
    kept_page.page.set_viewport_size(WIDE)


def opening_faults(page):
    """What cannot be read or seen of the open workflow as it opens, in words."""
    found = page.page.evaluate(_OPENING)
    faults = [f"{title} is outside" for title in found["outside"]]
    faults += [f"{title} and another node overlap" for title in found["covered"]]
    if found["withoutText"] or found["text"] < SMALLEST_TEXT:
        faults.append(f"text of {found['text']:.1f} px")
    return faults


@pytest.mark.parametrize("name", NAMES)
def test_the_templates_dialog_opens_what_the_api_form_says(laptop, name):
    """The artist's way: Templates, the pack's entry, the card with its image; and a graph that can be read."""
    page = laptop.page
    page.evaluate("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.get_by_text(PACK_NAME, exact=True).first.click()
    card = page.locator(f"[data-testid='template-workflow-{name}']")
    card.wait_for()
    card.scroll_into_view_if_needed()  # cards further down load their images when they are seen
    image = card.locator("img").first.element_handle()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image)
    card.click()
    laptop.wait_until_open(name)
    assert laptop.complaints() == []
    assert laptop.api_prompt() == api_form(name), (
        "workflows/api differs from what the frontend makes; run `python dev.py workflows`"
    )
    faults = opening_faults(laptop)
    if name in BOXED:
        assert faults == []
    elif name == "keyvid_demo_all_nodes":
        assert "text of" in faults[-1], "what is measured can fail"


# tests/graph runs them all; here it is the frontend that is looked at, and the two renderers differ in few of its parts
@pytest.mark.parametrize(
    ("name", "vue"),
    [("keyvid_timing", False), ("keyvid_timing", True), ("keyvid_full", True)],
)
def test_template_runs_and_is_cached(page, name, vue):
    page.open_template(name, vue=vue)
    prompt = page.api_prompt()
    page.page.evaluate(_MAKE_SMALL, SMALL)
    events = page.queue_and_wait()
    assert "execution_success" in dict(events), events
    assert _executed(events), "nothing ran"
    videos = sorted((page.server.base / "output").rglob("*.mp4"))
    assert bool(videos) == any(node["class_type"] == "SaveVideo" for node in prompt.values())
    for video in videos:
        assert _n_frames(video) > 1

    events = page.queue_and_wait()
    assert _executed(events) == []
    assert set(dict(events)["execution_cached"]["nodes"]) == set(prompt)
    assert page.complaints() == []
    assert page.console_errors == []


@pytest.fixture
def without_files(browser_server):
    """The weight files that the workflows name are taken away, and put back afterwards."""
    folder = browser_server.base / "models" / "keyvid"
    away = folder.rename(folder.with_name("away"))
    folder.mkdir()
    yield
    folder.rmdir()
    away.rename(folder)


@pytest.mark.parametrize(
    ("name", "vue"), [("keyvid_full", False), ("keyvid_full", True), ("dynamicrafter_i2v", True)]
)
def test_a_template_without_its_files_says_which_and_where(without_files, page, name, vue):
    page.open_template(name, vue=vue)
    page.queue_and_wait()
    for file in named_files(name):
        message = page.page.get_by_text(
            re.compile(f"There is no .* named '{file}'.*models/keyvid.*")
        )
        message.first.wait_for()
    assert not list((page.server.base / "output").rglob("*.mp4"))


@pytest.mark.parametrize("name", ["keyvid_ltx_edits", "keyvid_storyboard_interpolate"])
def test_models_of_others_that_are_missing_are_offered_with_their_address(
    browser_server, page, name
):
    """ComfyUI's own dialog has the name, the folder and the address of every file, also of those in boxes."""
    files = {(folder, file) for folder, file in model_files(ui_form(name)) if folder != OWN}
    paths = [browser_server.base / "models" / folder / file for folder, file in files]
    for path in paths:
        path.unlink()
    try:
        page.open_template(name, vue=True)
        (said,) = [text for text in page.complaints() if text.startswith("missing models")]
    finally:
        for path in paths:
            path.touch()
    for folder, file in files:
        assert f"'{folder}'" in said and re.search(rf"https://huggingface\.co/\S+/{file}", said)


def test_a_broken_workflow_is_noticed(page):
    """What the tests above look at can fail: a node nobody has, and an image that is not there."""
    workflow = ui_form("keyvid_timing")
    page.open_workflow(_changed(workflow, type="KeyVID_NoSuchNode"), vue=False)
    assert any("KeyVID_NoSuchNode" in text for text in page.complaints())

    image = {"class_type": "LoadImage", "inputs": {"image": "keyvid/no_such.png"}}
    page.page.evaluate("graph => app.loadApiJson(graph, 'missing')", {"1": image})
    page.load(page.workflow_json())
    assert any("no_such.png" in text for text in page.complaints())
    assert page.console_errors


def _changed(workflow, **changes):
    first, *others = workflow["nodes"]
    return {**workflow, "nodes": [{**first, **changes}, *others]}


def _executed(events):
    return [node for kind, node in events if kind == "executing" and node is not None]


def _n_frames(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_the_curve_of_a_video_is_shown(page):
    """In Nodes 2.0 a node with a VIDEO input shows a video unless it says otherwise."""
    page.open_template("keyvid_motion_from_video", vue=True)
    curve = page.page.evaluate(_TIMING_ALONE)
    page.settle()
    page.queue_and_wait()
    box = page.page.locator(f"[data-node-id='{curve}']")
    box.locator("img").first.wait_for()
    assert box.locator("video").count() == 0
    assert "failed" not in box.inner_text()
