"""Layers on a CPU by the fastest of the libraries that PyTorch has for them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

# MKL, which PyTorch takes for float32, has no AVX-512 on AMD's processors. oneDNN has; in 16 bits PyTorch takes it by
# itself.
_ONEDNN: Callable[..., torch.Tensor] | None = getattr(torch.ops.mkldnn, "_linear_pointwise", None)


class FastLayers(TorchFunctionMode):
    """While it is entered, layers on a CPU give the same sums sooner, added up in another order.

    A linear layer in float32 is oneDNN's, and so is a convolution with a kernel of one. A convolution over three
    frames that sees one position of each is a convolution of images with time and position for height and width:
    PyTorch has a slow way of its own for short clips. A mode and not layers, so that it reaches ComfyUI's layers
    too, after weights were cast and patched. There are no gradients: enter it where none are wanted.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if not kwargs and _on_cpu(args):
            if func is F.linear:
                return _linear(*args)
            if func is F.conv1d and _is_pointwise(*args):
                x, weight, *bias = args[:3]
                return _linear(x.mT, weight[..., 0], *bias).mT
            if func is F.conv3d and _is_over_time(*args):
                return _over_time(*args)
        return func(*args, **(kwargs or {}))


def has_fast_layers(x: torch.Tensor) -> bool:
    """Whether FastLayers changes anything for a network whose input is x."""
    return (
        x.device.type == "cpu"
        and torch.backends.mkldnn.is_available()
        and not torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
    )


def positions_in_a_row(x: torch.Tensor) -> torch.Tensor:
    """(B, N, M, H, W) -> (B, N, M, H * W), the same memory where its layout allows."""
    return _usual_strides(x.flatten(3))


def _usual_strides(x: torch.Tensor) -> torch.Tensor:
    """x; of one clip, with the stride that a clip has among others.

    It means nothing there, but PyTorch looks at it to tell channels-last from other layouts.
    """
    if len(x) != 1 or torch.is_grad_enabled():
        return x
    return x.as_strided(x.shape, (x.numel(), *x.stride()[1:]))


def _on_cpu(args: Sequence[Any]) -> bool:
    """Whether input, weight and bias, if there is one, are ordinary tensors on a CPU."""
    return all(
        tensor is None
        or (type(tensor) in (torch.Tensor, torch.nn.Parameter) and tensor.device.type == "cpu")
        for tensor in args[:3]
    )


def _suits_onednn(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> bool:
    tensors = (x, weight) if bias is None else (x, weight, bias)
    in_float32 = all(tensor.dtype == torch.float32 for tensor in tensors)
    return in_float32 and x.ndim > 1 and x.numel() > 0 and weight.is_contiguous()


def _linear(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    if _ONEDNN is None or not _suits_onednn(x, weight, bias):
        return F.linear(x, weight, bias)
    return _ONEDNN(x, weight, bias, "none", [], "")


def _is_pointwise(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] | str = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> bool:
    """Whether conv1d with these arguments is a linear layer."""
    whole = (weight.shape[2], *stride, *padding, groups) == (1, 1, 0, 1)
    return x.ndim == 3 and whole


def _is_over_time(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Sequence[int] = (1, 1, 1),
    padding: Sequence[int] | str = (0, 0, 0),
    dilation: Sequence[int] = (1, 1, 1),
    groups: int = 1,
) -> bool:
    """Whether conv3d with these arguments leaves height and width alone."""
    return (
        x.ndim == 5
        and tuple(weight.shape[3:]) == (1, 1)
        and not isinstance(padding, str)
        and (*stride, *padding[1:], *dilation, groups) == (1, 1, 1, 0, 0, 1, 1, 1, 1)
    )


def _over_time(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Sequence[int] = (1, 1, 1),
    padding: Sequence[int] = (0, 0, 0),
    *_: Any,
) -> torch.Tensor:
    """x (B, C, T, H, W), weight (C', C, k, 1, 1) -> (B, C', T', H, W)."""
    height = x.shape[3]
    out = F.conv2d(positions_in_a_row(x), weight.flatten(3), bias, padding=(padding[0], 0))
    return _usual_strides(out.unflatten(3, (height, -1)))
