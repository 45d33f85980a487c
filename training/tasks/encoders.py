"""The small text, image and audio encoders, and the conditioning they give the video UNet."""

from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np
import torch
from torch import nn

from ...models.encoders.clip import CLIPTextTower, CLIPVisionTower, init_clip_tower
from ...models.encoders.image_preprocess import clip_pixels
from ...models.encoders.mel import zero_mel
from ...models.encoders.resampler import Resampler, init_resampler
from .. import recipe
from ..engine.state import Tensors
from .audio import make_audio_tower

TRAINED_ENCODERS = ("text", "vision", "resampler")  # along with the generator
ENCODERS = (*TRAINED_ENCODERS, "audio")


def make_encoders(*, generator: torch.Generator | None = None) -> dict[str, nn.Module]:
    """{"text", "vision", "resampler", "audio": network} of the recipe's sizes, random."""
    return {
        "text": init_clip_tower(CLIPTextTower(recipe.TEXT), generator=generator),
        "vision": init_clip_tower(CLIPVisionTower(recipe.VISION), generator=generator),
        "resampler": init_resampler(Resampler(recipe.RESAMPLER), generator=generator),
        "audio": make_audio_tower(recipe.AUDIO, generator=generator),
    }


def tokenized(captions: Iterable[str]) -> torch.Tensor:
    """The token ids of captions as ComfyUI makes them, int64 (n, 77): OpenCLIP's, padded with 0."""
    import open_clip  # slow to import, and needed once

    return open_clip.tokenize(list(captions), context_length=recipe.TEXT.context)


def condition_batch(records: np.ndarray, tokens: torch.Tensor, empty: torch.Tensor) -> Tensors:
    """The encoders' inputs from CLIP records (B,): {"tokens", "empty", "frames", "mel"}.

    tokens: ids (n, 77) of every caption; empty: (77,), those of no text. frames: the first ones, (B, 3, H, W) in
    [-1, 1].
    """
    frames = torch.from_numpy(records["first_frame"].astype(np.float32)) / 127.5 - 1
    return {
        "tokens": tokens[torch.from_numpy(records["caption"].astype(np.int64))],
        "empty": empty,
        "frames": frames.permute(0, 3, 1, 2),  # (B, 3, H, W)
        "mel": torch.from_numpy(records["mel"].astype(np.float32))[:, None],
    }


def encode(
    encoders: Mapping[str, nn.Module], batch: Tensors, dropped: Mapping[str, torch.Tensor]
) -> Tensors:
    """{"text": (B, 77, C), "image": (B, 48, Q, C), "audio": (B, 577, D)}: the conditioning of a batch.

    batch: from condition_batch. dropped: {"text", "image", "audio": bool (B,)}; where it is true, the input
    is what inference uses for missing conditioning: the empty text, a grey image, the zero mel.
    """
    tokens = torch.where(dropped["text"][:, None], batch["empty"], batch["tokens"])
    frames = batch["frames"] * ~dropped["image"][:, None, None, None]  # grey is 0
    mel = torch.where(dropped["audio"][:, None, None, None], zero_mel().to(frames), batch["mel"])
    pixels = clip_pixels(frames, size=cast(CLIPVisionTower, encoders["vision"]).config.image_size)
    return {
        "text": encoders["text"](tokens),
        "image": encoders["resampler"](encoders["vision"](pixels)),
        "audio": encoders["audio"](mel),
    }
