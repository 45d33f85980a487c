"""The pictures that the VAE learns from: a few frames of many clips, and where in them something moves."""

import numpy as np

from ..keyframes.timebase import N_FRAMES
from .recipe import HEIGHT, WIDTH
from .state import write_atomically
from .world.clip import render_clip

FRAMES_PER_CLIP = 6
CLIPS_PER_FILE = 50
AROUND_EVENT = (
    3  # frames: half of the frames lie this near to an event, where debris and contact are seen
)
STILL_LEVELS = 14  # of 255: flicker and drift of the background stay below


def picture_files(folder, *, seeds, report=lambda done, total: None):
    """The files with the pictures of these seeds (a range) in a folder; those that are not there yet are rendered.

    Each file has `frames` uint8 (n, HEIGHT, WIDTH, 3) and `moving` uint8 (n, HEIGHT, WIDTH), 1 where the frame
    differs from its clip's background. report(done, total) is called after each file that had to be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for first in range(seeds.start, seeds.stop, CLIPS_PER_FILE):
        block = range(first, min(first + CLIPS_PER_FILE, seeds.stop))
        path = folder / f"pictures_{block.start:08d}_{block.stop:08d}.npz"
        if not path.is_file():
            _render(path, block)
            report(block.stop - seeds.start, len(seeds))
        paths.append(path)
    return paths


def load_pictures(paths):
    """(frames uint8 (n, HEIGHT, WIDTH, 3), moving uint8 (n, HEIGHT, WIDTH)) of picture files."""
    loaded = [np.load(path) for path in paths]
    return tuple(
        np.concatenate([arrays[name] for arrays in loaded]) for name in ("frames", "moving")
    )


def moving_mask(frames):
    """Where each frame shows something that the clip's background does not: uint8 (F, H, W) of frames (F, H, W, 3).

    The background is the median over time, which what moves never is for long.
    """
    background = np.median(frames[::3], axis=0)  # a third of the frames tells as much
    difference = np.abs(frames.astype(np.float32) - background).max(axis=-1)  # (F, H, W)
    return (difference > STILL_LEVELS).astype(np.uint8)


def _render(path, seeds):
    chosen = [_frames_of(seed) for seed in seeds]
    frames, moving = (np.concatenate(parts) for parts in zip(*chosen, strict=True))

    def write(part):
        with part.open("wb") as file:  # by name, numpy would append .npz
            np.savez(file, frames=frames, moving=moving)

    write_atomically(path, write)


def _frames_of(seed):
    clip = render_clip(seed, height=HEIGHT, width=WIDTH)
    rng = np.random.default_rng((seed, FRAMES_PER_CLIP))
    picked = list(rng.choice(N_FRAMES, FRAMES_PER_CLIP, replace=False))
    if clip.events:
        near = [event.frame for event in clip.events]
        for place in range(FRAMES_PER_CLIP // 2):
            offset = rng.integers(-1, AROUND_EVENT + 1)
            picked[place] = np.clip(near[rng.integers(len(near))] + offset, 0, N_FRAMES - 1)
    return clip.frames[picked], moving_mask(clip.frames)[picked]
