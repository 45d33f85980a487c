"""What the trainings of the VAE and of its decoder share: their images, their loss, and what is measured."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch.nn import functional

from .. import recipe
from ..data.images import open_images
from ..data.records import Report
from ..engine.loop import Scalars, Task
from ..vae.network import reconstruct, to_pixels

N_SHOWN = 8  # images on a sample sheet
N_CHECKED_CLIPS = 24  # held-out clips whose images are measured


def training_images(state_dir: Path, *, report: Report | None = None) -> np.ndarray:
    """The IMAGEs that the VAE learns from; those that are not in state_dir yet are rendered."""
    seeds = recipe.TRAINING_SEEDS[: recipe.VAE_N_CLIPS]
    return open_images(state_dir / "vae" / "pictures", seeds=seeds, report=report)


def held_out_images(state_dir: Path) -> np.ndarray:
    """The held-out IMAGEs that the VAE is measured on."""
    return open_images(state_dir / "vae" / "pictures", seeds=recipe.CHECK_SEEDS[:N_CHECKED_CLIPS])


def image_task(
    name: str,
    vae: AutoencoderKL,
    images: np.ndarray,
    held_out: np.ndarray,
    *,
    loss: Callable,
    learning_rate: float,
    decay_steps: int,
) -> Task:
    """The Task of a training on images; loss(vae, pixels, moving, generator) gives (loss, scalars) of a batch."""
    return Task(
        name=name,
        modules={"vae": vae},
        batch=lambda step, rng: draw_batch(images, rng),
        loss=lambda batch, generator: loss(vae, *batch, generator),
        learning_rate=learning_rate,
        warmup_steps=recipe.VAE_WARMUP,
        decay_steps=decay_steps,
        ema_half_life=recipe.VAE_EMA_HALF_LIFE,
        weight_decay=0.0,
        sample=lambda step, folder: sample_images(vae, held_out, step, folder),
    )


def draw_batch(
    images: np.ndarray, rng: np.random.Generator, n: int = recipe.VAE_BATCH
) -> tuple[torch.Tensor, torch.Tensor]:
    """n images, half of them mirrored: (pixels (n, 3, H, W) in [-1, 1], moving (n, 1, H, W), 0 or 1)."""
    picked = images[rng.integers(len(images), size=n)]
    frames, moving = picked["frame"], picked["moving"]
    mirrored = rng.random(n) < 0.5
    frames[mirrored], moving[mirrored] = frames[mirrored, :, ::-1], moving[mirrored, :, ::-1]
    return to_pixels(frames), torch.from_numpy(moving.astype(np.float32))[:, None]


def image_loss(
    decoded: torch.Tensor, pixels: torch.Tensor, moving: torch.Tensor
) -> tuple[torch.Tensor, Scalars]:
    """(loss, scalars) of decoded pixels (n, 3, H, W): weighted L1 of pixels and of their differences, L1 of the colours
    of larger squares. moving: (n, 1, H, W), where errors count more."""
    weight = 1 + recipe.VAE_MOVING_WEIGHT * moving
    error = decoded - pixels
    pixel = (weight * error.abs()).sum() / (weight.sum() * pixels.shape[1])
    edge = _edges(error, weight)
    coarse = functional.avg_pool2d(error, recipe.VAE_COARSE).abs().mean()
    mse = functional.mse_loss(decoded.detach(), pixels)
    return pixel + recipe.VAE_EDGE_WEIGHT * edge + recipe.VAE_COARSE_WEIGHT * coarse, {
        "pixel": pixel.detach(),
        "edge": edge.detach(),
        "coarse": coarse.detach(),
        "psnr": _psnr(mse),
    }


def _edges(error: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted L1 of the differences of an error (n, C, H, W) between neighbours, across and down."""
    across = (weight[..., 1:] * (error[..., 1:] - error[..., :-1]).abs()).mean()
    down = (weight[..., 1:, :] * (error[..., 1:, :] - error[..., :-1, :]).abs()).mean()
    return (across + down) / weight.mean()


def _psnr(mse: float | torch.Tensor) -> float:
    """Decibels, of a mean squared error of pixels in [-1, 1]."""
    return 10 * math.log10(4 / max(float(mse), 1e-12))


def measure(frames: np.ndarray, decoded: np.ndarray, moving: np.ndarray) -> dict[str, float]:
    """{"held_out_psnr": mean over images, "held_out_psnr_moving": over all pixels where something moves}, in dB."""
    squared = ((frames.astype(np.float32) - decoded) / 127.5) ** 2  # (n, H, W, 3)
    each = [_psnr(error) for error in squared.mean(axis=(1, 2, 3))]
    return {
        "held_out_psnr": float(np.mean(each)),
        "held_out_psnr_moving": _psnr(squared[moving].mean()),
    }


def sample_images(
    vae: AutoencoderKL, held_out: np.ndarray, step: int, folder: Path
) -> dict[str, float]:
    """Write a sheet of held-out IMAGEs, decoded ones below, into a folder; returns what `measure` says of all."""
    frames, moving = held_out["frame"], held_out["moving"]
    decoded = reconstruct(vae, frames)
    shown = slice(0, len(frames), max(1, len(frames) // N_SHOWN))
    sheet = np.concatenate(
        [np.concatenate(images[shown][:N_SHOWN], axis=1) for images in (frames, decoded)]
    )
    Image.fromarray(sheet).save(folder / f"step_{step:08d}.png")
    return measure(frames, decoded, moving)
