"""Samples of held-out clips, made while the networks are trained and shown with the ground truth.

The whole pipeline as inference runs it: keyframes on a plan that follows the true events, the frames between them,
images of both. While training in few steps and one pass; evaluation/in_process.py asks for the demo's.
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
from ...models.diffusion.conditioning import (
    denoise,
    guidance_conditions,
    interpolation_concat,
    keyframe_concat,
)
from ...models.diffusion.ddim import interpolate_keyframe_noise, sample
from ...models.diffusion.guidance import GUIDED, needed_passes, pass_weights
from ...models.diffusion.schedule import BASE_SCALE, make_schedule
from ...models.encoders.audio_tokens import interpolation_audio_tokens, keyframe_audio_tokens
from ...models.encoders.resampler import select_frames
from .. import recipe
from ..data.clips import CAPTIONS
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
# what encoders.encode gives of clips, and of what takes its place where it is missing
Conditioning = tuple[Tensors, Tensors]


@dataclass(frozen=True)
class Sampling:
    """How a network is sampled, in the words of KeyVID Schedule, KeyVID Sampler and Multimodal CFG.

    scales: of image, text and audio; all 1 is one pass. guided: from and until which share of the run, outside of
    which one pass is run. seed: of the noise.
    """

    steps: int = STEPS
    inpainted_steps: int = 1
    noise_strength: float = 1.0
    eta: float = 0.0
    base_scale: float = BASE_SCALE
    scales: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rescale: float = 0.0
    guided: tuple[float, float] = GUIDED
    seed: int = 0


WHILE_TRAINING = Sampling()


@dataclass(frozen=True)
class Networks:
    """What makes samples: UNets, {name: encoder}, the VAE, and the token ids of all captions and of no text.

    captions: those of the tokens, in order.
    """

    generator: nn.Module
    encoders: Mapping[str, nn.Module]
    vae: AutoencoderKL
    tokens: torch.Tensor
    interpolator: nn.Module | None = None
    captions: Sequence[str] = CAPTIONS


def sample_keyframes(networks: Networks, clips: np.ndarray, path: Path) -> dict[str, float]:
    """Generate the keyframes of a few clips; writes path.png, true frames above generated ones, and returns figures.

    moving_error: the error of the generated latents where something moves, relative to that of repeating the first
    frame: 0 is the truth, 1 a still image.
    """
    clips = clips[:N_CHECKED]
    plans = _event_plans(clips)
    conditioning = conditioning_of(networks, clips)
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
    conditioning = conditioning_of(networks, clips)
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
    networks: Networks,
    conditioning: Conditioning,
    clips: np.ndarray,
    plans: Sequence[Sequence[int]],
    *,
    sampling: Sampling = WHILE_TRAINING,
) -> torch.Tensor:
    """The generator's latents (B, 4, T, h, w) of clips (B,) at the frames of plans, which all have T."""
    frame_index = torch.tensor(plans)
    first = torch.stack([_latents(record)[:, :1] for record in clips])  # (B, 4, 1, h, w)
    generator = torch.Generator().manual_seed(sampling.seed)
    noise = torch.randn(
        first.expand(-1, -1, frame_index.shape[1], -1, -1).shape, generator=generator
    )
    conditions = guidance_conditions(
        text=[its["text"] for its in conditioning],
        image=[select_frames(its["image"], frame_index) for its in conditioning],
        audio=[keyframe_audio_tokens(its["audio"], frame_index) for its in conditioning],
        concat=keyframe_concat(first, frame_index.shape[1]),
        fps=torch.full((len(clips),), recipe.GENERATOR_FPS_CONDITION),
        frame_index=frame_index,
    )
    return _sampled(networks.generator, noise, conditions, sampling, generator)


@torch.no_grad()
def interpolate_frames(
    networks: Networks,
    conditioning: Conditioning,
    keyframes: torch.Tensor,
    plans: Sequence[Sequence[int]],
    *,
    sampling: Sampling = WHILE_TRAINING,
) -> torch.Tensor:
    """The interpolator's latents (B, 4, 48, h, w) between keyframes (B, 4, T, h, w) at the frames of plans."""
    if networks.interpolator is None:
        raise ValueError("There is no interpolator to make the frames between keyframes.")
    generator, videos = torch.Generator().manual_seed(sampling.seed), []
    for row, plan in enumerate(plans):
        latents = keyframes[row : row + 1]
        shape = (1, latents.shape[1], N_FRAMES, *latents.shape[3:])
        noise = interpolate_keyframe_noise(torch.randn(shape, generator=generator), plan)
        its_own = [
            {name: value[row : row + 1] for name, value in its.items()} for its in conditioning
        ]
        conditions = guidance_conditions(
            text=[its["text"] for its in its_own],
            image=[its["image"] for its in its_own],
            audio=[interpolation_audio_tokens(its["audio"]) for its in its_own],
            concat=interpolation_concat(latents, plan, N_FRAMES),
            fps=torch.tensor([int(FPS)]),
        )
        unet = networks.interpolator
        videos.append(_sampled(unet, noise, conditions, sampling, generator, (latents, plan)))
    return torch.cat(videos)


def _sampled(
    unet: nn.Module,
    noise: torch.Tensor,
    conditions: Mapping[str, Tensors],
    sampling: Sampling,
    generator: torch.Generator,
    keyframes: tuple[torch.Tensor, Sequence[int]] | None = None,
) -> torch.Tensor:
    """noise: unit normal, of the first step; the generator gives that of the steps after it."""
    device = next(unet.parameters()).device
    weights = pass_weights(*sampling.scales)
    schedule = make_schedule(sampling.steps, eta=sampling.eta, base_scale=sampling.base_scale)
    drawn = [torch.randn(noise.shape, generator=generator) for _ in range(sampling.steps)]
    latents = sample(
        functools.partial(denoise, unet),
        sampling.noise_strength * noise.to(device),
        {
            name: {key: value.to(device) for key, value in conditions[name].items()}
            for name in {*needed_passes(weights, rescale=sampling.rescale), "full"}
        },
        schedule=schedule,
        weights=weights,
        rescale=sampling.rescale,
        guided=sampling.guided,
        noise=[(sampling.noise_strength * unit).to(device) for unit in drawn],
        keyframes=None if keyframes is None else (keyframes[0].to(device), keyframes[1]),
        inpainted_steps=sampling.inpainted_steps,
    )
    return latents.cpu()


@torch.no_grad()
def conditioning_of(networks: Networks, clips: np.ndarray) -> Conditioning:
    """The Conditioning of clips (B,) of CLIP, on the CPU."""
    device = next(networks.generator.parameters()).device
    batch = condition_batch(clips, networks.tokens[:-1], networks.tokens[-1])
    batch = {name: value.to(device) for name, value in batch.items()}
    both = []
    for is_absent in (False, True):
        dropped = torch.full((len(clips),), is_absent, device=device)
        encoded = encode(
            networks.encoders, batch, dict.fromkeys(("text", "image", "audio"), dropped)
        )
        both.append({name: value.cpu() for name, value in encoded.items()})
    return both[0], both[1]


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
