"""Structured initial weights of the small VAE: it starts as a mosaic of the right colours and learns the details.

ComfyUI's VAE norms its channels in 32 groups before each of its two last convolutions. In the published VAE a group has
four channels, in ours two, and of a plain image only a sign is left of two; a network that starts at random then takes
thousands of steps until it encodes colours at all. Here the channels of a group are each other's negative, so that no
mean is lost, and a fixed pattern is added to all of them, so that their standard deviation does not depend on the
image. On that, both last convolutions are fitted to images by linear regression.
"""

from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import nn
from torch.nn import functional

BRANCH_ENDS = ("conv2.weight", "conv2.bias", "to_out.0.weight", "to_out.0.bias")
PATTERN_STRENGTH = (1.0, 4.0)  # drawn for each pair of channels
# of its usual size: what a resampling convolution adds from other channels
OTHER_CHANNELS_GAIN = 0.1
LOG_VARIANCE = -10.0  # of the latent, where colours have variance 1; it is never trained
RIDGE = 1e-4  # of the regression, for features of size 1


@torch.no_grad()
def init_structured(vae: AutoencoderKL, pixels: torch.Tensor) -> None:
    """Set the weights of a fresh diffusers AutoencoderKL, in place; pixels: images to fit to, (n, 3, H, W)."""
    for name, parameter in vae.named_parameters():
        if name.endswith(BRANCH_ENDS):
            nn.init.zeros_(parameter)
    for half in (vae.encoder, vae.decoder):
        _mirror(half.conv_in)
        _add_pattern(half.mid_block.resnets[0])
    for block in vae.encoder.down_blocks:
        for layer in block.downsamplers or ():
            _init_resampling(layer.conv, slice(0, 2), 1 / 4)  # the mean of 2 x 2 pixels
    for block in vae.decoder.up_blocks:
        for layer in block.upsamplers or ():
            _init_resampling(layer.conv, slice(1, 2), 1)
    _set_identity(vae.quant_conv)
    _set_identity(vae.post_quant_conv)

    colours = functional.avg_pool2d(pixels, 2 ** (len(vae.encoder.down_blocks) - 1))
    n_latent = vae.config.latent_channels
    _fit_linear(vae.encoder, pixels, _decorrelated(colours))
    vae.encoder.conv_out.weight[n_latent:] = 0
    vae.encoder.conv_out.bias[n_latent:] = LOG_VARIANCE
    _fit_linear(vae.decoder, vae.encode(pixels).latent_dist.mean, pixels)


def _mirror(conv: Any) -> None:
    """Make each second output channel the negative of the one before it."""
    conv.weight[1::2] = -conv.weight[::2]
    conv.bias[1::2] = -conv.bias[::2]


def _add_pattern(block: Any) -> None:
    """Let a residual block add one fixed pattern to all pairs of channels, each with its own strength.

    The pattern is what a convolution of a constant gives with zero padding.
    """
    # the channel that is made constant, and the one of the hidden channels with the pattern
    constant = 0
    block.norm1.weight[constant], block.norm1.bias[constant] = 0, 1
    block.conv1.weight[:2], block.conv1.bias[:2] = 0, 0
    block.conv1.weight[0, constant], block.conv1.weight[1, constant] = 1, -1
    strength = torch.empty(block.conv2.out_channels // 2).uniform_(*PATTERN_STRENGTH)
    strength *= torch.where(torch.rand_like(strength) < 0.5, -1.0, 1.0)
    pairs = torch.stack([strength, -strength], dim=1).flatten()  # (channels,)
    block.conv2.weight[:, 0, 1, 1] = pairs
    block.conv2.bias[:] = -pairs * functional.silu(torch.tensor(1.0))  # the pattern is around 1


def _init_resampling(conv: Any, taps: slice, share: float) -> None:
    """Let a convolution copy each channel by these taps of its kernel, and add little of the others."""
    conv.weight.mul_(OTHER_CHANNELS_GAIN)
    channels = torch.arange(conv.out_channels)
    conv.weight[channels, channels, taps, taps] += share
    nn.init.zeros_(conv.bias)


def _set_identity(conv: Any) -> None:
    nn.init.dirac_(conv.weight)
    nn.init.zeros_(conv.bias)


def _decorrelated(colours: torch.Tensor) -> torch.Tensor:
    """Colours (n, 3, h, w) turned and scaled so that its channels are uncorrelated, of mean 0 and variance 1."""
    flat = colours.movedim(1, -1).reshape(-1, 3)
    variances, axes = torch.linalg.eigh(torch.cov(flat.T))
    flat = (flat - flat.mean(dim=0)) @ axes / variances.sqrt()
    return flat.reshape(colours.movedim(1, -1).shape).movedim(-1, 1)


def _fit_linear(half: Any, inputs: torch.Tensor, targets: torch.Tensor) -> None:
    """Set the first channels of an encoder's or decoder's last convolution to the best linear guess of targets."""
    features = []
    hook = half.conv_act.register_forward_hook(lambda _m, _i, output: features.append(output))
    half(inputs)
    hook.remove()
    n = targets.shape[1]
    x = features[0].movedim(1, -1).flatten(0, 2).double()  # (pixels, channels)
    y = targets.movedim(1, -1).flatten(0, 2).double()  # (pixels, n)
    x_mean, y_mean = x.mean(dim=0), y.mean(dim=0)
    x, y = x - x_mean, y - y_mean
    ridge = RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    weight = torch.linalg.solve(x.T @ x + ridge, x.T @ y)  # (channels, n)
    conv = half.conv_out
    nn.init.zeros_(conv.weight[:n])
    conv.weight[:n, :, 1, 1] = weight.T.float()
    conv.bias[:n] = (y_mean - x_mean @ weight).float()
