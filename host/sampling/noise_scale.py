"""Between ComfyUI's noise levels and the networks' own.

ComfyUI samples x = x0 + sigma eps (variance exploding, VE). The networks get x_vp = x / sqrt(1 + sigma^2) (variance
preserving, VP) and predict v = sqrt(abar) eps - sqrt(1 - abar) x0 (Salimans and Ho, arXiv 2202.00512), where
sqrt(abar) = 1 / sqrt(1 + sigma^2). Latents are (B, ...), sigma is (B,) or a scalar tensor.
"""

import torch


def vp_of(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """The latent in the networks' scale; x: in ComfyUI's."""
    return x / _vp_divisor(x, sigma)


def ve_of(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """The latent in ComfyUI's scale, the inverse of vp_of; x: in the networks'."""
    return x * _vp_divisor(x, sigma)


def v_of(denoised: torch.Tensor, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """v from a denoised prediction x0; x: the latent in ComfyUI's scale, sigma above 0."""
    divisor, level = _vp_divisor(x, sigma), _broadcast(sigma, x)
    # sqrt(abar) is 1 / divisor and sqrt(1 - abar) is sigma / divisor: x0 = x_vp / divisor - v sigma / divisor
    return (x / divisor - denoised * divisor) / level


def denoised_of(v: torch.Tensor, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """The denoised prediction x0 from v, the inverse of v_of."""
    divisor, level = _vp_divisor(x, sigma), _broadcast(sigma, x)
    return (x / divisor - v * level) / divisor


def _vp_divisor(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """sqrt(1 + sigma^2), with as many axes as x."""
    return (1 + _broadcast(sigma, x) ** 2).sqrt()


def _broadcast(sigma: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """sigma with as many axes as x."""
    return sigma.reshape(-1, *[1] * (x.ndim - 1)).to(x)
