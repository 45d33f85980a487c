"""The audio tower of ImageBind: a mel spectrogram in, one token for every patch of it out.

Girdhar et al., "ImageBind: one embedding space to bind them all" (CVPR 2023). In KeyVID patches overlap more in time,
so that one column of tokens belongs to one frame (published-model d.2), and the localizer has a tower of its own
without a token for the whole (published-model g.2). Parameter names are those of the stock `imagebind_huge.pth`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import rearrange
from torch import nn
from torch.nn import functional

from ...errors import AudioError, CheckpointError
from ..attention import Attention, sdpa_attention
from ..config_inference import Shape, count_blocks, count_heads, shape_of
from ..operations import Operations, empty_parameter
from .mel import LOCALIZER_COLUMNS, N_BINS, N_COLUMNS

STEM, TRUNK = "modality_preprocessors.audio", "modality_trunks.audio"
PATCHES, POSITIONS = f"{STEM}.rgbt_stem.proj.weight", f"{STEM}.pos_embedding_helper.pos_embed"
STOCK_STRIDE = (10, 10)  # mel bands, mel columns between two patches; of ImageBind's file
KEYVID_STRIDE = (10, 4)  # of the generator and the interpolator (published-model d.2)
LOCALIZER_STRIDE = (4, 4)  # of the localizer (published-model g.2)
STEM_EPS, BLOCK_EPS = 1e-5, 1e-6  # of the layer norms (published-model d.2)


@dataclass(frozen=True)
class AudioTowerConfig:
    """Sizes of an audio tower; kernel and stride are (mel bands, mel columns), n_bins x n_columns is the mel."""

    width: int
    layers: int
    heads: int
    mlp_width: int
    kernel: tuple[int, int] = (16, 16)
    stride: tuple[int, int] = KEYVID_STRIDE
    n_bins: int = N_BINS
    n_columns: int = N_COLUMNS
    has_cls: bool = True

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of patches: (12, 48) in KeyVID, (12, 19) in the stock file, (29, 46) in the localizer."""
        rows = (self.n_bins - self.kernel[0]) // self.stride[0] + 1
        columns = (self.n_columns - self.kernel[1]) // self.stride[1] + 1
        return rows, columns

    @property
    def n_tokens(self) -> int:
        """Patches, and the token for the whole where there is one."""
        rows, columns = self.grid
        return rows * columns + self.has_cls


KEYVID_AUDIO = AudioTowerConfig(width=768, layers=12, heads=12, mlp_width=3072)


def tower_config_from_shapes(
    shapes: Mapping[str, Shape],
    *,
    head_width: int | None = None,
    stride: int | tuple[int, int] | None = None,
    n_columns: int | None = None,
    n_bins: int = N_BINS,
) -> AudioTowerConfig:
    """The AudioTowerConfig behind tensor shapes (names from `modality_preprocessors` and `modality_trunks` on).

    head_width: channels per attention head; None is right for the published width only. stride: one number or (bands,
    columns), n_columns: mel columns; None means the published ones, distinguished by the number of positions.
    Raises CheckpointError when the sizes cannot be inferred or contradict each other.
    """
    network = "audio tower"
    width, _, *kernel_size = shape_of(shapes, PATCHES, network=network, n_axes=4)
    _, n_positions, _ = shape_of(shapes, POSITIONS, network=network, n_axes=3)
    has_cls = f"{STEM}.cls_token" in shapes
    first_mlp = shape_of(shapes, f"{TRUNK}.blocks.0.mlp.fc1.weight", network=network, n_axes=2)
    published = (KEYVID_AUDIO.width, KEYVID_AUDIO.width // KEYVID_AUDIO.heads)
    config = AudioTowerConfig(
        width=width,
        layers=count_blocks(shapes, f"{TRUNK}.blocks", network=network),
        heads=count_heads(width, head_width, published=published, network=network),
        mlp_width=first_mlp[0],
        kernel=(kernel_size[0], kernel_size[1]),
        n_bins=n_bins,
        has_cls=has_cls,
    )
    usual_columns = (N_COLUMNS, LOCALIZER_COLUMNS) if has_cls else (LOCALIZER_COLUMNS, N_COLUMNS)
    usual_strides = (KEYVID_STRIDE, STOCK_STRIDE, LOCALIZER_STRIDE)
    candidates = [
        replace(config, stride=_pair(one_stride), n_columns=columns)
        for one_stride in (usual_strides if stride is None else (stride,))
        for columns in (usual_columns if n_columns is None else (n_columns,))
    ]
    for candidate in candidates:
        if min(candidate.grid) > 0 and candidate.n_tokens == n_positions:
            return candidate
    tried = ", ".join(f"{c.n_tokens} (stride {c.stride}, mel {c.n_columns})" for c in candidates)
    raise CheckpointError(
        f"The audio tower has {n_positions} positions, but the possible grids have {tried}; "
        "the file belongs to another network, or its metadata must say stride and mel columns."
    )


def interpolate_positions(
    positions: torch.Tensor, *, grid_from: tuple[int, int], grid_to: tuple[int, int]
) -> torch.Tensor:
    """The learned positions of one grid of patches, stretched to another (published-model d.2).

    The position of the CLS token, if there is one, is kept; the others are resized bilinearly (align_corners False).
    positions: (1, [1 +] rows * columns, D); grids are (rows, columns). Returns the same for grid_to, in the same dtype.
    Raises CheckpointError when the positions are not those of grid_from.
    """
    rows, columns = grid_from
    n_whole = positions.shape[1] - rows * columns
    if n_whole not in (0, 1):
        raise CheckpointError(
            f"{positions.shape[1]} positions cannot be those of {rows} x {columns} patches with or without one more; "
            "the file belongs to another audio tower."
        )
    whole, patches = positions[:, :n_whole], positions[:, n_whole:]
    grid = rearrange(patches, "b (rows columns) d -> b d rows columns", rows=rows)
    grid = functional.interpolate(
        grid.float(), size=tuple(grid_to), mode="bilinear", align_corners=False
    )
    patches = rearrange(grid, "b d rows columns -> b (rows columns) d").to(positions)
    return torch.cat([whole, patches], dim=1)


def change_stride(
    state_dict: Mapping[str, torch.Tensor],
    config: AudioTowerConfig,
    *,
    stride: int | tuple[int, int] = KEYVID_STRIDE,
) -> tuple[dict[str, torch.Tensor], AudioTowerConfig]:
    """A tower's weights made fit for another stride: (state dict with positions interpolated, its config).

    This turns the stock file into KeyVID's tower. Neither argument is changed; nothing but positions is copied.
    """
    changed = replace(config, stride=_pair(stride))
    if changed.grid == config.grid:
        return dict(state_dict), changed
    positions = interpolate_positions(
        state_dict[POSITIONS], grid_from=config.grid, grid_to=changed.grid
    )
    return {**state_dict, POSITIONS: positions}, changed


class AudioTower(nn.Module):
    """ImageBind's audio transformer; parameter names are those of the stock file."""

    def __init__(
        self,
        config: AudioTowerConfig,
        *,
        operations: Operations = nn,
        attention: Attention = sdpa_attention,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"dtype": dtype, "device": device}
        self.config = config
        stem, trunk = (
            _Stem(config, operations, factory),
            _Trunk(config, operations, attention, factory),
        )
        self.modality_preprocessors = nn.ModuleDict({"audio": stem})
        self.modality_trunks = nn.ModuleDict({"audio": trunk})

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """The tokens after the last block: no final norm, no head (published-model d.2).

        mel: (B, 1, n_bins, n_columns) as `mel.waveform_to_mel` gives it, in the dtype to compute in.
        Returns (B, n_tokens, width), CLS first where there is one, then row by row: (B, 577, 768) in KeyVID.
        Raises AudioError for a mel of another size.
        """
        expected = (1, self.config.n_bins, self.config.n_columns)
        if mel.ndim != 4 or tuple(mel.shape[1:]) != expected:
            raise AudioError(
                f"The mel of the audio has the shape {tuple(mel.shape)}, but this audio tower takes "
                f"(batch, {', '.join(map(str, expected))}); make the mel with as many bands and columns."
            )
        return self.modality_trunks["audio"](self.modality_preprocessors["audio"](mel))


def init_audio_tower(tower: AudioTower, *, generator: torch.Generator | None = None) -> AudioTower:
    """Fill a tower with random weights to train from, in place; returns the tower.

    Weights are normal with a variance of 1 / (inputs), those that end a residual branch smaller by the number of
    branches; norms start as identities, biases at zero.
    """
    shrink = (2 * tower.config.layers) ** -0.5
    with torch.no_grad():
        for name, parameter in tower.named_parameters():
            owner, _, last = name.rpartition(".")
            owner = owner.rpartition(".")[2]
            if "norm" in owner:
                parameter.fill_(1.0 if last == "weight" else 0.0)
            elif last in ("bias", "in_proj_bias"):
                parameter.zero_()
            elif last.endswith("weight"):
                std = parameter[0].numel() ** -0.5 * (shrink if owner in ("out_proj", "fc2") else 1)
                parameter.normal_(std=std, generator=generator)
            else:  # cls_token, pos_embed, bias_k, bias_v
                parameter.normal_(std=0.02, generator=generator)
    return tower


def _pair(stride: int | tuple[int, int]) -> tuple[int, int]:
    return (stride, stride) if isinstance(stride, int) else (stride[0], stride[1])


class _PatchStem(nn.Module):
    """Overlapping patches of the mel, each turned into a token and normed."""

    def __init__(
        self, config: AudioTowerConfig, operations: Operations, factory: dict[str, Any]
    ) -> None:
        super().__init__()
        self.proj = operations.Conv2d(
            1, config.width, config.kernel, stride=config.stride, bias=False, **factory
        )
        self.norm_layer = operations.LayerNorm(config.width, eps=STEM_EPS, **factory)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return self.norm_layer(rearrange(self.proj(mel), "b d rows columns -> b (rows columns) d"))


class _Positions(nn.Module):
    """One learned vector for every token, under ImageBind's name `pos_embedding_helper.pos_embed`."""

    def __init__(self, config: AudioTowerConfig, factory: dict[str, Any]) -> None:
        super().__init__()
        self.pos_embed = empty_parameter(1, config.n_tokens, config.width, **factory)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens + self.pos_embed.to(tokens)


class _Stem(nn.Module):
    """From the mel (B, 1, n_bins, n_columns) to what enters the transformer (B, n_tokens, D)."""

    def __init__(
        self, config: AudioTowerConfig, operations: Operations, factory: dict[str, Any]
    ) -> None:
        super().__init__()
        if config.has_cls:
            self.cls_token = empty_parameter(1, 1, config.width, **factory)
        self.has_cls = config.has_cls
        self.rgbt_stem = _PatchStem(config, operations, factory)
        self.pos_embedding_helper = _Positions(config, factory)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        tokens = self.rgbt_stem(mel)  # (B, rows * columns, D)
        if self.has_cls:
            whole = self.cls_token.to(tokens).expand(len(tokens), -1, -1)  # (B, 1, D)
            tokens = torch.cat([whole, tokens], dim=1)
        return self.pos_embedding_helper(tokens)


class _Trunk(nn.Module):
    """The blocks of the tower, under ImageBind's name `blocks`. (B, N, D) -> the same."""

    def __init__(
        self,
        config: AudioTowerConfig,
        operations: Operations,
        attention: Attention,
        factory: dict[str, Any],
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(_Block(config, operations, attention, factory) for _ in range(config.layers))
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.blocks(tokens)


class _Block(nn.Module):
    """Self-attention and a two-layer perceptron, each normed first and added to its input. (B, N, D) -> the same."""

    def __init__(
        self,
        config: AudioTowerConfig,
        operations: Operations,
        attention: Attention,
        factory: dict[str, Any],
    ) -> None:
        super().__init__()
        width = config.width
        self.attn = _SelfAttention(width, config.heads, operations, attention, factory)
        self.norm_1 = operations.LayerNorm(width, eps=BLOCK_EPS, **factory)
        self.mlp = _Perceptron(width, config.mlp_width, operations, factory)
        self.norm_2 = operations.LayerNorm(width, eps=BLOCK_EPS, **factory)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm_1(x))
        return x + self.mlp(self.norm_2(x))


class _Perceptron(nn.Module):
    """Linear(GELU(Linear(x))), (B, N, width) -> the same."""

    def __init__(
        self, width: int, inner: int, operations: Operations, factory: dict[str, Any]
    ) -> None:
        super().__init__()
        self.fc1 = operations.Linear(width, inner, **factory)
        self.fc2 = operations.Linear(inner, width, **factory)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))  # the exact GELU, not its tanh approximation


class _SelfAttention(nn.Module):
    """Attention with one learned key and value more than there are tokens, named as in torch.nn.MultiheadAttention."""

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
        self.bias_k = empty_parameter(1, 1, width, **factory)
        self.bias_v = empty_parameter(1, 1, width, **factory)
        self.out_proj = operations.Linear(width, width, **factory)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        qkv = functional.linear(x, self.in_proj_weight.to(x), self.in_proj_bias.to(x))
        q, k, v = qkv.chunk(3, dim=-1)  # (B, N, D) each
        k = torch.cat([k, self.bias_k.to(k).expand(len(k), -1, -1)], dim=1)  # (B, N + 1, D)
        v = torch.cat([v, self.bias_v.to(v).expand(len(v), -1, -1)], dim=1)
        return self.out_proj(self.attention(q, k, v, self.heads))
