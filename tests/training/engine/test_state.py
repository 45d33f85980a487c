"""States on the disk: where they lie, how many are kept, and what an interruption or a damaged file does."""

import os

import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.training.engine import state


def test_save_state_keeps_two_and_load_reads_the_newest(tmp_path):
    assert state.load_state(tmp_path / "vae") is None
    for step in (5, 10, 100):
        state.save_state(tmp_path / "vae", step=step, state={"numbers": torch.full((2,), step)})
    kept = sorted(path.name for path in (tmp_path / "vae").iterdir())
    assert kept == ["step_00000010.pt", "step_00000100.pt"]
    loaded = state.load_state(tmp_path / "vae")
    assert loaded["step"] == 100 and loaded["numbers"].tolist() == [100, 100]


def test_save_state_interrupted_keeps_the_earlier(tmp_path, monkeypatch):
    state.save_state(tmp_path, step=1, state={"a": 1})

    def interrupted(_state, path):
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(state.torch, "save", interrupted)
    with pytest.raises(OSError, match="full"):
        state.save_state(tmp_path, step=2, state={"a": 2})
    assert state.load_state(tmp_path)["a"] == 1


def test_load_state_names_a_damaged_file(tmp_path):
    path = state.save_state(tmp_path, step=2, state={"a": 2})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(KeyVIDError, match="step_00000002.pt cannot be read .*remove it"):
        state.load_state(tmp_path)


def test_state_dir_is_outside_the_checkout(tmp_path, monkeypatch):
    with pytest.raises(KeyVIDError, match="inside the pack; name a folder elsewhere"):
        state.state_dir(state.CHECKOUT / "models")
    assert not (state.CHECKOUT / "models" / state.FOLDER_NAME).exists()
    assert state.state_dir(tmp_path / "mine") == (tmp_path / "mine").resolve()
    if os.name == "posix":
        monkeypatch.setattr(state.sys, "platform", "linux")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        assert state.state_dir() == tmp_path / "data" / state.FOLDER_NAME
        monkeypatch.delenv("XDG_DATA_HOME")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert state.state_dir() == tmp_path / "home" / ".local" / "share" / state.FOLDER_NAME
    assert state.state_dir().is_dir()
