"""Weight files of the measures' networks: found by their published names, read without running anything in them."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import nn

from ...errors import CheckpointNamesError, MeasureError
from ...models.checkpoint.files import load_tensors, read_file
from ...models.checkpoint.state_dict_diff import compare_names
from ...models.config_inference import Shape
from .imagebind import ImageBind, imagebind_config_from_shapes
from .inception import InceptionFeatures
from .sync_classifier import SyncClassifier

Network = TypeVar("Network", bound=nn.Module)
INCEPTION_FILE = "pt_inception-2015-12-05-6726825d.pth"
IMAGEBIND_FILE = "imagebind_huge.pth"
I3D_FILE = "i3d_torchscript.pt"
CLASSIFIER_PARTS = ("audio_encoder", "video_encoder", "head")
_CLASSIFIER_NAME = "diffusion_pytorch_model"
_ENDINGS = (".safetensors", ".bin")
# a counter of training steps, which older files do not have and no computation uses
_COUNTER = "num_batches_tracked"


class WeightFiles(NamedTuple):
    """The files of one folder; None where there is none. classifier: one per CLASSIFIER_PARTS."""

    inception: Path | None
    imagebind: Path | None
    i3d: Path | None
    classifier: tuple[Path, ...] | None


def find_weights(folder: Path) -> WeightFiles:
    """The WeightFiles anywhere below a folder. Raises MeasureError when there is no such folder.

    A name may end in .safetensors in place of its own ending.
    """
    if not folder.is_dir():
        raise MeasureError(
            f"There is no folder {folder}. Name the folder that holds the networks of the measures; "
            "docs/evaluation.md lists the files."
        )
    parts = [
        _first(folder, [f"{part}/{_CLASSIFIER_NAME}{ending}" for ending in _ENDINGS])
        for part in CLASSIFIER_PARTS
    ]
    found = tuple(part for part in parts if part is not None)
    if found and len(found) < len(parts):
        missing = [name for name, part in zip(CLASSIFIER_PARTS, parts, strict=True) if part is None]
        raise MeasureError(
            f"The sync classifier in {folder} lacks {', '.join(missing)}; it is made of the folders "
            f"{', '.join(CLASSIFIER_PARTS)}. Fetch the missing ones."
        )
    return WeightFiles(
        inception=_first(folder, _either(INCEPTION_FILE)),
        imagebind=_first(folder, _either(IMAGEBIND_FILE)),
        i3d=_first(folder, [I3D_FILE]),
        classifier=found or None,
    )


def load_inception(path: Path) -> InceptionFeatures:
    """The network in a file of INCEPTION_FILE's layout. Raises CheckpointError."""
    return _loaded(lambda _: InceptionFeatures(), load_tensors(read_file(path)), path)


def load_sync_classifier(paths: Iterable[Path]) -> SyncClassifier:
    """The network in its three files, in the order of CLASSIFIER_PARTS. Raises CheckpointError."""
    paths = tuple(paths)
    tensors = {
        f"{part}.{name}": tensor
        for part, path in zip(CLASSIFIER_PARTS, paths, strict=True)
        for name, tensor in load_tensors(read_file(path)).items()
    }
    return _loaded(lambda _: SyncClassifier(), tensors, paths[0].parent.parent)


def load_imagebind(path: Path, *, head_width: int | None = None) -> ImageBind:
    """The three towers of a file of IMAGEBIND_FILE's layout; the other modalities are not read.

    head_width: channels per attention head of a network of another size. Raises CheckpointError.
    """
    file = read_file(path)
    prefixes = [
        f"modality_{part}.{modality}."
        for part in ("preprocessors", "trunks", "heads")
        for modality in ("vision", "text", "audio")
    ]
    return _loaded(
        lambda shapes: ImageBind(imagebind_config_from_shapes(shapes, head_width=head_width)),
        load_tensors(file, *prefixes),
        path,
    )


def _loaded(
    build: Callable[[Mapping[str, Shape]], Network],
    tensors: Mapping[str, torch.Tensor],
    path: Path,
) -> Network:
    """The network that `build` makes of {name: shape}, with these tensors in float32, for inference."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    with torch.device("meta"):
        network = build(shapes)
    state = network.state_dict()
    needed = {n: tuple(t.shape) for n, t in state.items() if not n.endswith(_COUNTER)}
    report = compare_names(needed, shapes)
    if not report.fits:
        raise CheckpointNamesError(
            f"{path.name} is not the file that this measure needs: {report}. docs/evaluation.md says where it is from."
        )
    counters = {name: torch.zeros((), dtype=torch.long) for name in state if name not in needed}
    network.load_state_dict({**{n: tensors[n].float() for n in needed}, **counters}, assign=True)
    return network.eval().requires_grad_(False)


def _either(name: str) -> list[str]:
    return [name, f"{Path(name).stem}.safetensors"]


def _first(folder: Path, names: Iterable[str]) -> Path | None:
    """The first file below a folder whose path ends in one of the names."""
    for name in names:
        for path in sorted(folder.rglob(name)):
            if path.is_file():
                return path
    return None
