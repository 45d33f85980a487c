"""The transformers of the video UNet: over the positions of a frame, and over the frames at a position.

Block design: latent diffusion (Rombach et al., CVPR 2022). Keys and values of their own for image tokens: IP-Adapter
(Ye et al., 2023) and DynamiCrafter (Xing et al., ECCV 2024); for audio tokens: KeyVID. Names are the checkpoints'.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from ..attention import Attention
from ..operations import Operations
from .config import NORM_GROUPS, UNetConfig
from .context import Context, chunked, inference_mode

NORM_EPS = 1e-6  # published-model b.6
FF_MULT = 4

# keys and values of a text, (B, N, C) each
ClipText = tuple[torch.Tensor, torch.Tensor]


class SpatialTransformer(nn.Module):
    """Self-attention over each frame's positions, then cross-attention to text, image and audio (published-model b.6).

    (B*T, C, H, W) -> the same.
    """

    def __init__(
        self, channels: int, config: UNetConfig, *, operations: Operations, **factory: Any
    ) -> None:
        super().__init__()
        self.norm = operations.GroupNorm(NORM_GROUPS, channels, eps=NORM_EPS, **factory)
        self.proj_in = operations.Linear(channels, channels, **factory)
        self.transformer_blocks = nn.ModuleList(
            SpatialBlock(channels, config, operations=operations, **factory)
            for _ in range(config.transformer_depth)
        )
        self.proj_out = operations.Linear(channels, channels, **factory)

    def forward(self, x: torch.Tensor, context: Context) -> torch.Tensor:
        n_clips, height = context.n_clips, x.shape[2]
        clips = rearrange(x, "(b t) c h w -> b t c h w", b=n_clips)
        # keys and values of a text that belongs to the whole clip: once, not once per frame
        blocks = [cast(SpatialBlock, block) for block in self.transformer_blocks]
        texts = [block.attn2.clip_text(context) for block in blocks]

        def transform(frames: slice) -> torch.Tensor:
            h = self.norm(rearrange(clips[:, frames], "b f c h w -> (b f) c h w"))
            h = self.proj_in(rearrange(h, "bf c h w -> bf (h w) c"))
            for block, text in zip(blocks, texts, strict=True):
                h = block(h, text, frames, context)
            h = self.proj_out(h)  # (B*f, HW, C)
            h = rearrange(h, "(b f) (h w) c -> b f c h w", b=n_clips, h=height)
            return h + clips[:, frames]

        n_elements = 2 * FF_MULT * clips[:, 0].numel()
        out = chunked(transform, context.n_frames, n_elements=n_elements, dim=1)
        return out.flatten(0, 1)  # (B*T, C, H, W)


class TemporalTransformer(nn.Module):
    """Self-attention over the frames at each position, twice (published-model b.7).

    (B*T, C, H, W) -> the same. convolutional: the projections are Conv1d of kernel 1, as in `init_attn`.
    """

    def __init__(
        self,
        channels: int,
        config: UNetConfig,
        *,
        heads: int,
        convolutional: bool = False,
        operations: Operations,
        **factory: Any,
    ) -> None:
        super().__init__()
        self.inner_width = heads * config.head_width
        self.convolutional = convolutional
        self.norm = operations.GroupNorm(NORM_GROUPS, channels, eps=NORM_EPS, **factory)
        project = operations.Conv1d if convolutional else operations.Linear
        kernel = (1,) if convolutional else ()
        self.proj_in = project(channels, self.inner_width, *kernel, **factory)
        self.transformer_blocks = nn.ModuleList(
            TemporalBlock(
                self.inner_width, heads, dropout=config.dropout, operations=operations, **factory
            )
            for _ in range(config.transformer_depth)
        )
        self.proj_out = project(self.inner_width, channels, *kernel, **factory)

    def forward(self, x: torch.Tensor, context: Context) -> torch.Tensor:
        n_clips = context.n_clips
        height, width = x.shape[2:]
        clips = rearrange(x, "(b t) c h w -> b t c (h w)", b=n_clips)
        normed = self.norm(rearrange(clips, "b t c hw -> b c t hw"))

        def transform(positions: slice) -> torch.Tensor:
            h = rearrange(normed[..., positions], "b c t p -> (b p) t c")
            h = self._project(self.proj_in, h)  # (B*p, T, inner)
            for block in self.transformer_blocks:
                h = block(h, context.temporal_attention)
            h = self._project(self.proj_out, h)  # (B*p, T, C)
            return rearrange(h, "(b p) t c -> b t c p", b=n_clips) + clips[..., positions]

        n_elements = 2 * FF_MULT * self.inner_width * context.n_frames * n_clips
        out = chunked(transform, height * width, n_elements=n_elements, dim=3)
        return rearrange(out, "b t c (h w) -> (b t) c h w", h=height)

    def _project(self, layer: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
        """(N, T, C) -> (N, T, C')."""
        if self.convolutional:
            return layer(tokens.transpose(1, 2)).transpose(1, 2)
        return layer(tokens)


class SpatialBlock(nn.Module):
    """attn1 over positions, attn2 to text, image and audio, feed-forward; each normed first and added to its input."""

    def __init__(
        self, width: int, config: UNetConfig, *, operations: Operations, **factory: Any
    ) -> None:
        super().__init__()
        heads = width // config.head_width
        self.attn1 = SelfAttention(
            width, heads, dropout=config.dropout, operations=operations, **factory
        )
        self.ff = FeedForward(width, dropout=config.dropout, operations=operations, **factory)
        self.attn2 = CrossAttention(width, heads, config, operations=operations, **factory)
        self.norm1 = operations.LayerNorm(width, **factory)
        self.norm2 = operations.LayerNorm(width, **factory)
        self.norm3 = operations.LayerNorm(width, **factory)

    def forward(
        self, x: torch.Tensor, text: ClipText | None, frames: slice, context: Context
    ) -> torch.Tensor:
        """x (B*f, HW, C) of the frames `frames`; text: as `clip_text` gives it. Returns (B*f, HW, C)."""
        x = _add(x, self.attn1(self.norm1(x), context.attention))
        x = _add(x, self.attn2(self.norm2(x), text, frames, context))
        return _add(x, self.ff(self.norm3(x)))


class TemporalBlock(nn.Module):
    """Two self-attentions over time and a feed-forward; each normed first and added to its input."""

    def __init__(
        self, width: int, heads: int, *, dropout: float, operations: Operations, **factory: Any
    ) -> None:
        super().__init__()
        self.attn1 = SelfAttention(width, heads, dropout=dropout, operations=operations, **factory)
        self.ff = FeedForward(width, dropout=dropout, operations=operations, **factory)
        self.attn2 = SelfAttention(width, heads, dropout=dropout, operations=operations, **factory)
        self.norm1 = operations.LayerNorm(width, **factory)
        self.norm2 = operations.LayerNorm(width, **factory)
        self.norm3 = operations.LayerNorm(width, **factory)

    def forward(self, x: torch.Tensor, attention: Attention) -> torch.Tensor:
        """x (N, T, C) -> (N, T, C); attention: along time, in windows or not."""
        x = _add(x, self.attn1(self.norm1(x), attention))
        x = _add(x, self.attn2(self.norm2(x), attention))
        return _add(x, self.ff(self.norm3(x)))


class SelfAttention(nn.Module):
    """Tokens (N, L, C) -> (N, L, C), every row of N by itself."""

    def __init__(
        self, width: int, heads: int, *, dropout: float, operations: Operations, **factory: Any
    ) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = operations.Linear(width, width, bias=False, **factory)
        self.to_k = operations.Linear(width, width, bias=False, **factory)
        self.to_v = operations.Linear(width, width, bias=False, **factory)
        self.to_out = nn.Sequential(operations.Linear(width, width, **factory), nn.Dropout(dropout))

    def forward(self, x: torch.Tensor, attention: Attention) -> torch.Tensor:
        return self.to_out(attention(self.to_q(x), self.to_k(x), self.to_v(x), self.heads))


class CrossAttention(nn.Module):
    """One query, three pairs of keys and values (published-model b.6).

        out = attend(q, text) + attend(q, image) + (1 + tanh(beta)) * attend(q, audio)

    beta is learned in KeyVID's networks; a network without audio has no third term.
    """

    def __init__(
        self, width: int, heads: int, config: UNetConfig, *, operations: Operations, **factory: Any
    ) -> None:
        super().__init__()
        self.heads = heads
        tokens = config.context_width
        has_audio = config.audio_width is not None
        self.to_q = operations.Linear(width, width, bias=False, **factory)
        self.to_k = operations.Linear(tokens, width, bias=False, **factory)
        self.to_v = operations.Linear(tokens, width, bias=False, **factory)
        self.to_out = nn.Sequential(
            operations.Linear(width, width, **factory), nn.Dropout(config.dropout)
        )
        self.to_k_ip = operations.Linear(tokens, width, bias=False, **factory)
        self.to_v_ip = operations.Linear(tokens, width, bias=False, **factory)
        self.beta = None
        if has_audio:
            self.to_k_ap = operations.Linear(tokens, width, bias=False, **factory)
            self.to_v_ap = operations.Linear(tokens, width, bias=False, **factory)
            if config.learned_audio_scale:
                self.beta = nn.Parameter(torch.zeros((), **factory))

    def clip_text(self, context: Context) -> ClipText | None:
        """Keys and values (B, N, C) of a text for whole clips; None when every frame has its own."""
        if context.text.ndim == 4:
            return None
        return self.to_k(context.text), self.to_v(context.text)

    def forward(
        self, x: torch.Tensor, text: ClipText | None, frames: slice, context: Context
    ) -> torch.Tensor:
        """x (B*f, HW, C) of the frames `frames`; text: as `clip_text` gives it. Returns (B*f, HW, C)."""
        q = self.to_q(x)
        if text is None:
            out = self._attend(q, context.text, frames, self.to_k, self.to_v, context)
        else:  # the positions of all frames of a clip are the queries of one call
            queries = rearrange(q, "(b f) hw c -> b (f hw) c", b=context.n_clips)
            out = context.attention(queries, *text, self.heads).reshape(q.shape)
        if context.image is not None:
            image = self._attend(q, context.image, frames, self.to_k_ip, self.to_v_ip, context)
            out = _add(out, image)
        if context.audio is not None:
            audio = self._attend(q, context.audio, frames, self.to_k_ap, self.to_v_ap, context)
            if self.beta is not None:
                audio = audio * (1 + torch.tanh(self.beta.to(audio)))
            out = _add(out, audio)
        return self.to_out(out)

    def _attend(
        self,
        q: torch.Tensor,
        tokens: torch.Tensor,
        frames: slice,
        to_k: nn.Module,
        to_v: nn.Module,
        context: Context,
    ) -> torch.Tensor:
        """Attention of every frame to its own tokens: q (B*f, HW, C), tokens (B, T, N, C) -> (B*f, HW, C)."""
        tokens = tokens[:, frames].flatten(0, 1)  # (B*f, N, C)
        return context.attention(q, to_k(tokens), to_v(tokens), self.heads)


class FeedForward(nn.Module):
    """Linear(GELU(gate) * value), value and gate the halves of one linear layer (GEGLU, Shazeer 2020)."""

    def __init__(
        self, width: int, *, dropout: float, operations: Operations, **factory: Any
    ) -> None:
        super().__init__()
        inner = FF_MULT * width
        self.net = nn.ModuleList(
            [
                GatedLinear(width, inner, operations=operations, **factory),
                nn.Dropout(dropout),
                operations.Linear(inner, width, **factory),
            ]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., width) -> (..., width)."""
        for layer in self.net:
            x = layer(x)
        return x


class GatedLinear(nn.Module):
    """(..., width) -> (..., inner): the value half times the exact GELU of the gate half."""

    def __init__(self, width: int, inner: int, *, operations: Operations, **factory: Any) -> None:
        super().__init__()
        self.proj = operations.Linear(width, 2 * inner, **factory)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        gate = F.gelu(gate)
        return gate.mul_(value) if inference_mode() else gate * value


def _add(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x + y, into y's memory when autograd needs none of it."""
    return y.add_(x) if inference_mode() else x + y
