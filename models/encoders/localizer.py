"""The localizer: from 2 s of audio to how much the image moves in each of 48 frames.

The keyframe localizer of KeyVID (arXiv 2504.09656). The published network differs from the paper in stride, positions
and output (published-model g.2, j): no sigmoid, so scores are not limited to 0..1. Names, misspelt ones too, are the
published file's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from ...errors import AudioError, CheckpointError
from ..attention import Attention, sdpa_attention
from ..config_inference import Shape, shape_of
from ..operations import Operations
from .imagebind import (
    KEYVID_AUDIO,
    LOCALIZER_STRIDE,
    AudioTower,
    AudioTowerConfig,
    init_audio_tower,
    tower_config_from_shapes,
)
from .mel import LOCALIZER_COLUMNS

TOWER = "imagebindMoodel."


@dataclass(frozen=True)
class LocalizerConfig:
    """Sizes of a localizer: n_tokens of `width` channels in, `hidden` channels inside the head, n_scores out.

    tower: of the audio tower; None is the head alone, whose input are the tokens themselves.
    """

    n_tokens: int
    width: int
    hidden: int
    n_scores: int
    tower: AudioTowerConfig | None


LOCALIZER_AUDIO = replace(
    KEYVID_AUDIO, stride=LOCALIZER_STRIDE, n_columns=LOCALIZER_COLUMNS, has_cls=False
)
PUBLISHED_LOCALIZER = LocalizerConfig(
    n_tokens=1334, width=768, hidden=16, n_scores=48, tower=LOCALIZER_AUDIO
)


def localizer_config_from_shapes(
    shapes: Mapping[str, Shape],
    *,
    head_width: int | None = None,
    stride: int | tuple[int, int] | None = None,
    n_columns: int | None = None,
) -> LocalizerConfig:
    """The LocalizerConfig behind tensor shapes; names as in the published file, other modalities may be among them.

    Variants "1" (29 x 46 tokens, 48 scores) and "2" (12 x 46 tokens, 46 scores) are distinguished by their shapes.
    head_width, stride, n_columns: of the tower, as in `tower_config_from_shapes`. Without tensors under
    `imagebindMoodel.` it is the head alone.
    Raises CheckpointError when sizes cannot be inferred or contradict each other.
    """
    network = "localizer"
    n_scores, n_tokens = shape_of(shapes, "linear1.weight", network=network, n_axes=2)
    hidden, width = shape_of(shapes, "linear2.weight", network=network, n_axes=2)
    last = shape_of(shapes, "linear3.weight", network=network, n_axes=2)
    inside = {name[len(TOWER) :]: s for name, s in shapes.items() if name.startswith(TOWER)}
    tower = None
    if inside:
        tower = tower_config_from_shapes(
            inside, head_width=head_width, stride=stride, n_columns=n_columns
        )
    tower_says = (n_tokens, width) if tower is None else (tower.n_tokens, tower.width)
    if last != (n_scores, n_scores * hidden) or (n_tokens, width) != tower_says:
        raise CheckpointError(
            f"The localizer's layers linear1 {n_scores, n_tokens}, linear2 {hidden, width} and linear3 {last} do not "
            f"follow from each other or from {tower_says[0]} tokens of {tower_says[1]} channels; only the published "
            'variants "1" and "2" can be used.'
        )
    return LocalizerConfig(n_tokens, width, hidden, n_scores, tower)


class Localizer(nn.Module):
    """The published network (its variants "1" and "2" differ in sizes only), under the names of its file.

    From tokens (N, D) of the tower, with all layers linear in the named axis:

        frames = linear1 over N                                    (n_scores, D)
        scores = linear3(relu(relu(linear2(relu(frames))) joined to one row)) + mean over D of frames
    """

    def __init__(
        self,
        config: LocalizerConfig,
        *,
        operations: Operations = nn,
        attention: Attention = sdpa_attention,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        factory: dict[str, Any] = {"dtype": dtype, "device": device}
        self.config = config
        # in the file, but used by nothing
        self.ada_weight = nn.Parameter(torch.empty(1, **factory), requires_grad=False)
        self.ada_bias = nn.Parameter(torch.empty(1, **factory), requires_grad=False)
        self.imagebindMoodel = nn.Identity()
        if config.tower is not None:
            self.imagebindMoodel = AudioTower(
                config.tower, operations=operations, attention=attention, **factory
            )
        self.linear1 = operations.Linear(config.n_tokens, config.n_scores, **factory)
        self.linear2 = operations.Linear(config.width, config.hidden, **factory)
        n_features = config.n_scores * config.hidden
        self.linear3 = operations.Linear(n_features, config.n_scores, **factory)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """How much moves in each frame of the clip, without bounds (published-model g.2).

        mel: (B, 1, 128, n_columns) as `mel.waveform_to_mel` gives it, in the dtype to compute in; columns
        past the network's 198 are not read. Without a tower: tokens (B, n_tokens, width).
        Returns (B, n_scores): 48 scores, evenly spread over the 2 s. Raises AudioError for a mel that is too short.
        """
        if self.config.tower is not None:
            mel = mel[..., : self.config.tower.n_columns]
        tokens = self.imagebindMoodel(mel)  # (B, N, D)
        expected = (self.config.n_tokens, self.config.width)
        if tokens.ndim != 3 or tuple(tokens.shape[1:]) != expected:
            raise AudioError(
                f"The localizer was given tokens of shape {tuple(tokens.shape)}, but needs (batch, {expected[0]}, "
                f"{expected[1]}); use the audio tower it was trained with."
            )
        frames = self.linear1(tokens.transpose(1, 2)).transpose(1, 2)  # (B, n_scores, D)
        features = functional.relu(self.linear2(functional.relu(frames)))  # (B, n_scores, hidden)
        scores = self.linear3(functional.relu(features.flatten(1)))  # (B, n_scores)
        return scores + frames.mean(dim=2)


def init_localizer(localizer: Localizer, *, generator: torch.Generator | None = None) -> Localizer:
    """Fill a localizer with random weights to train from, in place; returns the localizer.

    The published one was then trained from ImageBind's tower, all of it but the positions, which fit no other grid.
    """
    if isinstance(localizer.imagebindMoodel, AudioTower):
        init_audio_tower(localizer.imagebindMoodel, generator=generator)
    with torch.no_grad():
        localizer.ada_weight.fill_(1.0)
        localizer.ada_bias.zero_()
        layers = (localizer.linear1, localizer.linear2, localizer.linear3)
        for layer in (cast(nn.Linear, layer) for layer in layers):
            layer.weight.normal_(std=layer.weight.shape[1] ** -0.5, generator=generator)
            layer.bias.zero_()
    return localizer
