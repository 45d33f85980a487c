"""Weight files: what is in them without loading it, and parts of them as tensors.

A file's kind is recognised by its content, never by its name. Safetensors files and PyTorch's zip files are mapped into
memory, so a tensor that is not used is never read from disk. Pickles are loaded with `weights_only` alone.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from ...errors import CheckpointFileError, CheckpointUnsafeError
from ..config_inference import Shape
from . import safetensors_file, torch_file
from .pickle_safety import dangerous_names, foreign_names
from .state_dict_diff import few

log = logging.getLogger("keyvid")
SAFETENSORS, ZIP, LEGACY = "safetensors", "PyTorch", "PyTorch (before 1.6)"
# under which keys training tools put the state dict, in order of preference
WRAPPERS = ("state_dict", "model_state_dict", "module", "model")
_DOWNLOAD_AGAIN = "Download or copy it again."
# other files under the name of a weight file: (first bytes, what it is, remedy)
_OTHER_FILES = (
    (b"version https://git-lfs", "the placeholder that git leaves for a large file", "Download the file itself."),
    (b"{", "a text in JSON", "Choose a weight file."),
    (b"<", "a web page", "The download was answered with a page; download the file itself."),
    (b"\x89PNG", "a PNG image", "Choose a weight file."),
    (b"\xff\xd8\xff", "a JPEG image", "Choose a weight file."),
    (b"GIF8", "a GIF image", "Choose a weight file."),
    (b"RIFF", "an audio file, a video or a WebP image", "Choose a weight file."),
    (b"GGUF", "a GGUF file", "KeyVID reads .safetensors and PyTorch files; choose one of those."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"\x89HDF", "an HDF5 file", "KeyVID reads .safetensors and PyTorch files; choose one of those."),
)  # fmt: skip
_HEAD_BYTES = 32


@dataclass(frozen=True)
class CheckpointFile:
    """What a weight file holds: {name: shape}, {name: dtype}, and the text block of a safetensors file.

    format: one of SAFETENSORS, ZIP, LEGACY. wrapper: the key under which the names were found, or None.
    """

    path: str
    format: str
    shapes: dict[str, Shape]
    dtypes: dict[str, torch.dtype]
    metadata: dict[str, str] = field(default_factory=dict)
    wrapper: str | None = None

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return Path(self.path).name


def read_file(path: str | PathLike[str]) -> CheckpointFile:
    """The CheckpointFile at a path; no tensor is read.

    Raises CheckpointFileError when there is no whole weight file there, CheckpointUnsafeError when it holds
    Python objects that PyTorch would have to construct.
    """
    path = os.fspath(path)
    kind = file_format(path)
    try:
        if kind == SAFETENSORS:
            header = safetensors_file.read_header(path)
            entries = {name: (entry.dtype, entry.shape) for name, entry in header.entries.items()}
            metadata, wrapper = header.metadata, None
            for oddity in header.oddities:
                log.warning(
                    "%s %s. That is ignored; `python dev.py convert` writes the file without it.",
                    Path(path).name,
                    oddity,
                )
        else:
            parsed = torch_file.read_torch_file(path)
            _refuse_foreign(parsed, kind)
            found, _, wrapper = stored_tensors(parsed)
            torch_file.check_records(parsed, found.values())
            entries = {name: (tensor.dtype, tensor.shape) for name, tensor in found.items()}
            metadata = {}
    except (safetensors_file.SafetensorsError, torch_file.TorchFileError) as error:
        raise CheckpointFileError(f"{Path(path).name} {error}. {_DOWNLOAD_AGAIN}") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if not entries:
        raise CheckpointFileError(f"{Path(path).name} holds no tensors. Choose a weight file.")
    return CheckpointFile(
        path=path,
        format=kind,
        shapes={name: shape for name, (_, shape) in entries.items()},
        dtypes={name: dtype for name, (dtype, _) in entries.items()},
        metadata=metadata,
        wrapper=wrapper,
    )


def load_tensors(
    file: CheckpointFile | str | PathLike[str], *prefixes: str
) -> dict[str, torch.Tensor]:
    """{name: tensor} of the names that begin with one of the prefixes, all when none is given, on the CPU.

    file: a CheckpointFile or a path. The tensors of safetensors and zip files are views of the mapped file.
    Raises as read_file.
    """
    if not isinstance(file, CheckpointFile):
        file = read_file(file)
    names = [name for name in file.shapes if not prefixes or name.startswith(prefixes)]
    if file.format == SAFETENSORS:
        return _load_safetensors(file, names)
    content = _torch_load(file.path, file.format)
    if file.wrapper is not None:
        content = content[file.wrapper]
    return {name: content[name] for name in names}


def file_format(path: str | PathLike[str]) -> str:
    """SAFETENSORS, ZIP or LEGACY, by the file's first bytes. Raises CheckpointFileError for anything else."""
    path = os.fspath(path)
    name = Path(path).name
    if os.path.isdir(path):
        raise CheckpointFileError(f"{name} is a folder. Choose a weight file inside it.")
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not size:
        raise CheckpointFileError(f"{name} is empty (0 bytes). {_DOWNLOAD_AGAIN}")
    if head.startswith(torch_file.ZIP_MAGIC):
        return ZIP
    if head.startswith(torch_file.LEGACY_MAGIC):
        return LEGACY
    if safetensors_file.looks_like_safetensors(head):
        return SAFETENSORS
    for magic, what, remedy in _OTHER_FILES:
        if head.lstrip().startswith(magic):
            raise CheckpointFileError(f"{name} is {what}, not a weight file. {remedy}")
    if any(magic.startswith(head) for magic in (torch_file.ZIP_MAGIC, torch_file.LEGACY_MAGIC)):
        raise CheckpointFileError(f"{name} is cut short: it has {size} bytes. {_DOWNLOAD_AGAIN}")
    raise CheckpointFileError(
        f"{name} is neither a safetensors file nor one written by PyTorch "
        f"(it begins with {head[:8].hex(' ')}). Choose a weight file, or download it again."
    )


def stored_tensors(
    parsed: torch_file.TorchFile,
) -> tuple[dict[str, torch_file.StoredTensor], list[str], str | None]:
    """({name: StoredTensor}, what was left out, wrapper key or None) of a parsed torch file.

    Left out: the keys beside the wrapper, and the names whose value is no tensor. Raises TorchFileError.
    """
    content = parsed.content
    if not isinstance(content, dict):
        raise torch_file.TorchFileError("holds no dictionary of tensors")
    wrapper = next((key for key in WRAPPERS if _has_tensors(content.get(key))), None)
    left_out = []
    if wrapper is not None:
        left_out = [_label(key) for key in content if key != wrapper]
        content = content[wrapper]
    tensors = {}
    for name, value in content.items():
        tensor = torch_file.stored_tensor(value)
        if tensor is None or not isinstance(name, str):
            left_out.append(_label(name))
        else:
            tensors[name] = tensor
    return tensors, left_out, wrapper


def _label(key: object) -> str:
    """A key for messages; one that is no text could be of any size or depth."""
    return key if isinstance(key, str) else "an unnamed object"


def _has_tensors(value: object) -> bool:
    return isinstance(value, dict) and any(
        torch_file.stored_tensor(item) is not None for item in value.values()
    )


def refuse_attack(parsed: torch_file.TorchFile, name: str) -> None:
    """Raise CheckpointUnsafeError when a parsed torch file names what only an attack would use."""
    found = dangerous_names(parsed.globals, parsed.called)
    if found:
        raise CheckpointUnsafeError(
            f"{name} is not safe: besides tensors it holds commands that would run on your computer ({few(found)}). "
            "Nothing was run. Delete the file."
        )


def _refuse_foreign(parsed: torch_file.TorchFile, kind: str) -> None:
    """Raise CheckpointUnsafeError when a parsed torch file holds objects that PyTorch does not load safely."""
    name = Path(parsed.path).name
    refuse_attack(parsed, name)
    foreign = foreign_names(parsed.globals)
    if not foreign:
        return
    try:  # ComfyUI and its packs may have declared a class harmless
        _torch_load(parsed.path, kind, device="meta")
    except CheckpointUnsafeError:
        what = f"holds Python objects besides its tensors ({few(foreign)}), which could run commands when loaded"
        raise _foreign_error(parsed.path, what) from None


def _foreign_error(path: str, what: str) -> CheckpointUnsafeError:
    converted = Path(path).with_suffix(safetensors_file.SUFFIX)
    if str(converted) == str(path):  # a torch file under the wrong name
        converted = converted.with_stem(f"{converted.stem}_converted")
    return CheckpointUnsafeError(
        f"{Path(path).name} {what}. Convert it once, nothing in it is run; in the folder of this pack: "
        f'python dev.py convert "{path}" "{converted}" --half --prune. Then press R in ComfyUI.'
    )


def _torch_load(path: str, kind: str, *, device: str = "cpu") -> Any:
    """What torch.load gives with `weights_only`. Raises CheckpointUnsafeError, CheckpointFileError."""
    name = Path(path).name
    options: dict[str, Any] = {"map_location": device, "weights_only": True}
    try:
        if path.endswith(safetensors_file.SUFFIX):  # by path, torch.load would believe the name
            with open(path, "rb") as file:
                return torch.load(file, **options)
        return torch.load(path, mmap=kind == ZIP, **options)
    except UnpicklingError as error:
        raise _foreign_error(path, "is written in a way that cannot be loaded safely") from error
    except (
        RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, MemoryError,
        OverflowError, AssertionError,
    ) as error:  # fmt: skip
        raise CheckpointFileError(f"{name} is cut short or damaged. {_DOWNLOAD_AGAIN}") from error


def _load_safetensors(file: CheckpointFile, names: Sequence[str]) -> dict[str, torch.Tensor]:
    try:
        return safetensors_file.load_tensors(file.path, names)
    except safetensors_file.SafetensorsError as error:
        raise CheckpointFileError(f"{file.name} {error}. {_DOWNLOAD_AGAIN}") from error
    except KeyError as error:
        raise CheckpointFileError(
            f"{file.name} was replaced while it was read. Run again."
        ) from error
    except OSError as error:
        raise _unreadable(file.path, error) from error
    except RuntimeError as error:  # what PyTorch raises where a file cannot be mapped into memory
        reason = str(error).partition("\n")[0]
        raise CheckpointFileError(f"{file.name} cannot be read: {reason}.") from error


def _unreadable(path: str, error: OSError) -> CheckpointFileError:
    if isinstance(error, FileNotFoundError):
        return CheckpointFileError(f"There is no file {path}.")
    reason = error.strerror or type(error).__name__
    return CheckpointFileError(f"{Path(path).name} cannot be read: {reason}.")
