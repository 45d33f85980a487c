"""InceptionV3 as FID uses it: 2048 numbers of an image.

Szegedy et al., "Rethinking the Inception architecture for computer vision" (CVPR 2016), with the changes of the
TensorFlow network that FID was defined by: average pooling does not count the padding, and the last block pools by
maximum (published-model i). Parameter names are torchvision's, those of pt_inception-2015-12-05-6726825d.pth.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

BATCH_NORM_EPS = 1e-3
N_FEATURES = 2048
# a convolution: (name behind the branch, channels, kernel, stride); a pair of tuples forks into two
_Step = tuple[Any, ...]
_ROW, _COLUMN = (1, 7), (7, 1)
_ACROSS, _DOWN = (1, 3), (3, 1)
_AVERAGE, _MAXIMUM, _HALVE = "average", "maximum", "halve"


class InceptionFeatures(nn.Module):
    """The layers up to the last pooling; the file's classifier (`fc.*`) is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _ConvNorm(3, 32, 3, stride=2, padding=0)
        self.Conv2d_2a_3x3 = _ConvNorm(32, 32, 3, padding=0)
        self.Conv2d_2b_3x3 = _ConvNorm(32, 64, 3)
        self.Conv2d_3b_1x1 = _ConvNorm(64, 80, 1)
        self.Conv2d_4a_3x3 = _ConvNorm(80, 192, 3, padding=0)
        width = 192
        self.mixed = _MIXED
        for name, branches, pool, pooled in _MIXED:
            block = _Mixed(width, branches, pool=pool, pooled=pooled)
            self.add_module(name, block)
            width = block.width

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """images: float (B, 3, H, W) in [-1, 1], 75 pixels or more on each side; 229 x 229 in the published code.

        Returns (B, 2048).
        """
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images)))
        x = functional.max_pool2d(x, 3, stride=2)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))
        x = functional.max_pool2d(x, 3, stride=2)
        for name, *_ in self.mixed:
            x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3))


class _ConvNorm(nn.Module):
    """Convolution without bias, batch norm, ReLU; padded to the same size unless told otherwise."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | None = None,
    ) -> None:
        super().__init__()
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        pad = (size[0] // 2, size[1] // 2) if padding is None else padding
        self.conv = nn.Conv2d(n_in, n_out, size, stride=stride, padding=pad, bias=False)
        self.bn = nn.BatchNorm2d(n_out, eps=BATCH_NORM_EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(x)))


class _Mixed(nn.Module):
    """Branches side by side on one input, joined along the channels, the pooled one last."""

    def __init__(
        self, n_in: int, branches: dict[str, tuple[_Step, ...]], *, pool: str, pooled: int | None
    ) -> None:
        super().__init__()
        self.pool = pool
        self.chains: list[list[tuple[str, ...]]] = []
        self.width = 0
        for branch, steps in branches.items():
            width, chain = n_in, []
            for step in steps:
                fork = step if isinstance(step[0], tuple) else (step,)
                for suffix, n_out, kernel, *stride in fork:
                    layer = _ConvNorm(width, n_out, kernel, **_stride(*stride))
                    self.add_module(f"branch{branch}{suffix}", layer)
                chain.append(tuple(f"branch{branch}{suffix}" for suffix, *_ in fork))
                width = sum(n_out for _, n_out, *_ in fork)
            self.chains.append(chain)
            self.width += width
        self.branch_pool = None if pooled is None else _ConvNorm(n_in, pooled, 1)
        self.width += n_in if pooled is None else pooled

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = []
        for chain in self.chains:
            y = x
            for names in chain:
                y = torch.cat([self.get_submodule(name)(y) for name in names], dim=1)
            outputs.append(y)
        pooled = _pooled(x, self.pool)
        outputs.append(pooled if self.branch_pool is None else self.branch_pool(pooled))
        return torch.cat(outputs, dim=1)


def _stride(stride: int = 1) -> dict[str, int]:
    """The arguments of _ConvNorm; a convolution with a stride is not padded."""
    return {} if stride == 1 else {"stride": stride, "padding": 0}


def _pooled(x: torch.Tensor, pool: str) -> torch.Tensor:
    if pool == _AVERAGE:
        return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    if pool == _MAXIMUM:
        return functional.max_pool2d(x, 3, stride=1, padding=1)
    return functional.max_pool2d(x, 3, stride=2)


def _block_a(pooled: int) -> tuple[dict[str, tuple[_Step, ...]], str, int]:
    branches = {
        "1x1": (("", 64, 1),),
        "5x5": (("_1", 48, 1), ("_2", 64, 5)),
        "3x3dbl": (("_1", 64, 1), ("_2", 96, 3), ("_3", 96, 3)),
    }
    return branches, _AVERAGE, pooled


def _block_c(inner: int) -> tuple[dict[str, tuple[_Step, ...]], str, int]:
    branches = {
        "1x1": (("", 192, 1),),
        "7x7": (("_1", inner, 1), ("_2", inner, _ROW), ("_3", 192, _COLUMN)),
        "7x7dbl": (
            ("_1", inner, 1),
            ("_2", inner, _COLUMN),
            ("_3", inner, _ROW),
            ("_4", inner, _COLUMN),
            ("_5", 192, _ROW),
        ),
    }
    return branches, _AVERAGE, 192


def _block_e(pool: str) -> tuple[dict[str, tuple[_Step, ...]], str, int]:
    branches = {
        "1x1": (("", 320, 1),),
        "3x3": (("_1", 384, 1), (("_2a", 384, _ACROSS), ("_2b", 384, _DOWN))),
        "3x3dbl": (
            ("_1", 448, 1),
            ("_2", 384, 3),
            (("_3a", 384, _ACROSS), ("_3b", 384, _DOWN)),
        ),
    }
    return branches, pool, 192


_BLOCK_B = (
    {"3x3": (("", 384, 3, 2),), "3x3dbl": (("_1", 64, 1), ("_2", 96, 3), ("_3", 96, 3, 2))},
    _HALVE,
    None,
)
_BLOCK_D = (
    {
        "3x3": (("_1", 192, 1), ("_2", 320, 3, 2)),
        "7x7x3": (("_1", 192, 1), ("_2", 192, _ROW), ("_3", 192, _COLUMN), ("_4", 192, 3, 2)),
    },
    _HALVE,
    None,
)
_MIXED = (
    ("Mixed_5b", *_block_a(32)),
    ("Mixed_5c", *_block_a(64)),
    ("Mixed_5d", *_block_a(64)),
    ("Mixed_6a", *_BLOCK_B),
    ("Mixed_6b", *_block_c(128)),
    ("Mixed_6c", *_block_c(160)),
    ("Mixed_6d", *_block_c(160)),
    ("Mixed_6e", *_block_c(192)),
    ("Mixed_7a", *_BLOCK_D),
    ("Mixed_7b", *_block_e(_AVERAGE)),
    ("Mixed_7c", *_block_e(_MAXIMUM)),
)
