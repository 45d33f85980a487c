"""Every shipped workflow opens from Templates, runs, and matches its API form, in both renderers."""

import json

import av
import pytest
from keyvid_pack.tools.environment import PACK_NAME, ROOT

NAMES = sorted(path.stem for path in (ROOT / "workflows").glob("*.json"))
both_renderers = pytest.mark.parametrize("vue", [False, True], ids=["classic", "nodes2"])


@both_renderers
@pytest.mark.parametrize("name", NAMES)
def test_template_opens_runs_and_is_cached(page, name, vue):
    page.open_template(name, vue=vue)
    assert page.complaints() == []

    prompt = page.api_prompt()
    api_form = ROOT / "workflows" / "api" / f"{name}.json"
    assert prompt == json.loads(api_form.read_text(encoding="utf-8")), (
        "workflows/api differs from what the frontend makes; run `python dev.py workflows`"
    )

    events = page.queue_and_wait()
    assert "execution_success" in dict(events), events
    assert _executed(events), "nothing ran"
    videos = sorted((page.server.base / "output").rglob("*.mp4"))
    assert videos
    for video in videos:
        assert _n_frames(video) > 1

    _assert_running_again_executes_nothing(page, _sent(page, events))
    assert page.complaints() == []
    assert page.console_errors == []


def _assert_running_again_executes_nothing(page, before):
    """Queue until the frontend sends the same graph as before: then everything comes from the cache.

    The canvas renderer writes its player into the graph once a core node has shown a video, as an input
    "video-preview"; that node, and nothing else, may run once more because of it.
    """
    for _ in range(3):
        events = page.queue_and_wait()
        sent = _sent(page, events)
        changed = {key for key in sent if sent[key] != before[key]}
        assert set(_executed(events)) <= changed
        if not changed:
            assert set(dict(events)["execution_cached"]["nodes"]) == set(sent)
            return
        for key in changed:
            assert not sent[key]["class_type"].startswith("KeyVID_"), sent[key]
            assert sent[key]["inputs"] == {**before[key]["inputs"], "video-preview": ""}
        before = sent
    pytest.fail("the frontend sends another graph each time")


@pytest.mark.parametrize("name", NAMES)
def test_templates_dialog_shows_the_workflow(page, name):
    """The artist's way: Templates, the pack's entry, the card with its picture."""
    page.open(vue=False)
    page.page.evaluate("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.page.get_by_text(PACK_NAME, exact=True).first.click()
    card = page.page.locator(f"[data-testid='template-workflow-{name}']")
    card.wait_for()
    picture = card.locator("img").first.element_handle()
    page.page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture)
    card.click()
    page.wait_until_open(name)
    assert page.complaints() == []
    assert page.console_errors == []


def test_a_broken_workflow_is_noticed(page):
    """What the tests above look at can fail: a node nobody has, and a picture that is not there."""
    workflow = json.loads((ROOT / "workflows" / f"{NAMES[0]}.json").read_text(encoding="utf-8"))
    page.open_workflow(_changed(workflow, type="KeyVID_NoSuchNode"), vue=False)
    assert any("KeyVID_NoSuchNode" in text for text in page.complaints())

    picture = {"class_type": "LoadImage", "inputs": {"image": "keyvid/no_such.png"}}
    page.open(vue=False)
    page.page.evaluate("graph => app.loadApiJson(graph, 'missing')", {"1": picture})
    page.open_workflow(page.workflow_json(), vue=False)
    assert any("no_such.png" in text for text in page.complaints())
    assert page.console_errors


def _changed(workflow, **changes):
    first, *others = workflow["nodes"]
    return {**workflow, "nodes": [{**first, **changes}, *others]}


def _executed(events):
    return [node for kind, node in events if kind == "executing" and node is not None]


def _sent(page, events):
    """The graph that the server was sent for this run."""
    prompt_id = dict(events)["execution_start"]["prompt_id"]
    return page.server.get(f"/history/{prompt_id}")[prompt_id]["prompt"][2]


def _n_frames(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))
