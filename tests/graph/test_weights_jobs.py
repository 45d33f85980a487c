"""Published weights fetched by ComfyUI itself: only what the pack's list names, only when its own page asks."""

import json
import urllib.error
import urllib.request

import pytest
from keyvid_pack.released.published_files import FILES, GENERATOR, INTERPOLATOR

from ..helpers.graphs.page_of_weights import ROUTE, comfy_with_page, hold, wait_until


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with comfy_with_page(tmp_path_factory.mktemp("weights")) as pair:
        yield pair


@pytest.fixture
def comfy(both):
    """A ComfyUI without the file."""
    comfy, page = both
    page.answer = lambda *_: False
    page.asked.clear()
    for path in models(comfy):
        path.unlink()
    for path in (comfy.base / "models" / "keyvid_downloads").rglob("*"):
        if path.is_file():
            path.unlink()
    return comfy


@pytest.fixture
def page(both):
    return both[1]


def models(comfy):
    return sorted((comfy.base / "models" / "keyvid").iterdir())


def post(comfy, path, body=None, **headers):
    """(status, answer) of a POST as a page sends it."""
    headers = {"Content-Type": "application/json", **headers}
    data = json.dumps(body or {}).encode()
    request = urllib.request.Request(comfy.url + path, data, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=600) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, None


def state_of(comfy, file=GENERATOR):
    return comfy.get(ROUTE)["files"][file.key]


def said(comfy, file=GENERATOR):
    """The last word on a file, once nothing runs any more."""
    return wait_until(
        lambda: not state_of(comfy, file)["progress"] and state_of(comfy, file)["said"]
    )


def test_nothing_is_fetched_unasked(comfy, page):
    state = comfy.get(ROUTE)
    assert state["files"].keys() == FILES.keys()
    shown = state["files"]["generator"]
    assert (
        shown["size"] == "15.5 GB" and shown["kept_gb"] == 5.3 and "CC BY-NC-SA" in shown["licence"]
    )
    assert not shown["is_here"] and not shown["progress"] and not shown["said"]
    assert state["lists"]["localizer"] == ["localizer"]
    assert page.asked == [] and models(comfy) == []


def test_a_file_that_is_asked_for_comes_and_is_listed(comfy, page):
    status, answer = post(comfy, f"{ROUTE}/generator/get")
    assert status == 200 and answer["refused"] is None
    assert said(comfy) == {"kind": "done", "text": "keyvid_generator.safetensors is here."}
    assert [path.name for path in models(comfy)] == [GENERATOR.target]
    assert state_of(comfy)["is_here"]
    (options, *_) = comfy.object_info()["KeyVID_LoadCheckpoint"]["input"]["required"]["ckpt_name"]
    names = options if isinstance(options, list) else comfy.object_info()[
        "KeyVID_LoadCheckpoint"]["input"]["required"]["ckpt_name"][1]["options"]  # fmt: skip
    assert GENERATOR.target in names
    original = comfy.base / "models" / "keyvid_downloads" / "generator" / GENERATOR.name
    assert original.is_file()


def test_the_download_goes_when_asked_to(comfy, page):
    post(comfy, f"{ROUTE}/generator/get", {"delete_original": True})
    assert said(comfy)["kind"] == "done"
    assert not (comfy.base / "models" / "keyvid_downloads").exists()


def test_cancelled_it_goes_on_the_next_time(comfy, page):
    size = (page.folder / GENERATOR.path).stat().st_size
    go_on = hold(page, size // 2)
    post(comfy, f"{ROUTE}/generator/get")
    wait_until(lambda: (state_of(comfy)["progress"] or {}).get("n_done", 0) >= size // 2)
    # one at a time, and the same twice is one too many as well
    for key in ("interpolator", "generator"):
        refused = post(comfy, f"{ROUTE}/{key}/get")[1]["refused"]
        assert refused == "keyvid_generator.safetensors is being fetched; one file at a time."
    post(comfy, f"{ROUTE}/interpolator/cancel")  # is not what runs
    assert state_of(comfy)["progress"]
    post(comfy, f"{ROUTE}/generator/cancel")
    go_on()
    assert said(comfy)["kind"] == "stopped"
    assert models(comfy) == []
    page.asked.clear()
    post(comfy, f"{ROUTE}/generator/get")
    assert said(comfy)["kind"] == "done"
    assert page.asked[0][1] >= size // 2


def test_a_failure_is_a_sentence_with_the_way_by_hand(comfy):
    post(comfy, f"{ROUTE}/interpolator/get")  # the page does not have it
    word = said(comfy, INTERPOLATOR)
    assert word["kind"] == "failed"
    assert "does not have the file" in word["text"] and "epoch=3669-step=58720.ckpt" in word["text"]
    assert "python dev.py weights interpolator --from" in word["text"]
    assert models(comfy) == []


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [
        ("https%3A%2F%2Fevil.example%2Fx.ckpt", {}, 404),
        ("..%2F..%2Fx", {}, 404),
        ("no_such_file", {}, 404),
        ("generator", {"Content-Type": "text/plain"}, 415),
        ("generator", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("generator", {"Origin": "https://evil.example"}, 403),
        ("generator", {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
@pytest.mark.parametrize("act", ["get", "cancel"])
def test_nobody_else_can_ask_and_nothing_else_can_be_asked_for(
    comfy, page, key, headers, status, act
):
    assert post(comfy, f"{ROUTE}/{key}/{act}", **headers)[0] == status
    assert page.asked == [] and models(comfy) == [] and not state_of(comfy)["progress"]


def test_what_a_request_says_besides_is_not_heard(comfy, page):
    body = {"address": "https://evil.example/x", "folder": "/tmp", "target": "../x", "half": False}
    post(comfy, f"{ROUTE}/generator/get", body)
    assert said(comfy)["kind"] == "done"
    assert [path.name for path in models(comfy)] == [GENERATOR.target]
    assert [path for path, _ in page.asked] == [GENERATOR.path]
