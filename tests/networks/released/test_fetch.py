"""From the page into the models folder: only whole, recognised files arrive there, whatever happens on the way."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from keyvid_pack.errors import DownloadError, KeyVIDError
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.files import read_file
from keyvid_pack.released import fetch as module
from keyvid_pack.released import lock, published_files
from keyvid_pack.released.lock import alone, alone_if_possible
from keyvid_pack.released.published_files import (
    GENERATOR,
    IMAGEBIND,
    INTERPOLATOR,
    LOCALIZER,
    NAMES,
)
from keyvid_pack.tools.environment import ROOT
from keyvid_pack.tools.weights import question

from ...helpers.small_checkpoint import filled, whole_shapes
from ...helpers.weight_files import save_training_file

DEV = ROOT / "dev.py"


class Stop(Exception):
    pass


@pytest.fixture
def publish(page):
    """Puts a small training file of a kind on the page, under a published path; gives its bytes."""

    def lay(file=GENERATOR, kind=None):
        path = page.folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        save_training_file(path, filled(whole_shapes(kind or file.kind)))
        return path.read_bytes()

    return lay


@pytest.fixture
def get(folder, tmp_path):
    """Fetches a file; as it goes, nothing may be in the models folder."""

    def ask(file=GENERATOR, stop=None, **options):
        def step(what, n_done, n_all):
            assert list(folder.iterdir()) == [] or options.get("force") or n_done == n_all
            if stop is not None and stop(what, n_done, n_all):
                raise Stop

        return module.fetch(file, folder, step=step, pause_s=0.001, **{"half": True, **options})

    return ask


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_published_file_becomes_the_file_that_the_workflows_name(publish, get, folder, page):
    original = publish()
    result = get()
    assert result.kind == layouts.GENERATOR
    assert names_in(folder) == ["keyvid_generator.safetensors"]
    found = read_file(folder / GENERATOR.target)
    assert set(found.dtypes.values()) == {torch.float16}
    assert not any("audio_proj_model" in name for name in found.shapes)
    # the original stays, outside the models folder, and is not fetched again
    kept = folder.parent / module.DOWNLOADS / "generator" / GENERATOR.name
    assert kept.read_bytes() == original
    assert get() is None
    assert get(force=True, half=False) is not None
    assert len(page.asked) == 1
    assert set(read_file(folder / GENERATOR.target).dtypes.values()) == {torch.float32}


def test_the_original_goes_only_when_told(publish, get, folder):
    publish()
    get(delete_original=True)
    assert names_in(folder.parent) == ["keyvid"]
    assert names_in(folder) == [GENERATOR.target]


def test_a_file_downloaded_by_hand_is_taken(publish, get, folder, page):
    publish()
    get(source=page.folder / GENERATOR.path)
    assert names_in(folder) == [GENERATOR.target]
    assert page.asked == [] and (page.folder / GENERATOR.path).exists()


@pytest.mark.parametrize("during", ["downloading", "converting"])
def test_stopped_anywhere_the_next_call_goes_on(publish, get, folder, page, during):
    n_bytes = len(publish())
    with pytest.raises(Stop):
        get(stop=lambda what, n_done, n_all: what == during and n_done > 0.3 * n_all)
    assert names_in(folder) == []
    get()
    assert names_in(folder) == [GENERATOR.target]
    if during == "downloading":
        (_, first), (_, second) = page.asked
        assert first == 0 < second < n_bytes
    else:
        assert len(page.asked) == 1
    assert not list(folder.parent.rglob("*.partial"))


def test_another_network_than_the_one_asked_for_is_not_put_there(publish, get, folder):
    publish(GENERATOR, kind=layouts.INTERPOLATOR)
    with pytest.raises(KeyVIDError, match="is a KeyVID interpolator, not a KeyVID keyframe gen"):
        get()
    assert names_in(folder) == []


def test_what_is_no_weight_file_is_not_put_there(page, get, folder):
    path = page.folder / GENERATOR.path
    path.parent.mkdir(parents=True)
    path.write_bytes(os.urandom(10_000))
    with pytest.raises(KeyVIDError, match="keyvid_generator.safetensors was not made"):
        get()
    assert names_in(folder) == []


def test_a_failure_says_how_to_do_it_by_hand(get, folder):
    with pytest.raises(DownloadError) as failure:
        get(LOCALIZER)
    said = str(failure.value)
    assert LOCALIZER.address in said
    assert "python dev.py weights localizer --from" in said
    assert names_in(folder) == []


def test_two_at_once_are_refused(publish, get, folder):
    publish()
    own = folder.parent / module.DOWNLOADS / "generator"
    own.mkdir(parents=True)
    with (
        alone(own, DownloadError()),
        pytest.raises(DownloadError, match="fetching this file already"),
    ):
        get()
    assert get() is not None


def test_a_folder_on_a_disk_without_locks_is_worked_in_with_a_warning(
    tmp_path, monkeypatch, caplog
):
    def no_locks(_handle):
        raise OSError("no locks available")

    taken = KeyVIDError("somebody is here")
    with alone_if_possible(tmp_path / "a", taken):
        with (
            pytest.raises(KeyVIDError, match="somebody is here"),
            alone_if_possible(tmp_path / "a", taken),
        ):
            pass
    monkeypatch.setattr(lock, "lock_file", no_locks)
    with alone_if_possible(tmp_path / "b", taken):
        assert "cannot be locked (no locks available)" in caplog.text


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.ENOLCK, "No locks available")],
)
def test_a_disk_that_refuses_is_named_and_nobody_else_is_blamed(
    publish, get, folder, monkeypatch, error
):
    publish()

    def refuse(_handle):
        raise error

    monkeypatch.setattr(lock, "lock_file", refuse)
    with pytest.raises(DownloadError) as failure:
        get()
    own = folder.parent / module.DOWNLOADS / "generator"
    assert str(failure.value) == f"{own} cannot be written: {error.strerror}."


def test_a_folder_on_another_disk_gets_a_whole_file(publish, get, folder, monkeypatch):
    publish()
    real = os.replace

    def replace(source, target):
        # the conversion ends with a rename beside itself; a rename from one disk to the other fails
        if os.path.dirname(source) != os.path.dirname(target):
            raise OSError(18, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(module.os, "replace", replace)
    monkeypatch.setattr(module, "_on_one_disk", lambda *_: False)
    get()
    assert names_in(folder) == [GENERATOR.target]
    assert read_file(folder / GENERATOR.target).shapes


def command(*words, **options):
    line = [sys.executable, str(DEV), "weights", *map(str, words)]
    return subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", start_new_session=True, **options,
    )  # fmt: skip


def test_the_command_says_size_and_licence_and_asks(publish, folder, page):
    publish()
    process = command("generator", "--to", folder)
    said = process.communicate()[0]
    assert process.returncode == 1
    for words in ("15.5 GB", "no licence is stated", "CC BY-NC-SA 4.0", GENERATOR.address):
        assert words in said
    # where the disk has no room for the file, there is nothing to ask
    assert "--yes" in said or "Make room" in said
    assert page.asked == [] and names_in(folder) == []


def test_the_command_killed_anywhere_goes_on(publish, folder, page):
    """SIGKILL to dev.py and what it started, once something has come; then the same command again."""
    n_bytes = len(publish())
    words = ("generator", "--half", "--yes", "--to", folder)
    part = folder.parent / module.DOWNLOADS / "generator" / f"{GENERATOR.name}.part"
    stopped = []

    def answer(handler, path):
        if "/resolve/" in handler.path or stopped:
            return False
        stopped.append(path)
        handler.send_file(page.folder / path, path, cut_after=n_bytes // 2)
        page.answer = lambda *_: time.sleep(600)  # holds the second try
        return True

    page.answer = answer
    process = command(*words)
    while not part.exists() or part.stat().st_size < n_bytes // 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    kill = getattr(os, "killpg", None)
    kill(process.pid, signal.SIGKILL) if kill else process.kill()
    process.communicate()
    assert names_in(folder) == []
    page.answer = lambda *_: False
    process = command(*words)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert names_in(folder) == [GENERATOR.target]
    assert "This is: KeyVID keyframe generator" in said and "press r" in said.lower()
    assert page.n_sent == n_bytes


@pytest.mark.parametrize(("of", "is_enough"), [("generator", True), ("dynamicrafter", False)])
def test_only_what_has_come_of_the_file_itself_saves_room(folder, monkeypatch, of, is_enough):
    """15.5 GB to download and 5.3 to keep, 6 free, and a download of 15.5 GB that is there."""
    assert question.DOWNLOADS == module.DOWNLOADS
    monkeypatch.delenv(question.MIRROR, raising=False)
    own = folder.parent / module.DOWNLOADS / of
    own.mkdir(parents=True)
    with (own / "file.part").open("wb") as file:
        file.truncate(15_500_000_000)  # takes no room
    usage = type("Usage", (), {"free": 6e9})
    monkeypatch.setattr(question.shutil, "disk_usage", lambda _: usage)
    lacking = question._lacking([GENERATOR], folder, half=True, source=None, keeps=True)
    assert lacking == "" if is_enough else "About 21 GB are needed" in lacking


def test_a_mirror_says_itself_how_large_its_files_are(folder, monkeypatch):
    """Its own files only: ImageBind's is not on Hugging Face."""
    assert question.MIRROR == published_files.MIRROR
    usage = type("Usage", (), {"free": 3e9})
    monkeypatch.setattr(question.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setenv(question.MIRROR, "https://mirror.example")
    options = {"half": True, "source": None, "keeps": True}
    assert question._lacking([GENERATOR, INTERPOLATOR], folder, **options) == ""
    assert "are needed" in question._lacking([GENERATOR, IMAGEBIND], folder, **options)


def test_from_is_one_file_that_is_there(folder, tmp_path):
    process = command("keyvid", "--from", DEV, "--to", folder)
    assert "weights generator or interpolator" in process.communicate()[0]
    process = command("localizer", "--from", tmp_path / "none.pth", "--to", folder)
    assert "There is no file" in process.communicate()[0]
    assert NAMES["keyvid"] == (GENERATOR, INTERPOLATOR)
