"""What a small model does to pictures, done on purpose to ground truth, to measure how well the tracker stands it.

Each function takes frames uint8 (n, H, W, 3), H and W multiples of 8, and a numpy Generator, and returns the like.
"""

import numpy as np
from scipy import ndimage

COARSE = 8  # pixels, across and down, of one latent place
COARSE_SHARE = 0.35  # how much of a picture is known no finer than that
BLUR = 1.2  # pixels
NOISE = 4.0  # levels of 255
TINT = 6.0  # levels, of one colour over the whole video
FLICKER = 2.0  # levels, of one colour over one frame
GHOST_SHARE = 0.3  # of the frame before and of the one after together, in a frame
SHIFT = 2  # pixels, at most, by which the whole picture is off


def clean(frames, rng):
    return frames


def compressed(frames, rng):
    """As a small VAE leaves it: blurred, partly at an eighth of its size, noisy, tinted, flickering."""
    n, height, width, _ = frames.shape
    pictures = frames.astype(np.float32)
    blocks = pictures.reshape(n, height // COARSE, COARSE, width // COARSE, COARSE, 3)
    coarse = ndimage.zoom(
        blocks.mean(axis=(2, 4)), (1, COARSE, COARSE, 1), order=1, mode="nearest", grid_mode=True
    )
    blurred = ndimage.gaussian_filter(pictures, (0, BLUR, BLUR, 0))
    mixed = COARSE_SHARE * coarse + (1 - COARSE_SHARE) * blurred
    mixed += rng.normal(0, NOISE, mixed.shape) + rng.uniform(-TINT, TINT, 3)
    mixed += rng.normal(0, FLICKER, (n, 1, 1, 3))
    return _levels(mixed)


def ghosted(frames, rng):
    """As an interpolator may leave it, on top of that: neighbours shine through, and everything is a little off."""
    pictures = frames.astype(np.float32)
    around = (
        pictures[np.maximum(np.arange(len(frames)) - 1, 0)] + np.roll(pictures, -1, axis=0)
    ) / 2
    around[-1] = pictures[-1]
    mixed = (1 - GHOST_SHARE) * pictures + GHOST_SHARE * around
    off = rng.integers(-SHIFT, SHIFT + 1, 2)
    shifted = ndimage.shift(mixed, (0, *off, 0), order=0, mode="nearest")
    return compressed(_levels(shifted), rng)


def still(frames, rng):
    """The first frame all the time, with noise and flicker of its own: nothing happens."""
    return compressed(np.repeat(frames[:1], len(frames), axis=0), rng)


def reordered(frames, rng):
    """The frames in a random order, the first one in its place: things happen, but when is chance."""
    return frames[np.concatenate([[0], 1 + rng.permutation(len(frames) - 1)])]


DEGRADED = {
    "clean": clean,
    "compressed": compressed,
    "ghosted": ghosted,
    "still": still,
    "reordered": reordered,
}


def _levels(pictures):
    return np.clip(pictures + 0.5, 0, 255).astype(np.uint8)
