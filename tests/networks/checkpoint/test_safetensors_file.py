"""Safetensors files that are out of order: what is whole is read, what is not is refused with what is missing."""

import json
import logging
import struct

import pytest
import torch
from keyvid_pack.errors import CheckpointFileError
from keyvid_pack.models.checkpoint import files as checkpoint_files
from keyvid_pack.released.convert import convert, main
from safetensors.torch import load_file

from ...helpers.weight_files import same_tensors

VALUES = torch.arange(1.0, 5.0)
DATA = VALUES.numpy().tobytes()  # 16 bytes
A = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
B = {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}
WHOLE = {"a": VALUES[:2], "b": VALUES[2:]}


def entry(begin, end, shape=None):
    return {"dtype": "F32", "shape": shape or [(end - begin) // 4], "data_offsets": [begin, end]}


def file_of(header, data=DATA, *, padding=b""):
    """The bytes of a file; header: a dict, or its text."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) + len(padding)) + text + padding + data


# name: (the file, what its tensors are, what the log says of it or None)
READ = {
    "nothing odd": (file_of({"a": A, "b": B}), WHOLE, None),
    "bytes behind": (file_of({"a": A, "b": B}, DATA + b"\0" * 8), WHOLE, "8 bytes too many"),
    "one byte behind": (file_of({"a": A, "b": B}, DATA + b"x"), WHOLE, "1 byte too many"),
    "many bytes behind": (file_of({"a": A, "b": B}, DATA * 1000), WHOLE, "15,984 bytes too many"),
    "a hole": (
        file_of({"a": A, "b": entry(12, 20)}, DATA[:8] + b"hole" + DATA[8:]), WHOLE, "4 bytes between",
    ),
    "a hole at the beginning": (
        file_of({"a": entry(4, 12), "b": entry(12, 20)}, b"hole" + DATA), WHOLE, "4 bytes between",
    ),
    "both": (
        file_of({"a": A, "b": entry(12, 20)}, DATA[:8] + b"hole" + DATA[8:] + b"xyz"), WHOLE, "3 bytes too many",
    ),
    "spaces behind the header": (file_of({"a": A, "b": B}, padding=b"   \n"), WHOLE, None),
    "zeros behind the header": (file_of({"a": A, "b": B}, padding=b"\0" * 5), WHOLE, None),
    "spaces before the header": (file_of(b"  \n" + json.dumps({"a": A, "b": B}).encode()), WHOLE, None),
    "another order": (file_of({"b": B, "a": A}), WHOLE, None),
    "at odd places": (
        file_of({"a": entry(1, 9), "b": entry(9, 17)}, b"x" + DATA, padding=b" "), WHOLE, "1 byte between",
    ),
    "no values": (
        file_of({"a": A, "e": entry(8, 8, [0, 3]), "b": B}), {**WHOLE, "e": torch.empty(0, 3)}, None,
    ),
    "no values, in another tensor": (
        file_of({"a": A, "e": entry(4, 4, [3, 0]), "b": B}), {**WHOLE, "e": torch.empty(3, 0)}, None,
    ),
    "no values, beyond the end": (
        file_of({"a": A, "e": entry(99, 99, [0]), "b": B}), {**WHOLE, "e": torch.empty(0)}, None,
    ),
    "no values at all": (file_of({"e": entry(0, 0, [0])}, b""), {"e": torch.empty(0)}, None),
    "one value": (
        file_of({"a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, DATA[:4]),
        {"a": torch.tensor(1.0)}, None,
    ),
    "metadata null": (file_of({"__metadata__": None, "a": A, "b": B}), WHOLE, None),
    "metadata a list": (file_of({"__metadata__": ["x"], "a": A, "b": B}), WHOLE, "__metadata__"),
    "metadata a text": (file_of({"__metadata__": "x", "a": A, "b": B}), WHOLE, "__metadata__"),
    "metadata of numbers": (file_of({"__metadata__": {"epoch": 3}, "a": A, "b": B}), WHOLE, None),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_a_file_whose_tensors_are_whole_is_read_and_converted(tmp_path, caplog, case):
    data, expected, said = READ[case]
    path, target = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING, logger="keyvid"):
        file = checkpoint_files.read_file(path)
    found = " ".join(record.getMessage() for record in caplog.records)
    assert (said in found and path.name in found) if said else not found
    assert same_tensors(checkpoint_files.load_tensors(file), expected)
    convert(path, target)
    assert same_tensors(load_file(target), expected)  # the safetensors library's own reader
    caplog.clear()
    assert same_tensors(checkpoint_files.load_tensors(target), expected) and not caplog.records


# name: (the file, what is said)
REFUSED = {
    "overlap": (file_of({"a": entry(0, 12), "b": B}), "a and b lie in the same bytes"),
    "within": (file_of({"a": entry(0, 16), "b": entry(4, 8)}), "a and b lie in the same bytes"),
    "the same bytes": (file_of({"a": A, "b": A}), "a and b lie in the same bytes"),
    "the same name": (
        file_of(f'{{"a": {json.dumps(A)}, "a": {json.dumps(B)}}}'.encode()), "a is listed twice",
    ),
    "cut in the data": (file_of({"a": A, "b": B}, DATA[:-3]), r"of \d+ bytes are there, 3 bytes missing"),
    "without data": (file_of({"a": A, "b": B}, b""), "16 bytes missing"),
    "cut in the header": (file_of({"a": A, "b": B})[:60], "at least .* bytes missing"),
    "another size": (file_of({"a": entry(0, 8, [3]), "b": B}), "another size"),
    "backwards": (file_of({"a": entry(8, 0, [0]), "b": B}), "another size"),
    "text behind the header": (file_of({"a": A, "b": B}, padding=b"{}"), "damaged list"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_not_whole_is_refused(tmp_path, case):
    data, said = REFUSED[case]
    (tmp_path / "x.safetensors").write_bytes(data)
    for read in (
        checkpoint_files.read_file,
        checkpoint_files.load_tensors,
        lambda path: convert(path, tmp_path / "y.safetensors"),
    ):
        with pytest.raises(CheckpointFileError, match=said) as caught:
            read(tmp_path / "x.safetensors")
        assert str(caught.value).startswith("x.safetensors ")


@pytest.mark.parametrize("value, text", [(3, "3"), (None, "null"), (["é"], '["é"]'), ("é", "é")])
def test_what_is_no_text_in_the_metadata_is_its_json(tmp_path, value, text):
    path = tmp_path / "x.safetensors"
    path.write_bytes(file_of({"__metadata__": {"note": value}, "a": A, "b": B}))
    assert checkpoint_files.read_file(path).metadata == {"note": text}


def test_a_file_that_shrinks_between_header_and_tensors_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(file_of({"a": A, "b": B}))
    file = checkpoint_files.read_file(path)
    path.write_bytes(file_of({"a": A, "b": B})[:-1])
    with pytest.raises(CheckpointFileError, match="1 byte missing"):
        checkpoint_files.load_tensors(file)
    path.write_bytes(file_of({"a": A}, DATA[:8]))
    with pytest.raises(CheckpointFileError, match="replaced"):
        checkpoint_files.load_tensors(file)


def test_tensors_can_be_changed_and_the_file_stays(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(file_of({"a": A, "b": B}))
    tensors = checkpoint_files.load_tensors(path)
    tensors["a"].fill_(7.0)
    assert same_tensors(checkpoint_files.load_tensors(path), WHOLE)


def test_the_command_says_what_it_leaves_out(tmp_path, caplog, capsys):
    (tmp_path / "x.safetensors").write_bytes(READ["bytes behind"][0])
    with caplog.at_level(logging.WARNING, logger="keyvid"):
        assert main(tmp_path / "x.safetensors", tmp_path / "y.safetensors") == 0
    assert "8 bytes too many" in caplog.text and "Kept 2 tensors" in capsys.readouterr().out
