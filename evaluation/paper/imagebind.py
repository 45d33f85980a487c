"""ImageBind's towers for images, words and sound with their heads: one vector of each in a common space.

Girdhar et al., "ImageBind: one embedding space to bind them all" (CVPR 2023), written from its description. Parameter
names are those of the stock `imagebind_huge.pth`, whose sound tower is that of models/encoders/imagebind.py at its own
stride. The published measures use cosines, so the learned scales behind the heads are not read (published-model i).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ...errors import CheckpointNamesError
from ...models.config_inference import Shape, count_blocks, count_heads, shape_of
from ...models.encoders.imagebind import (
    BLOCK_EPS,
    STOCK_STRIDE,
    AudioTower,
    AudioTowerConfig,
    tower_config_from_shapes,
)

HEAD_EPS = 1e-6
N_COPIES = 2  # of a still image, which the tower sees as a video
_VISION, _TEXT = "modality_preprocessors.vision", "modality_preprocessors.text"
_PATCHES, _POSITIONS = f"{_VISION}.rgbt_stem.proj.1.weight", "pos_embedding_helper.pos_embed"


@dataclass(frozen=True)
class TrunkConfig:
    """Sizes of a transformer."""

    width: int
    layers: int
    heads: int
    mlp_width: int


@dataclass(frozen=True)
class ImageBindConfig:
    """Sizes of the three towers; image_size and patch_size in pixels, embedding: numbers per vector."""

    vision: TrunkConfig
    text: TrunkConfig
    audio: AudioTowerConfig
    image_size: int
    patch_size: int
    vocabulary: int
    context: int
    embedding: int


def imagebind_config_from_shapes(
    shapes: Mapping[str, Shape], *, head_width: int | None = None
) -> ImageBindConfig:
    """The sizes behind {name: shape}. head_width: None is right for the published file only. Raises CheckpointError."""
    network = "ImageBind network"
    _, _, _, patch_size, _ = shape_of(shapes, _PATCHES, network=network, n_axes=5)
    n_positions = shape_of(shapes, f"{_VISION}.{_POSITIONS}", network=network, n_axes=3)[1]
    grid = math.isqrt(n_positions - 1)
    if not grid or grid**2 + 1 != n_positions:
        raise CheckpointNamesError(
            f"The image tower has {n_positions} positions, which is not one more than a square of patches; "
            "use the stock file imagebind_huge.pth."
        )
    vocabulary = shape_of(shapes, f"{_TEXT}.token_embedding.weight", network=network, n_axes=2)[0]
    return ImageBindConfig(
        vision=_trunk(shapes, "vision", head_width, published=(1280, 80)),
        text=_trunk(shapes, "text", head_width, published=(1024, 64)),
        audio=tower_config_from_shapes(shapes, head_width=head_width, stride=STOCK_STRIDE),
        image_size=grid * patch_size,
        patch_size=patch_size,
        vocabulary=vocabulary,
        context=shape_of(shapes, f"{_TEXT}.pos_embed", network=network, n_axes=3)[1],
        embedding=shape_of(shapes, "modality_heads.vision.2.weight", network=network, n_axes=2)[0],
    )


class ImageBind(nn.Module):
    """The towers and heads; each `embed_...` returns vectors (B, embedding) of length 1."""

    def __init__(self, config: ImageBindConfig) -> None:
        super().__init__()
        self.config = config
        tower = AudioTower(config.audio)
        self.modality_preprocessors = nn.ModuleDict(
            {
                "vision": _ImageStem(config),
                "text": _TextStem(config),
                "audio": tower.modality_preprocessors["audio"],
            }
        )
        self.modality_trunks = nn.ModuleDict(
            {
                "vision": _Trunk(config.vision, normed_first=True),
                "text": _Trunk(config.text, normed_first=False),
                "audio": tower.modality_trunks["audio"],
            }
        )
        self.modality_heads = nn.ModuleDict(
            {
                "vision": _head(config.vision.width, config.embedding),
                "text": nn.ModuleDict({"proj": _text_head(config.text.width, config.embedding)}),
                "audio": _head(config.audio.width, config.embedding),
            }
        )

    def embed_images(self, pixels: torch.Tensor) -> torch.Tensor:
        """pixels: (B, 3, image_size, image_size), normalised as for CLIP."""
        tokens = self.modality_preprocessors["vision"](pixels)
        return _unit(self.modality_heads["vision"](self.modality_trunks["vision"](tokens)[:, 0]))

    def embed_sounds(self, mel: torch.Tensor) -> torch.Tensor:
        """mel: (B, 1, 128, 204), of mel.waveform_to_mel."""
        tokens = self.modality_trunks["audio"](self.modality_preprocessors["audio"](mel))
        return _unit(self.modality_heads["audio"](tokens[:, 0]))

    def embed_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens: (B, context), int64, padded with 0; the end of a text is its greatest number."""
        n_tokens = tokens.shape[1]
        mask = torch.full((n_tokens, n_tokens), -math.inf, device=tokens.device).triu(1)
        x = self.modality_preprocessors["text"](tokens)
        x = self.modality_trunks["text"](x, mask=mask.to(x))
        ends = tokens.argmax(dim=1)
        project = self.modality_heads["text"].get_submodule("proj")
        return _unit(project(x)[torch.arange(len(x), device=x.device), ends])


def tokenise(texts: Sequence[str]) -> torch.Tensor:
    """Texts as int64 (B, 77), by CLIP's vocabulary, which ImageBind uses too."""
    import open_clip  # brings CLIP's vocabulary; of the extra packages for training and evaluation

    return open_clip.get_tokenizer("ViT-H-14")(list(texts))


def _trunk(
    shapes: Mapping[str, Shape], name: str, head_width: int | None, *, published: tuple[int, int]
) -> TrunkConfig:
    network, trunk = f"ImageBind {name} tower", f"modality_trunks.{name}.blocks"
    mlp_width, width = shape_of(shapes, f"{trunk}.0.mlp.fc1.weight", network=network, n_axes=2)
    return TrunkConfig(
        width=width,
        layers=count_blocks(shapes, trunk, network=network),
        heads=count_heads(width, head_width, published=published, network=network),
        mlp_width=mlp_width,
    )


def _unit(x: torch.Tensor) -> torch.Tensor:
    return functional.normalize(x, dim=-1)


def _head(width: int, embedding: int) -> nn.Sequential:
    # the place in between is where the original takes the first token
    return nn.Sequential(
        nn.LayerNorm(width, eps=HEAD_EPS), nn.Identity(), nn.Linear(width, embedding, bias=False)
    )


def _text_head(width: int, embedding: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(width, eps=HEAD_EPS), nn.Linear(width, embedding, bias=False))


class _ImageStem(nn.Module):
    """(B, 3, S, S) -> (B, 1 + patches, width): a still image repeated in time, its patches, a token for the whole."""

    def __init__(self, config: ImageBindConfig) -> None:
        super().__init__()
        width, patch = config.vision.width, config.patch_size
        kernel = (N_COPIES, patch, patch)
        conv = nn.Conv3d(3, width, kernel, stride=kernel, bias=False)
        # `proj.1`: the original repeats the image in `proj.0`
        self.rgbt_stem = nn.ModuleDict({"proj": nn.Sequential(nn.Identity(), conv)})
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        n_tokens = 1 + (config.image_size // patch) ** 2
        positions = nn.ParameterDict({"pos_embed": torch.empty(1, n_tokens, width)})
        self.pos_embedding_helper = positions

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        video = pixels[:, :, None].expand(-1, -1, N_COPIES, -1, -1)
        patches = self.rgbt_stem["proj"](video).flatten(2).transpose(1, 2)
        whole = self.cls_token.expand(len(patches), -1, -1)
        return torch.cat([whole, patches], dim=1) + self.pos_embedding_helper["pos_embed"]


class _TextStem(nn.Module):
    """(B, context) -> (B, context, width)."""

    def __init__(self, config: ImageBindConfig) -> None:
        super().__init__()
        width = config.text.width
        self.token_embedding = nn.Embedding(config.vocabulary, width)
        self.pos_embed = nn.Parameter(torch.empty(1, config.context, width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.token_embedding(tokens) + self.pos_embed


class _Trunk(nn.Module):
    """The blocks of a tower, (B, N, width) -> the same."""

    def __init__(self, config: TrunkConfig, *, normed_first: bool) -> None:
        super().__init__()
        first = nn.LayerNorm(config.width, eps=BLOCK_EPS) if normed_first else nn.Identity()
        self.pre_transformer_layer = nn.Sequential(first)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.layers))

    def forward(self, x: torch.Tensor, *, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = self.pre_transformer_layer(x)
        for block in self.blocks:
            x = block(x, mask)
        return x


class _Block(nn.Module):
    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        width = config.width
        self.attn = nn.MultiheadAttention(width, config.heads, batch_first=True)
        self.norm_1 = nn.LayerNorm(width, eps=BLOCK_EPS)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(width, config.mlp_width), "fc2": nn.Linear(config.mlp_width, width)}
        )
        self.norm_2 = nn.LayerNorm(width, eps=BLOCK_EPS)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        y = self.norm_1(x)
        x = x + self.attn(y, y, y, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm_2(x))))
