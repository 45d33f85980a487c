"""From the parts of a weight file to networks: how large each is, whether it is whole, and each of them built.

Networks are built on PyTorch's meta device, where weights take no memory, and are then given the file's own tensors.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any, cast

import torch

from ..errors import CheckpointError, CheckpointNamesError
from .attention import Attention, sdpa_attention
from .checkpoint.checkpoint import (
    Checkpoint,
    explaining_split_file,
    part_dtypes,
    part_shapes,
    part_tensors,
)
from .checkpoint.layouts import (
    AUDIO,
    LOCALIZER,
    OF_PARTS,
    RAFT,
    RESAMPLER,
    TEXT,
    UNET,
    VAE,
    VISION,
)
from .checkpoint.state_dict_diff import NameReport, Shape, compare_names, few, quantised_names
from .encoders.clip import (
    CLIPTextTower,
    CLIPVisionTower,
    clip_text_config_from_shapes,
    clip_vision_config_from_shapes,
)
from .encoders.imagebind import KEYVID_STRIDE, AudioTower, change_stride, tower_config_from_shapes
from .encoders.localizer import Localizer, localizer_config_from_shapes
from .encoders.resampler import Resampler, resampler_config_from_shapes
from .encoders.vae_config import vae_config_from_shapes, vae_shapes
from .flow import build_raft as raft_from_tensors
from .operations import Operations
from .unet.config import unet_config_from_shapes
from .unet.unet import VideoUNet

logger = logging.getLogger("keyvid")
_NETWORKS = {
    UNET: VideoUNet,
    RESAMPLER: Resampler,
    TEXT: CLIPTextTower,
    VISION: CLIPVisionTower,
    AUDIO: AudioTower,
    LOCALIZER: Localizer,
}
# in the published files but used by no computation, so a file may lack them
_UNUSED = {
    LOCALIZER: ("ada_weight", "ada_bias"),
    TEXT: ("logit_scale",),
    VISION: ("ln_post.weight", "ln_post.bias"),
}


@dataclass(frozen=True)
class Part:
    """One network of a weight file, read and found whole.

    name: one of the parts in layouts. config: the configuration of its network (UNetConfig, VAEConfig, ...).
    tensors: {name in the network: tensor} as the file has them, leftovers included. shapes: what the network needs.
    """

    name: str
    config: Any
    tensors: Mapping[str, torch.Tensor]
    shapes: Mapping[str, Shape]


def read_part(checkpoint: Checkpoint, name: str) -> Part:
    """The Part called `name`, checked before anything is read, on the CPU, in the file's dtype.

    Raises CheckpointError when the file has no such part or one that does not fit its own network,
    CheckpointFileError when it cannot be read.
    """
    config = config_of(checkpoint, name)
    shapes = expected_shapes(name, config)
    check_part(checkpoint, name, shapes)
    return Part(name, config, part_tensors(checkpoint, name), shapes)


def config_of(checkpoint: Checkpoint, part: str) -> Any:
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
    with explaining_split_file(checkpoint.file):
        if part == VAE:
            return vae_config_from_shapes(shapes)
        if part not in infer:
            raise CheckpointError(f"The part {part} of a weight file has one size only.")
        return infer[part](shapes, head_width=metadata.head_widths.get(part))


def expected_shapes(part: str, config: Any) -> dict[str, Shape]:
    """{name: shape} that the network of a part needs at these sizes; nothing is allocated."""
    if part == VAE:
        return vae_shapes(config)
    network = _NETWORKS[part](config, device="meta")
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def check_part(
    checkpoint: Checkpoint, part: str, expected: Mapping[str, Shape] | None = None
) -> NameReport:
    """The NameReport of a part against its own network; tensors that no computation uses may be missing.

    expected: as expected_shapes gives it; None computes it. Leftover names are logged. Raises CheckpointNamesError
    when a needed tensor is missing, has another shape or is quantised.
    """
    if expected is None:
        expected = expected_shapes(part, config_of(checkpoint, part))
    quantised = quantised_names(expected, part_dtypes(checkpoint, part))
    if quantised:
        raise CheckpointNamesError(
            f"The {part} part of the file is quantised ({few(quantised)}), which KeyVID does not read. "
            "Use the file in fp16, bf16 or fp32."
        )
    found = part_shapes(checkpoint, part)
    optional = set(_UNUSED.get(part, ())) - found.keys()
    report = compare_names({n: s for n, s in expected.items() if n not in optional}, found)
    if not report.fits:
        with explaining_split_file(checkpoint.file):
            raise CheckpointNamesError(
                f"The file does not fit the {part} network it seems to hold: {report}. "
                f"It is incomplete or made for another version. {OF_PARTS}"
            )
    if report.unexpected:
        logger.info("The %s part of the file: %s", part, report)
    return report


def build_network(
    part: Part,
    *,
    operations: Operations = torch.nn,
    attention: Attention = sdpa_attention,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.nn.Module:
    """The network of a Part (any but VAE and RAFT) in eval mode, with the part's own tensors.

    operations: where layers come from. dtype: None keeps the file's; layers of torch.nn compute in one type alone,
    so a file of several types then becomes one of the widest. device: None is the CPU.
    """
    tensors = {name: tensor for name, tensor in part.tensors.items() if name in part.shapes}
    counts = _values_by_type(tensors)
    if dtype is None and operations is torch.nn:
        dtype = _one_dtype(counts)
    main = dtype or counts.most_common(1)[0][0]
    for name in part.shapes.keys() - tensors.keys():  # what no computation uses
        tensors[name] = torch.zeros(part.shapes[name], dtype=main)
    if dtype is not None:
        tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    network = _NETWORKS[part.name](
        part.config,
        operations=operations,
        attention=attention,
        dtype=main,
        device="meta",
    )
    network.load_state_dict(tensors, strict=True, assign=True)
    return network.to(device).eval() if device is not None else network.eval()


def build_audio(
    checkpoint: Checkpoint, *, stride: tuple[int, int] | None = KEYVID_STRIDE, **options: Any
) -> AudioTower:
    """The audio tower of a KeyVID or ImageBind file.

    stride: positions are interpolated when the file's differ, turning the stock file into KeyVID's tower
    (published-model d.2); None keeps the file's. options: as build_network takes them. Raises CheckpointError.
    """
    part = read_part(checkpoint, AUDIO)
    if stride is not None and checkpoint.metadata.audio_stride is None:
        tensors, config = change_stride(part.tensors, part.config, stride=stride)
        part = replace(part, tensors=tensors, config=config)
    return cast(AudioTower, build_network(part, **options))


def build_localizer(checkpoint: Checkpoint, **options: Any) -> Localizer:
    """The keyframe localizer. options: as build_network takes them. Raises CheckpointError."""
    return cast(Localizer, build_network(read_part(checkpoint, LOCALIZER), **options))


def build_raft(checkpoint: Checkpoint) -> torch.nn.Module:
    """torchvision's `raft_large` in eval mode. Raises CheckpointError."""
    return raft_from_tensors(part_tensors(checkpoint, RAFT))


def _values_by_type(tensors: Mapping[str, torch.Tensor]) -> Counter[torch.dtype]:
    """How many values there are of each type."""
    counts: Counter[torch.dtype] = Counter()
    for tensor in tensors.values():
        counts[tensor.dtype] += tensor.numel()
    return counts


def _one_dtype(dtypes: Iterable[torch.dtype]) -> torch.dtype:
    """The type that holds the values of all of them, and that layers can compute in."""
    wide = [dtype for dtype in dtypes if dtype.itemsize > 1]  # fp16 holds every value of fp8
    return reduce(torch.promote_types, wide or [torch.float16])
