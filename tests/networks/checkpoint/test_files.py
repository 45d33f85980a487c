"""Weight files as files: wrong and cut ones are named, and only what is asked for is read."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
import torch
from keyvid_pack.errors import CheckpointFileError, CheckpointUnsafeError
from keyvid_pack.models.checkpoint import files as checkpoint_files
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint
from keyvid_pack.released.convert import convert
from safetensors.torch import load_file

from ...helpers import small_checkpoint as small
from ...helpers.weight_files import FORMATS, same_tensors, save

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100

BROKEN = {
    "empty": (b"", "is empty"),
    "image": (PNG, "a PNG image"),
    "web page": (b"\n<!DOCTYPE html><html>", "a web page"),
    "git": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "placeholder that git leaves"),
    "gguf": (b"GGUF\x03\0\0\0" + b"\0" * 50, "a GGUF file"),
    "text": (b"hello, this is a text of some length", "neither a safetensors file nor"),
    "one byte": (b"P", "cut short"),
    "zeros": (b"\0" * 4096, "neither a safetensors file nor"),
    "a pickle": (b"\x80\x04N.", "neither a safetensors file nor"),
    "huge header": (b"\xff" * 7 + b"\x7f" + b"{}", "neither a safetensors file nor"),
    "header beyond the end": (b"\xff\xff\x00\x00\x00\x00\x00\x00" + b'{"a":', "cut short"),
    "not JSON": (b"\x08\0\0\0\0\0\0\0" + b"{broken}", "damaged list of tensors"),
    "no tensors": (b"\x02\0\0\0\0\0\0\0" + b"{}", "holds no tensors"),
    "a zip of something": (b"PK\x05\x06" + b"\0" * 18, "neither a safetensors file nor"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["x.safetensors", "x.ckpt"])
@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_weight_file_is_named(tmp_path, case, name):
    data, said = BROKEN[case]
    (tmp_path / name).write_bytes(data)
    for read in (
        open_checkpoint,
        lambda path: convert(path, tmp_path / "o.safetensors"),
    ):
        with pytest.raises(CheckpointFileError, match=said) as caught:
            read(tmp_path / name)
        assert name in str(caught.value)


def header(entries):
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]},
        {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": "22", "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2]},
        {"dtype": "F32", "shape": [1] * 33, "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [2], "data_offsets": [2**70, 2**70 + 8]},
        [],
    ],
)
def test_safetensors_headers_are_checked(tmp_path, entry):
    (tmp_path / "x.safetensors").write_bytes(header({"a": entry}) + b"\0" * 8)
    with pytest.raises(CheckpointFileError, match="damaged list of tensors"):
        checkpoint_files.read_file(tmp_path / "x.safetensors")


@pytest.mark.parametrize("how", FORMATS)
def test_a_file_cut_anywhere_is_said_to_be_cut(tmp_path, how):
    state = small.filled({f"layer.{i}.weight": (16, 16) for i in range(10)})
    save(state, tmp_path / "whole", how)
    data = (tmp_path / "whole").read_bytes()
    for size in [*range(1, 60, 7), *range(60, len(data), 211), len(data) - 1]:
        (tmp_path / "x.ckpt").write_bytes(data[:size])
        with pytest.raises(CheckpointFileError, match="x.ckpt.*[Dd]ownload"):
            checkpoint_files.load_tensors(tmp_path / "x.ckpt")


def test_folders_and_absent_files(tmp_path):
    with pytest.raises(CheckpointFileError, match="is a folder"):
        open_checkpoint(tmp_path)
    with pytest.raises(CheckpointFileError, match="There is no file"):
        open_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read everything"
)
def test_files_that_may_not_be_read(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(PNG)
    path.chmod(0)
    with pytest.raises(CheckpointFileError, match="cannot be read"):
        open_checkpoint(path)


def test_pickles_torch_does_not_load_safely_are_named(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "x.pt", pickle_protocol=4)
    with pytest.raises(CheckpointUnsafeError, match="dev.py convert"):
        checkpoint_files.load_tensors(tmp_path / "x.pt")
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
    assert same_tensors(load_file(tmp_path / "x.safetensors"), {"a": torch.ones(2)})


MEASURE = """
import importlib.util, pathlib, re, sys
root, path, prefix = sys.argv[1:]
places = {"submodule_search_locations": [root]}
spec = importlib.util.spec_from_file_location("keyvid_pack", root + "/__init__.py", **places)
pack = importlib.util.module_from_spec(spec); sys.modules["keyvid_pack"] = pack; spec.loader.exec_module(pack)
from keyvid_pack.models.checkpoint import files as checkpoint_files
def resident(field):
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(field + r":\\s+(\\d+)", status).group(1))
checkpoint_files.load_tensors(checkpoint_files.read_file(path), "nothing")  # what loading itself imports
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
before = resident("VmRSS")
shapes = checkpoint_files.read_file(path).shapes
print(resident("VmHWM") - before)
tensors = checkpoint_files.load_tensors(path, prefix)
assert all(float(t.sum()) == t.numel() for t in tensors.values()) and len(tensors) == 1 and len(shapes) == 4
print(resident("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in Linux's units")
@pytest.mark.parametrize("how", ["safetensors", "wrapped"])
def test_only_the_part_asked_for_is_read(tmp_path, how):
    """400 MB in four tensors; a part of 100 MB costs no more memory than itself, and some."""
    state = {f"{name}.weight": torch.ones(25_000_000) for name in "abcd"}
    save(state, tmp_path / "big", how)
    root = pathlib.Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", MEASURE, root, tmp_path / "big", "c."]
    said = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    assert not said.returncode, said.stderr
    for_shapes, for_part = map(int, said.stdout.split())
    assert for_shapes < 20_000_000
    assert 90_000_000 < for_part < 150_000_000
