"""The convolutional blocks of the video UNet: residual block with temporal convolution, down- and upsampling.

Residual blocks in the form of "Diffusion Models Beat GANs" (Dhariwal & Nichol, 2021); the temporal convolution after
them is that of ModelScope's text-to-video model (Wang et al., 2023). Parameter names are the checkpoints'.
"""

import functools

import torch
import torch.nn.functional as F
from torch import nn

from .context import in_portions, lean

NORM_GROUPS = 32  # published-model b.5
NORM_EPS = 1e-5


class SiLU(nn.Module):
    """x * sigmoid(x), written over its input when no gradient is wanted. The input must belong to the caller alone."""

    def forward(self, x):
        return F.silu(x, inplace=lean())


class ResBlock(nn.Module):
    """Two convolutions per frame with the embedding added between, then convolutions over time (published-model b.5).

    (B*T, in_channels, H, W) -> (B*T, out_channels, H, W). torch's GroupNorm accumulates in float32 whatever the
    dtype of its input.
    """

    def __init__(self, in_channels, out_channels, embedding_width, *, dropout, operations, **where):
        super().__init__()
        self.in_layers = nn.Sequential(
            operations.GroupNorm(NORM_GROUPS, in_channels, eps=NORM_EPS, **where),
            SiLU(),
            operations.Conv2d(in_channels, out_channels, 3, padding=1, **where),
        )
        self.emb_layers = nn.Sequential(
            nn.SiLU(), operations.Linear(embedding_width, out_channels, **where)
        )
        self.out_layers = nn.Sequential(
            operations.GroupNorm(NORM_GROUPS, out_channels, eps=NORM_EPS, **where),
            SiLU(),
            nn.Dropout(dropout),
            operations.Conv2d(out_channels, out_channels, 3, padding=1, **where),
        )
        self.skip_connection = nn.Identity()
        if in_channels != out_channels:
            self.skip_connection = operations.Conv2d(in_channels, out_channels, 1, **where)
        self.temopral_conv = TemporalConvolution(  # spelled so in every checkpoint
            out_channels, dropout=dropout, operations=operations, **where
        )

    def forward(self, x, context):
        """x: one tensor, or a list of tensors to join on channels, which is emptied as soon as it has been used."""
        parts = x if isinstance(x, list) else [x]
        embedding = self.emb_layers(context.embedding)[:, :, None, None]  # (B*T, C, 1, 1)
        h = in_portions(
            functools.partial(self._convolve, parts, embedding),
            embedding.shape[0],
            # the joined parts, the normed and torch's own copies for a convolution live at once
            each=4 * sum(part[0].numel() for part in parts),
        )
        if isinstance(x, list):
            x.clear()
        del parts, x  # the temporal convolution needs neither
        frames = h.unflatten(0, (context.n_clips, context.n_frames)).transpose(1, 2)
        h = self.temopral_conv(frames)  # (B, C, T, H, W)
        return h.transpose(1, 2).flatten(0, 1)  # (B*T, C, H, W)

    def _convolve(self, parts, embedding, rows):
        """The part that treats every frame by itself, for the frames `rows`."""
        x = parts[0][rows] if len(parts) == 1 else torch.cat([part[rows] for part in parts], dim=1)
        h = self.in_layers(x)
        h = h.add_(embedding[rows]) if lean() else h + embedding[rows]
        h = self.out_layers(h)
        skip = self.skip_connection(x)
        return h.add_(skip) if lean() else h + skip


class TemporalConvolution(nn.Module):
    """Four times norm, SiLU and a convolution over three frames, added to the input.

    (B, C, T, H, W) -> the same. The norms run over all T frames (published-model b.5).
    """

    def __init__(self, channels, *, dropout, operations, **where):
        super().__init__()

        def stage(*extra):
            return nn.Sequential(
                operations.GroupNorm(NORM_GROUPS, channels, eps=NORM_EPS, **where),
                SiLU(),
                *extra,
                operations.Conv3d(channels, channels, (3, 1, 1), padding=(1, 0, 0), **where),
            )

        self.conv1 = stage()
        self.conv2 = stage(nn.Dropout(dropout))
        self.conv3 = stage(nn.Dropout(dropout))
        self.conv4 = stage(nn.Dropout(dropout))

    def forward(self, x):
        h = self.conv1(x)
        h = self.conv2(h)
        h = self.conv3(h)
        h = self.conv4(h)
        return h.add_(x) if lean() else h + x


class Downsample(nn.Module):
    """Halves height and width: (B*T, C, H, W) -> (B*T, C, H/2, W/2)."""

    def __init__(self, channels, *, operations, **where):
        super().__init__()
        self.op = operations.Conv2d(channels, channels, 3, stride=2, padding=1, **where)

    def forward(self, x, context):
        return self.op(x)


class Upsample(nn.Module):
    """Doubles height and width, then convolves: (B*T, C, H, W) -> (B*T, C, 2H, 2W)."""

    def __init__(self, channels, *, operations, **where):
        super().__init__()
        self.conv = operations.Conv2d(channels, channels, 3, padding=1, **where)

    def forward(self, x, context):
        def enlarge(rows):
            return self.conv(F.interpolate(x[rows], scale_factor=2, mode="nearest"))

        return in_portions(enlarge, x.shape[0], each=4 * 4 * x[0].numel())
