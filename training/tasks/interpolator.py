"""Training the interpolator: from keyframes and the sound to all 48 frames.

Trained on exactly what inference gives it (published-model c.3, d.3, f): 48 frames at once, the first frame's image
tokens, the sound resampled from 52 groups to 48, the keyframes' latents where the plan puts them and zeros between. The
encoders are the generator's and stay as they are; the UNet begins as the generator's.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import nn

from ...keyframes.timebase import FPS, N_FRAMES
from ...models.diffusion.ddim import interpolate_keyframe_noise
from ...models.encoders.audio_tokens import interpolation_audio_tokens
from ...models.unet.config import UNetConfig
from ...models.unet.unet import VideoUNet, init_weights
from .. import recipe
from ..data.clips import CAPTIONS, clip_latents, clips_and_vae
from ..data.records import Report, draw_records
from ..engine.loop import Scalars, Task, load_averages
from .diffusion_batch import common_batch
from .diffusion_loss import denoising_loss, draw_timesteps, moving_weight
from .encoders import TRAINED_ENCODERS, encode, make_encoders, tokenized
from .frame_sets import draw_frame_set
from .samples import Networks, sample_video

# of the samples get keyframes that look keyframe_noise by a network: a little off
NOISY_KEYFRAME_SHARE = 0.5
MAX_KEYFRAME_NOISE = 0.15  # standard deviations of their latents, at most
# timesteps from here on: half of the samples start from the noise that inference starts from
MIXED_FROM = 900
MIXED_SHARE = 0.5


def make_task(state_dir: Path, *, report: Report | None = None) -> Task:
    """The Task of the interpolator, on the clips that have been made. Raises KeyVIDError without a generator."""
    clips, held_out, vae = clips_and_vae(state_dir, report=report)
    generator, encoders = VideoUNet(recipe.GENERATOR), make_encoders()
    trained = {name: encoders[name] for name in TRAINED_ENCODERS}
    load_averages("generator", {"unet": generator, **trained}, state_dir=state_dir)
    load_averages("audio", {"audio": encoders["audio"]}, state_dir=state_dir)
    return interpolator_task(
        begin_as(generator, recipe.INTERPOLATOR),
        encoders,
        clips,
        generator=generator,
        held_out=held_out,
        vae=vae,
    )


def begin_as(generator: VideoUNet, config: UNetConfig) -> VideoUNet:
    """An interpolator's UNet with the generator's weights, without the embedding of the frame index, which it lacks."""
    unet = VideoUNet(config)
    init_weights(unet)
    kept = {
        name: tensor
        for name, tensor in generator.state_dict().items()
        if not name.startswith("frame_idx_embedding.")
    }
    unet.load_state_dict(kept)
    return unet


def interpolator_task(
    unet: nn.Module,
    encoders: Mapping[str, nn.Module],
    clips: list[np.ndarray],
    *,
    generator: nn.Module | None = None,
    held_out: np.ndarray | None = None,
    vae: AutoencoderKL | None = None,
    batch_size: int = recipe.INTERPOLATOR_BATCH,
) -> Task:
    """The Task of an interpolator's UNet. encoders: the generator's, frozen; clips: a list of arrays of CLIP.

    generator, held_out, vae: the generator's UNet, clips (n,) to make whole videos of now and then, and the VAE to
    decode them; None makes none.
    """
    tokens = tokenized([*CAPTIONS, ""])

    def sample(step: int, folder: Path) -> dict[str, float]:
        if generator is None or held_out is None or vae is None:
            return {}
        networks = Networks(
            generator=generator, interpolator=unet, encoders=encoders, vae=vae, tokens=tokens
        )
        return sample_video(networks, held_out, folder / f"step_{step:08d}")

    return Task(
        name="interpolator",
        modules={"unet": unet},
        frozen=encoders if generator is None else {**encoders, "generator": generator},
        batch=lambda step, rng: draw_batch(
            clips,
            tokens,
            rng,
            batch_size,
            whole_frames=step >= recipe.WHOLE_FRAME_STEP,
        ),
        loss=lambda batch, noise_generator: interpolator_loss(
            unet, encoders, batch, noise_generator
        ),
        learning_rate=recipe.INTERPOLATOR_LEARNING_RATE,
        warmup_steps=recipe.INTERPOLATOR_WARMUP,
        decay_steps=recipe.INTERPOLATOR_DECAY_STEPS,
        ema_half_life=recipe.INTERPOLATOR_EMA_HALF_LIFE,
        sample=None if held_out is None else sample,
    )


def draw_batch(
    clips: list[np.ndarray],
    tokens: torch.Tensor,
    rng: np.random.Generator,
    n: int,
    *,
    whole_frames: bool,
) -> dict[str, Any]:
    """n whole clips and everything random but the noise.

    Returns a dict: what `common_batch` gives; "latents" (n, 4, 48, h, w); "weight" (n, 1, 48, h, w); "planned" bool
    (n, 1, 48, 1, 1), the keyframes; "keyframe_noise" (n, 1, 1, 1, 1), the noise level of the given ones; "plans": the
    keyframes as lists; "mixed": for each sample whether its noise is mixed.
    """
    records = draw_records(clips, rng, n)
    latents, timesteps = clip_latents(records), draw_timesteps(rng, n)
    plans = [draw_frame_set(rng, r, int(rng.choice(recipe.KEYFRAME_COUNTS))) for r in records]
    return {
        **draw_given(rng, plans, timesteps),
        **common_batch(records, tokens, rng, timesteps=timesteps, whole_frames=whole_frames),
        "latents": latents,
        "weight": moving_weight(latents),
    }


def draw_given(
    rng: np.random.Generator, plans: Sequence[Sequence[int]], timesteps: torch.Tensor
) -> dict[str, Any]:
    """The keyframes of n samples as they are given, by their plans: "planned", "keyframe_noise", "plans", "mixed" of
    draw_batch."""
    n = len(plans)
    planned = torch.zeros(n, 1, N_FRAMES, 1, 1, dtype=torch.bool)
    for row, plan in enumerate(plans):
        planned[row, :, list(plan)] = True
    keyframe_noise = (rng.random(n) < NOISY_KEYFRAME_SHARE) * rng.uniform(0, MAX_KEYFRAME_NOISE, n)
    mixed = (rng.random(n) < MIXED_SHARE) & (timesteps.numpy() >= MIXED_FROM)
    return {
        "planned": planned,
        "keyframe_noise": torch.from_numpy(keyframe_noise).float().view(-1, 1, 1, 1, 1),
        "plans": [tuple(plan) for plan in plans],
        "mixed": tuple(mixed.tolist()),
    }


def interpolator_loss(
    unet: nn.Module,
    encoders: Mapping[str, nn.Module],
    batch: dict[str, Any],
    generator: torch.Generator,
) -> tuple[torch.Tensor, Scalars]:
    """(loss, scalars) of a batch of draw_batch, with noise from a torch Generator on the CPU."""
    with torch.no_grad():
        conditioning = encode(encoders, batch, batch["dropped"])
    return fill_loss(unet, conditioning, batch, generator)


def fill_loss(
    unet: nn.Module,
    conditioning: Mapping[str, torch.Tensor],
    batch: dict[str, Any],
    generator: torch.Generator,
) -> tuple[torch.Tensor, Scalars]:
    """(loss, scalars) of a UNet with what `encoders.encode` gives; of a batch "latents", what `draw_given` draws and
    what `denoising_loss` reads."""
    clean = batch["latents"]
    noise, off = (torch.randn(clean.shape, generator=generator) for _ in range(2))
    for row, is_mixed in enumerate(batch["mixed"]):
        if is_mixed:
            plan = batch["plans"][row]
            noise[row : row + 1] = interpolate_keyframe_noise(noise[row : row + 1], plan)
    given = batch["planned"] * (clean + batch["keyframe_noise"] * off.to(clean))  # zeros between
    return denoising_loss(
        unet,
        clean,
        noise.to(clean),
        batch,
        concat=given,
        text=conditioning["text"],
        image=conditioning["image"],
        audio=interpolation_audio_tokens(conditioning["audio"]),
        fps=torch.full((len(clean),), int(FPS), device=clean.device),
    )
