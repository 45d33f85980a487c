"""A download comes whole or not at all, goes on where it stopped, and says in a sentence what went wrong."""

import hashlib
import io
import subprocess
import sys
import threading
import time
import urllib.request
from email.message import Message

import pytest
from keyvid_pack.errors import DownloadError
from keyvid_pack.released import download as module
from keyvid_pack.released.published_files import GENERATOR, IMAGEBIND
from keyvid_pack.tools.environment import ROOT

NAME = GENERATOR.name
N_BYTES = 5 * module.BLOCK_BYTES + 123


class Stop(Exception):
    pass


def stop_after(n_bytes):
    def step(_what, n_done, _n_all):
        if n_done >= n_bytes:
            raise Stop

    return step


def by_pieces(page, *cuts, ranges=True):
    """The page's connections break off after so many bytes, one after the other; then it sends all."""
    left = list(cuts)

    def answer(handler, path):
        if "/resolve/" in handler.path:
            return False
        cut = left.pop(0) if left else None
        handler.send_file(page.folder / path, path, ranges=ranges, cut_after=cut)
        return True

    page.answer = answer


def test_the_whole_file_comes_and_progress_reaches_its_size(page, put, get, down):
    data, steps = put(N_BYTES), []
    page.sha256[GENERATOR.path] = hashlib.sha256(data).hexdigest()
    path = get(step=lambda *one: steps.append(one))
    assert path.name == NAME and path.read_bytes() == data
    assert f"{NAME}.part" not in down()
    loading = [n_done for what, n_done, n_all in steps if what == "downloading"]
    assert loading == sorted(loading) and loading[-1] == N_BYTES
    assert steps[-1] == ("checking", N_BYTES, N_BYTES)
    assert {n_all for _, _, n_all in steps} == {N_BYTES}


def test_what_is_there_is_not_asked_for_again(page, put, get):
    put(1000)
    path = get()
    assert get() == path
    assert len(page.asked) == 1


def test_cuts_cost_nothing_that_had_come(page, put, get):
    data = put(N_BYTES)
    by_pieces(page, 10, 1_000_000, 0, 7, 2_000_000)
    assert get().read_bytes() == data
    starts = [start for _, start in page.asked]
    assert starts == [0, 10, 1_000_010, 1_000_010, 1_000_017, 3_000_017]
    assert page.n_sent == N_BYTES


def test_a_page_that_always_breaks_off_is_given_up(page, put, get, down):
    put(N_BYTES)
    by_pieces(page, 100, *[0] * 50)
    with pytest.raises(DownloadError, match="does not answer"):
        get()
    assert len(page.asked) == 1 + module.TRIES
    assert down()[f"{NAME}.part"] == 100 and NAME not in down()


def test_a_page_without_range_requests_is_read_from_the_start(page, put, get):
    data = put(N_BYTES)
    by_pieces(page, 3_000_000, ranges=False)
    assert get().read_bytes() == data
    assert page.n_sent == N_BYTES + 3_000_000


def test_stopped_it_goes_on_with_the_next_call(page, put, get, down):
    data = put(N_BYTES)
    with pytest.raises(Stop):
        get(step=stop_after(2_000_000))
    kept = down()[f"{NAME}.part"]
    assert kept >= 2_000_000 and NAME not in down()
    assert get().read_bytes() == data
    assert page.asked[-1][1] == kept


def test_killed_it_goes_on_with_the_next_call(page, put, get, down, tmp_path):
    """SIGKILL while the page holds back the second half."""
    data, held = put(N_BYTES), threading.Event()
    page.sha256[GENERATOR.path] = hashlib.sha256(data).hexdigest()

    def answer(handler, path):
        if "/resolve/" in handler.path or held.is_set():
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(N_BYTES))
        handler.end_headers()
        handler.wfile.write(data[: 2 * module.BLOCK_BYTES])
        held.wait(600)
        return True

    page.answer = answer
    code = (
        "import runpy, sys; sys.path.insert(0, sys.argv[1]); import conftest\n"
        "from pathlib import Path\n"
        "from keyvid_pack.released.download import download\n"
        "from keyvid_pack.released.published_files import GENERATOR\n"
        "download(GENERATOR, Path(sys.argv[2]), step=lambda *_: None)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, ROOT / "tests", tmp_path / "down"])
    while down().get(f"{NAME}.part", 0) < module.BLOCK_BYTES:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    held.set()
    kept = down()[f"{NAME}.part"]
    assert NAME not in down()
    page.asked.clear()
    assert get().read_bytes() == data
    assert page.asked == [(GENERATOR.path, kept)]


def test_a_size_that_is_not_that_of_the_list_is_refused_before_a_byte_is_kept(page, put, get, down):
    put(1000)
    with pytest.raises(DownloadError, match="has 1,000 bytes, and the right one has 999"):
        get(n_bytes=999)
    assert down() == {}
    assert get(n_bytes=1000).exists()


def test_a_size_that_the_page_itself_denies_is_refused(page, put, get, down):
    put(1000)
    others = {"X-Linked-Size": "1001", "Location": f"/behind/{GENERATOR.path}"}
    page.answer = lambda handler, _: "/resolve/" in handler.path and not handler.reply(302, others)
    with pytest.raises(DownloadError, match="the right one has 1,001"):
        get()
    assert down() == {}


@pytest.mark.parametrize("said_by", ["list", "page"])
def test_a_wrong_checksum_is_said_and_nothing_is_kept(page, put, get, down, said_by):
    data = put(N_BYTES)
    right, wrong = hashlib.sha256(data).hexdigest(), "0" * 64

    def ask(digest):
        if said_by == "list":
            return get(sha256=digest)
        page.sha256[GENERATOR.path] = digest
        return get()

    with pytest.raises(DownloadError, match="its checksum is wrong. It was removed"):
        ask(wrong)
    assert down() == {}
    assert ask(right).read_bytes() == data


def test_another_file_of_the_same_size_is_not_appended(page, put, get):
    """The page replaces the file between two calls: nothing of the old one may stay."""
    put(N_BYTES)
    with pytest.raises(Stop):
        get(step=stop_after(2_000_000))
    data = put(N_BYTES)
    assert get().read_bytes() == data


def test_one_checksum_is_one_file_whatever_the_servers_call_it(page, put, get):
    data = put(N_BYTES)
    page.sha256[GENERATOR.path] = hashlib.sha256(data).hexdigest()
    with pytest.raises(Stop):
        get(step=stop_after(2_000_000))
    (page.folder / GENERATOR.path).touch()  # another ETag
    assert get().read_bytes() == data
    assert page.asked[-1][1] >= 2_000_000


def test_more_than_the_page_has_is_thrown_away(page, put, get):
    put(N_BYTES)
    with pytest.raises(Stop):
        get(step=stop_after(2_000_000))
    data = put(1000)
    assert get().read_bytes() == data


@pytest.mark.parametrize(
    ("code", "headers", "sentence"),
    [
        (401, {}, "without a login or an agreement"),
        (403, {}, "without a login or an agreement"),
        (404, {}, "does not have the file any more"),
        (400, {}, "does not give the file"),
        (503, {}, "the server says 503"),
        (200, {"Content-Type": "text/html; charset=utf-8"}, "a web page instead of the file"),
        (302, {"Location": "ftp://127.0.0.1/file"}, "another kind"),
        (302, {"Location": "file:///etc/passwd"}, "does not give the file"),
        (206, {"Content-Range": "all of it"}, "which part of the file"),
    ],
)
def test_every_refusal_is_a_sentence_and_leaves_nothing(page, get, down, code, headers, sentence):
    page.answer = lambda handler, _: not handler.reply(code, headers, b"<html>")
    with pytest.raises(DownloadError, match=sentence) as refusal:
        get()
    assert str(refusal.value).endswith(".")
    assert down() == {}


@pytest.mark.parametrize(
    ("came_from", "leads_to", "is_followed"),
    [
        ("https", "https", True),
        ("http", "http", True),
        ("http", "https", True),
        ("https", "http", False),
        ("https", "ftp", False),
    ],
)
def test_a_redirect_may_become_safer_but_not_less_safe(came_from, leads_to, is_followed):
    asked = urllib.request.Request(f"{came_from}://page.example/file")

    def follow():
        return module._Redirects().redirect_request(
            asked, io.BytesIO(), 302, "Found", Message(), f"{leads_to}://other.example/file"
        )

    if is_followed:
        assert follow().full_url == f"{leads_to}://other.example/file"
    else:
        with pytest.raises(DownloadError, match="another kind"):
            follow()


def test_a_page_that_does_not_say_the_size_is_refused(page, get, down):
    def answer(handler, _path):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"abc")
        handler.close_connection = True
        return True

    page.answer = answer
    with pytest.raises(DownloadError, match="how large"):
        get()
    assert down() == {}


def test_offline_is_said_at_once(page, get, down, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody answers there
    tries = []
    with pytest.raises(DownloadError, match="The internet does not answer"):
        get(step=lambda *one: tries.append(one))
    assert tries == [] and down() == {}


def test_too_small_a_disk_is_said_before_anything_comes(page, put, get, down, monkeypatch):
    put(N_BYTES)
    usage = type("Usage", (), {"free": N_BYTES + 99})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match="are needed"):
        get(extra_bytes=100)
    assert down() == {}
    assert get(extra_bytes=99).exists()


def test_what_is_made_of_a_small_file_needs_no_more_room_than_it(page, put, get, monkeypatch):
    """A mirror's file that is smaller than the list says."""
    put(N_BYTES)
    usage = type("Usage", (), {"free": 2 * N_BYTES})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    assert get(extra_bytes=5_300_000_000).exists()


def test_addresses_are_those_of_the_pages(monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    start = "https://huggingface.co/RyanWW/KeyVID/resolve/d31d787013efaacc722d25f330ec8acb0df5f14c/"
    assert GENERATOR.address == start + "KeyVID/keyframe_generation/generator_checkpoint.ckpt"
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert GENERATOR.address.startswith("https://mirror.example/RyanWW/KeyVID/resolve/")
    assert IMAGEBIND.address.startswith("https://dl.fbaipublicfiles.com/")


def test_the_fixture_would_notice_a_file_in_pieces(page, put, get):
    """A negative control: ranges that are claimed and not kept give wrong content, noticed by its checksum."""
    data = put(N_BYTES)
    page.sha256[GENERATOR.path] = hashlib.sha256(data).hexdigest()
    with pytest.raises(Stop):
        get(step=stop_after(2_000_000))

    def answer(handler, path):
        if "/resolve/" in handler.path:
            return False
        start = int(handler.headers["Range"].split("=")[1].strip("-"))
        handler.send_response(206)
        handler.send_header("Content-Length", str(N_BYTES - start))
        handler.send_header("Content-Range", f"bytes {start}-{N_BYTES - 1}/{N_BYTES}")
        handler.end_headers()
        handler.wfile.write(data[: N_BYTES - start])
        return True

    page.answer = answer
    with pytest.raises(DownloadError, match="checksum is wrong"):
        get()
    page.answer = lambda *_: False
    assert get().read_bytes() == data
