"""A page of weight files on this machine, and how to ask for one."""

import dataclasses
import os

import pytest
from keyvid_pack.released.download import download
from keyvid_pack.released.published_files import GENERATOR
from keyvid_pack.tools.weights import page_server


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A PageServer of an empty folder, in the place of Hugging Face."""
    folder = tmp_path / "page"
    folder.mkdir()
    with page_server.serving(folder) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


@pytest.fixture
def put(page):
    """Puts a file of so many random bytes on the page; gives them."""

    def lay(n_bytes, path=GENERATOR.path):
        data, file = os.urandom(n_bytes), page.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return data

    return lay


@pytest.fixture
def folder(tmp_path):
    """The models folder."""
    path = tmp_path / "models" / "keyvid"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def get(tmp_path):
    """Downloads into the folder `down`; changes: fields of the published file, or of download()."""

    def ask(step=lambda *_: None, pause_s=0.001, extra_bytes=0, **changes):
        file = dataclasses.replace(GENERATOR, **changes)
        options = {"step": step, "pause_s": pause_s, "extra_bytes": extra_bytes}
        return download(file, tmp_path / "down", **options)

    return ask


@pytest.fixture
def down(tmp_path):
    """{name: size} of what is in the folder of downloads."""

    def listed():
        folder = tmp_path / "down"
        return {path.name: path.stat().st_size for path in folder.glob("*")}

    return listed
