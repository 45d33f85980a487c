"""The pack in a ComfyUI for several users: no other origin, no other user's files, no other folder."""

import re
import sys
import urllib.error
import urllib.request

import pytest
from keyvid_pack.tools import environment, server

from ...helpers.graphs.prompts import check_message, complaint, node, shown

ROUTE = "/keyvid/weights"
# (method, path) of every route of the pack, with a file's key in it
ROUTES = [("GET", ROUTE), ("POST", f"{ROUTE}/localizer/get"), ("POST", f"{ROUTE}/localizer/cancel")]
OTHERS = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
)
TIMING = "secret.keyvid.json"


@pytest.fixture(scope="module")
def comfy(tmp_path_factory):
    """A ComfyUI for several users; one of them has files in a folder of their own."""
    base = tmp_path_factory.mktemp("users")
    for name in (TIMING, "secret.png"):
        path = base / "user" / "anna_1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"version": 1}')
    (base / "input").mkdir()
    (base / "input" / TIMING).symlink_to(base / "user" / "anna_1" / TIMING)
    (base / "input" / "folder").symlink_to(base / "user", target_is_directory=True)
    options = {
        "arguments": ["--multi-user"],
        # where nobody answers, should a download begin
        "env": {"HF_ENDPOINT": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"},
    }
    with server.running(base, python=sys.executable, pack=environment.ROOT, **options) as running:
        yield running


def status(comfy, method, path, headers):
    """The status of a response to a request with no body, or with an empty JSON object."""
    data = b"{}" if method == "POST" else None
    request = urllib.request.Request(comfy.url + path, data, headers, method=method)
    if data and "Content-Type" not in headers:
        request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=600) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_these_are_all_routes():
    text = "\n".join(path.read_text("utf-8") for path in (environment.ROOT / "host").rglob("*.py"))
    assert len(re.findall(r"@routes\.\w+\(|\.add_(?:get|post|route)\(", text)) == len(ROUTES)


@pytest.mark.parametrize("headers", OTHERS, ids=lambda headers: " ".join(headers.values()))
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_answers_another_site(comfy, method, path, headers):
    assert status(comfy, method, path, headers) == 403


@pytest.mark.parametrize(("method", "path"), ROUTES[:1])
def test_the_own_page_is_answered(comfy, method, path):
    """The comparison above can fail."""
    own = {"Origin": comfy.url, "Sec-Fetch-Site": "same-origin"}
    assert status(comfy, method, path, own) == 200


@pytest.mark.parametrize(
    "key",
    ["..%2F..%2Fuser%2Fanna_1", "%2Fetc%2Fpasswd", "C%3A%5Ckeyvid", "..%5C..%5Cuser", "%00", "."],
)
@pytest.mark.parametrize("act", ["get", "cancel"])
def test_no_route_takes_a_path(comfy, key, act):
    assert status(comfy, "POST", f"{ROUTE}/{key}/{act}", {"comfy-user": "ben_1"}) in (400, 404)
    assert not (comfy.base / "models" / "keyvid_downloads").exists()


NAMES = [
    f"../user/anna_1/{TIMING}",
    f"..\\user\\anna_1\\{TIMING}",
    f"../user/anna_1/{TIMING} [output]",
    f"folder/anna_1/{TIMING}",
    f"C:\\ComfyUI\\user\\anna_1\\{TIMING}",
    f"\\\\server\\share\\{TIMING}",
    TIMING,  # a link
    f"{TIMING}\0.png",
]


@pytest.mark.parametrize("name", NAMES)
def test_another_users_timing_file_is_not_read(comfy, name):
    prompt = {"load": node("KeyVID_LoadTiming", file=name), "show": shown("load", 0)}
    said = complaint(comfy, prompt)
    check_message(said)
    assert "outside" in said or "no timing file named" in said


def test_an_absolute_name_is_not_read(comfy):
    path = comfy.base / "user" / "anna_1" / TIMING
    prompt = {"load": node("KeyVID_LoadTiming", file=str(path)), "show": shown("load", 0)}
    assert "outside" in complaint(comfy, prompt)


@pytest.mark.parametrize(
    "prefix", ["../user/anna_1/x", "../../x", "/tmp/keyvid_x", "a/../../user/x"]
)
def test_nothing_is_written_to_another_folder(comfy, prefix):
    before = sorted(path for path in comfy.base.rglob("*") if "comfyui.log" not in path.name)
    prompt = {
        "plan": node("KeyVID_FramesToPlan", text="0, 7, 12", fps=24.0, n_frames=48),
        "save": node("KeyVID_SaveTiming", plan=["plan", 0], filename_prefix=prefix),
    }
    assert "outside" in complaint(comfy, prompt)
    assert before == sorted(
        path for path in comfy.base.rglob("*") if "comfyui.log" not in path.name
    )
