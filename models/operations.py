"""Where the layers and parameters of a network come from, so that ComfyUI's own layers can be passed in."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import nn


class Operations(Protocol):
    """Layer classes by PyTorch's names: the module `torch.nn`, or one of ComfyUI's classes of operations.

    Each takes PyTorch's arguments, `dtype` and `device` included. No constructor of a network may read a weight:
    ComfyUI may load it later.
    """

    @property
    def Linear(self) -> Callable[..., nn.Module]: ...
    @property
    def Conv1d(self) -> Callable[..., nn.Module]: ...
    @property
    def Conv2d(self) -> Callable[..., nn.Module]: ...
    @property
    def Conv3d(self) -> Callable[..., nn.Module]: ...
    @property
    def GroupNorm(self) -> Callable[..., nn.Module]: ...
    @property
    def LayerNorm(self) -> Callable[..., nn.Module]: ...
    @property
    def Embedding(self) -> Callable[..., nn.Module]: ...


def empty_parameter(*shape: int, **factory: Any) -> nn.Parameter:
    """A parameter without values, to be loaded or initialised; factory: dtype and device."""
    return nn.Parameter(torch.empty(shape, **factory))
