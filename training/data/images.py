"""The images that the VAE learns from: a few frames of many clips, and where in them something moves."""

from pathlib import Path

import numpy as np

from ...keyframes.timebase import N_FRAMES
from ..recipe import HEIGHT, WIDTH
from ..world.clip import render_clip
from .records import Report, open_records, record_files

IMAGES_PER_CLIP = 6
CLIPS_PER_FILE = 50
# frames: half of the images are at most this far from an event, where debris and contact are visible
AROUND_EVENT = 3
STILL_LEVELS = 14  # of 255: flicker and drift of the background stay below

IMAGE = np.dtype(
    [
        ("frame", np.uint8, (HEIGHT, WIDTH, 3)),
        ("moving", bool, (HEIGHT, WIDTH)),  # where it differs from its clip's background
    ]
)


def open_images(folder: Path, *, seeds: range, report: Report | None = None) -> np.ndarray:
    """The IMAGEs of the clips of these seeds (a range), (n,); those that are not in the folder yet are rendered.

    report(done, total): called after each file that had to be made.
    """
    paths = record_files(
        folder, "pictures", seeds=seeds, per_file=CLIPS_PER_FILE, make=_render, report=report
    )
    return np.concatenate(open_records(paths))


def moving_mask(frames: np.ndarray) -> np.ndarray:
    """Where each frame differs from the clip's background: bool (F, H, W) of frames (F, H, W, 3).

    The background is the median over time, since moving objects stay nowhere for long.
    """
    background = np.median(frames[::3], axis=0)  # a third of the frames is enough
    difference = np.abs(frames.astype(np.float32) - background).max(axis=-1)  # (F, H, W)
    return difference > STILL_LEVELS


def _render(seeds: range) -> np.ndarray:
    return np.concatenate([_images_of(seed) for seed in seeds])


def _images_of(seed: int) -> np.ndarray:
    clip = render_clip(seed, height=HEIGHT, width=WIDTH)
    rng = np.random.default_rng((seed, IMAGES_PER_CLIP))
    picked = rng.choice(N_FRAMES, IMAGES_PER_CLIP, replace=False)
    if clip.events:
        near = rng.choice([event.frame for event in clip.events], IMAGES_PER_CLIP // 2)
        offsets = rng.integers(-1, AROUND_EVENT + 1, len(near))
        picked[: len(near)] = np.clip(near + offsets, 0, N_FRAMES - 1)
    images = np.empty(IMAGES_PER_CLIP, IMAGE)
    images["frame"], images["moving"] = clip.frames[picked], moving_mask(clip.frames)[picked]
    return images
