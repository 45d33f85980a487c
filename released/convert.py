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
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import CheckpointError, CheckpointFileError, CheckpointUnknownError
from ..models import published
from ..models.checkpoint import layouts, metadata, safetensors_file, torch_file
from ..models.checkpoint.state_dict_diff import few
from .lock import lock_file
from .reading import Entries, NotPartsError, Read, open_all, open_one, parts_of

_SHOWN = 8
_PARTIAL = re.compile(r"keyvid-[0-9a-f]{16}\.partial")
_HALF_OVERFLOWS = 65520  # fp16 rounds smaller numbers to 65504 at most

Step = Callable[[str, int, int], None]  # (what is going on, bytes done, bytes in all)


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
    step: Step | None = None,
) -> Conversion:
    """Write the tensors of a weight file into a safetensors file; returns the Conversion.

    source: the file; of a split file any part, or the list of its parts (`*.index.json`): all parts are joined.
    half: floating tensors become fp16. prune: tensors that KeyVID never reads are left out. force: an existing
    target is replaced. step(what, n_done, n_all) is called with bytes of the target, and may raise to stop. Tensors
    pass through memory one at a time; the target appears whole or not at all.

    Raises CheckpointFileError when the source is no whole weight file, a part is missing or the target cannot be
    written, CheckpointUnsafeError when the source holds commands, CheckpointUnknownError when prune does not know the
    file.
    """
    source, target = Path(source), Path(target)
    sources, certain = parts_of(source)
    _check_target(sources, target, force)
    try:
        entries, left_out, block, read, close = open_all(sources)
    except NotPartsError:
        if certain:
            raise
        entries, left_out, block, read, close = open_one(source)
    with contextlib.ExitStack() as stack:
        stack.callback(close)
        left_out += [name for name in entries if not _can_be_written(name)]
        entries = {name: entry for name, entry in entries.items() if _can_be_written(name)}
        if not entries:
            raise CheckpointFileError(f"{source.name} holds no tensors with a usable name.")
        layout = _recognised({name: shape for name, (_, shape) in entries.items()}, prune)
        if prune and layout is not None:
            wanted = _wanted(layout, entries)
            left_out += [name for name in entries if name not in wanted]
            entries = {name: entry for name, entry in entries.items() if name in wanted}
        if layout is not None and metadata.KEY not in block:
            block = {**block, **_facts(layout, entries)}
        block = {_plain(key): _plain(text) for key, text in block.items()}
        block, full_precision = {"format": "pt", **block}, []
        step = step or (lambda _what, _done, _all: None)
        try:
            _write(target, _halved(entries) if half else entries, read, block, step)
        except (
            _TooLargeError
        ):  # seldom: only now every tensor is looked at before the first is written
            entries, full_precision = _halved_where_it_fits(entries, read)
            _write(target, entries, read, block, step)
        except torch_file.TorchFileError as error:
            raise CheckpointFileError(
                f"{source.name} {error}. Download or copy it again."
            ) from error
    n_bytes = target.stat().st_size
    kind = layout.kind if layout else None
    left_out = tuple(map(_plain, left_out))
    return Conversion(kind, len(entries), n_bytes, left_out, tuple(full_precision))


def kind_of(source: Path) -> str | None:
    """What a weight file holds (a layouts.TITLES key), or None when KeyVID does not know it.

    Raises CheckpointFileError, CheckpointUnsafeError.
    """
    opened = open_all(parts_of(source)[0])
    opened.close()
    layout = _recognised({name: shape for name, (_, shape) in opened.entries.items()}, prune=False)
    return layout.kind if layout else None


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


def _recognised(shapes: dict[str, tuple[int, ...]], prune: bool) -> layouts.Layout | None:
    try:
        return layouts.recognise(shapes)
    except CheckpointUnknownError:
        if prune:
            raise
        return None  # a file without its pickle is still useful


def _wanted(layout: layouts.Layout, entries: Entries) -> set[str]:
    """The names of everything that some network reads."""
    return {name for part in layout.parts for name in layouts.part_names(layout, part, entries)}


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


class _TooLargeError(Exception):
    """fp16 cannot hold a tensor's values."""


def _is_wider_float(dtype: torch.dtype) -> bool:
    return dtype.is_floating_point and dtype.itemsize > 1 and dtype != torch.float16


def _fits(tensor: torch.Tensor) -> bool:
    """Whether fp16 holds every value of a tensor: none becomes infinite."""
    if not tensor.numel():
        return True
    low, high = torch.aminmax(tensor)  # not a number, if one is among them
    if bool(-_HALF_OVERFLOWS < low) and bool(high < _HALF_OVERFLOWS):
        return True
    return torch.equal(tensor.isfinite(), tensor.half().isfinite())


def _halved(entries: Entries) -> Entries:
    """The entries with fp16 for every wider floating type."""
    return {
        name: (torch.float16 if _is_wider_float(dtype) else dtype, shape)
        for name, (dtype, shape) in entries.items()
    }


def _halved_where_it_fits(entries: Entries, read: Read) -> tuple[Entries, list[str]]:
    """The entries with fp16 for every wider floating type that fits, and the names whose values would not."""
    too_large = [
        name
        for name, (dtype, _) in entries.items()
        if _is_wider_float(dtype) and not _fits(read(name))
    ]
    return {**_halved(entries), **{name: entries[name] for name in too_large}}, too_large


def _write(target: Path, entries: Entries, read: Read, block: dict[str, str], step: Step) -> None:
    sizes = {name: math.prod(shape) * dtype.itemsize for name, (dtype, shape) in entries.items()}
    needed, n_done = sum(sizes.values()), 0
    _remove_abandoned(target.parent)
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise CheckpointFileError(
            f"{target.name} needs {_size(needed)}, but only {_size(free)} are free there. "
            "Make room, or name another disk."
        )

    def read_as_written(name: str) -> torch.Tensor:
        nonlocal n_done
        step("converting", n_done, needed)
        n_done += sizes[name]
        tensor, dtype = read(name), entries[name][0]
        if dtype == torch.float16 and _is_wider_float(tensor.dtype) and not _fits(tensor):
            raise _TooLargeError
        return tensor.to(dtype)

    partial = target.with_name(f"keyvid-{secrets.token_hex(8)}.partial")
    created = False
    try:
        with open(partial, "xb") as file:  # a file of its own: never one that is there already
            created = True
            with contextlib.suppress(OSError):  # a disk without locks
                lock_file(file)
            safetensors_file.write_stream(file, entries, read_as_written, block)
            file.flush()
            os.fsync(file.fileno())  # whole on the disk before it gets its name
        os.replace(partial, target)
        step("converting", needed, needed)
    except OSError as error:
        raise CheckpointFileError(f"{target.name} cannot be written: {error.strerror}.") from error
    finally:
        if created:
            with contextlib.suppress(OSError):
                partial.unlink()


def _remove_abandoned(folder: Path) -> None:
    """Remove the half files of conversions that were killed; whoever is still writing one holds its lock."""
    for left in folder.glob("keyvid-*.partial"):
        if _PARTIAL.fullmatch(left.name):
            with contextlib.suppress(OSError):
                with left.open("a+b") as handle:
                    lock_file(handle)
                left.unlink()


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
    half, prune, force = (f"--{name}" in flags for name in ("half", "prune", "force"))
    try:
        result = convert(source, target, half=half, prune=prune, force=force)
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(report(result, target)))
    return 0
