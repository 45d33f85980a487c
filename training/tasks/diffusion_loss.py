"""The loss of the two diffusion networks: noisy latents, v targets, condition dropout.

v prediction on a schedule with zero terminal SNR (arXiv 2202.00512, 2305.08891), the clean latent scaled down where
there is much noise (DynamiCrafter), conditioning dropped as in the published training (published-model e.1, e.2, h.2).
"""

import contextlib
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...models.diffusion.conditioning import denoise
from ...models.diffusion.schedule import N_TIMESTEPS, alphas_cumprod, scale_table
from ..engine.loop import Scalars

DROP_STEP = 0.05  # p of published-model h.2
MOVING_LEVEL = 0.35  # standard deviations of a latent: below it a position counts as still
MOVING_REACH = 1  # positions around moving ones that count as moving too
WHOLE_FRAME_WEIGHT = 20.0  # of the error of frame means, relative to that of single positions
MOVING_WEIGHT = 4.0  # added to 1 where something moves: nearly all of an image is still


def draw_timesteps(rng: np.random.Generator, n: int) -> torch.Tensor:
    """n timesteps, int64 (n,), uniform and stratified over the batch, which lowers the variance of the loss."""
    positions = (rng.random() + np.arange(n)) / n
    return torch.from_numpy(rng.permutation((positions * N_TIMESTEPS).astype(np.int64)))


def draw_dropped(rng: np.random.Generator, n: int) -> dict[str, torch.Tensor]:
    """Which of n samples are trained without a kind of conditioning: {"text", "image", "audio": bool (n,)}.

    One number r decides for each: no text where r < 2p, no image where p <= r < 3p, no audio where 2p <= r < 4p, so
    that each is dropped alone and together (published-model h.2).
    """
    r, step = torch.from_numpy(rng.random(n)), DROP_STEP
    return {
        "text": r < 2 * step,
        "image": (step <= r) & (r < 3 * step),
        "audio": (2 * step <= r) & (r < 4 * step),
    }


def noised(
    clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(noisy latent, v target) at timesteps: z_t = sqrt(a) x + sqrt(1 - a) e, v = sqrt(a) e - sqrt(1 - a) x.

    clean, noise: (B, C, T, h, w); timesteps: int64 (B,). x is the clean latent times the dynamic rescale.
    """
    alphas = torch.from_numpy(alphas_cumprod()).to(clean)[timesteps]
    scale = torch.from_numpy(scale_table()).to(clean)[timesteps]
    signal, noise_std, scale = (
        factor.view(-1, 1, 1, 1, 1) for factor in (alphas.sqrt(), (1 - alphas).sqrt(), scale)
    )
    scaled = scale * clean
    return signal * scaled + noise_std * noise, signal * noise - noise_std * scaled


def moving_weight(latents: torch.Tensor) -> torch.Tensor:
    """The loss weight of each position of each frame: 1, plus MOVING_WEIGHT where something moves.

    latents: (B, 4, F, h, w) of unit standard deviation. A position moves where its frame differs from the
    clip's median over time. Returns (B, 1, F, h, w).
    """
    still = latents.median(dim=2, keepdim=True).values
    differs = (latents - still).abs().amax(dim=1, keepdim=True) > MOVING_LEVEL  # (B, 1, F, h, w)
    reach = 2 * MOVING_REACH + 1
    moving = functional.max_pool3d(
        differs.to(latents), (1, reach, reach), stride=1, padding=(0, MOVING_REACH, MOVING_REACH)
    )
    return 1 + MOVING_WEIGHT * moving


def v_loss(predicted: torch.Tensor, v: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The weighted mean squared error of v, a scalar. predicted, v: (B, C, T, h, w); weight: (B, 1, T, h, w)."""
    squares = (predicted - v).square().mean(dim=1, keepdim=True)  # (B, 1, T, h, w)
    return (weight * squares).sum() / weight.sum()


def whole_frame_loss(predicted: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """The squared error of each frame's mean over its positions, by channel, unweighted; a scalar.

    In v_loss it is one value among h * w, and hardly learned: frames flicker in brightness and colour.
    predicted, v: (B, C, T, h, w).
    """
    return (predicted - v).mean(dim=(-2, -1)).square().mean()


def diffusion_loss(
    predicted: torch.Tensor, v: torch.Tensor, weight: torch.Tensor, *, whole_frames: bool
) -> tuple[torch.Tensor, Scalars]:
    """(loss, its parts by name) as v_loss takes them; whole_frames: whether whole_frame_loss is part of the loss."""
    parts = {"v": v_loss(predicted, v, weight), "whole_frame": whole_frame_loss(predicted, v)}
    loss = parts["v"]
    if whole_frames:
        loss = loss + WHOLE_FRAME_WEIGHT * parts["whole_frame"]
    return loss, {name: part.detach() for name, part in parts.items()}


def denoising_loss(
    unet: nn.Module,
    clean: torch.Tensor,
    noise: torch.Tensor,
    batch: dict[str, Any],
    **conditioning: torch.Tensor,
) -> tuple[torch.Tensor, Scalars]:
    """(loss, its parts by name) of a UNet's v prediction for clean latents (B, C, T, h, w) with this noise.

    batch: its "timesteps" (B,), "weight" (B, 1, T, h, w) and "whole_frames"; conditioning: as `denoise` takes it.
    """
    noisy, v = noised(clean, noise, batch["timesteps"])
    with attention_kernel(clean.device):
        predicted = denoise(unet, noisy, batch["timesteps"], **conditioning)
    return diffusion_loss(predicted, v, batch["weight"], whole_frames=batch["whole_frames"])


def frames_of(video: torch.Tensor, frame_index: torch.Tensor) -> torch.Tensor:
    """The frames (B, T) of a video (B, C, F, h, w): (B, C, T, h, w)."""
    index = frame_index[:, None, :, None, None].expand(-1, video.shape[1], -1, *video.shape[3:])
    return video.gather(2, index)


def attention_kernel(device: torch.device | str) -> contextlib.AbstractContextManager:
    """The attention implementation inside this context: on a CPU the plain one.

    PyTorch's fused CPU kernel is optimised for long sequences. Over a dozen frames, its backward pass takes longer than
    all convolutions: without it a step in bf16 needs three quarters of the time, the interpolator's three fifths.
    """
    if torch.device(device).type == "cpu":
        return sdpa_kernel(SDPBackend.MATH)
    return contextlib.nullcontext()
