"""The artefacts of a small model's images, added to ground truth, to measure how robust the tracker is to them.

Each function takes frames uint8 (n, H, W, 3), H and W multiples of 8, and a numpy Generator, and returns the like.
"""

import numpy as np
from scipy import ndimage

COARSE = 8  # pixels, across and down, of one latent place
COARSE_SHARE = 0.35  # how much of an image has no finer detail than that
BLUR = 1.2  # pixels
NOISE = 4.0  # levels of 255
TINT = 6.0  # levels, of one colour over the whole video
FLICKER = 2.0  # levels, of one colour over one frame
GHOST_SHARE = 0.3  # of the frame before and of the one after together, in a frame
SHIFT = 2  # pixels, at most, by which the whole image is off


def clean(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The frames as they are."""
    return frames


def compressed(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As a small VAE leaves it: blurred, partly at an eighth of its size, noisy, tinted, flickering."""
    n, height, width, _ = frames.shape
    images = frames.astype(np.float32)
    blocks = images.reshape(n, height // COARSE, COARSE, width // COARSE, COARSE, 3)
    coarse = ndimage.zoom(
        blocks.mean(axis=(2, 4)), (1, COARSE, COARSE, 1), order=1, mode="nearest", grid_mode=True
    )
    blurred = ndimage.gaussian_filter(images, (0, BLUR, BLUR, 0))
    mixed = COARSE_SHARE * np.asarray(coarse) + (1 - COARSE_SHARE) * blurred
    mixed += rng.normal(0, NOISE, mixed.shape) + rng.uniform(-TINT, TINT, 3)
    mixed += rng.normal(0, FLICKER, (n, 1, 1, 3))
    return _levels(mixed)


def ghosted(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Compressed, and as an interpolator may leave it: blended with neighbouring frames, and slightly shifted."""
    images = frames.astype(np.float32)
    around = (images[np.maximum(np.arange(len(frames)) - 1, 0)] + np.roll(images, -1, axis=0)) / 2
    around[-1] = images[-1]
    mixed = (1 - GHOST_SHARE) * images + GHOST_SHARE * around
    off = rng.integers(-SHIFT, SHIFT + 1, 2)
    shifted = ndimage.shift(mixed, (0, *off, 0), order=0, mode="nearest")
    return compressed(_levels(shifted), rng)


def still(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first frame, repeated, with its own noise and flicker: nothing happens."""
    return compressed(np.repeat(frames[:1], len(frames), axis=0), rng)


def reordered(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The frames in a random order but for the first: events happen at random times."""
    return frames[np.concatenate([[0], 1 + rng.permutation(len(frames) - 1)])]


DEGRADED = {
    "clean": clean,
    "compressed": compressed,
    "ghosted": ghosted,
    "still": still,
    "reordered": reordered,
}


def _levels(images: np.ndarray) -> np.ndarray:
    return np.clip(images + 0.5, 0, 255).astype(np.uint8)
