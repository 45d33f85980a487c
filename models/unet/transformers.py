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
from ..cpu_layers import positions_in_a_row
from ..operations import Operations
from .config import NORM_GROUPS, UNetConfig
from .context import Context, chunked, inference_mode
from .token_store import KeysValues

NORM_EPS = 1e-6  # published-model b.6
FF_MULT = 4

# {text, image, audio: keys and values}, of a whole clip (B, N, C) or per frame (B, T, N, C)
Tokens = dict[str, KeysValues]


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
        clips = x.unflatten(0, (n_clips, -1))  # (B, T, C, H, W)
        # keys and values for all frames at once, not once per chunk
        blocks = [cast(SpatialBlock, block) for block in self.transformer_blocks]
        tokens = [block.attn2.keys_and_values(context) for block in blocks]

        def transform(frames: slice) -> torch.Tensor:
            h = self.norm(clips[:, frames].flatten(0, 1))  # (B*f, C, H, W)
            # with channels last in memory, as on a CPU, this costs nothing
            h = self.proj_in(h.flatten(2).mT.contiguous())  # (B*f, HW, C)
            for block, pairs in zip(blocks, tokens, strict=True):
                h = block(h, pairs, frames, context)
            h = self.proj_out(h)  # (B*f, HW, C)
            h = rearrange(h, "(b f) (h w) c -> b f c h w", b=n_clips, h=height)
            return clips[:, frames] + h  # the first one gives the sum its layout in memory

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
        n_clips, height = context.n_clips, x.shape[2]
        clips = positions_in_a_row(x.unflatten(0, (n_clips, -1)))  # (B, T, C, HW)
        normed = self.norm(clips.transpose(1, 2))  # (B, C, T, HW)

        def transform(positions: slice) -> torch.Tensor:
            h = rearrange(normed[..., positions], "b c t p -> (b p) t c").contiguous()
            h = self._project(self.proj_in, h)  # (B*p, T, inner)
            for block in self.transformer_blocks:
                h = block(h, context.temporal_attention)
            h = self._project(self.proj_out, h)  # (B*p, T, C)
            # the first one gives the sum its layout in memory
            return clips[..., positions] + rearrange(h, "(b p) t c -> b t c p", b=n_clips)

        n_elements = 2 * FF_MULT * self.inner_width * context.n_frames * n_clips
        out = chunked(transform, clips.shape[3], n_elements=n_elements, dim=3)
        return out.unflatten(3, (height, -1)).flatten(0, 1)

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
        self, x: torch.Tensor, tokens: Tokens, frames: slice, context: Context
    ) -> torch.Tensor:
        """x (B*f, HW, C) of the frames `frames`; tokens: `attn2.keys_and_values`. Returns (B*f, HW, C)."""
        x = _add(x, self.attn1(self.norm1(x), context.attention))
        x = _add(x, self.attn2(self.norm2(x), tokens, frames, context))
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
        self.heads, self.width = heads, width
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

    def keys_and_values(self, context: Context) -> Tokens:
        """Keys and values of the tokens of all frames; those that a TokenStore has are not computed again."""
        layers = {"text": (self.to_k, self.to_v), "image": (self.to_k_ip, self.to_v_ip)}
        given = {"text": context.text, "image": context.image}
        if context.audio is not None:
            layers["audio"], given["audio"] = (self.to_k_ap, self.to_v_ap), context.audio
        pairs: Tokens = {}
        for name, tokens in given.items():
            if tokens is None:
                continue
            stored = context.stored.get(name)
            if stored and self in stored:
                pairs[name] = stored[self]
                continue
            to_k, to_v = layers[name]
            pairs[name] = to_k(tokens), to_v(tokens)
            if stored is not None:
                stored[self] = pairs[name]
        return pairs

    def forward(
        self, x: torch.Tensor, tokens: Tokens, frames: slice, context: Context
    ) -> torch.Tensor:
        """x (B*f, HW, C) of the frames `frames`; tokens: as `keys_and_values` gives it. Returns (B*f, HW, C)."""
        q = self.to_q(x)
        out = self._attend(q, tokens["text"], frames, context)
        if "image" in tokens:
            out = _add(out, self._attend(q, tokens["image"], frames, context))
        if "audio" in tokens:
            audio = self._attend(q, tokens["audio"], frames, context)
            if self.beta is not None:
                audio = audio * (1 + torch.tanh(self.beta.to(audio)))
            out = _add(out, audio)
        return self.to_out(out)

    def _attend(
        self, q: torch.Tensor, pair: KeysValues, frames: slice, context: Context
    ) -> torch.Tensor:
        """Attention of every frame to its own tokens, or to those of its clip: q (B*f, HW, C) -> the same."""
        if pair[0].ndim == 3:  # the positions of all frames of a clip are the queries of one call
            queries = rearrange(q, "(b f) hw c -> b (f hw) c", b=context.n_clips)
            return context.attention(queries, *pair, self.heads).reshape(q.shape)
        k, v = (tokens[:, frames].flatten(0, 1) for tokens in pair)  # (B*f, N, C)
        return context.attention(q, k, v, self.heads)


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
