"""A file as Lightning writes one, of any size, without holding it: PyTorch lays it out, then the values are filled in.

Beside the state dict it has what such files have: counters, callbacks, hyperparameters of a class that is not there.
"""

import math
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ...models.checkpoint import files as checkpoint_files
from ...models.checkpoint import torch_file

Shapes = dict[str, tuple[int, ...]]
BLOCK_VALUES = 4_194_301  # prime, so that no two rows of a matrix are alike


def write_training_file(
    path: Path,
    shapes: Shapes,
    *,
    seed: int,
    lightning: bool = True,
    on_bytes: Callable[[int, int], None] = lambda _done, _all: None,
) -> None:
    """Write random float32 values of these shapes; lightning: among what a trainer saves, else the state dict alone.

    on_bytes(n_done, n_all) is called after each tensor. One tensor is in memory at a time.
    """
    state = {name: torch.empty(shape) for name, shape in shapes.items()}  # not touched: no memory
    with _training_classes() as classes, torch.serialization.skip_data():
        torch.save(_lightning(state, classes) if lightning else state, path)
    n_all = sum(tensor.nbytes for tensor in state.values())
    del state
    _fill(path, seed=seed, on_bytes=on_bytes, n_all=n_all)


def _fill(path: Path, *, seed: int, on_bytes: Callable[[int, int], None], n_all: int) -> None:
    parsed = torch_file.read_torch_file(path)
    found, _, _ = checkpoint_files.stored_tensors(parsed)
    block, n_done = torch.randn(BLOCK_VALUES, generator=torch.Generator().manual_seed(seed)), 0
    places = sorted((parsed.records[t.storage], name, t.shape) for name, t in found.items())
    with path.open("r+b") as file:
        for (position, n_bytes), name, shape in places:
            values = _values(name, shape, block, start=position // 4 % BLOCK_VALUES)
            file.seek(position)
            file.write(values.reshape(-1).view(torch.uint8).numpy().data)
            n_done += n_bytes
            on_bytes(n_done, n_all)


def _values(name: str, shape: tuple[int, ...], block: torch.Tensor, *, start: int) -> torch.Tensor:
    """Values with which activations neither vanish nor grow: by the number of inputs for matrices, near 1 for norms.

    They are those of the block from `start` on, over and over: drawing 4 billion takes longer than writing them.
    """
    n_values = math.prod(shape)
    n_blocks = -(-(start + n_values) // len(block))
    values = block.repeat(n_blocks)[start : start + n_values].reshape(shape)
    if len(shape) > 1:
        n_inputs = values[0].numel()
        return values.mul_(n_inputs**-0.5)
    values.mul_(0.02)
    return values.add_(1.0) if name.endswith("weight") else values


def _lightning(state: dict[str, torch.Tensor], classes: types.ModuleType) -> dict[str, object]:
    return {
        "epoch": 3669,
        "global_step": 58720,
        "pytorch-lightning_version": "1.9.3",
        "state_dict": state,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"current": {"ready": 3670}}}},
        "callbacks": {
            "ModelCheckpoint{'monitor': None}": {"best_model_path": "", "kth_value": classes.Config()},
        },
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": classes.Config(unet=classes.Config(temporal_length=12)),
    }  # fmt: skip


@contextmanager
def _training_classes() -> Iterator[types.ModuleType]:
    """A module of a training tool that is there while the file is written, and gone when it is read."""
    name = "keyvid_rehearsed_training"
    module = types.ModuleType(name)
    vars(module)["Config"] = type("Config", (dict,), {"__module__": name})
    sys.modules[name] = module
    try:
        yield module
    finally:
        del sys.modules[name]
