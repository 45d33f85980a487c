"""The checkers of the JavaScript: installed once per lock, and what is said where they cannot be had."""

import hashlib
from types import SimpleNamespace

import pytest
from keyvid_pack.tools import environment, javascript_checks

FAILS = "npm error network getaddrinfo ENOTFOUND\n"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A checkout without packages. Commands are recorded instead of run; npm ends with `npm_code`."""
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "node_modules").mkdir()
    monkeypatch.setattr(javascript_checks, "LOCK", tmp_path / "package-lock.json")
    monkeypatch.setattr(javascript_checks, "STAMP", tmp_path / "node_modules" / ".keyvid-lock")
    monkeypatch.setattr(environment, "WORK", tmp_path / ".dev")
    monkeypatch.setattr(javascript_checks.shutil, "which", lambda name: f"/bin/{name}")
    made = SimpleNamespace(folder=tmp_path, npm_code=0, ran=[])

    def npm(command, log, *_, **__):
        made.ran.append("npm")
        log.write_text(FAILS)
        return made.npm_code

    def checker(command, **_):
        made.ran.append(command[1].name)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(javascript_checks.progress, "run", npm)
    monkeypatch.setattr(javascript_checks.subprocess, "run", checker)
    return made


def test_packages_are_installed_once_per_lock(clone):
    for _ in range(2):
        assert javascript_checks.check(fix=False) == 0
    assert clone.ran == ["npm", "biome", "tsc", "biome", "tsc"]
    (clone.folder / "package-lock.json").write_text("{ }")
    javascript_checks.check(fix=False)
    assert clone.ran.count("npm") == 2
    key = hashlib.sha256(b"{ }").hexdigest()
    assert (clone.folder / "node_modules" / ".keyvid-lock").read_text() == key


def test_without_npm_it_says_so_and_checks_nothing(clone, monkeypatch, capsys):
    monkeypatch.setattr(javascript_checks.shutil, "which", lambda name: None)
    assert javascript_checks.check(fix=False) == 0
    assert "install Node.js 20 or newer" in capsys.readouterr().out
    assert clone.ran == []


def test_offline_it_says_so_and_tries_again_the_next_time(clone, capsys):
    clone.npm_code = 1
    assert javascript_checks.check(fix=False) == 0
    assert "The internet cannot be reached" in capsys.readouterr().out
    javascript_checks.check(fix=False)
    assert clone.ran == ["npm", "npm"]


def test_no_registry_is_named():
    for name in ("package.json", "package-lock.json", ".npmrc"):
        text = (environment.ROOT / name).read_text(encoding="utf-8")
        assert 'resolved"' not in text and "registry=" not in text.replace("_", "-"), name
