"""Training the localizer on real videos: from their sound to the motion that was measured (published-model g.2).

Published: the squared error to the motion curve and, with weight 0.3, to the loudness. The paper has the squared error
to the motion alone in its text, and the absolute one in its appendix (published-model j).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...keyframes.curve import normalise
from ...keyframes.timebase import N_FRAMES
from ...models.encoders.localizer import Localizer
from ...models.encoders.mel import LOCALIZER_COLUMNS, N_COLUMNS, waveform_to_mel
from ..engine.loop import Scalars
from .clip_source import ClipSource

LOSSES = ("published", "paper", "paper-l1")
ENERGY_WEIGHT = 0.3
RATE_STEP_EPOCHS, RATE_FACTOR = (
    20,
    0.8,
)  # the learning rate falls by the factor after so many epochs
HELD_OUT_SHARE, HELD_OUT_SEED = 0.2, 42


@dataclass(frozen=True)
class LocalizerExamples:
    """The examples of a training by their number; nothing in them is random."""

    source: ClipSource

    def __call__(self, number: int, seed: int, step: int, index: int) -> dict[str, Any]:
        """ "mel" (1, 128, 204); "curve" and "energy" (48,), in 0..1: the motion and the loudness of a clip."""
        sample = self.source.read(number, False)
        mel = waveform_to_mel(sample.audio, n_columns=N_COLUMNS)
        if sample.curve is None:
            raise ValueError("A clip without a motion curve cannot teach a localizer.")
        return {
            "mel": mel,
            "curve": torch.from_numpy(np.asarray(sample.curve, np.float32)),
            "energy": torch.from_numpy(energy_curve(mel[0].numpy())),
        }


def energy_curve(mel: np.ndarray) -> np.ndarray:
    """The loudness of a mel (128, columns), float32 (48,): its mean over the bands, treated as the motion curve is,
    the first value left out, resampled linearly to 48 frames, the lowest 0 and the highest 1 (published-model g.2)."""
    energy = mel[:, :LOCALIZER_COLUMNS].mean(axis=0)[1:]
    places = np.linspace(0, len(energy) - 1, N_FRAMES)
    return normalise(np.interp(places, np.arange(len(energy)), energy)).astype(np.float32)


class LocalizerTraining(nn.Module):
    """A localizer whose call gives the loss of a batch."""

    def __init__(self, localizer: Localizer, loss: str) -> None:
        super().__init__()
        self.localizer = localizer
        self.loss = loss

    def forward(self, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, Scalars]:
        """(loss, its parts): mean over a batch of what LocalizerExamples gives."""
        scores = self.localizer(batch["mel"]).float()
        return localizer_loss(scores, batch["curve"], batch["energy"], loss=self.loss)


def localizer_loss(
    scores: torch.Tensor, curve: torch.Tensor, energy: torch.Tensor, *, loss: str
) -> tuple[torch.Tensor, Scalars]:
    """(one of LOSSES, {"motion": error to the curve}) of scores, all (B, 48)."""
    if loss == "paper-l1":
        motion = functional.l1_loss(scores, curve)
        return motion, {"motion": motion.detach()}
    motion = functional.mse_loss(scores, curve)
    parts: Scalars = {"motion": motion.detach()}
    if loss == "paper":
        return motion, parts
    return motion + ENERGY_WEIGHT * functional.mse_loss(scores, energy), parts


def rate_at(step: int, *, learning_rate: float, steps_per_epoch: int) -> float:
    """The learning rate of a step: it falls by RATE_FACTOR every RATE_STEP_EPOCHS epochs (published-model g.2)."""
    return learning_rate * RATE_FACTOR ** (step // steps_per_epoch // RATE_STEP_EPOCHS)


def training_share(source: ClipSource) -> list[int]:
    """The numbers of the clips to train on: of four videos of five, drawn by the published seed.

    All clips of a video are on the same side. Fewer than five videos are all trained on.
    """
    videos = sorted({name.rpartition("_clip-")[0] for name in source.names})
    n_held_out = int(HELD_OUT_SHARE * len(videos))
    order = np.random.RandomState(HELD_OUT_SEED).permutation(len(videos))
    held_out = {videos[i] for i in order[:n_held_out].tolist()}
    return [
        n for n, name in enumerate(source.names) if name.rpartition("_clip-")[0] not in held_out
    ]
