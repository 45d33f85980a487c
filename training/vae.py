"""Training the small VAE: pictures of the world to latents of an eighth of their size, and back.

The network is the KL autoencoder of latent diffusion (Rombach et al., CVPR 2022), but only its mean is used, by ComfyUI
and here: the noise that the decoder must bear is small and fixed, because a latent that begins as noise learns slowly.
There is no adversarial loss; the world's pictures are plain enough for pixels and edges alone. Errors count
more where something moves, because a stick or a drop has few pixels and is all there is to see.
"""

import math

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch.nn import functional

from . import recipe
from .loop import Task
from .pictures import open_pictures
from .vae_start import start_as_mosaic

N_FITTED = 48  # pictures that the training's start is fitted to
N_SHOWN = 8  # pictures on a sample sheet
N_CHECKED_CLIPS = 24  # held-out clips whose pictures are measured


def build_vae(config=recipe.VAE):
    """diffusers' AutoencoderKL of these sizes (models.vae_config.VAEConfig), with random weights."""
    n_levels = len(config.channel_mult)
    return AutoencoderKL(
        in_channels=config.in_channels,
        out_channels=config.in_channels,
        down_block_types=("DownEncoderBlock2D",) * n_levels,
        up_block_types=("UpDecoderBlock2D",) * n_levels,
        block_out_channels=tuple(config.channels * factor for factor in config.channel_mult),
        layers_per_block=config.num_res_blocks,
        latent_channels=config.z_channels,
        norm_num_groups=32,
    )


def make_task(state_dir, *, report=None):
    """The Task of the VAE; pictures that are not in state_dir yet are rendered first."""
    pictures = training_pictures(state_dir, report=report)
    torch.manual_seed(0)
    vae = build_vae()
    start_as_mosaic(vae, to_pixels(pictures["frame"][:: len(pictures) // N_FITTED]))
    return vae_task(vae, pictures, checked_pictures(state_dir))


def training_pictures(state_dir, *, report=None):
    """The PICTUREs that the VAE learns from; those that are not in state_dir yet are rendered."""
    seeds = recipe.TRAINING_SEEDS[: recipe.VAE_N_CLIPS]
    return open_pictures(state_dir / "vae" / "pictures", seeds=seeds, report=report)


def checked_pictures(state_dir):
    """The held-out PICTUREs that the VAE is measured on."""
    return open_pictures(state_dir / "vae" / "pictures", seeds=recipe.CHECK_SEEDS[:N_CHECKED_CLIPS])


def vae_task(vae, pictures, held_out):
    """The Task of a VAE on pictures and held-out pictures: arrays (n,) of pictures.PICTURE."""
    return picture_task(
        "vae",
        vae,
        pictures,
        held_out,
        loss=vae_loss,
        learning_rate=recipe.VAE_LEARNING_RATE,
        decay_steps=recipe.VAE_DECAY_STEPS,
    )


def picture_task(name, vae, pictures, held_out, *, loss, learning_rate, decay_steps):
    """The Task of a training on pictures; loss(vae, pixels, moving, generator) gives (loss, scalars) of a batch."""
    return Task(
        name=name,
        modules={"vae": vae},
        batch=lambda step, rng: draw_batch(pictures, rng),
        loss=lambda batch, generator: loss(vae, *batch, generator),
        learning_rate=learning_rate,
        warmup_steps=recipe.VAE_WARMUP,
        decay_steps=decay_steps,
        ema_half_life=recipe.VAE_EMA_HALF_LIFE,
        weight_decay=0.0,
        sample=lambda step, folder: sample_pictures(vae, held_out, step, folder),
    )


def draw_batch(pictures, rng, n=recipe.VAE_BATCH):
    """n pictures, half of them mirrored: (pixels (n, 3, H, W) in [-1, 1], moving (n, 1, H, W), 0 or 1)."""
    picked = pictures[rng.integers(len(pictures), size=n)]
    frames, moving = picked["frame"], picked["moving"]
    mirrored = rng.random(n) < 0.5
    frames[mirrored], moving[mirrored] = frames[mirrored, :, ::-1], moving[mirrored, :, ::-1]
    return to_pixels(frames), torch.from_numpy(moving.astype(np.float32))[:, None]


def to_pixels(frames):
    """uint8 (n, H, W, 3) as float32 (n, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2) / 127.5 - 1


def to_frames(pixels):
    """(n, 3, H, W) in [-1, 1] as uint8 (n, H, W, 3), an array."""
    levels = ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()


def vae_loss(vae, pixels, moving, generator):
    """(loss, scalars): that of the pictures, and what keeps the latent's channels at mean square 1, beside which the
    noise is small."""
    latent = vae.encode(pixels).latent_dist.mean.float()
    noise = torch.randn(latent.shape, generator=generator).to(latent.device)
    decoded = vae.decode(latent + recipe.VAE_NOISE * noise).sample.float()
    loss, scalars = picture_loss(decoded, pixels, moving)
    size = (latent.square().mean(dim=(0, 2, 3)) - 1).square().mean()
    return loss + recipe.VAE_SIZE_WEIGHT * size, {**scalars, "size": size.detach()}


def picture_loss(decoded, pixels, moving):
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
    """{"held_out_psnr": mean over pictures, "held_out_psnr_moving": over all pixels where something moves}, in dB."""
    squared = ((frames.astype(np.float32) - decoded) / 127.5) ** 2  # (n, H, W, 3)
    each = [_psnr(error) for error in squared.mean(axis=(1, 2, 3))]
    return {
        "held_out_psnr": float(np.mean(each)),
        "held_out_psnr_moving": _psnr(squared[moving].mean()),
    }


def sample_pictures(vae, held_out, step, folder):
    """Write a sheet of held-out PICTUREs, decoded ones below, into a folder; returns what `measure` says of all."""
    frames, moving = held_out["frame"], held_out["moving"]
    decoded = reconstruct(vae, frames)
    shown = slice(0, len(frames), max(1, len(frames) // N_SHOWN))
    sheet = np.concatenate(
        [np.concatenate(pictures[shown][:N_SHOWN], axis=1) for pictures in (frames, decoded)]
    )
    Image.fromarray(sheet).save(folder / f"step_{step:08d}.png")
    return measure(frames, decoded, moving)
