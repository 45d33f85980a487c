"""From a weight file to networks: what it is, which parts it has, how large each is, and each of them built.

`open_checkpoint` tells a file by its content; everything else takes what it returns. Networks are built on PyTorch's
meta device, where weights take no memory, and are then given the file's own tensors.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce

import torch

from ..errors import (
    CheckpointError,
    CheckpointFileError,
    CheckpointNamesError,
    CheckpointUnknownError,
    CheckpointUnsafeError,
)
from .attention import sdpa_attention
from .checkpoint.files import CheckpointFile, load_tensors, read_file
from .checkpoint.layouts import (
    A_FILE,
    AUDIO,
    GENERATOR,
    INTERPOLATOR,
    LOCALIZER,
    OF_PARTS,
    RAFT,
    RESAMPLER,
    TEXT,
    UNET,
    VAE,
    VISION,
    Layout,
    part_names,
    recognise,
)
from .checkpoint.metadata import N_FRAMES, Metadata, read_metadata
from .checkpoint.split_files import split_file_of
from .checkpoint.state_dict_diff import compare_names, few, quantised_names
from .encoders.clip import (
    CLIPTextTower,
    CLIPVisionTower,
    clip_text_config_from_shapes,
    clip_vision_config_from_shapes,
)
from .encoders.imagebind import KEYVID_STRIDE, AudioTower, change_stride, tower_config_from_shapes
from .encoders.localizer import Localizer, localizer_config_from_shapes
from .encoders.resampler import Resampler, resampler_config_from_shapes, resize_latents
from .encoders.vae_config import vae_config_from_shapes, vae_shapes
from .flow import build_raft as raft_from_tensors
from .unet.config import unet_config_from_shapes
from .unet.unet import VideoUNet

logger = logging.getLogger("keyvid")
# KeyVID's frames for the older data sets (published-model a.2); its networks are used otherwise
OLD_N_FRAMES = 12
_NETWORKS = {
    UNET: VideoUNet,
    RESAMPLER: Resampler,
    TEXT: CLIPTextTower,
    VISION: CLIPVisionTower,
    AUDIO: AudioTower,
    LOCALIZER: Localizer,
}
# in the published files but computed with by nobody, so a file may lack them
_UNUSED = {
    LOCALIZER: ("ada_weight", "ada_bias"),
    TEXT: ("logit_scale",),
    VISION: ("ln_post.weight", "ln_post.bias"),
}


@dataclass(frozen=True)
class Checkpoint:
    """A recognised set of weights: layout, what shapes cannot tell, and {name: shape} of everything in it.

    The tensors are in a file, or in memory ({name: tensor}).
    """

    layout: Layout
    metadata: Metadata
    shapes: Mapping[str, tuple[int, ...]]
    file: CheckpointFile | None = None
    tensors: Mapping[str, torch.Tensor] | None = None

    @property
    def kind(self):
        return self.layout.kind


def open_checkpoint(path) -> Checkpoint:
    """The Checkpoint in a file; no tensor is read.

    Raises CheckpointFileError, CheckpointUnsafeError (`checkpoint_files.read_file`), CheckpointUnknownError when
    it is no network of ours, CheckpointMetadataError.
    """
    file = read_file(path)
    with _naming_parts(file):
        layout, metadata = recognise(file.shapes), read_metadata(file.metadata)
        return _checked(Checkpoint(layout, metadata, file.shapes, file=file))


def open_tensors(tensors: Mapping[str, torch.Tensor], metadata: Metadata | None = None):
    """The Checkpoint in a state dict. Raises CheckpointUnknownError, CheckpointMetadataError."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    return _checked(Checkpoint(recognise(shapes), metadata or Metadata(), shapes, tensors=tensors))


def refuse_kind(checkpoint: Checkpoint, wanted: str, remedy: str):
    """Raise CheckpointUnknownError: the file is what it is, not `wanted` ("a localizer"), and what to do."""
    with _naming_parts(checkpoint.file):
        layout = checkpoint.layout
        if layout.file != A_FILE[layout.kind]:
            remedy = OF_PARTS
        raise CheckpointUnknownError(f"This file is {layout.file}, not {wanted}. {remedy}")


def refuse_part(checkpoint: Checkpoint):
    """Raise CheckpointUnknownError, with what to do, when the file is certainly one part of several."""
    split = checkpoint.file and split_file_of(checkpoint.file.path)
    if split and split.certain:
        raise CheckpointUnknownError(split.refusal(checkpoint.file.path))


@contextlib.contextmanager
def _naming_parts(file):
    """Where the tensors of a file are not those of a network: says so if it is one part of several.

    file: a CheckpointFile, or None for tensors in memory.
    """
    try:
        yield
    except (CheckpointFileError, CheckpointUnsafeError):
        raise
    except CheckpointError as error:
        split = file and split_file_of(file.path)
        if not split:
            raise
        text = split.refusal(file.path)
        raise CheckpointUnknownError(text if split.certain else f"{error} {text}") from error


def part_shapes(checkpoint: Checkpoint, part: str) -> dict[str, tuple[int, ...]]:
    """{name in the network: shape} of a part. Raises CheckpointError when the file has no such part."""
    with _naming_parts(checkpoint.file):
        names = part_names(checkpoint.layout, part, checkpoint.shapes)
    return {short: checkpoint.shapes[name] for name, short in names.items()}


def load_part(checkpoint: Checkpoint, part: str) -> dict[str, torch.Tensor]:
    """{name in the network: tensor} of a part, on the CPU, in the file's dtype; the rest of the file is not read.

    Raises CheckpointError when the file has no such part, CheckpointFileError when it cannot be read.
    """
    names = part_names(checkpoint.layout, part, checkpoint.shapes)
    tensors = checkpoint.tensors
    if tensors is None:
        tensors = load_tensors(checkpoint.file, *names)
    return {short: tensors[name] for name, short in names.items()}


def config_of(checkpoint: Checkpoint, part: str):
    """The configuration of a part's network, from its shapes and what the metadata adds.

    Raises CheckpointError when there is no such part or its shapes contradict each other.
    """
    shapes, metadata = part_shapes(checkpoint, part), checkpoint.metadata
    tower = {"stride": metadata.audio_stride, "n_columns": metadata.mel_columns}
    infer = {
        UNET: unet_config_from_shapes,
        RESAMPLER: partial(resampler_config_from_shapes, n_queries=metadata.queries),
        TEXT: clip_text_config_from_shapes,
        VISION: clip_vision_config_from_shapes,
        AUDIO: partial(tower_config_from_shapes, **tower),
        LOCALIZER: partial(localizer_config_from_shapes, **tower),
    }
    with _naming_parts(checkpoint.file):
        if part == VAE:
            return vae_config_from_shapes(shapes)
        if part not in infer:
            raise CheckpointError(f"The part {part} of a weight file has one size only.")
        return infer[part](shapes, head_width=metadata.head_widths.get(part))


def expected_shapes(part: str, config) -> dict[str, tuple[int, ...]]:
    """{name: shape} that the network of a part needs at these sizes; nothing is allocated."""
    if part == VAE:
        return vae_shapes(config)
    network = _NETWORKS[part](config, device="meta")
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def check_part(checkpoint: Checkpoint, part: str, config=None):
    """The NameReport of a part against its own network. config: as config_of gives it, which is asked when None.

    Leftover names are logged. Raises CheckpointNamesError when a needed tensor is missing, has another shape or is
    quantised.
    """
    config = config or config_of(checkpoint, part)
    expected = expected_shapes(part, config)
    quantised = quantised_names(expected, _part_dtypes(checkpoint, part))
    if quantised:
        raise CheckpointNamesError(
            f"The {part} part of the file is quantised ({few(quantised)}), which KeyVID does not read. "
            "Use the file in fp16, bf16 or fp32."
        )
    report = compare_names(expected, part_shapes(checkpoint, part))
    if report.misshaped or set(report.missing) - set(_UNUSED.get(part, ())):
        with _naming_parts(checkpoint.file):
            raise CheckpointNamesError(
                f"The file does not fit the {part} network it seems to hold: {report}. "
                f"It is incomplete or made for another version. {OF_PARTS}"
            )
    if report.unexpected:
        logger.info("The %s part of the file: %s", part, report)
    return report


def build_unet(checkpoint: Checkpoint, **options) -> VideoUNet:
    """The video network of a generator, interpolator or DynamiCrafter file, in eval mode.

    options, here and below: operations (where layers come from, torch.nn), attention (sdpa_attention),
    dtype (None keeps the file's), device (None is the CPU). Raises CheckpointError.
    """
    return _build(checkpoint, UNET, **options)


def build_resampler(checkpoint: Checkpoint, *, n_frames: int | None = None, **options) -> Resampler:
    """The image projection. n_frames: resize it to another number of frames, as KeyVID's 48 were made from
    DynamiCrafter's 16 (published-model a.3); None keeps the file's. Raises CheckpointError."""
    config = config_of(checkpoint, RESAMPLER)
    tensors = _load_checked(checkpoint, RESAMPLER, config)
    if n_frames is not None and n_frames != config.n_frames:
        queries = config.n_queries
        latents = resize_latents(tensors["latents"], config.n_frames, n_frames, queries)
        tensors, config = {**tensors, "latents": latents}, replace(config, n_frames=n_frames)
    return _build(checkpoint, RESAMPLER, config=config, tensors=tensors, **options)


def build_text(checkpoint: Checkpoint, **options) -> CLIPTextTower:
    """The text tower. Raises CheckpointError."""
    return _build(checkpoint, TEXT, **options)


def build_vision(checkpoint: Checkpoint, **options) -> CLIPVisionTower:
    """The vision tower. Raises CheckpointError."""
    return _build(checkpoint, VISION, **options)


def build_audio(checkpoint: Checkpoint, *, stride=KEYVID_STRIDE, **options) -> AudioTower:
    """The audio tower of a KeyVID or ImageBind file. stride: positions are interpolated when the file's differ,
    turning the stock file into KeyVID's tower (published-model d.2); None keeps the file's. Raises CheckpointError."""
    config = config_of(checkpoint, AUDIO)
    tensors = _load_checked(checkpoint, AUDIO, config)
    if stride is not None and checkpoint.metadata.audio_stride is None:
        tensors, config = change_stride(tensors, config, stride=stride)
    return _build(checkpoint, AUDIO, config=config, tensors=tensors, **options)


def build_localizer(checkpoint: Checkpoint, **options) -> Localizer:
    """The keyframe localizer. Raises CheckpointError."""
    return _build(checkpoint, LOCALIZER, **options)


def build_raft(checkpoint: Checkpoint):
    """torchvision's `raft_large` in eval mode. Raises CheckpointError."""
    return raft_from_tensors(load_part(checkpoint, RAFT))


def _build(
    checkpoint,
    part,
    *,
    config=None,
    tensors=None,
    operations=torch.nn,
    attention=sdpa_attention,
    dtype=None,
    device=None,
):
    config = config or config_of(checkpoint, part)
    if tensors is None:
        tensors = _load_checked(checkpoint, part, config)
    expected = expected_shapes(part, config)
    tensors = {name: tensor for name, tensor in tensors.items() if name in expected}
    found = _values_by_type(tensors)
    if dtype is None and operations is torch.nn:  # its layers compute in one type alone
        dtype = _one_dtype(found)
    main = dtype or found.most_common(1)[0][0]
    for name in expected.keys() - tensors.keys():  # what nobody computes with
        tensors[name] = torch.zeros(expected[name], dtype=main)
    if dtype is not None:
        tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    network = _NETWORKS[part](
        config,
        operations=operations,
        attention=attention,
        dtype=main,
        device="meta",
    )
    network.load_state_dict(tensors, strict=True, assign=True)
    return network.to(device).eval() if device is not None else network.eval()


def _load_checked(checkpoint, part, config):
    check_part(checkpoint, part, config)  # before anything is read
    return load_part(checkpoint, part)


def _part_dtypes(checkpoint, part):
    """{name in the network: dtype} of a part; {} of a Checkpoint that knows shapes alone."""
    if checkpoint.file is not None:
        dtypes = checkpoint.file.dtypes
    else:
        dtypes = {name: tensor.dtype for name, tensor in (checkpoint.tensors or {}).items()}
    names = part_names(checkpoint.layout, part, dtypes)
    return {short: dtypes[name] for name, short in names.items()}


def _values_by_type(tensors):
    """How many values there are of each type, a Counter."""
    counts = Counter()
    for tensor in tensors.values():
        counts[tensor.dtype] += tensor.numel()
    return counts


def _one_dtype(dtypes):
    """The type that holds the values of all of them, and that layers can compute in."""
    wide = [dtype for dtype in dtypes if dtype.itemsize > 1]  # fp16 holds every value of fp8
    return reduce(torch.promote_types, wide or [torch.float16])


def _checked(checkpoint):
    """The checkpoint, unless its number of frames is one it was not made for."""
    layout, metadata = checkpoint.layout, checkpoint.metadata
    if RESAMPLER not in layout.prefixes:
        return checkpoint
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
    return checkpoint
