"""The two towers of OpenCLIP, which encode image and prompt, at any width and under OpenCLIP's names.

Radford et al., "Learning transferable visual models from natural language supervision" (ICML 2021); the published
weights are OpenCLIP's ViT-H/14 (Cherti et al., CVPR 2023). KeyVID reads the vision tower before its last norm and
the text tower before its last block (published-model d.4, d.5). What is not read (`ln_post`, `proj`, the last text
block, `text_projection`, `logit_scale`) exists and is frozen, so that files load and are written whole.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from einops import rearrange
from torch import nn

from ...errors import CheckpointNamesError
from ..attention import Attention, sdpa_attention
from ..config_inference import Shape, count_blocks, count_heads, shape_of
from ..operations import Operations, empty_parameter

Tower = TypeVar("Tower", "CLIPVisionTower", "CLIPTextTower")
FIRST_LOGIT_SCALE = math.log(1 / 0.07)  # Radford et al., section 2.5


@dataclass(frozen=True)
class CLIPVisionConfig:
    """Sizes of a vision tower; image_size and patch_size in pixels, the others in channels or counts."""

    width: int
    layers: int
    heads: int
    mlp_width: int
    patch_size: int
    image_size: int
    projection_width: int


@dataclass(frozen=True)
class CLIPTextConfig:
    """Sizes of a text tower; vocabulary and context in tokens, the others in channels or counts."""

    width: int
    layers: int
    heads: int
    mlp_width: int
    vocabulary: int
    context: int
    projection_width: int


VIT_H_VISION = CLIPVisionConfig(
    width=1280,
    layers=32,
    heads=16,
    mlp_width=5120,
    patch_size=14,
    image_size=224,
    projection_width=1024,
)
VIT_H_TEXT = CLIPTextConfig(
    width=1024,
    layers=24,
    heads=16,
    mlp_width=4096,
    vocabulary=49408,
    context=77,
    projection_width=1024,
)


def clip_vision_config_from_shapes(
    shapes: Mapping[str, Shape], *, head_width: int | None = None
) -> CLIPVisionConfig:
    """The CLIPVisionConfig behind tensor shapes (names without `visual.` and what precedes it).

    head_width: channels per attention head, which no shape tells; None is right for ViT-H/14 (80) only.
    Raises CheckpointError when the sizes cannot be inferred.
    """
    network = "CLIP vision tower"
    width, _, patch_size, _ = shape_of(shapes, "conv1.weight", network=network, n_axes=4)
    n_positions, _ = shape_of(shapes, "positional_embedding", network=network, n_axes=2)
    grid = math.isqrt(n_positions - 1)
    if not grid or grid**2 + 1 != n_positions:
        raise CheckpointNamesError(
            f"The CLIP vision tower has {n_positions} positions, which is not one more than a square of patches; "
            "only towers for square images can be used."
        )
    published = (VIT_H_VISION.width, VIT_H_VISION.width // VIT_H_VISION.heads)
    return CLIPVisionConfig(
        width=width,
        layers=count_blocks(shapes, "transformer.resblocks", network=network),
        heads=count_heads(width, head_width, published=published, network=network),
        mlp_width=_mlp_width(shapes, network),
        patch_size=patch_size,
        image_size=grid * patch_size,
        projection_width=shape_of(shapes, "proj", network=network, n_axes=2)[1],
    )


def clip_text_config_from_shapes(
    shapes: Mapping[str, Shape], *, head_width: int | None = None
) -> CLIPTextConfig:
    """The CLIPTextConfig behind tensor shapes (names without `cond_stage_model.model.`).

    head_width: channels per attention head, which no shape tells; None is right for ViT-H/14 (64) only.
    Raises CheckpointError when the sizes cannot be inferred.
    """
    network = "CLIP text tower"
    vocabulary, width = shape_of(shapes, "token_embedding.weight", network=network, n_axes=2)
    published = (VIT_H_TEXT.width, VIT_H_TEXT.width // VIT_H_TEXT.heads)
    return CLIPTextConfig(
        width=width,
        layers=count_blocks(shapes, "transformer.resblocks", network=network),
        heads=count_heads(width, head_width, published=published, network=network),
        mlp_width=_mlp_width(shapes, network),
        vocabulary=vocabulary,
        context=shape_of(shapes, "positional_embedding", network=network, n_axes=2)[0],
        projection_width=shape_of(shapes, "text_projection", network=network, n_axes=2)[1],
    )


def _mlp_width(shapes: Mapping[str, Shape], network: str) -> int:
    return shape_of(shapes, "transformer.resblocks.0.mlp.c_fc.weight", network=network, n_axes=2)[0]


class CLIPVisionTower(nn.Module):
    """OpenCLIP's vision transformer; parameter names are those behind `visual.`."""

    def __init__(
        self,
        config: CLIPVisionConfig,
        *,
        operations: Operations = nn,
        attention: Attention = sdpa_attention,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"dtype": dtype, "device": device}
        width, patch = config.width, config.patch_size
        self.config = config
        self.conv1 = operations.Conv2d(3, width, patch, stride=patch, bias=False, **factory)
        self.class_embedding = empty_parameter(width, **factory)
        n_patches = (config.image_size // patch) ** 2
        self.positional_embedding = empty_parameter(1 + n_patches, width, **factory)
        self.ln_pre = operations.LayerNorm(width, **factory)
        self.transformer = _Transformer(config, operations, attention, factory)
        self.ln_post = operations.LayerNorm(width, **factory)
        self.proj = empty_parameter(width, config.projection_width, **factory)
        self.ln_post.requires_grad_(False)
        self.proj.requires_grad_(False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """All tokens after the last block, class token first; no final norm, no projection (published-model d.4).

        pixels: (B, 3, S, S) as `image_preprocess.clip_pixels` gives them, S = config.image_size (224).
        Returns (B, 1 + (S / patch)^2, width): (B, 257, 1280) for ViT-H/14.
        """
        patches = rearrange(self.conv1(pixels), "b width rows columns -> b (rows columns) width")
        first = self.class_embedding.to(patches).expand(len(patches), 1, -1)  # (B, 1, width)
        tokens = torch.cat([first, patches], dim=1)
        return self.transformer(self.ln_pre(tokens + self.positional_embedding.to(tokens)))


class CLIPTextTower(nn.Module):
    """OpenCLIP's text transformer; parameter names are those behind `cond_stage_model.model.`."""

    def __init__(
        self,
        config: CLIPTextConfig,
        *,
        operations: Operations = nn,
        attention: Attention = sdpa_attention,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"dtype": dtype, "device": device}
        width = config.width
        self.config = config
        self.token_embedding = operations.Embedding(config.vocabulary, width, **factory)
        self.positional_embedding = empty_parameter(config.context, width, **factory)
        self.transformer = _Transformer(config, operations, attention, factory)
        self.ln_final = operations.LayerNorm(width, **factory)
        self.text_projection = empty_parameter(width, config.projection_width, **factory)
        self.logit_scale = empty_parameter(**factory)
        self.transformer.resblocks[-1].requires_grad_(False)
        self.text_projection.requires_grad_(False)
        self.logit_scale.requires_grad_(False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The output of the last block but one, after the final norm; no projection (published-model d.5).

        tokens: (B, context) token ids, int64, padded with 0. Returns (B, context, width): (B, 77, 1024) for ViT-H/14.
        """
        x = self.token_embedding(tokens)  # (B, context, width)
        x = x + self.positional_embedding.to(x)
        n_tokens = tokens.shape[1]
        # causal: a token attends to itself and to those before it; (context, context), added to the logits
        mask = torch.full((n_tokens, n_tokens), -math.inf, dtype=x.dtype, device=x.device).triu(1)
        n_blocks = len(self.transformer.resblocks) - 1
        return self.ln_final(self.transformer(x, mask=mask, n_blocks=n_blocks))


def init_clip_tower(tower: Tower, *, generator: torch.Generator | None = None) -> Tower:
    """Fill a tower with random weights to train from, in place; returns the tower.

    Weights are normal with a variance of 1 / (inputs), those that end a residual branch smaller by the number of
    branches; norms start as identities, biases at zero.
    """
    shrink = (2 * tower.config.layers) ** -0.5
    with torch.no_grad():
        for name, parameter in tower.named_parameters():
            stem, _, last = name.rpartition(".")
            if name == "logit_scale":
                parameter.fill_(FIRST_LOGIT_SCALE)
            elif stem.rpartition(".")[2].startswith("ln_"):
                parameter.fill_(1.0 if last == "weight" else 0.0)
            elif last.endswith("bias"):
                parameter.zero_()
            elif last.endswith("weight") and stem != "token_embedding":
                std = parameter[0].numel() ** -0.5
                branch_end = stem.endswith(("out_proj", "c_proj"))
                parameter.normal_(std=std * (shrink if branch_end else 1.0), generator=generator)
            else:  # embeddings and projections, which are (inputs, outputs) or lookups
                parameter.normal_(std=tower.config.width**-0.5, generator=generator)
    return tower


class _Transformer(nn.Module):
    """The blocks of a tower, under OpenCLIP's name `transformer.resblocks`. (B, N, width) -> the same."""

    def __init__(
        self,
        config: CLIPVisionConfig | CLIPTextConfig,
        operations: Operations,
        attention: Attention,
        factory: dict[str, Any],
    ) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(
            _Block(config, operations, attention, factory) for _ in range(config.layers)
        )

    def forward(
        self, x: torch.Tensor, *, mask: torch.Tensor | None = None, n_blocks: int | None = None
    ) -> torch.Tensor:
        """mask: (N, N), added to the logits. n_blocks: how many blocks to run; None is all of them."""
        for block in self.resblocks[:n_blocks]:
            x = block(x, mask)
        return x


class _Block(nn.Module):
    """Self-attention and a two-layer perceptron, each normed first and added to its input.

    (B, N, width) -> the same.
    """

    def __init__(
        self,
        config: CLIPVisionConfig | CLIPTextConfig,
        operations: Operations,
        attention: Attention,
        factory: dict[str, Any],
    ) -> None:
        super().__init__()
        width, inner = config.width, config.mlp_width
        self.ln_1 = operations.LayerNorm(width, **factory)
        self.attn = _SelfAttention(width, config.heads, operations, attention, factory)
        self.ln_2 = operations.LayerNorm(width, **factory)
        self.mlp = nn.Sequential(
            OrderedDict(
                c_fc=operations.Linear(width, inner, **factory),
                gelu=nn.GELU(),  # the exact one, not its tanh approximation
                c_proj=operations.Linear(inner, width, **factory),
            )
        )

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x), mask)
        return x + self.mlp(self.ln_2(x))


class _SelfAttention(nn.Module):
    """Attention with q, k and v in one matrix, named as in torch.nn.MultiheadAttention. (B, N, width) -> the same."""

    def __init__(
        self,
        width: int,
        heads: int,
        operations: Operations,
        attention: Attention,
        factory: dict[str, Any],
    ) -> None:
        super().__init__()
        self.heads = heads
        self.attention = attention
        self.in_proj_weight = empty_parameter(3 * width, width, **factory)
        self.in_proj_bias = empty_parameter(3 * width, **factory)
        self.out_proj = operations.Linear(width, width, **factory)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        qkv = nn.functional.linear(x, self.in_proj_weight.to(x), self.in_proj_bias.to(x))
        q, k, v = qkv.chunk(3, dim=-1)  # (B, N, width) each
        return self.out_proj(self.attention(q, k, v, self.heads, mask=mask))
