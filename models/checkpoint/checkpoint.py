"""A weight file that has been recognised: what network it is, which parts it has, and their tensors.

`open_checkpoint` tells a file by its content; everything else takes what it returns.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import NoReturn

import torch

from ...errors import (
    CheckpointError,
    CheckpointFileError,
    CheckpointUnknownError,
    CheckpointUnsafeError,
)
from ..published import N_FRAMES, OLD_N_FRAMES
from .files import CheckpointFile, load_tensors, read_file
from .layouts import (
    A_FILE,
    GENERATOR,
    INTERPOLATOR,
    OF_PARTS,
    RESAMPLER,
    Layout,
    part_names,
    recognise,
)
from .metadata import Metadata, read_metadata
from .split_files import split_file_of
from .state_dict_diff import Shape


@dataclass(frozen=True)
class Checkpoint:
    """A recognised set of weights: layout, what shapes cannot tell, and {name: shape} of everything in it.

    The tensors are in a file, or in memory ({name: tensor}).
    """

    layout: Layout
    metadata: Metadata
    shapes: Mapping[str, Shape]
    file: CheckpointFile | None = None
    tensors: Mapping[str, torch.Tensor] | None = None

    @property
    def kind(self) -> str:
        """Which network it is, one of layouts.TITLES."""
        return self.layout.kind


def open_checkpoint(path: str | PathLike[str]) -> Checkpoint:
    """The Checkpoint in a file; no tensor is read.

    Raises CheckpointFileError and CheckpointUnsafeError (`files.read_file`), CheckpointUnknownError when
    it is not a network that KeyVID knows, CheckpointMetadataError.
    """
    file = read_file(path)
    with explaining_split_file(file):
        layout, metadata = recognise(file.shapes), read_metadata(file.metadata)
        checkpoint = Checkpoint(layout, metadata, file.shapes, file=file)
        _check_n_frames(checkpoint)
    return checkpoint


def open_tensors(
    tensors: Mapping[str, torch.Tensor], metadata: Metadata | None = None
) -> Checkpoint:
    """The Checkpoint in a state dict. Raises CheckpointUnknownError, CheckpointMetadataError."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    checkpoint = Checkpoint(recognise(shapes), metadata or Metadata(), shapes, tensors=tensors)
    _check_n_frames(checkpoint)
    return checkpoint


def refuse_kind(checkpoint: Checkpoint, wanted: str, remedy: str) -> NoReturn:
    """Raise CheckpointUnknownError, which names what the file is, what was `wanted` ("a localizer") and the remedy."""
    with explaining_split_file(checkpoint.file):
        layout = checkpoint.layout
        if layout.file != A_FILE[layout.kind]:
            remedy = OF_PARTS
        raise CheckpointUnknownError(f"This file is {layout.file}, not {wanted}. {remedy}")


def refuse_part(checkpoint: Checkpoint) -> None:
    """Raise CheckpointUnknownError, with the remedy, when the file is certainly one part of several."""
    file = checkpoint.file
    if file is None:
        return
    split = split_file_of(file.path)
    if split and split.certain:
        raise CheckpointUnknownError(split.refusal(file.path))


@contextlib.contextmanager
def explaining_split_file(file: CheckpointFile | None) -> Iterator[None]:
    """Adds to an error about the content of a file that the file is one part of several, if it is.

    file: None for tensors in memory, whose errors pass unchanged.
    """
    try:
        yield
    except (CheckpointFileError, CheckpointUnsafeError):
        raise
    except CheckpointError as error:
        split = split_file_of(file.path) if file is not None else None
        if file is None or split is None:
            raise
        text = split.refusal(file.path)
        raise CheckpointUnknownError(text if split.certain else f"{error} {text}") from error


def part_shapes(checkpoint: Checkpoint, part: str) -> dict[str, Shape]:
    """{name in the network: shape} of a part. Raises CheckpointError when the file has no such part."""
    with explaining_split_file(checkpoint.file):
        names = part_names(checkpoint.layout, part, checkpoint.shapes)
    return {short: checkpoint.shapes[name] for name, short in names.items()}


def part_dtypes(checkpoint: Checkpoint, part: str) -> dict[str, torch.dtype]:
    """{name in the network: dtype} of a part; {} of a Checkpoint that knows shapes alone."""
    if checkpoint.file is not None:
        dtypes = checkpoint.file.dtypes
    else:
        dtypes = {name: tensor.dtype for name, tensor in (checkpoint.tensors or {}).items()}
    names = part_names(checkpoint.layout, part, dtypes)
    return {short: dtypes[name] for name, short in names.items()}


def part_tensors(checkpoint: Checkpoint, part: str) -> dict[str, torch.Tensor]:
    """{name in the network: tensor} of a part, on the CPU, in the file's dtype; the rest of the file is not read.

    Raises CheckpointError when the file has no such part, CheckpointFileError when it cannot be read.
    """
    names = part_names(checkpoint.layout, part, checkpoint.shapes)
    tensors = checkpoint.tensors
    if tensors is None:
        if checkpoint.file is None:
            raise ValueError("a Checkpoint that knows shapes alone has no tensors")
        tensors = load_tensors(checkpoint.file, *names)
    return {short: tensors[name] for name, short in names.items()}


def _check_n_frames(checkpoint: Checkpoint) -> None:
    """Raise CheckpointUnknownError when the image projection is for a number of frames that cannot be used."""
    layout, metadata = checkpoint.layout, checkpoint.metadata
    if RESAMPLER not in layout.prefixes:
        return
    name = f"{layout.prefixes[RESAMPLER]}latents"
    shape = tuple(checkpoint.shapes[name])
    n_latents = shape[1] if len(shape) == 3 else 0
    n_frames = metadata.n_frames
    if n_frames is None and metadata.published and layout.kind in (GENERATOR, INTERPOLATOR):
        n_frames = N_FRAMES
        if n_latents == OLD_N_FRAMES * metadata.queries:
            raise CheckpointUnknownError(
                f"This is {layout.file} for {OLD_N_FRAMES} frames (its image projection has {n_latents} "
                f"latents): one of the older models without keyframes, which work otherwise. Use one for {n_frames}."
            )
    if (
        n_latents == 0
        or n_latents % metadata.queries
        or (n_frames is not None and n_latents != n_frames * metadata.queries)
    ):
        raise CheckpointUnknownError(
            f"The image projection ({name}) is {list(shape)}, but {n_frames or 'some'} frames of {metadata.queries} "
            "queries are expected; the file's metadata must say how many frames it is for."
        )
