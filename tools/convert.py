"""A weight file rewritten as one safetensors file, without running anything that is in it.

Training tools save their own objects beside the weights, and loading those would run code from the file. Here the
file is read as data (models/checkpoint/pickle_data.py): the tensors of its state dict are copied one at a time,
everything else is left out. A file that holds commands instead of a training tool's objects is refused.

A safetensors file is rewritten too: without what belongs to no tensor of it. The parts of a split file
(models/checkpoint/split_files.py) are joined.
"""

import contextlib
import math
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from ..errors import CheckpointError, CheckpointFileError, CheckpointUnknownError
from ..models import published
from ..models.checkpoint import files as checkpoint_files
from ..models.checkpoint import layouts, metadata, safetensors_file, split_files, torch_file
from ..models.checkpoint.state_dict_diff import few

_SHOWN = 8

Entries = dict[str, tuple[torch.dtype, tuple[int, ...]]]  # name -> type, shape
Read = Callable[[str], torch.Tensor]


class Opened(NamedTuple):
    """One or several open weight files: tensors and how to read one, names left out, metadata, how to close."""

    entries: Entries
    left_out: list[str]
    block: dict[str, str]
    read: Read
    close: Callable[[], object]


@dataclass(frozen=True)
class Conversion:
    """What was written: the kind of file (a layouts.TITLES key, or None), tensors and bytes, what was left out.

    full_precision: tensors that --half left as they were, since fp16 cannot hold their values.
    """

    kind: str | None
    n_tensors: int
    n_bytes: int
    left_out: tuple[str, ...]
    full_precision: tuple[str, ...]


def convert(
    source: str | Path,
    target: str | Path,
    *,
    half: bool = False,
    prune: bool = False,
    force: bool = False,
) -> Conversion:
    """Write the tensors of a weight file into a safetensors file; returns the Conversion.

    source: the file; of a split file any part, or the list of its parts (`*.index.json`): all parts are joined.
    half: floating tensors become fp16. prune: tensors that KeyVID never reads are left out. force: an existing
    target is replaced. Tensors pass through memory one at a time; the target appears whole or not at all.

    Raises CheckpointFileError when the source is no whole weight file, a part is missing or the target cannot be
    written, CheckpointUnsafeError when the source holds commands, CheckpointUnknownError when prune does not know the
    file.
    """
    source, target = Path(source), Path(target)
    sources, certain = _parts_of(source)
    _check_target(sources, target, force)
    try:
        entries, left_out, block, read, close = _open_all(sources)
    except _NotPartsError:
        if certain:
            raise
        entries, left_out, block, read, close = _open(source)
    with contextlib.ExitStack() as stack:
        stack.callback(close)
        left_out += [name for name in entries if not _can_be_written(name)]
        entries = {name: entry for name, entry in entries.items() if _can_be_written(name)}
        if not entries:
            raise CheckpointFileError(f"{source.name} holds no tensors with a usable name.")
        layout = _recognised({name: shape for name, (_, shape) in entries.items()}, prune)
        if prune and layout is not None:
            wanted = {
                name for part in layout.parts for name in layouts.part_names(layout, part, entries)
            }
            left_out += [name for name in entries if name not in wanted]
            entries = {name: entry for name, entry in entries.items() if name in wanted}
        full_precision = []
        if half:
            try:
                entries, full_precision = _halved(entries, read)
            except torch_file.TorchFileError as error:
                message = f"{source.name} {error}. Download or copy it again."
                raise CheckpointFileError(message) from error

        def read_as_written(name: str) -> torch.Tensor:
            return read(name).to(entries[name][0])

        if layout is not None and metadata.KEY not in block:
            block = {**block, **_facts(layout, entries)}
        block = {_plain(key): _plain(text) for key, text in block.items()}
        _write(target, entries, read_as_written, {"format": "pt", **block})
    n_bytes = target.stat().st_size
    kind = layout.kind if layout else None
    left_out = tuple(map(_plain, left_out))
    return Conversion(kind, len(entries), n_bytes, left_out, tuple(full_precision))


def _can_be_written(name: str) -> bool:
    """Whether safetensors can hold a tensor of this name: its own key for metadata is taken, and names are UTF-8."""
    return name != "__metadata__" and _plain(name) == name


def _plain(text: str) -> str:
    """The text with what UTF-8 cannot hold (lone surrogates) spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _check_target(sources: list[Path], target: Path, force: bool) -> None:
    if target.suffix.lower() != safetensors_file.SUFFIX:
        raise CheckpointFileError(
            f"The new file is called {target.name}; its name must end in .safetensors."
        )
    if target.is_dir():
        raise CheckpointFileError(f"{target.name} is a folder; name a file inside it.")
    if target.exists() and any(one.exists() and os.path.samefile(one, target) for one in sources):
        raise CheckpointFileError(
            f"{target.name} would replace the file it is made from; name another."
        )
    if target.exists() and not force:
        raise CheckpointFileError(
            f"{target.name} exists already; name another file, or add --force to replace it."
        )
    if not target.parent.is_dir():
        raise CheckpointFileError(
            f"There is no folder {target.parent} to write {target.name} into."
        )


class _NotPartsError(CheckpointFileError):
    """Two files that are called parts of one hold a tensor of the same name."""


def _parts_of(source: Path) -> tuple[list[Path], bool]:
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


def _open_all(sources: list[Path]) -> Opened:
    """Several files together. Raises CheckpointFileError when two hold a tensor of one name."""
    found, left_out, block, readers = {}, [], {}, {}
    with contextlib.ExitStack() as stack:
        for source in sources:
            entries, more_left_out, more_block, read, close = _open(source)
            stack.callback(close)
            doubled = sorted(found.keys() & entries.keys())
            if doubled:
                raise _NotPartsError(
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


def _open(source: Path) -> Opened:
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


def _recognised(shapes: dict[str, tuple[int, ...]], prune: bool) -> layouts.Layout | None:
    try:
        return layouts.recognise(shapes)
    except CheckpointUnknownError:
        if prune:
            raise
        return None  # a file without its pickle is still useful


def _facts(layout: layouts.Layout, entries: Entries) -> dict[str, str]:
    """The metadata block of a published file, {} where a published file would need none."""
    if layouts.RESAMPLER not in layout.prefixes:
        return {}
    _, shape = entries[layout.prefixes[layouts.RESAMPLER] + "latents"]
    n_latents = shape[1] if len(shape) == 3 else 0
    n_frames = {
        published.N_FRAMES * published.QUERIES_PER_FRAME: published.N_FRAMES,
        published.DYNAMICRAFTER_FRAMES
        * published.QUERIES_PER_FRAME: published.DYNAMICRAFTER_FRAMES,
    }.get(n_latents)
    if n_frames is None:
        return {}
    return metadata.metadata_block(
        metadata.Metadata(n_frames=n_frames, name=layouts.TITLES[layout.kind])
    )


def _halved(entries: Entries, read: Read) -> tuple[Entries, list[str]]:
    """The entries with fp16 for every wider floating type, and the names whose values would not fit."""
    halved, too_large = dict(entries), []
    for name, (dtype, shape) in entries.items():
        if dtype.is_floating_point and dtype.itemsize > 1 and dtype != torch.float16:
            tensor = read(name)
            if torch.equal(tensor.isfinite(), tensor.half().isfinite()):
                halved[name] = torch.float16, shape
            else:
                too_large.append(name)
    return halved, too_large


def _write(target: Path, entries: Entries, read: Read, block: dict[str, str]) -> None:
    needed = sum(math.prod(shape) * dtype.itemsize for dtype, shape in entries.values())
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise CheckpointFileError(
            f"{target.name} needs {_size(needed)}, but only {_size(free)} are free there. "
            "Make room, or name another disk."
        )
    partial = target.with_name(f"keyvid-{secrets.token_hex(8)}.partial")
    created = False
    try:
        with open(partial, "xb") as file:  # a file of its own: never one that is there already
            created = True
            safetensors_file.write_stream(file, entries, read, block)
        os.replace(partial, target)
    except torch_file.TorchFileError as error:
        raise CheckpointFileError(f"The file {error}. Download or copy it again.") from error
    except OSError as error:
        raise CheckpointFileError(f"{target.name} cannot be written: {error.strerror}.") from error
    finally:
        if created:
            with contextlib.suppress(OSError):
                partial.unlink()


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.1f} MB"


def report(result: Conversion, target: str | Path) -> Iterator[str]:
    """The Conversion as lines to print."""
    title = layouts.TITLES[result.kind] if result.kind else "a file that KeyVID does not know"
    yield f"This is: {title}"
    yield f"Kept {result.n_tensors} tensors, {_size(result.n_bytes)}: {target}"
    if result.left_out:
        yield f"Left out {len(result.left_out)}: {few(result.left_out, _SHOWN)}"
    if result.full_precision:
        yield f"Too large for fp16, kept as they were: {few(result.full_precision, _SHOWN)}"


def main(source: str | Path, target: str | Path, *flags: str) -> int:
    """Convert and report; the exit code. flags: --half, --prune, --force."""
    chosen = {name: f"--{name}" in flags for name in ("half", "prune", "force")}
    try:
        result = convert(source, target, **chosen)
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(report(result, target)))
    return 0
