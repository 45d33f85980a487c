"""What `torch.save` writes, read as data: which tensors are in a file, and one of them at a time.

Both of PyTorch's formats: the zip archive of 1.6 and later (data.pkl beside one record per storage) and the
older one (four pickles, then the storages back to back). Nothing in the file is executed (pickle_data.py).
Networks are loaded with `torch.load(..., weights_only=True)` (files.py), which is not needed here.
"""

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os import PathLike
from typing import IO, Any

import torch

from ..config_inference import Shape
from .pickle_data import MAX_PICKLE_BYTES, Call, Global, PickleDataError, read_pickle
from .safetensors_file import DTYPES, are_sizes
from .state_dict_diff import printable

ZIP_MAGIC = b"PK\x03\x04"
# the number 0x1950A86A20F9469CFC6C, pickled
LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_UNTYPED = "UntypedStorage"
_OTHER_DTYPES = ("complex32", "complex64", "complex128", "float8_e4m3fnuz", "float8_e5m2fnuz")
# the types that a file may name; a name from a file is never looked up in torch itself
_DTYPES = {str(dtype): dtype for dtype in DTYPES.values()} | {
    f"torch.{name}": getattr(torch, name) for name in _OTHER_DTYPES if hasattr(torch, name)
}
# what hostile values raise where a check is missing
_VALUE_ERRORS = (
    TypeError, ValueError, IndexError, AttributeError, RecursionError, MemoryError, OverflowError,
)  # fmt: skip
# what Python's zip reader raises for damaged archives
_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
    KeyError,
)  # fmt: skip
_MAX_WRAPPERS = 4  # a Parameter of a tensor subclass of a tensor has two


class TorchFileError(Exception):
    """The bytes are not a whole file of torch.save; the text continues "the file ..."."""


@dataclass(frozen=True)
class StoredTensor:
    """Where one tensor is: sizes, strides and offset count elements of dtype; n_bytes is the storage's size."""

    dtype: torch.dtype
    shape: Shape
    stride: Shape
    offset: int
    storage: str
    n_bytes: int


@dataclass
class TorchFile:
    """A parsed file: `content` as pickle_data gives it, and what the pickle would import and call."""

    path: str
    content: Any
    globals: dict[Global, None] = field(default_factory=dict)
    called: dict[Global, None] = field(default_factory=dict)
    # storage -> (position of its bytes, their number)
    records: dict[str, tuple[int, int]] = field(default_factory=dict)


def read_torch_file(path: str | PathLike[str]) -> TorchFile:
    """The TorchFile at a path, either format. Raises TorchFileError."""
    with open(path, "rb") as file:
        is_zip = file.read(4) == ZIP_MAGIC
    try:
        return _read_zip(path) if is_zip else _read_legacy(path)
    except PickleDataError as error:
        raise TorchFileError(f"cannot be read: {printable(str(error))}") from error
    except _VALUE_ERRORS as error:
        raise TorchFileError("is damaged: its list of tensors makes no sense") from error


def stored_tensor(value: object) -> StoredTensor | None:
    """The StoredTensor that a part of the content describes, or None when it is no tensor.

    Raises TorchFileError when it makes no sense or reaches outside its storage.
    """
    try:
        return _stored_tensor(value)
    except _VALUE_ERRORS as error:
        raise TorchFileError("is damaged: it describes a tensor that makes no sense") from error


def _stored_tensor(value: Any) -> StoredTensor | None:
    for _ in range(_MAX_WRAPPERS):
        if not isinstance(value, Call) or not isinstance(value.function, Global):
            return None
        name, arguments = str(value.function), value.arguments
        if name in (
            "torch._utils._rebuild_parameter",
            "torch._utils._rebuild_parameter_with_state",
        ):
            value = arguments[0] if arguments else None
        elif name == "torch._tensor._rebuild_from_type_v2" and len(arguments) > 2:
            if not isinstance(arguments[2], tuple):
                raise TorchFileError("describes a tensor that makes no sense")
            value = Call(arguments[0], arguments[2])
        elif name in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
            return _tensor(arguments, dtype=None)
        elif name == "torch._utils._rebuild_tensor_v3" and len(arguments) > 6:
            return _tensor(arguments, dtype=_dtype(arguments[6]))
        else:
            return None
    return None


def check_records(file: TorchFile, tensors: Iterable[StoredTensor]) -> None:
    """Raise TorchFileError unless the bytes of every StoredTensor are in the file, as many as it needs."""
    for tensor in tensors:
        _, n_bytes = file.records.get(tensor.storage, (0, -1))
        if n_bytes != tensor.n_bytes:
            raise TorchFileError("is cut short or damaged: the data of some tensors is not there")


def tensor_reader(
    file: TorchFile,
) -> tuple[Callable[[StoredTensor], torch.Tensor], Callable[[], None]]:
    """(read, close): read(StoredTensor) gives the tensor, not to be written into. Call check_records first.

    One storage is held at a time, until another is needed: tensors that share one are asked for one after the other.
    """
    handle = open(file.path, "rb")  # noqa: SIM115 closed by the caller
    last: dict[str, bytearray] = {}  # storage -> its bytes, of the last one read

    def read(tensor: StoredTensor) -> torch.Tensor:
        try:
            if tensor.storage not in last:
                last.clear()  # before the next one takes memory
                last[tensor.storage] = _storage_bytes(handle, *file.records[tensor.storage])
            data = last[tensor.storage]
            if not data:
                return torch.empty(tensor.shape, dtype=tensor.dtype)
            flat = torch.frombuffer(data, dtype=tensor.dtype)
            return flat.as_strided(tensor.shape, tensor.stride, tensor.offset)
        except (RuntimeError, *_VALUE_ERRORS) as error:  # PyTorch's own limits
            raise TorchFileError("describes a tensor that PyTorch cannot make") from error

    return read, handle.close


def _storage_bytes(handle: io.BufferedReader, position: int, n_bytes: int) -> bytearray:
    data = bytearray(n_bytes)
    handle.seek(position)
    if handle.readinto(data) != n_bytes:
        raise TorchFileError("is cut short")
    return data


def _tensor(arguments: tuple[Any, ...], *, dtype: torch.dtype | None) -> StoredTensor:
    """The StoredTensor of the arguments of `_rebuild_tensor`; dtype: None is that of its storage."""
    try:
        storage, offset, shape, stride = arguments[:4]
        kind, storage_type, key, _location, count = storage.value[:5]
        name = storage_type.name
    except (ValueError, AttributeError, TypeError) as error:
        raise TorchFileError("describes a tensor without a storage") from error
    # nothing from the file goes into a message before it is known to be text or a size
    if not isinstance(key, str) or not isinstance(name, str):
        raise TorchFileError("describes a tensor without a storage")
    whole = isinstance(shape, tuple) and isinstance(stride, tuple) and len(shape) == len(stride)
    if not whole or not all(map(are_sizes, (shape, stride, (offset, count)))):
        raise TorchFileError("describes a tensor whose sizes are no sizes")
    storage_dtype = None if name == _UNTYPED else _STORAGES.get(name)
    dtype = dtype or storage_dtype
    if kind != "storage" or dtype is None:
        raise TorchFileError(f"holds a {printable(name)}, which KeyVID does not read")
    if len(storage.value) > 5 and storage.value[5] is not None:
        raise TorchFileError("was written by a PyTorch of 2017 or before")
    n_bytes = count * (storage_dtype.itemsize if storage_dtype else 1)
    if n_bytes % dtype.itemsize:
        raise TorchFileError("describes a tensor whose data ends in the middle of a number")
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    n_elements = math.prod(shape)
    # a tensor larger than its storage repeats itself; no weight does
    if (
        n_elements
        and (last + 1) * dtype.itemsize > n_bytes
        or n_elements * dtype.itemsize > n_bytes
    ):
        raise TorchFileError("describes a tensor that is larger than its data")
    return StoredTensor(dtype, shape, stride, offset, key, n_bytes)


def _dtype(value: object) -> torch.dtype:
    found = _DTYPES.get(str(value)) if isinstance(value, Global) else None
    if found is None:
        raise TorchFileError("describes a tensor of an unknown type")
    return found


def _read_zip(path: str | PathLike[str]) -> TorchFile:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            if len(infos) != len(archive.infolist()):
                raise TorchFileError("is a zip archive, but not one that PyTorch writes")
            pickled = [name for name in infos if name.endswith("data.pkl") and name.count("/") <= 1]
            if len(pickled) != 1:
                raise TorchFileError("is a zip archive, but not one that PyTorch writes")
            root = pickled[0].removesuffix("data.pkl")
            for name in ("data.pkl", "byteorder", "version"):
                _refuse_compressed(infos.get(root + name))
            _refuse_big_endian(archive, infos.get(f"{root}byteorder"))
            info = infos[pickled[0]]
            if info.file_size > MAX_PICKLE_BYTES:
                raise TorchFileError("has an unreasonably long list of names")
            pickle = read_pickle(archive.read(info))
    except _ZIP_ERRORS as error:
        raise TorchFileError(f"is cut short or damaged ({printable(str(error))})") from error
    records = {}
    with open(path, "rb") as file:
        for name, info in infos.items():
            if name.startswith(f"{root}data/"):
                records[name.removeprefix(f"{root}data/")] = _record(file, info)
    return TorchFile(str(path), pickle.value, pickle.globals, pickle.called, records)


def _refuse_big_endian(archive: zipfile.ZipFile, info: zipfile.ZipInfo | None) -> None:
    if info is not None and info.file_size < 16 and archive.read(info).strip() == b"big":
        raise TorchFileError("was written by a big-endian machine, which KeyVID does not read")


def _refuse_compressed(info: zipfile.ZipInfo | None) -> None:
    if info is not None and info.compress_type != zipfile.ZIP_STORED:
        raise TorchFileError("is a compressed zip archive; PyTorch writes uncompressed ones")


def _record(file: IO[bytes], info: zipfile.ZipInfo) -> tuple[int, int]:
    """(position, number) of the bytes of a stored zip member."""
    _refuse_compressed(info)
    file.seek(info.header_offset)
    # local header: the lengths of name and extra field are its last four bytes
    header = file.read(30)
    if len(header) < 30 or header[:4] != ZIP_MAGIC:
        raise TorchFileError("is cut short or damaged")
    position = info.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
    if position + info.file_size > file.seek(0, io.SEEK_END):
        raise TorchFileError("is cut short or damaged")
    return position, info.file_size


def _read_legacy(path: str | PathLike[str]) -> TorchFile:
    with open(path, "rb") as file:
        if file.read(len(LEGACY_MAGIC)) != LEGACY_MAGIC:
            raise TorchFileError("is no file that PyTorch writes")
        read_pickle(file)  # the version of the format
        system = read_pickle(file).value
        if isinstance(system, dict) and system.get("little_endian") is False:
            raise TorchFileError("was written by a big-endian machine, which KeyVID does not read")
        pickle = read_pickle(file)
        keys = read_pickle(file).value
        if not isinstance(keys, list):
            raise TorchFileError("has a damaged list of storages")
        sizes, records = _storage_sizes(pickle.persistent), {}
        position, size = file.tell(), file.seek(0, io.SEEK_END)
        for key in keys:
            if not isinstance(key, str) or key not in sizes:
                raise TorchFileError("has a damaged list of storages")
            position += 8  # its own count of elements
            if position + sizes[key] > size:
                raise TorchFileError("is cut short")
            records[key] = position, sizes[key]
            position += sizes[key]
    return TorchFile(str(path), pickle.value, pickle.globals, pickle.called, records)


def _storage_sizes(persistent: Iterable[Any]) -> dict[str, int]:
    """{storage: bytes} of the storages among the persistent ids of a pickle."""
    sizes = {}
    for value in persistent:
        if isinstance(value, tuple) and len(value) > 4 and value[0] == "storage":
            dtype = _STORAGES.get(value[1].name) if isinstance(value[1], Global) else None
            if isinstance(value[2], str) and are_sizes(value[4:5]):
                sizes[value[2]] = value[4] * (dtype.itemsize if dtype else 1)
    return sizes
