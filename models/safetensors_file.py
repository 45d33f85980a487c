"""The safetensors format: its header read and checked without touching a tensor, and a file written as a stream.

Layout: 8 bytes little-endian length, a JSON header {name: {dtype, shape, data_offsets}, "__metadata__": {str: str}},
then the bytes of all tensors, back to back.
"""

import json
import math
import os
import struct

import torch

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


class SafetensorsError(Exception):
    """The bytes are no whole safetensors file; the text continues the sentence "the file ..."."""


def looks_like_safetensors(head, size):
    """Whether a file of `size` bytes that begins with `head` (9 bytes or more) is meant to be safetensors."""
    return len(head) >= 9 and head[8:9] == b"{" and _header_length(head) <= MAX_HEADER_BYTES


def read_header(path):
    """({name: (dtype, shape)}, {metadata key: text}) of a safetensors file. Raises SafetensorsError."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = _header_length(file.read(8))
        if length > min(size - 8, MAX_HEADER_BYTES):
            raise SafetensorsError("is cut short: it ends inside its list of tensors")
        text = file.read(length)
    try:
        header = json.loads(text.decode("utf-8"))
        metadata = header.pop("__metadata__", None) or {}
        entries = {name: _entry(name, value) for name, value in header.items()}
        metadata = {str(key): str(value) for key, value in metadata.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SafetensorsError(f"has a damaged list of tensors ({error})") from error
    end = 8 + length + max((end for _, _, end in entries.values()), default=0)
    if size < end:
        raise SafetensorsError(f"is cut short: {size:,} of {end:,} bytes are there")
    return {name: (dtype, shape) for name, (dtype, shape, _) in entries.items()}, metadata


def are_sizes(values):
    """Whether a list or tuple holds sizes of axes: at most MAX_AXES plain whole numbers, none above MAX_SIZE."""
    return (
        isinstance(values, (list, tuple))
        and len(values) <= MAX_AXES
        and all(type(value) is int and 0 <= value <= MAX_SIZE for value in values)
    )


def _header_length(head):
    return struct.unpack("<Q", head[:8])[0]


def _entry(name, value):
    """(dtype, shape, end of its bytes), checked against each other."""
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not are_sizes(shape) or not are_sizes(offsets):
        raise ValueError(f"{name} has a size that is no whole number")
    begin, end = offsets
    if code not in DTYPES:
        raise ValueError(f"{name} is stored as {code}, which this PyTorch does not know")
    if end - begin != math.prod(shape) * DTYPES[code].itemsize:
        raise ValueError(f"{name} has another size than its shape says")
    return DTYPES[code], tuple(shape), end


def write_stream(file, entries, read, metadata):
    """Write a safetensors file tensor by tensor, so that only one is in memory at a time.

    file: a binary file open for writing. entries: {name: (dtype, shape)}. read(name): the tensor, of that dtype and
    shape. metadata: {str: str}.
    """
    # wide types first, so that every tensor starts at a multiple of its own item size
    names = sorted(entries, key=lambda name: -entries[name][0].itemsize)
    header, offset = {"__metadata__": metadata} if metadata else {}, 0
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
        file.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy())
        del tensor  # before the next one is read
