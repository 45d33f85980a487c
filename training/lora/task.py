"""The training of a LoRA: the loss that its network was trained with, on encoded clips, for the low-rank layers alone.

Networks of this repository: where something moves errors weigh more, and so do those of whole frames, as their own
training ended. Published ones: the plain squared error of v, as published (published-model h.2).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..engine.loop import Scalars, Task
from ..engine.state import Tensors
from ..tasks.diffusion_loss import draw_dropped, draw_timesteps, frames_of, moving_weight
from ..tasks.frame_sets import draw_frames
from ..tasks.generator import keyframe_loss
from ..tasks.interpolator import draw_given, fill_loss
from .base import Base
from .clips import CONDITIONS, EncodedClip, read_absent, read_encoded

CLIPS_IN_MEMORY = 64
EMA_HALF_LIFE = 50  # steps
WARMUP = 20  # steps


def lora_task(
    base: Base,
    unet: nn.Module,
    adapters: nn.Module,
    paths: Sequence[Path],
    *,
    name: str,
    learning_rate: float,
    n_steps: int,
    batch_size: int,
) -> Task:
    """The Task of low-rank layers that are attached to a UNet. paths: of the encoded clips, as encode_folder gives."""
    absent = read_absent(paths[0].parent)
    read = lru_cache(CLIPS_IN_MEMORY)(read_encoded)
    counts = base.model.metadata.keyframe_counts

    def batch(_step: int, rng: np.random.Generator) -> dict[str, Any]:
        clips = [read(paths[index]) for index in rng.integers(len(paths), size=batch_size)]
        drawn = draw_clips(clips, rng, counts=counts, is_generator=base.is_generator)
        if base.is_published:
            drawn |= {"whole_frames": False, "weight": torch.ones_like(drawn["weight"])}
        return drawn

    def loss(batch: dict[str, Any], generator: torch.Generator) -> tuple[torch.Tensor, Scalars]:
        conditioning = with_absent(batch, absent, batch["dropped"])
        of_network = keyframe_loss if base.is_generator else fill_loss
        return of_network(unet, conditioning, batch, generator)

    return Task(
        name=name,
        modules={"lora": adapters},
        frozen={"unet": unet},
        batch=batch,
        loss=loss,
        learning_rate=learning_rate,
        warmup_steps=WARMUP,
        decay_steps=n_steps,
        ema_half_life=EMA_HALF_LIFE,
    )


def draw_clips(
    clips: Sequence[EncodedClip],
    rng: np.random.Generator,
    *,
    counts: Sequence[int],
    is_generator: bool,
) -> dict[str, Any]:
    """Everything of a step but its noise: what `keyframe_loss` or `fill_loss` reads of a batch, and CONDITIONS.

    counts: numbers of keyframes to draw from; one for all samples of a generator's batch.
    """
    n = len(clips)
    latents = torch.stack([clip.latents for clip in clips])  # (n, 4, 48, h, w)
    timesteps = draw_timesteps(rng, n)
    drawn = [int(rng.choice(counts)) for _ in range(n)]
    if is_generator:
        drawn = [drawn[0]] * n
    plans = [
        draw_frames(rng, motion=clip.motion, events=clip.sound, count=count)
        for clip, count in zip(clips, drawn, strict=True)
    ]
    batch = {
        "timesteps": timesteps,
        "latents": latents,
        "weight": moving_weight(latents),
        "whole_frames": True,
        "dropped": draw_dropped(rng, n),
        **{name: torch.stack([clip.conditions[name] for clip in clips]) for name in CONDITIONS},
    }
    if not is_generator:
        return {**batch, **draw_given(rng, plans, timesteps)}
    frame_index = torch.tensor(plans)
    return {
        **batch,
        "frame_index": frame_index,
        "latents": frames_of(latents, frame_index),
        "first": latents[:, :, :1],
        "weight": frames_of(batch["weight"], frame_index),
    }


def with_absent(
    given: Mapping[str, torch.Tensor], absent: Tensors, dropped: Mapping[str, torch.Tensor]
) -> Tensors:
    """The conditioning of a batch: of each sample what is given (n, ...), or, where it is dropped, what is absent."""
    return {
        name: torch.where(
            dropped[name].view(-1, *[1] * absent[name].ndim),
            absent[name].to(given[name]),
            given[name],
        )
        for name in CONDITIONS
    }
