"""The convolutional blocks of the video UNet: residual block with temporal convolution, down- and upsampling.

Residual blocks in the form of "Diffusion Models Beat GANs" (Dhariwal & Nichol, 2021); the temporal convolution after
them is that of ModelScope's text-to-video model (Wang et al., 2023). Parameter names are the checkpoints'.
"""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..operations import Operations
from .config import NORM_GROUPS
from .context import Context, chunked, inference_mode

NORM_EPS = 1e-5  # published-model b.5


class SiLU(nn.Module):
    """x * sigmoid(x), written over its input when no gradient is wanted. The input must belong to the caller alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.silu(x, inplace=inference_mode())


class ResBlock(nn.Module):
    """Two convolutions per frame with the embedding added between, then convolutions over time (published-model b.5).

        h = conv(silu(norm(x))) + linear(silu(embedding))
        h = conv(silu(norm(h))) + skip(x)
        out = temporal_convolution(h)

    (B*T, in_channels, H, W) -> (B*T, out_channels, H, W). torch's GroupNorm accumulates in float32 whatever the
    dtype of its input.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        embedding_width: int,
        *,
        dropout: float,
        operations: Operations,
        **factory: Any,
    ) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            operations.GroupNorm(NORM_GROUPS, in_channels, eps=NORM_EPS, **factory),
            SiLU(),
            operations.Conv2d(in_channels, out_channels, 3, padding=1, **factory),
        )
        self.emb_layers = nn.Sequential(
            nn.SiLU(), operations.Linear(embedding_width, out_channels, **factory)
        )
        self.out_layers = nn.Sequential(
            operations.GroupNorm(NORM_GROUPS, out_channels, eps=NORM_EPS, **factory),
            SiLU(),
            nn.Dropout(dropout),
            operations.Conv2d(out_channels, out_channels, 3, padding=1, **factory),
        )
        self.skip_connection = nn.Identity()
        if in_channels != out_channels:
            self.skip_connection = operations.Conv2d(in_channels, out_channels, 1, **factory)
        self.temopral_conv = TemporalConvolution(  # spelled so in every checkpoint
            out_channels, dropout=dropout, operations=operations, **factory
        )

    def forward(self, x: torch.Tensor | list[torch.Tensor], context: Context) -> torch.Tensor:
        """x: one tensor, or a list of tensors to join on channels, which is emptied as soon as it has been used."""
        parts = x if isinstance(x, list) else [x]
        embedding = self.emb_layers(context.embedding)[:, :, None, None]  # (B*T, C, 1, 1)
        h = chunked(
            functools.partial(self._convolve, parts, embedding),
            embedding.shape[0],
            # the joined parts, the normed and torch's own copies for a convolution live at once
            n_elements=4 * sum(part[0].numel() for part in parts),
        )
        if isinstance(x, list):
            x.clear()
        del parts, x  # the temporal convolution needs neither
        clips = h.unflatten(0, (context.n_clips, -1)).transpose(1, 2)  # (B, C, T, H, W)
        return self.temopral_conv(clips).transpose(1, 2).flatten(0, 1)

    def _convolve(
        self, parts: list[torch.Tensor], embedding: torch.Tensor, rows: slice
    ) -> torch.Tensor:
        """The part that treats every frame by itself, for the frames `rows`.

        parts: (B*T, c, H, W) each; embedding: (B*T, out_channels, 1, 1). Returns (rows, out_channels, H, W).
        """
        x = parts[0][rows] if len(parts) == 1 else torch.cat([part[rows] for part in parts], dim=1)
        h = self.in_layers(x)
        h = h.add_(embedding[rows]) if inference_mode() else h + embedding[rows]
        h = self.out_layers(h)
        skip = self.skip_connection(x)
        return h.add_(skip) if inference_mode() else h + skip


class TemporalConvolution(nn.Module):
    """Four times norm, SiLU and a convolution over three frames, added to the input.

    (B, C, T, H, W) -> the same. The norms run over all T frames (published-model b.5).
    """

    def __init__(
        self, channels: int, *, dropout: float, operations: Operations, **factory: Any
    ) -> None:
        super().__init__()

        def stage(*extra: nn.Module) -> nn.Sequential:
            return nn.Sequential(
                operations.GroupNorm(NORM_GROUPS, channels, eps=NORM_EPS, **factory),
                SiLU(),
                *extra,
                operations.Conv3d(channels, channels, (3, 1, 1), padding=(1, 0, 0), **factory),
            )

        self.conv1 = stage()
        self.conv2 = stage(nn.Dropout(dropout))
        self.conv3 = stage(nn.Dropout(dropout))
        self.conv4 = stage(nn.Dropout(dropout))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv1(x)
        h = self.conv2(h)
        h = self.conv3(h)
        h = self.conv4(h)
        return h.add_(x) if inference_mode() else h + x


class Downsample(nn.Module):
    """Halves height and width: (B*T, C, H, W) -> (B*T, C, H/2, W/2)."""

    def __init__(self, channels: int, *, operations: Operations, **factory: Any) -> None:
        super().__init__()
        self.op = operations.Conv2d(channels, channels, 3, stride=2, padding=1, **factory)

    def forward(self, x: torch.Tensor, context: Context) -> torch.Tensor:
        return self.op(x)


class Upsample(nn.Module):
    """Doubles height and width, then convolves: (B*T, C, H, W) -> (B*T, C, 2H, 2W)."""

    def __init__(self, channels: int, *, operations: Operations, **factory: Any) -> None:
        super().__init__()
        self.conv = operations.Conv2d(channels, channels, 3, padding=1, **factory)

    def forward(self, x: torch.Tensor, context: Context) -> torch.Tensor:
        def enlarge(rows: slice) -> torch.Tensor:
            return self.conv(F.interpolate(x[rows], scale_factor=2, mode="nearest"))

        return chunked(enlarge, x.shape[0], n_elements=4 * 4 * x[0].numel())
