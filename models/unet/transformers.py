"""The transformers of the video UNet: over the places of a frame, and over the frames of a place.

Block design: latent diffusion (Rombach et al., CVPR 2022). Keys and values of their own for image tokens: IP-Adapter
(Ye et al., 2023) and DynamiCrafter (Xing et al., ECCV 2024); for audio tokens: KeyVID. Names are the checkpoints'.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .context import in_portions, lean

NORM_GROUPS = 32  # published-model b.6
NORM_EPS = 1e-6
FF_MULT = 4


class SpatialTransformer(nn.Module):
    """Self-attention over each frame's places, then cross-attention to text, image and audio (published-model b.6).

    (B*T, C, H, W) -> the same.
    """

    def __init__(self, channels, config, *, operations, **where):
        super().__init__()
        self.norm = operations.GroupNorm(NORM_GROUPS, channels, eps=NORM_EPS, **where)
        self.proj_in = operations.Linear(channels, channels, **where)
        self.transformer_blocks = nn.ModuleList(
            SpatialBlock(channels, config, operations=operations, **where)
            for _ in range(config.transformer_depth)
        )
        self.proj_out = operations.Linear(channels, channels, **where)

    def forward(self, x, context):
        channels, height, width = x.shape[1:]
        clips = x.unflatten(0, (context.n_clips, context.n_frames))  # (B, T, C, H, W)
        # keys and values of a text that belongs to the whole clip: once, not once per frame
        texts = [block.attn2.clip_text(context) for block in self.transformer_blocks]

        def transform(frames):
            h = self.norm(clips[:, frames].flatten(0, 1))  # (B*f, C, H, W)
            h = self.proj_in(h.flatten(2).transpose(1, 2))  # (B*f, HW, C)
            for block, text in zip(self.transformer_blocks, texts, strict=True):
                h = block(h, text, frames, context)
            h = self.proj_out(h).transpose(1, 2)  # (B*f, C, HW)
            return h.reshape(context.n_clips, -1, channels, height, width) + clips[:, frames]

        each = 2 * FF_MULT * clips[:, 0].numel()
        return in_portions(transform, context.n_frames, each=each, dim=1).flatten(0, 1)


class TemporalTransformer(nn.Module):
    """Self-attention over the frames of each place, twice (published-model b.7).

    (B*T, C, H, W) -> the same. convolutional: the projections are Conv1d of kernel 1, as in `init_attn`.
    """

    def __init__(self, channels, config, *, heads, convolutional=False, operations, **where):
        super().__init__()
        inner = heads * config.head_width
        self.convolutional = convolutional
        self.norm = operations.GroupNorm(NORM_GROUPS, channels, eps=NORM_EPS, **where)
        project = operations.Conv1d if convolutional else operations.Linear
        kernel = (1,) if convolutional else ()
        self.proj_in = project(channels, inner, *kernel, **where)
        self.transformer_blocks = nn.ModuleList(
            TemporalBlock(inner, heads, dropout=config.dropout, operations=operations, **where)
            for _ in range(config.transformer_depth)
        )
        self.proj_out = project(inner, channels, *kernel, **where)

    def forward(self, x, context):
        channels, height, width = x.shape[1:]
        clips = x.unflatten(0, (context.n_clips, context.n_frames)).flatten(3)  # (B, T, C, HW)
        normed = self.norm(clips.transpose(1, 2))  # (B, C, T, HW)

        def transform(places):
            h = normed[..., places].permute(0, 3, 2, 1).flatten(0, 1)  # (B*p, T, C)
            h = self._project(self.proj_in, h)  # (B*p, T, inner)
            for block in self.transformer_blocks:
                h = block(h, context.temporal_attention)
            h = self._project(self.proj_out, h)  # (B*p, T, C)
            h = h.unflatten(0, (context.n_clips, -1)).permute(0, 2, 3, 1)  # (B, T, C, p)
            return h + clips[..., places]

        inner = self.proj_in.out_channels if self.convolutional else self.proj_in.out_features
        each = 2 * FF_MULT * inner * context.n_frames * context.n_clips
        out = in_portions(transform, height * width, each=each, dim=3)
        return out.reshape(-1, channels, height, width)  # (B*T, C, H, W)

    def _project(self, layer, tokens):
        if self.convolutional:
            return layer(tokens.transpose(1, 2)).transpose(1, 2)
        return layer(tokens)


class SpatialBlock(nn.Module):
    """attn1 over places, attn2 to the conditions, feed-forward; each after a LayerNorm and added to its input."""

    def __init__(self, width, config, *, operations, **where):
        super().__init__()
        heads = width // config.head_width
        self.attn1 = SelfAttention(
            width, heads, dropout=config.dropout, operations=operations, **where
        )
        self.ff = FeedForward(width, dropout=config.dropout, operations=operations, **where)
        self.attn2 = CrossAttention(width, heads, config, operations=operations, **where)
        self.norm1 = operations.LayerNorm(width, **where)
        self.norm2 = operations.LayerNorm(width, **where)
        self.norm3 = operations.LayerNorm(width, **where)

    def forward(self, x, text, frames, context):
        """x (B*f, HW, C); text: what `clip_text` gave; frames: the slice of frames that x holds."""
        x = _add(x, self.attn1(self.norm1(x), context.attention))
        x = _add(x, self.attn2(self.norm2(x), text, frames, context))
        return _add(x, self.ff(self.norm3(x)))


class TemporalBlock(nn.Module):
    """Two self-attentions over time and a feed-forward; each after a LayerNorm and added to its input."""

    def __init__(self, width, heads, *, dropout, operations, **where):
        super().__init__()
        self.attn1 = SelfAttention(width, heads, dropout=dropout, operations=operations, **where)
        self.ff = FeedForward(width, dropout=dropout, operations=operations, **where)
        self.attn2 = SelfAttention(width, heads, dropout=dropout, operations=operations, **where)
        self.norm1 = operations.LayerNorm(width, **where)
        self.norm2 = operations.LayerNorm(width, **where)
        self.norm3 = operations.LayerNorm(width, **where)

    def forward(self, x, attention):
        """x (N, T, C); attention: along time, in windows or not."""
        x = _add(x, self.attn1(self.norm1(x), attention))
        x = _add(x, self.attn2(self.norm2(x), attention))
        return _add(x, self.ff(self.norm3(x)))


class SelfAttention(nn.Module):
    """Tokens (N, L, C) -> (N, L, C), every row of N by itself."""

    def __init__(self, width, heads, *, dropout, operations, **where):
        super().__init__()
        self.heads = heads
        self.to_q = operations.Linear(width, width, bias=False, **where)
        self.to_k = operations.Linear(width, width, bias=False, **where)
        self.to_v = operations.Linear(width, width, bias=False, **where)
        self.to_out = nn.Sequential(operations.Linear(width, width, **where), nn.Dropout(dropout))

    def forward(self, x, attention):
        return self.to_out(attention(self.to_q(x), self.to_k(x), self.to_v(x), self.heads))


class CrossAttention(nn.Module):
    """One query, three pairs of keys and values: text + image + (1 + tanh(beta)) * audio (published-model b.6)."""

    def __init__(self, width, heads, config, *, operations, **where):
        super().__init__()
        self.heads = heads
        tokens = config.context_width
        has_audio = config.audio_width is not None
        self.to_q = operations.Linear(width, width, bias=False, **where)
        self.to_k = operations.Linear(tokens, width, bias=False, **where)
        self.to_v = operations.Linear(tokens, width, bias=False, **where)
        self.to_out = nn.Sequential(
            operations.Linear(width, width, **where), nn.Dropout(config.dropout)
        )
        self.to_k_ip = operations.Linear(tokens, width, bias=False, **where)
        self.to_v_ip = operations.Linear(tokens, width, bias=False, **where)
        self.beta = None
        if has_audio:
            self.to_k_ap = operations.Linear(tokens, width, bias=False, **where)
            self.to_v_ap = operations.Linear(tokens, width, bias=False, **where)
            if config.learned_audio_scale:
                self.beta = nn.Parameter(torch.zeros((), **where))

    def clip_text(self, context):
        """Keys and values (B, N, C) of a text for whole clips; None when every frame has its own."""
        if context.text.ndim == 4:
            return None
        return self.to_k(context.text), self.to_v(context.text)

    def forward(self, x, text, frames, context):
        """x (B*f, HW, C) of the frames `frames`; text: what `clip_text` gave -> (B*f, HW, C)."""
        q = self.to_q(x)
        if text is None:
            out = self._attend(q, context.text, frames, self.to_k, self.to_v, context)
        else:  # the places of all frames ask in one call
            queries = q.unflatten(0, (context.n_clips, -1)).flatten(1, 2)  # (B, f*HW, C)
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

    def _attend(self, q, tokens, frames, to_k, to_v, context):
        """Attention of every frame to its own tokens, (B, T, N, C)."""
        tokens = tokens[:, frames].flatten(0, 1)  # (B*f, N, C)
        return context.attention(q, to_k(tokens), to_v(tokens), self.heads)


class FeedForward(nn.Module):
    """Linear(GELU(gate) * value), value and gate the halves of one linear layer (GEGLU, Shazeer 2020)."""

    def __init__(self, width, *, dropout, operations, **where):
        super().__init__()
        inner = FF_MULT * width
        self.net = nn.ModuleList(
            [
                GatedLinear(width, inner, operations=operations, **where),
                nn.Dropout(dropout),
                operations.Linear(inner, width, **where),
            ]
        )

    def forward(self, x):
        for layer in self.net:
            x = layer(x)
        return x


class GatedLinear(nn.Module):
    """(..., width) -> (..., inner): the value half times the exact GELU of the gate half."""

    def __init__(self, width, inner, *, operations, **where):
        super().__init__()
        self.proj = operations.Linear(width, 2 * inner, **where)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        gate = F.gelu(gate)
        return gate.mul_(value) if lean() else gate * value


def _add(x, y):
    """x + y, into y's memory when autograd needs none of it."""
    return y.add_(x) if lean() else x + y
