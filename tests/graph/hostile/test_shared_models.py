"""Two ComfyUI servers on one models folder: one fetches a file at a time, both use it, one is killed in the middle."""

import concurrent.futures
import contextlib
import sys

import psutil
import pytest
from keyvid_pack.released.published_files import GENERATOR
from keyvid_pack.tools import environment, server

from ...helpers.graphs.page_of_weights import ROUTE, comfy_with_page, hold, wait_until
from ...helpers.graphs.prompts import check_message, node, shown, succeed
from ...helpers.graphs.whole_files import put_whole_file

SLOW_DISK = environment.ROOT / "tests" / "graph" / "hostile" / "slow_disk"
N_LOADS = 3


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """(the first server, the second one, the page of weights)"""
    folder = tmp_path_factory.mktemp("shared")
    with contextlib.ExitStack() as stack:
        first, page = stack.enter_context(
            comfy_with_page(folder, other_packs=[SLOW_DISK], arguments=["--cache-none"])
        )
        base = folder / "second"
        base.mkdir()
        (base / "models").symlink_to(first.base / "models", target_is_directory=True)
        second = server.running(
            base,
            python=sys.executable,
            pack=environment.ROOT,
            env={"HF_ENDPOINT": page.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        )
        yield first, stack.enter_context(second), page


def get(comfy):
    comfy.post(f"{ROUTE}/generator/get", {})


def state(comfy):
    return comfy.get(ROUTE)["files"]["generator"]


def said(comfy):
    """The last word on the file, once nothing runs any more."""
    return wait_until(lambda: not state(comfy)["progress"] and state(comfy)["said"])


def kill(comfy):
    first = psutil.Process(comfy.process.pid)
    for one in [*first.children(recursive=True), first]:
        one.kill()
    comfy.process.wait()


def loads(comfy, name):
    for number in range(N_LOADS):
        load = node(
            "KeyVID_LoadCheckpoint", ckpt_name=name, weight_dtype=("default", "fp32")[number % 2]
        )
        succeed(comfy, {"load": load, "show": shown("load", 0)})


def test_two_servers_load_one_file_at_the_same_time(both):
    first, second, _ = both
    name = put_whole_file(first, "shared.safetensors")
    path = first.base / "models" / "keyvid" / name
    before = path.read_bytes()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [pool.submit(loads, comfy, name) for comfy in (first, second)]
        for run in runs:
            run.result()  # raises what the run raised
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1
    path.unlink()


def test_two_servers_share_a_models_folder(both):
    first, second, page = both
    models = first.base / "models"
    # one is fetching: the other says so, in a sentence
    go_on = hold(page, (page.folder / GENERATOR.path).stat().st_size // 2)
    get(first)
    wait_until(lambda: (state(first)["progress"] or {}).get("n_done"))
    get(second)
    word = said(second)
    assert word["kind"] == "failed" and "is fetching this file already" in word["text"]
    check_message(word["text"].partition("already.")[0] + "already.")
    assert not list((models / "keyvid").iterdir())
    # one is killed while it converts: nothing half is there, and what it downloaded is not fetched again
    (models / "hold").touch()
    go_on()
    wait_until(lambda: list(models.rglob("*.partial")))
    kill(first)
    (models / "hold").unlink()
    assert list(models.rglob("*.partial"))  # the comparison below can fail
    assert not list((models / "keyvid").iterdir()) and not state(second)["is_here"]
    page.asked.clear()
    get(second)
    assert said(second)["kind"] == "done" and page.asked == []
    assert [path.name for path in (models / "keyvid").iterdir()] == [GENERATOR.target]
    assert not list(models.rglob("*.partial"))
