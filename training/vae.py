"""Training the small VAE: pictures of the world to latents of an eighth of their size, and back.

The KL autoencoder of latent diffusion (Rombach et al., CVPR 2022), without its adversarial loss: the world's pictures
are plain enough for pixels and edges alone. Errors count more where something moves, because a stick or a drop has few
pixels and is all there is to see.
"""

import math

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import nn
from torch.nn import functional

from . import recipe
from .loop import Task
from .pictures import open_pictures

BRANCH_ENDS = ("conv2.weight", "conv2.bias", "to_out.0.weight", "to_out.0.bias")
N_SHOWN = 8  # pictures on a sample sheet
N_CHECKED_CLIPS = 24  # held-out clips whose pictures are measured


def build_vae(config=recipe.VAE):
    """diffusers' AutoencoderKL of these sizes (models.vae_config.VAEConfig), with random weights.

    Residual branches begin at zero, so that it learns from the plain path inwards.
    """
    n_levels = len(config.channel_mult)
    vae = AutoencoderKL(
        in_channels=config.in_channels,
        out_channels=config.in_channels,
        down_block_types=("DownEncoderBlock2D",) * n_levels,
        up_block_types=("UpDecoderBlock2D",) * n_levels,
        block_out_channels=tuple(config.channels * factor for factor in config.channel_mult),
        layers_per_block=config.num_res_blocks,
        latent_channels=config.z_channels,
        norm_num_groups=32,
    )
    for name, parameter in vae.named_parameters():
        if name.endswith(BRANCH_ENDS):
            nn.init.zeros_(parameter)
    return vae


def make_task(state_dir, *, report=None):
    """The Task of the VAE; pictures that are not in state_dir yet are rendered first."""
    folder = state_dir / "vae" / "pictures"
    seeds = recipe.TRAINING_SEEDS[: recipe.VAE_N_CLIPS]
    pictures = open_pictures(folder, seeds=seeds, report=report)
    torch.manual_seed(0)
    return vae_task(build_vae(), pictures, checked_pictures(state_dir))


def checked_pictures(state_dir):
    """The held-out PICTUREs that the VAE is measured on."""
    return open_pictures(state_dir / "vae" / "pictures", seeds=recipe.CHECK_SEEDS[:N_CHECKED_CLIPS])


def vae_task(vae, pictures, held_out):
    """The Task of a VAE on pictures and held-out pictures: arrays (n,) of pictures.PICTURE."""
    return Task(
        name="vae",
        modules={"vae": vae},
        batch=lambda step, rng: draw_batch(pictures, rng, crop=step < recipe.VAE_CROP_STEPS),
        loss=lambda batch, generator: vae_loss(vae, *batch, generator),
        learning_rate=recipe.VAE_LEARNING_RATE,
        warmup_steps=recipe.VAE_WARMUP,
        decay_steps=recipe.VAE_DECAY_STEPS,
        ema_half_life=recipe.VAE_EMA_HALF_LIFE,
        weight_decay=0.0,
        sample=lambda step, folder: _sample(vae, held_out, step, folder),
    )


def draw_batch(pictures, rng, *, crop):
    """Some pictures, half of them mirrored: (pixels (n, 3, H, W) in [-1, 1], moving (n, 1, H, W), 0 or 1).

    crop: whether to cut a piece out of each, of which as many make a batch as take the time of whole ones.
    """
    n = recipe.VAE_CROP_BATCH if crop else recipe.VAE_BATCH
    picked = pictures[rng.integers(len(pictures), size=n)]
    frames, moving = picked["frame"], picked["moving"]
    mirrored = rng.random(n) < 0.5
    frames[mirrored], moving[mirrored] = frames[mirrored, :, ::-1], moving[mirrored, :, ::-1]
    if crop:
        frames, moving = _crop(frames, moving, rng)
    return to_pixels(frames), torch.from_numpy(moving.astype(np.float32))[:, None]


def _crop(frames, moving, rng):
    height, width = recipe.VAE_CROP
    tops = rng.integers(frames.shape[1] - height + 1, size=len(frames))
    lefts = rng.integers(frames.shape[2] - width + 1, size=len(frames))
    windows = [
        (n, slice(top, top + height), slice(left, left + width))
        for n, (top, left) in enumerate(zip(tops, lefts, strict=True))
    ]
    return tuple(np.stack([whole[window] for window in windows]) for whole in (frames, moving))


def to_pixels(frames):
    """uint8 (n, H, W, 3) as float32 (n, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2) / 127.5 - 1


def to_frames(pixels):
    """(n, 3, H, W) in [-1, 1] as uint8 (n, H, W, 3), an array."""
    levels = ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()


def vae_loss(vae, pixels, moving, generator):
    """(loss, scalars): weighted L1 of pixels and of their differences, and the divergence from a normal latent."""
    posterior = vae.encode(pixels).latent_dist
    noise = torch.randn(posterior.mean.shape, generator=generator).to(pixels.device)
    decoded = vae.decode(posterior.mean + posterior.std * noise).sample
    weight = 1 + recipe.VAE_MOVING_WEIGHT * moving
    error = decoded - pixels
    pixel = (weight * error.abs()).sum() / (weight.sum() * pixels.shape[1])
    edge = _edges(error, weight)
    divergence = 0.5 * (posterior.mean**2 + posterior.var - 1 - posterior.logvar).mean()
    loss = pixel + recipe.VAE_EDGE_WEIGHT * edge + recipe.VAE_KL_WEIGHT * divergence
    mse = functional.mse_loss(decoded.detach(), pixels)
    return loss, {
        "pixel": pixel.detach(),
        "edge": edge.detach(),
        "divergence": divergence.detach(),
        "psnr": _psnr(mse),
    }


def _edges(error, weight):
    """Weighted L1 of the differences of an error (n, C, H, W) between neighbours, across and down."""
    across = (weight[..., 1:] * (error[..., 1:] - error[..., :-1]).abs()).mean()
    down = (weight[..., 1:, :] * (error[..., 1:, :] - error[..., :-1, :]).abs()).mean()
    return (across + down) / weight.mean()


def _psnr(mse):
    """Decibels, of a mean squared error of pixels in [-1, 1]."""
    return 10 * math.log10(4 / max(float(mse), 1e-12))


@torch.no_grad()
def reconstruct(vae, frames, *, batch_size=16):
    """Through the VAE and back without noise: uint8 (n, H, W, 3) to uint8 (n, H, W, 3)."""
    device = next(vae.parameters()).device
    parts = []
    for first in range(0, len(frames), batch_size):
        pixels = to_pixels(frames[first : first + batch_size]).to(device)
        parts.append(to_frames(vae.decode(vae.encode(pixels).latent_dist.mean).sample))
    return np.concatenate(parts)


def measure(frames, decoded, moving):
    """{"psnr": mean over pictures, "psnr_moving": over all pixels where something moves}, in decibels."""
    squared = ((frames.astype(np.float32) - decoded) / 127.5) ** 2  # (n, H, W, 3)
    each = [_psnr(error) for error in squared.mean(axis=(1, 2, 3))]
    return {
        "held_out_psnr": float(np.mean(each)),
        "held_out_psnr_moving": _psnr(squared[moving].mean()),
    }


def _sample(vae, held_out, step, folder):
    frames, moving = held_out["frame"], held_out["moving"]
    decoded = reconstruct(vae, frames)
    shown = slice(0, len(frames), max(1, len(frames) // N_SHOWN))
    sheet = np.concatenate(
        [np.concatenate(pictures[shown][:N_SHOWN], axis=1) for pictures in (frames, decoded)]
    )
    Image.fromarray(sheet).save(folder / f"step_{step:08d}.png")
    return measure(frames, decoded, moving)
