"""The tensors of one or several weight files, by name and one at a time; nothing in the files is run."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from ..errors import CheckpointFileError
from ..models.checkpoint import files as checkpoint_files
from ..models.checkpoint import safetensors_file, split_files, torch_file
from ..models.checkpoint.state_dict_diff import few

Entries = dict[str, tuple[torch.dtype, tuple[int, ...]]]  # name -> type, shape
Read = Callable[[str], torch.Tensor]


class Opened(NamedTuple):
    """One or several open weight files: tensors and how to read one, names left out, metadata, how to close."""

    entries: Entries
    left_out: list[str]
    block: dict[str, str]
    read: Read
    close: Callable[[], object]


class NotPartsError(CheckpointFileError):
    """Two files that are called parts of one hold a tensor of the same name."""


def parts_of(source: Path) -> tuple[list[Path], bool]:
    """(files that belong to the source, whether that is certain): itself, or all parts of its split file.

    Raises CheckpointFileError when some of them are not there.
    """
    split = split_files.split_file_of(source)
    if split is None:
        if source.suffix.lower() == ".json" and source.is_file():
            raise CheckpointFileError(
                f"{source.name} does not list the parts of a weight file. Choose one of the parts."
            )
        return [source], True
    if split.missing and split.certain:
        raise CheckpointFileError(
            f"{source.name} belongs to a split file of {len(split.names)} parts, and some are missing: "
            f"{few(split.missing)}. Put them into the same folder."
        )
    if split.missing:  # a number in its name that says something else
        return [source], True
    return [Path(path) for path in split.paths], split.certain


def open_all(sources: list[Path]) -> Opened:
    """Several files together. Raises CheckpointFileError when two hold a tensor of one name."""
    found, left_out, block, readers = {}, [], {}, {}
    with contextlib.ExitStack() as stack:
        for source in sources:
            entries, more_left_out, more_block, read, close = open_one(source)
            stack.callback(close)
            doubled = sorted(found.keys() & entries.keys())
            if doubled:
                raise NotPartsError(
                    f"{source.name} and another part both hold {few(doubled)}, so they are not the parts of one file. "
                    "Download them again, or give the file another name to convert it alone."
                )
            found |= entries
            readers |= dict.fromkeys(entries, read)
            left_out += more_left_out
            block = {**more_block, **block}  # the first part says it
        return Opened(
            found, left_out, block, lambda name: readers[name](name), stack.pop_all().close
        )


def open_one(source: Path) -> Opened:
    """A safetensors or a PyTorch file. Raises CheckpointFileError, CheckpointUnsafeError."""
    if checkpoint_files.file_format(source) == checkpoint_files.SAFETENSORS:
        file = checkpoint_files.read_file(source)
        entries = {name: (file.dtypes[name], shape) for name, shape in file.shapes.items()}
        tensors = checkpoint_files.load_tensors(file)  # a view of the mapped file
        return Opened(entries, [], file.metadata, tensors.__getitem__, tensors.clear)
    try:
        parsed = torch_file.read_torch_file(source)
        checkpoint_files.refuse_attack(parsed, source.name)
        found, left_out, _ = checkpoint_files.stored_tensors(parsed)
        if not found:
            raise torch_file.TorchFileError("holds no tensors outside of Python objects")
        writable = {}
        for name, tensor in found.items():
            if tensor.dtype in safetensors_file.CODES:
                writable[name] = tensor
            else:
                left_out.append(name)
        torch_file.check_records(parsed, writable.values())
    except torch_file.TorchFileError as error:
        raise CheckpointFileError(f"{source.name} {error}. Download or copy it again.") from error
    read_stored, close = torch_file.tensor_reader(parsed)
    # in the order of the file: tensors that share a storage are next to each other, and it is read once
    names = sorted(writable, key=lambda name: parsed.records[writable[name].storage])
    entries = {name: (writable[name].dtype, writable[name].shape) for name in names}
    return Opened(entries, left_out, {}, lambda name: read_stored(writable[name]), close)
