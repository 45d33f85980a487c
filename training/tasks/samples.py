"""Samples of held-out clips, made while the networks are trained and shown with the ground truth.

The whole pipeline as inference runs it, in few steps and one pass: keyframes on a plan that follows the true events,
the frames between them, images of both.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import nn

from ...keyframes.timebase import FPS, N_FRAMES
from ...models.diffusion.conditioning import denoise, interpolation_concat, keyframe_concat
from ...models.diffusion.ddim import interpolate_keyframe_noise, sample
from ...models.diffusion.guidance import pass_weights
from ...models.diffusion.schedule import make_schedule
from ...models.encoders.audio_tokens import interpolation_audio_tokens, keyframe_audio_tokens
from ...models.encoders.resampler import select_frames
from .. import recipe
from ..data.sounds import unpad_events
from ..engine.state import Tensors
from ..vae.file import decode
from .diffusion_loss import moving_weight
from .encoders import condition_batch, encode
from .frame_sets import keyframes_of
from .localizer import event_curve

STEPS = 12
N_CHECKED = 8  # clips
SHEET_ROWS = 6  # of 8 frames, in a sheet of a whole video


@dataclass(frozen=True)
class Networks:
    """What makes samples: UNets, {name: encoder}, the VAE, and the token ids of all captions and of no text."""

    generator: nn.Module
    encoders: Mapping[str, nn.Module]
    vae: AutoencoderKL
    tokens: torch.Tensor
    interpolator: nn.Module | None = None


def sample_keyframes(networks: Networks, clips: np.ndarray, path: Path) -> dict[str, float]:
    """Generate the keyframes of a few clips; writes path.png, true frames above generated ones, and returns figures.

    moving_error: the error of the generated latents where something moves, relative to that of repeating the first
    frame: 0 is the truth, 1 a still image.
    """
    clips = clips[:N_CHECKED]
    plans = _event_plans(clips)
    conditioning = _encoded_conditioning(networks, clips)
    generated = generate_keyframes(networks, conditioning, clips, plans)
    rows = []
    for record, plan, latents in zip(clips, plans, generated, strict=True):
        for shown in (_latents(record)[:, plan], latents):
            rows.append(np.concatenate(_decoded(networks, shown), axis=1))
    Image.fromarray(np.concatenate(rows)).save(f"{path}.png")
    return {"moving_error": _moving_error(clips, plans, generated)}


def sample_video(networks: Networks, clips: np.ndarray, path: Path) -> dict[str, float]:
    """Make whole videos of a few clips; writes path_N.png, true rows above made ones, and returns figures."""
    clips = clips[: N_CHECKED // 2]
    plans = _event_plans(clips)
    conditioning = _encoded_conditioning(networks, clips)
    generated = generate_keyframes(networks, conditioning, clips, plans)
    video = interpolate_frames(networks, conditioning, generated, plans)
    for number, (record, latents) in enumerate(zip(clips, video, strict=True)):
        sheets = [_decoded(networks, shown) for shown in (_latents(record), latents)]
        rows = [
            np.concatenate(sheet[first : first + N_FRAMES // SHEET_ROWS], axis=1)
            for first in range(0, N_FRAMES, N_FRAMES // SHEET_ROWS)
            for sheet in sheets
        ]
        Image.fromarray(np.concatenate(rows)).save(f"{path}_{number}.png")
    return {"moving_error": _moving_error(clips, [range(N_FRAMES)] * len(clips), video)}


@torch.no_grad()
def generate_keyframes(
    networks: Networks, conditioning: Tensors, clips: np.ndarray, plans: Sequence[Sequence[int]]
) -> torch.Tensor:
    """The generator's latents (B, 4, T, h, w) of clips (B,) at the frames of plans, which all have T."""
    frame_index = torch.tensor(plans)
    first = torch.stack([_latents(record)[:, :1] for record in clips])  # (B, 4, 1, h, w)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(
        first.expand(-1, -1, frame_index.shape[1], -1, -1).shape, generator=generator
    )
    inputs = {
        "text": conditioning["text"],
        "image": select_frames(conditioning["image"], frame_index),
        "audio": keyframe_audio_tokens(conditioning["audio"], frame_index),
        "concat": keyframe_concat(first, frame_index.shape[1]),
        "fps": torch.full((len(clips),), recipe.GENERATOR_FPS_CONDITION),
        "frame_index": frame_index,
    }
    return _sampled(networks.generator, noise, inputs)


@torch.no_grad()
def interpolate_frames(
    networks: Networks,
    conditioning: Tensors,
    keyframes: torch.Tensor,
    plans: Sequence[Sequence[int]],
) -> torch.Tensor:
    """The interpolator's latents (B, 4, 48, h, w) between keyframes (B, 4, T, h, w) at the frames of plans."""
    if networks.interpolator is None:
        raise ValueError("There is no interpolator to make the frames between keyframes.")
    generator, videos = torch.Generator().manual_seed(0), []
    for row, plan in enumerate(plans):
        latents = keyframes[row : row + 1]
        shape = (1, latents.shape[1], N_FRAMES, *latents.shape[3:])
        noise = interpolate_keyframe_noise(torch.randn(shape, generator=generator), plan)
        inputs = {
            "text": conditioning["text"][row : row + 1],
            "image": conditioning["image"][row : row + 1],
            "audio": interpolation_audio_tokens(conditioning["audio"][row : row + 1]),
            "concat": interpolation_concat(latents, plan, N_FRAMES),
            "fps": torch.tensor([int(FPS)]),
        }
        videos.append(_sampled(networks.interpolator, noise, inputs, keyframes=(latents, plan)))
    return torch.cat(videos)


def _sampled(
    unet: nn.Module,
    noise: torch.Tensor,
    inputs: Tensors,
    *,
    keyframes: tuple[torch.Tensor, Sequence[int]] | None = None,
) -> torch.Tensor:
    device = next(unet.parameters()).device
    on_device = {name: value.to(device) for name, value in inputs.items()}
    if keyframes is not None:
        keyframes = (keyframes[0].to(device), keyframes[1])
    latents = sample(
        functools.partial(denoise, unet),
        noise.to(device),
        {"full": on_device},
        schedule=make_schedule(STEPS, eta=0.0),
        weights=pass_weights(1.0, 1.0, 1.0),  # the full pass alone
        rescale=0.0,
        # at eta 0 only the keyframes set in the first step need noise
        noise=torch.Generator().manual_seed(0),
        keyframes=keyframes,
    )
    return latents.cpu()


def _encoded_conditioning(networks: Networks, clips: np.ndarray) -> Tensors:
    device = next(networks.generator.parameters()).device
    batch = condition_batch(clips, networks.tokens[:-1], networks.tokens[-1])
    batch = {name: value.to(device) for name, value in batch.items()}
    kept = {
        name: torch.zeros(len(clips), dtype=torch.bool, device=device)
        for name in ("text", "image", "audio")
    }
    with torch.no_grad():
        return {name: value.cpu() for name, value in encode(networks.encoders, batch, kept).items()}


def _event_plans(clips: np.ndarray) -> list[list[int]]:
    return [
        keyframes_of(event_curve(*unpad_events(record["event_frames"], record["event_strengths"])))
        for record in clips
    ]


def _latents(record: np.void) -> torch.Tensor:
    """(4, 48, h, w) of one CLIP record."""
    return torch.from_numpy(record["latent"].astype(np.float32)).transpose(0, 1)


def _decoded(networks: Networks, latents: torch.Tensor) -> np.ndarray:
    """uint8 (T, H, W, 3) of latents (4, T, h, w)."""
    device = next(networks.vae.parameters()).device
    return decode(networks.vae, latents.transpose(0, 1).to(device))


def _moving_error(
    clips: np.ndarray, plans: Sequence[Sequence[int]], made: Iterable[torch.Tensor]
) -> float:
    made_error = still_error = 0.0
    for record, plan, latents in zip(clips, plans, made, strict=True):
        true = _latents(record)
        moving = (moving_weight(true[None])[0] > 1)[:, list(plan)]  # (1, T, h, w)
        made_error += float(((latents - true[:, list(plan)]).abs() * moving).sum())
        still_error += float(((true[:, :1] - true[:, list(plan)]).abs() * moving).sum())
    return made_error / max(still_error, 1e-9)
