"""The folder's name: whether ComfyUI can serve the pack's page files from it, asked of the server's own library.

And in the page files themselves: no way from a text to HTML or a script.
"""

import asyncio
import logging
import pathlib
import re
import urllib.parse

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from keyvid_pack.host.page_files import is_served, warn_if_not_served
from yarl import URL

NAMES = [
    "ComfyUI-KeyVID", "comfyui-keyvid-main", "KeyVID_v1.0", "KeyVID(1)", "KeyVID+a&b,c;d=e@f!g$h'i*j~k",
    "ComfyUI-KeyVID (1)", "ComfyUI KeyVID", "KeyVID[1]", "KeyVID{1}", "KeyVID-é", "通义", "KeyVID#1", "KeyVID%20",
    "100%", "KeyVID^", "KeyVID?", "KeyVID|",
]  # fmt: skip


async def status(name, folder):
    """What a browser gets for a listed file, with ComfyUI's own route (server.py) and address."""
    app = web.Application()
    try:
        app.add_routes([web.static("/extensions/" + name, folder)])
    except ValueError:
        return 404
    async with TestClient(TestServer(app)) as client:
        address = URL(f"/extensions/{urllib.parse.quote(name)}/a.js", encoded=True)
        return (await client.get(address)).status


@pytest.mark.parametrize("name", NAMES)
def test_it_names_the_very_names_that_are_not_served(name, tmp_path, caplog):
    (tmp_path / "a.js").write_text("")
    served = asyncio.run(status(name, tmp_path)) == 200
    assert is_served(name) == served
    with caplog.at_level(logging.WARNING, logger="keyvid"):
        warn_if_not_served(str(tmp_path / name / "__init__.py"))
    if served:
        assert caplog.text == ""
    else:
        assert f'"{name}"' in caplog.text and "Rename the folder to ComfyUI-KeyVID" in caplog.text


PAGE_FILES = pathlib.Path(__file__).resolve().parents[2] / "js"
# the usual ways in which a browser makes elements or code of a text
TO_HTML = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|setHTML|setHTMLUnsafe|parseHTMLUnsafe|srcdoc|DOMParser"
    r"|createContextualFragment|eval|Function)\b|document\.write|\bset(Timeout|Interval)\(\s*[\"'`]"
    r"|setAttribute\(\s*[\"'`]on"
)


def ways_to_html(script):
    """What of TO_HTML is in the code of a script; comments may speak of it."""
    code = re.sub(r"/\*.*?\*/|(?<![:\"'`\\])//[^\n]*", "", script, flags=re.DOTALL)
    return [found[0] for found in TO_HTML.finditer(code)]


def test_no_page_file_makes_html_or_code_of_a_text():
    scripts = sorted([*PAGE_FILES.rglob("*.mjs"), *PAGE_FILES.rglob("*.js")])
    assert len(scripts) > 50
    found = {
        path.name: ways_to_html(path.read_text(encoding="utf-8"))
        for path in scripts
        if ways_to_html(path.read_text(encoding="utf-8"))
    }
    assert found == {}


def test_a_script_that_makes_html_of_a_text_is_noticed():
    script = "// innerHTML\nbox.innerHTML = name; new Function(name)(); setTimeout(`${name}`);"
    assert ways_to_html(script) == ["innerHTML", "Function", "setTimeout(`"]
    assert ways_to_html('const a = "//"; box.innerHTML = name;') == ["innerHTML"]
    assert ways_to_html("one.setAttribute('onclick', name);") == ["setAttribute('on"]
