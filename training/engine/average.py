"""The exponential moving average (EMA) of trained weights, which inference uses."""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from .state import Tensors


def start(modules: Mapping[str, nn.Module]) -> dict[str, Tensors]:
    """{module name: {tensor name: copy of it}} of the modules as they are; floats only are averaged."""
    return {
        name: {key: tensor.detach().clone() for key, tensor in module.state_dict().items()}
        for name, module in modules.items()
    }


@torch.no_grad()
def update(
    averages: dict[str, Tensors], modules: Mapping[str, nn.Module], *, half_life: float, step: int
) -> None:
    """Move the averages towards the modules, in place. Early steps weigh more, so that initial weights fade quickly."""
    keep = min(0.5 ** (1 / half_life), (1 + step) / (10 + step))
    for name, module in modules.items():
        for key, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                averages[name][key].lerp_(tensor, 1 - keep)
            else:
                averages[name][key].copy_(tensor)


@contextlib.contextmanager
def in_place(averages: dict[str, Tensors], modules: Mapping[str, nn.Module]) -> Iterator[None]:
    """Inside this context the modules hold the averages in evaluation mode; afterwards they are restored."""
    trained = start(modules)
    modes = {name: module.training for name, module in modules.items()}
    try:
        for name, module in modules.items():
            module.load_state_dict(averages[name])
            module.eval()
        yield
    finally:
        for name, module in modules.items():
            module.load_state_dict(trained[name])
            module.train(modes[name])
