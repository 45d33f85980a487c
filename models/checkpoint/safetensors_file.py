"""The safetensors format: its header checked without touching a tensor, tensors mapped, a file written as a stream.

Layout: 8 bytes little-endian length, a JSON header {name: {dtype, shape, data_offsets}, "__metadata__": {str: str}},
then the bytes of all tensors, back to back. Files with other bytes between or behind them are read too: their
tensors are whole. The safetensors library refuses those, so tensors are mapped here.
"""

import json
import math
import os
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, BinaryIO, cast

import torch

from ..config_inference import Shape
from .state_dict_diff import printable

SUFFIX = ".safetensors"
MAX_HEADER_BYTES = 100_000_000  # the format's own limit
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
DTYPES = {code: getattr(torch, name) for code, name in _DTYPES.items() if hasattr(torch, name)}
CODES = {dtype: code for code, dtype in DTYPES.items()}
MAX_AXES = 32
MAX_SIZE = 1 << 62
_SPACES = b" \t\r\n"  # JSON's own
_PADDING = _SPACES + b"\0"  # at the end of a header, from writers that align the data


class SafetensorsError(Exception):
    """The bytes are not a whole safetensors file; the text continues "the file ..."."""


@dataclass(frozen=True)
class Entry:
    """A tensor as the header has it; begin and end: of its bytes, counted from the first byte after the header."""

    dtype: torch.dtype
    shape: Shape
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """The list at the beginning of a safetensors file: {name: Entry} and {metadata key: text}.

    data_start: where the bytes of tensors begin. oddities: what is in the file and belongs to no tensor, each the end
    of "the file ..."; none of it keeps the tensors from being read.
    """

    entries: dict[str, Entry]
    metadata: dict[str, str]
    data_start: int
    oddities: tuple[str, ...] = ()


def looks_like_safetensors(head: bytes) -> bool:
    """Whether a file that begins with `head` (9 bytes or more) is meant to be safetensors."""
    begins = head[8:].lstrip(_SPACES)[:1]
    return len(head) >= 9 and begins == b"{" and _header_length(head) <= MAX_HEADER_BYTES


def read_header(path: str | PathLike[str]) -> Header:
    """The Header of a safetensors file in which every tensor is whole.

    Bytes that belong to no tensor, after the last one or in between, are an oddity, not an error. Raises
    SafetensorsError when bytes are missing, when two tensors share some, or when the list makes no sense.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = _header_length(file.read(8))
        if length > min(size - 8, MAX_HEADER_BYTES):
            raise SafetensorsError(
                "is cut short: it ends inside its list of tensors, at least "
                f"{_counted(8 + length - size)} missing"
            )
        text = file.read(length)
    try:
        header = json.loads(
            text.rstrip(_PADDING).decode("utf-8"), object_pairs_hook=_without_duplicates
        )
        metadata, oddities = _metadata(header.pop("__metadata__", None))
        entries = {name: _entry(name, value) for name, value in header.items()}
        between = _bytes_between(entries)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SafetensorsError(f"has a damaged list of tensors ({error})") from error
    start = 8 + length
    end = start + _end(entries.values())
    if size < end:
        raise SafetensorsError(
            f"is cut short: {size:,} of {end:,} bytes are there, {_counted(end - size)} missing"
        )
    if between:
        oddities.append(f"has {_counted(between)} between its tensors")
    if size > end:
        oddities.append(f"has {_counted(size - end)} too many after its last tensor")
    return Header(entries, metadata, start, tuple(oddities))


def load_tensors(path: str | PathLike[str], names: Iterable[str]) -> dict[str, torch.Tensor]:
    """{name: tensor} of some tensors of a file, views of the mapped file: what is not used is never read.

    Raises as read_header; KeyError when there is no tensor of a name. It reads what the safetensors library refuses:
    files with bytes that belong to no tensor.
    """
    header = read_header(path)
    entries = {name: header.entries[name] for name in names}
    n_bytes = header.data_start + _end(entries.values())
    # not shared: writing into a tensor copies the page instead of changing the file
    storage = cast(
        torch.UntypedStorage,
        torch.UntypedStorage.from_file(os.fspath(path), shared=False, nbytes=n_bytes),
    )
    return {name: _tensor(storage, header.data_start, entry) for name, entry in entries.items()}


def _tensor(storage: torch.UntypedStorage, data_start: int, entry: Entry) -> torch.Tensor:
    if entry.begin == entry.end:
        return torch.empty(entry.shape, dtype=entry.dtype)
    # a slice of the storage starts at 0 again, so a tensor may begin at any byte
    piece = storage[data_start + entry.begin : data_start + entry.end]
    data = torch.empty(0, dtype=torch.uint8).set_(piece)
    return data.view(entry.dtype).reshape(entry.shape)


def are_sizes(values: object) -> bool:
    """Whether this is a list or tuple of sizes of axes: at most MAX_AXES integers, none above MAX_SIZE."""
    return (
        isinstance(values, (list, tuple))
        and len(values) <= MAX_AXES
        and all(type(value) is int and 0 <= value <= MAX_SIZE for value in values)
    )


def _counted(n_bytes: int) -> str:
    return "1 byte" if n_bytes == 1 else f"{n_bytes:,} bytes"


def _header_length(head: bytes) -> int:
    return struct.unpack("<Q", head[:8])[0]


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object as a dict. Raises ValueError for a tensor that is listed twice: which one is meant is unknown."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and isinstance(value, dict) and "data_offsets" in value:
            raise ValueError(f"{printable(key)} is listed twice")
        found[key] = value
    return found


def _metadata(block: object) -> tuple[dict[str, str], list[str]]:
    """({key: text}, oddities) of a metadata block, which the format wants to hold texts alone."""
    if block is None:
        return {}, []
    if not isinstance(block, dict):
        return {}, ["has a __metadata__ that is no list of names and texts"]
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in block.items()
    }
    return texts, []


def _entry(name: str, value: Mapping[str, Any]) -> Entry:
    """The Entry of a tensor, its fields checked against each other."""
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not are_sizes(shape) or not are_sizes(offsets):
        raise ValueError(f"{printable(name)} has a size that is no whole number")
    begin, end = offsets
    if code not in DTYPES:
        stored_as = printable(str(code))
        raise ValueError(
            f"{printable(name)} is stored as {stored_as}, which this PyTorch does not know"
        )
    if end - begin != math.prod(shape) * DTYPES[code].itemsize:
        raise ValueError(f"{printable(name)} has another size than its shape says")
    return Entry(DTYPES[code], tuple(shape), begin, end)


def _end(entries: Iterable[Entry]) -> int:
    """Where the last of some tensors ends; one without values has no bytes."""
    return max((entry.end for entry in entries if entry.begin < entry.end), default=0)


def _bytes_between(entries: Mapping[str, Entry]) -> int:
    """How many bytes before the end of the last tensor belong to none. Raises ValueError where two tensors overlap."""
    filled = [(entry.begin, entry.end, name) for name, entry in entries.items()]
    between, reached, last = 0, 0, None
    for begin, end, name in sorted(span for span in filled if span[0] < span[1]):
        if begin < reached:
            raise ValueError(f"{printable(str(last))} and {printable(name)} lie in the same bytes")
        between += begin - reached
        reached, last = end, name
    return between


def write_stream(
    file: BinaryIO,
    entries: Mapping[str, tuple[torch.dtype, Shape]],
    read: Callable[[str], torch.Tensor],
    metadata: Mapping[str, str],
) -> None:
    """Write a safetensors file tensor by tensor, so that only one is in memory at a time.

    file: a binary file open for writing. entries: {name: (dtype, shape)}. read(name): the tensor, of that dtype and
    shape. metadata: {str: str}.
    """
    # wide types first, so that every tensor starts at a multiple of its own item size
    names = sorted(entries, key=lambda name: -entries[name][0].itemsize)
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name in names:
        dtype, shape = entries[name]
        end = offset + math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": CODES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for name in names:
        dtype, shape = entries[name]
        tensor = read(name)
        if tensor.dtype != dtype or tuple(tensor.shape) != tuple(shape):
            raise ValueError(f"{name} is {tensor.dtype} {tuple(tensor.shape)}, not {dtype} {shape}")
        file.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        del tensor  # before the next one is read
