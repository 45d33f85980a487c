"""The image projection: from CLIP's tokens of one image to a few tokens for every frame of a video.

The design is that of the Perceiver Resampler (Alayrac et al., "Flamingo", NeurIPS 2022) in the form of DynamiCrafter
(Xing et al., ECCV 2024), whose learned latents belong to one frame each (published-model d.4, `image_proj_model`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from einops import rearrange
from torch import nn

from ...errors import CheckpointMetadataError, CheckpointNamesError
from ..attention import Attention, sdpa_attention
from ..config_inference import Shape, count_blocks, count_heads, shape_of
from ..frame_index import gather_frames
from ..operations import Operations
from ..published import QUERIES_PER_FRAME


@dataclass(frozen=True)
class ResamplerConfig:
    """Sizes of a resampler: channels of its input, inside and at its output, and how many tokens it makes."""

    in_width: int
    width: int
    out_width: int
    depth: int
    heads: int
    head_width: int
    ff_width: int
    n_frames: int
    n_queries: int = QUERIES_PER_FRAME


PUBLISHED_RESAMPLER = ResamplerConfig(
    in_width=1280,
    width=1024,
    out_width=1024,
    depth=4,
    heads=12,
    head_width=64,
    ff_width=4096,
    n_frames=48,
)


def resampler_config_from_shapes(
    shapes: Mapping[str, Shape],
    *,
    head_width: int | None = None,
    n_queries: int = QUERIES_PER_FRAME,
) -> ResamplerConfig:
    """The ResamplerConfig behind tensor shapes (names without `image_proj_model.`).

    head_width: channels per attention head; None is right for the published inner width only.
    n_queries: tokens per frame. No shape tells either; the metadata of a file may.
    Raises CheckpointError when the sizes cannot be inferred.
    """
    network = "image projection"
    _, n_latents, width = shape_of(shapes, "latents", network=network, n_axes=3)
    if n_latents % n_queries:
        raise CheckpointMetadataError(
            f"The image projection has {n_latents} latents, which cannot be divided into frames of "
            f"{n_queries}; the metadata of the file must say how many queries a frame has."
        )
    inner, _ = shape_of(shapes, "layers.0.0.to_q.weight", network=network, n_axes=2)
    published = (
        PUBLISHED_RESAMPLER.heads * PUBLISHED_RESAMPLER.head_width,
        PUBLISHED_RESAMPLER.head_width,
    )
    heads = count_heads(inner, head_width, published=published, network=network)
    return ResamplerConfig(
        in_width=shape_of(shapes, "proj_in.weight", network=network, n_axes=2)[1],
        width=width,
        out_width=shape_of(shapes, "proj_out.weight", network=network, n_axes=2)[0],
        depth=count_blocks(shapes, "layers", network=network),
        heads=heads,
        head_width=inner // heads,
        ff_width=shape_of(shapes, "layers.0.1.1.weight", network=network, n_axes=2)[0],
        n_frames=n_latents // n_queries,
        n_queries=n_queries,
    )


class Resampler(nn.Module):
    """Learned latents, a few per frame, that attend to the image; names are those behind `image_proj_model.`.

    x = latents;  depth times:  x = x + attention(image, x);  x = x + feed_forward(x);  then norm(linear(x))
    """

    def __init__(
        self,
        config: ResamplerConfig,
        *,
        operations: Operations = nn,
        attention: Attention = sdpa_attention,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"dtype": dtype, "device": device}
        n_latents = config.n_frames * config.n_queries
        self.config = config
        self.latents = nn.Parameter(torch.empty(1, n_latents, config.width, **factory))
        self.proj_in = operations.Linear(config.in_width, config.width, **factory)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    _LatentAttention(config, operations, attention, factory),
                    _feed_forward(config, operations, factory),
                ]
            )
            for _ in range(config.depth)
        )
        self.proj_out = operations.Linear(config.width, config.out_width, **factory)
        self.norm_out = operations.LayerNorm(config.out_width, **factory)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The image tokens of every frame.

        tokens: (B, N, in_width) from the CLIP vision tower. Returns (B, n_frames, n_queries, out_width).
        """
        tokens = self.proj_in(tokens)  # (B, N, width)
        latents = self.latents.to(tokens).expand(len(tokens), -1, -1)  # (B, F*Q, width)
        for attention, feed_forward in (cast(nn.ModuleList, layer) for layer in self.layers):
            latents = latents + attention(tokens, latents)
            latents = latents + feed_forward(latents)
        out = self.norm_out(self.proj_out(latents))
        return rearrange(out, "b (f q) width -> b f q width", q=self.config.n_queries)


class _LatentAttention(nn.Module):
    """Latents attend to the image and to one another at once: queries from latents, keys and values from both.

    tokens (B, N, width), latents (B, L, width) -> (B, L, width).
    """

    def __init__(
        self,
        config: ResamplerConfig,
        operations: Operations,
        attention: Attention,
        factory: dict[str, Any],
    ) -> None:
        super().__init__()
        inner = config.heads * config.head_width
        self.heads = config.heads
        self.attention = attention
        self.norm1 = operations.LayerNorm(config.width, **factory)
        self.norm2 = operations.LayerNorm(config.width, **factory)
        self.to_q = operations.Linear(config.width, inner, bias=False, **factory)
        self.to_kv = operations.Linear(config.width, 2 * inner, bias=False, **factory)
        self.to_out = operations.Linear(inner, config.width, bias=False, **factory)

    def forward(self, tokens: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        tokens, latents = self.norm1(tokens), self.norm2(latents)
        q = self.to_q(latents)  # (B, L, inner)
        kv = self.to_kv(torch.cat([tokens, latents], dim=1))  # (B, N + L, 2*inner)
        k, v = kv.chunk(2, dim=-1)
        return self.to_out(self.attention(q, k, v, self.heads))


def _feed_forward(
    config: ResamplerConfig, operations: Operations, factory: dict[str, Any]
) -> nn.Sequential:
    return nn.Sequential(
        operations.LayerNorm(config.width, **factory),
        operations.Linear(config.width, config.ff_width, bias=False, **factory),
        nn.GELU(),
        operations.Linear(config.ff_width, config.width, bias=False, **factory),
    )


def init_resampler(resampler: Resampler, *, generator: torch.Generator | None = None) -> Resampler:
    """Fill a resampler with random weights to train from, in place; returns the resampler.

    Weights are normal with a variance of 1 / (inputs), those that end a residual branch smaller by the number of
    branches; norms start as identities, biases at zero.
    """
    shrink = (2 * resampler.config.depth) ** -0.5
    with torch.no_grad():
        for name, parameter in resampler.named_parameters():
            if name == "latents":
                parameter.normal_(std=resampler.config.width**-0.5, generator=generator)
            elif parameter.ndim == 2:
                std = parameter.shape[1] ** -0.5
                branch_end = name.endswith(("to_out.weight", ".1.3.weight"))
                parameter.normal_(std=std * (shrink if branch_end else 1.0), generator=generator)
            else:  # norms and biases
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    return resampler


def select_frames(tokens: torch.Tensor, frame_index: torch.Tensor) -> torch.Tensor:
    """The image tokens of some frames, which the keyframe stage is conditioned on (published-model d.4).

    tokens: (B, F, Q, C). frame_index: integers (B, T), each from 0 to F - 1; a batch of 1 serves the other's batch.
    Returns (B, T, Q, C). Raises SelectionError when an index lies outside the frames or the batches do not fit.
    """
    return gather_frames(tokens, frame_index, what="image projection")


def resize_latents(
    latents: torch.Tensor, n_frames_from: int, n_frames_to: int, n_queries: int = QUERIES_PER_FRAME
) -> torch.Tensor:
    """Latents for another number of frames: linear in time, each query by itself (published-model a.3).

    latents: (1, n_frames_from * n_queries, width). Returns (1, n_frames_to * n_queries, width) in the same dtype. The
    authors made KeyVID's 48 frames from DynamiCrafter's 16 in this way, and so does a training that starts from it.
    Raises CheckpointNamesError when the latents are not those of n_frames_from frames.
    """
    n_latents = latents.shape[1]
    if n_latents != n_frames_from * n_queries:
        raise CheckpointNamesError(
            f"The image projection has {n_latents} latents, but {n_frames_from} frames of {n_queries} queries are "
            f"{n_frames_from * n_queries}; give the number of frames the file was made for."
        )
    tracks = rearrange(
        latents.float(), "1 (frames queries) width -> 1 (queries width) frames", queries=n_queries
    )
    tracks = nn.functional.interpolate(tracks, size=n_frames_to, mode="linear", align_corners=False)
    resized = rearrange(
        tracks, "1 (queries width) frames -> 1 (frames queries) width", queries=n_queries
    )
    return resized.to(latents.dtype)
