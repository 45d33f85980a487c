"""Killed while converting, at every tensor and between the steps behind them; or the disk is full there.

The killed process is a fork of this one, so that it dies where the test says and not when the machine chooses.
"""

import os
import signal

import pytest
from keyvid_pack.errors import CheckpointFileError, KeyVIDError
from keyvid_pack.models.checkpoint.files import read_file
from keyvid_pack.released import fetch as module
from keyvid_pack.released.convert import convert
from keyvid_pack.released.published_files import GENERATOR

from ...helpers.hostile.limits import room_for
from ...helpers.small_checkpoint import filled, whole_shapes
from ...helpers.weight_files import save_training_file


@pytest.fixture
def source(tmp_path):
    """A small training file, downloaded by hand."""
    path = tmp_path / "downloads" / "file.ckpt"
    path.parent.mkdir()
    save_training_file(path, filled(whole_shapes()))
    return path


def get(source, folder, step=lambda *_: None):
    return module.fetch(GENERATOR, folder, step=step, half=False, source=source)


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def killed(work):
    """Run `work` in a fork of this process; whether it was killed, instead of coming to its end."""
    number = os.fork()
    if number == 0:
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(number, 0)
    return os.WIFSIGNALED(status)


def at_step(number):
    """A `step` that dies when it is called for the n-th time."""
    calls = []

    def step(*_):
        calls.append(True)
        if len(calls) == number:
            die()

    return step


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_killed_between_two_steps(source, folder, monkeypatch, call):
    def work():
        setattr(os, call, die)
        get(source, folder)

    assert killed(work)
    assert files_in(folder) == {}
    left = files_in(folder.parent / module.DOWNLOADS)
    assert len(left) == 1 and next(iter(left)).endswith(".partial")  # the comparison can fail
    get(source, folder)
    assert list(files_in(folder)) == [GENERATOR.target]
    assert files_in(folder.parent / module.DOWNLOADS) == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
def test_killed_at_any_tensor_nothing_half_is_in_the_models_folder(source, folder):
    steps = []
    get(source, folder, step=lambda *_: steps.append(True))
    whole = files_in(folder)
    (folder / GENERATOR.target).unlink()
    for number in [*range(1, len(steps), max(1, len(steps) // 4)), len(steps)]:
        assert killed(lambda number=number: get(source, folder, step=at_step(number)))
        assert files_in(folder) == {}, number
    assert get(source, folder) is not None
    assert files_in(folder) == whole
    assert files_in(folder.parent / module.DOWNLOADS) == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
def test_what_a_killed_conversion_left_is_removed_by_the_next_and_nothing_else(source, folder):
    """`dev.py convert` writes beside the file that it makes, where nobody else tidies up."""
    target = folder / "converted.safetensors"
    assert killed(lambda: convert(source, target, step=at_step(20)))
    (left,) = folder.iterdir()
    theirs = folder / "keyvid-notes.partial"
    theirs.write_text("of somebody else")
    meanwhile = []

    def step(*_):
        # the half file that this very conversion writes is in use, and survives another one
        if len(meanwhile) == 20:
            meanwhile.append(True)
            convert(source, folder / "other.safetensors")
        meanwhile.append(True)

    convert(source, target, step=step)
    assert not left.exists() and theirs.exists()
    names = {"converted.safetensors", "other.safetensors", theirs.name}
    assert {path.name for path in folder.iterdir()} == names
    assert target.read_bytes() == (folder / "other.safetensors").read_bytes()
    assert read_file(target).shapes


def test_a_full_disk_leaves_nothing_half(source, folder):
    convert(source, folder / "a.safetensors")
    n_bytes = (folder / "a.safetensors").stat().st_size
    (folder / "a.safetensors").unlink()
    for room in (0, n_bytes // 2, n_bytes - 1):
        with room_for(room), pytest.raises(CheckpointFileError, match="cannot be written"):
            convert(source, folder / "a.safetensors")
        # what a workflow needs of the file is less than all of it
        with (
            room_for(room // 2),
            pytest.raises(KeyVIDError, match="was not made.*cannot be written"),
        ):
            get(source, folder)
        assert files_in(folder) == {}
        assert files_in(folder.parent / module.DOWNLOADS) == {}


def test_a_full_disk_of_the_models_folder_alone_leaves_nothing_half(source, folder, monkeypatch):
    """The downloads are on another disk, which has room."""
    real = module.shutil.copyfile

    def copyfile(one, other):
        with room_for(1000):
            return real(one, other)

    monkeypatch.setattr(module, "_on_one_disk", lambda *_: False)
    monkeypatch.setattr(module.shutil, "copyfile", copyfile)
    with pytest.raises(KeyVIDError, match="cannot be written: File too large"):
        get(source, folder)
    assert files_in(folder) == {}
