"""Training the keyframe generator: from the first frame, a prompt and a sound to the frames that a plan names.

v prediction as in `diffusion_loss`, with every number of keyframes that the file's metadata promises. The text and
image encoders are trained with it until GENERATOR_FREEZE_STEP and frozen from there on. The audio tower is that of the
audio training all the time: trained further, it loses timing accuracy (docs/training.md).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import nn

from ...models.diffusion.conditioning import keyframe_concat
from ...models.encoders.audio_tokens import keyframe_audio_tokens
from ...models.encoders.resampler import select_frames
from ...models.unet.unet import VideoUNet, init_weights
from .. import recipe
from ..data.clips import CAPTIONS, clip_latents, clips_and_vae
from ..data.records import Report, draw_records
from ..engine.loop import Scalars, Task, load_averages
from .diffusion_batch import common_batch
from .diffusion_loss import denoising_loss, draw_timesteps, frames_of, moving_weight
from .encoders import ENCODERS, TRAINED_ENCODERS, encode, make_encoders, tokenized
from .frame_sets import draw_frame_set
from .samples import Networks, sample_keyframes


def make_task(state_dir: Path, *, report: Report | None = None) -> Task:
    """The Task of the generator, on the clips that have been made; its audio tower is that of the audio training."""
    clips, held_out, vae = clips_and_vae(state_dir, report=report)
    modules = make_modules(seed=0)
    load_averages("audio", {"audio": modules["audio"]}, state_dir=state_dir)
    return generator_task(modules, clips, held_out=held_out, vae=vae)


def make_modules(*, seed: int) -> dict[str, nn.Module]:
    """{"unet", "text", "vision", "resampler", "audio": network} of the recipe's sizes, random."""
    torch.manual_seed(seed)  # layers of the UNet draw their first weights from the global generator
    unet = VideoUNet(recipe.GENERATOR)
    init_weights(unet)
    encoders = make_encoders(generator=torch.Generator().manual_seed(seed))
    return {"unet": unet, **encoders}


def generator_task(
    modules: Mapping[str, nn.Module],
    clips: list[np.ndarray],
    *,
    held_out: np.ndarray | None = None,
    vae: AutoencoderKL | None = None,
    batch_size: int = recipe.GENERATOR_BATCH,
) -> Task:
    """The Task of a generator. modules: as make_modules gives them; clips: a list of arrays of CLIP.

    held_out: clips (n,) to sample keyframes of now and then, and the vae to decode them; None samples none.
    """
    tokens = tokenized([*CAPTIONS, ""])
    encoders = {name: modules[name] for name in ENCODERS}

    def sample(step: int, folder: Path) -> dict[str, float]:
        if held_out is None or vae is None:
            return {}
        networks = Networks(generator=modules["unet"], encoders=encoders, vae=vae, tokens=tokens)
        return sample_keyframes(networks, held_out, folder / f"step_{step:08d}")

    return Task(
        name="generator",
        modules={name: modules[name] for name in ("unet", *TRAINED_ENCODERS)},
        frozen={"audio": modules["audio"]},
        batch=lambda step, rng: draw_batch(
            clips,
            tokens,
            rng,
            batch_size,
            joint=step < recipe.GENERATOR_FREEZE_STEP,
            whole_frames=step >= recipe.WHOLE_FRAME_STEP,
        ),
        loss=lambda batch, generator: generator_loss(modules, batch, generator),
        learning_rate=recipe.GENERATOR_LEARNING_RATE,
        warmup_steps=recipe.GENERATOR_WARMUP,
        decay_steps=recipe.GENERATOR_DECAY_STEPS,
        ema_half_life=recipe.GENERATOR_EMA_HALF_LIFE,
        sample=None if held_out is None else sample,
    )


def draw_batch(
    clips: list[np.ndarray],
    tokens: torch.Tensor,
    rng: np.random.Generator,
    n: int,
    *,
    joint: bool,
    whole_frames: bool,
) -> dict[str, Any]:
    """n clips, some frames of each, and everything random but the noise; one frame count for the whole batch.

    Returns a dict: what `common_batch` gives; "frame_index" (n, T); "latents" (n, 4, T, h, w) of these frames and
    "first" (n, 4, 1, h, w); "weight" (n, 1, T, h, w); "joint": whether the encoders are trained.
    """
    records = draw_records(clips, rng, n)
    count = int(rng.choice(recipe.KEYFRAME_COUNTS))
    frame_index = torch.tensor([draw_frame_set(rng, record, count) for record in records])
    latents = clip_latents(records)
    timesteps = draw_timesteps(rng, n)
    return {
        **common_batch(records, tokens, rng, timesteps=timesteps, whole_frames=whole_frames),
        "frame_index": frame_index,
        "latents": frames_of(latents, frame_index),
        "first": latents[:, :, :1],
        "weight": frames_of(moving_weight(latents), frame_index),
        "joint": joint,
    }


def generator_loss(
    modules: Mapping[str, nn.Module], batch: dict[str, Any], generator: torch.Generator
) -> tuple[torch.Tensor, Scalars]:
    """(loss, scalars) of a batch of draw_batch, with noise from a torch Generator on the CPU."""
    with torch.set_grad_enabled(batch["joint"]):
        conditioning = encode(modules, batch, batch["dropped"])
    return keyframe_loss(modules["unet"], conditioning, batch, generator)


def keyframe_loss(
    unet: nn.Module,
    conditioning: Mapping[str, torch.Tensor],
    batch: dict[str, Any],
    generator: torch.Generator,
) -> tuple[torch.Tensor, Scalars]:
    """(loss, scalars) of a UNet with what `encoders.encode` gives; of a batch "latents", "first", "frame_index" and
    what `denoising_loss` reads."""
    clean, frame_index = batch["latents"], batch["frame_index"]
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    return denoising_loss(
        unet,
        clean,
        noise,
        batch,
        concat=keyframe_concat(batch["first"], clean.shape[2]),
        text=conditioning["text"],
        image=select_frames(conditioning["image"], frame_index),
        audio=keyframe_audio_tokens(conditioning["audio"], frame_index),
        fps=torch.full((len(clean),), recipe.GENERATOR_FPS_CONDITION, device=clean.device),
        frame_index=frame_index,
    )
