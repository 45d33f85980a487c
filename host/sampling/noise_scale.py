"""Between ComfyUI's noise levels and the models' own.

ComfyUI samples x = x0 + sigma eps, the networks see x / sqrt(1 + sigma^2) and predict v (variance preserving).
"""


def vp_of(x, sigma):
    """The latent as the network sees it. x: (B, ...), sigma: (B,) or a scalar tensor."""
    return x / _spread(x, sigma)


def ve_of(x, sigma):
    """The latent as ComfyUI's samplers keep it, the inverse of vp_of."""
    return x * _spread(x, sigma)


def v_of(denoised, x, sigma):
    """The network's v behind a denoised prediction. x: the latent as ComfyUI keeps it, sigma above 0."""
    spread, level = _spread(x, sigma), _level(x, sigma)
    # root alpha bar is 1 / spread, root (1 - alpha bar) is sigma / spread: x0 = x_vp / spread - v sigma / spread
    return (x / spread - denoised * spread) / level


def denoised_of(v, x, sigma):
    """The denoised prediction behind v, the inverse of v_of."""
    spread, level = _spread(x, sigma), _level(x, sigma)
    return (x / spread - v * level) / spread


def _spread(x, sigma):
    return (1 + _level(x, sigma) ** 2).sqrt()


def _level(x, sigma):
    """sigma with as many axes as x."""
    return sigma.reshape(-1, *[1] * (x.ndim - 1)).to(x)
