"""`--frontend VERSION` of `python dev.py test`: which words it takes, and what servers are started with."""

import pytest
from keyvid_pack.tools import environment
from keyvid_pack.tools.pins import newer_frontend


@pytest.mark.parametrize(
    ("words", "left", "version"),
    [
        ([], [], None),
        (["browser", "-k", "undo"], ["browser", "-k", "undo"], None),
        (["browser", "--frontend", "newest"], ["browser"], "newest"),
        (["--frontend", "1.58.1", "browser", "-x"], ["browser", "-x"], "1.58.1"),
    ],
)
def test_the_option_is_taken_out_of_the_words(words, left, version):
    assert newer_frontend.taken_out(words) == (left, version)


@pytest.mark.parametrize("version", [[], ["browser"], ["../1.0"], ["1.58.1;rm"], ["https://x"]])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(environment.SetupError, match="names no version"):
        newer_frontend.taken_out(["browser", "--frontend", *version])


def test_servers_have_the_page_files_that_are_asked_for(monkeypatch):
    monkeypatch.delenv(newer_frontend.VARIABLE, raising=False)
    assert newer_frontend.server_arguments() == []
    monkeypatch.setenv(newer_frontend.VARIABLE, "/page")
    assert newer_frontend.server_arguments() == ["--front-end-root", "/page"]


def test_the_package_goes_into_a_folder_of_its_own(tmp_path, monkeypatch):
    asked = []

    def pip(line, *words):
        asked.append(words)
        target = words[words.index("--target") + 1]
        (target / newer_frontend.PAGE_FILES).mkdir(parents=True)
        (target / "comfyui_frontend_package-1.58.1.dist-info").mkdir()

    monkeypatch.setattr(environment, "WORK", tmp_path)
    monkeypatch.setattr(environment, "pip", pip)
    for _ in range(2):
        for version in ("1.58.1", "newest"):
            found = newer_frontend.variables(version)[newer_frontend.VARIABLE]
            assert found == str(tmp_path / "frontends" / version / newer_frontend.PAGE_FILES)
    assert newer_frontend.variables(None) == {}
    # one that has a number does not change; the newest may be another every day
    assert [words[-1] for words in asked] == [
        "comfyui-frontend-package==1.58.1",
        *["comfyui-frontend-package"] * 2,
    ]
