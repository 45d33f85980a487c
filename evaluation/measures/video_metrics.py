"""Figures of one video: is its background steady, does the tracked object keep its colour, does it follow the audio?

Differences are levels of 255. A figure is NaN where a clip has nothing to measure it on.
"""

import math
from typing import NamedTuple, cast

import numpy as np
from scipy import ndimage, stats

from ...keyframes.timebase import FPS, sample_at
from ...training.data.images import moving_mask
from ..tracker.pose_search import find_poses, render_poses
from ..tracker.static_scene import build_static_scene
from ..tracker.tracked_objects import TRACKED_OBJECTS

# of the image: less of it is static where the light of the clip flickers
MIN_BACKGROUND = 0.05
AREA_MARGIN = 1  # pixels: edges are drawn softly over one
# the string is too thin, drops come and go, and the boat is partly under water
SOLID = ("ball", "anvil", "drum", "metronome", "cannon")
SIZE_MARGIN = 5  # pixels around an object that it may have grown into
# a pixel that the object changes by more than this, over all channels, is inside it
INSIDE_CHANGE = 0.15


def background_variation(frames: np.ndarray, background_mask: np.ndarray) -> float:
    """How much the background varies over time: the standard deviation, averaged over its pixels and channels.

    frames: uint8 (n, H, W, 3). background_mask: bool (H, W), of the ground truth, for which the figure is 0.
    """
    if background_mask.mean() < MIN_BACKGROUND:
        return math.nan
    return float(frames[:, background_mask].astype(np.float32).std(axis=0).mean())


class Identity(NamedTuple):
    """How far the tracked object is from what it was on the first frame: means over frames, NaN where not measured.

    colour: of the mean over the pixels inside it, minus what its pose alone changes about that, over channels; levels.
    colour_p90: the same, the 90th percentile over frames instead of the mean: a jump at every strike is seen here.
    size: of its area, minus the same, as a share: 0.1 is a tenth larger or smaller. Fading counts as shrinking.
    """

    colour: float
    colour_p90: float
    size: float


def identity_drift(frames: np.ndarray, *, seed: int, scene: str) -> Identity:
    """The Identity over a video uint8 (n, H, W, 3) of the scene that a clip's seed draws.

    Nothing is measured of things that are too thin or come and go (string, drip), and of the sea.
    """
    if scene not in SOLID:
        return Identity(math.nan, math.nan, math.nan)
    static_scene = build_static_scene(
        seed, scene=scene, height=frames.shape[1], width=frames.shape[2]
    )
    tracked = TRACKED_OBJECTS[scene](static_scene)
    empty, drawn = render_poses(static_scene, tracked)
    best = find_poses(frames, static_scene, tracked).best
    if best[0] < 0:
        return Identity(math.nan, math.nan, math.nan)
    colours, areas = [], []
    for frame, pose in zip(frames, best, strict=True):
        if pose >= 0:
            inside = np.abs(drawn[pose] - empty).sum(axis=2) > INSIDE_CHANGE
            colours.append((frame[inside] - 255 * drawn[pose][inside]).mean(axis=0))
            areas.append(_area_share(frame / 255, drawn[pose], empty, inside))
    drift = np.abs(np.array(colours) - colours[0]).mean(axis=1)  # (n_found,)
    return Identity(
        colour=float(drift.mean()),
        colour_p90=float(np.quantile(drift, 0.9)),
        size=float(np.abs(np.array(areas) / areas[0] - 1).mean()),
    )


def _area_share(
    frame: np.ndarray, drawn: np.ndarray, empty: np.ndarray, inside: np.ndarray
) -> float:
    """The area of the object in a frame over that in the drawn one: images (H, W, 3) in [0, 1]; inside: bool (H, W).

    A pixel counts by how far it is from the empty image towards the object's colour nearest to it; blur does not change
    the sum. Looked at are the object and SIZE_MARGIN pixels around it.
    """
    around = np.asarray(ndimage.binary_dilation(inside, iterations=SIZE_MARGIN), bool)
    nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)[:, around]
    step = drawn[rows, columns] - empty[around]  # (n, 3)
    squared = np.maximum((step**2).sum(axis=1), INSIDE_CHANGE**2 / 3)
    areas = [
        np.clip(((image[around] - empty[around]) * step).sum(axis=1) / squared, 0, 1).sum()
        for image in (frame, drawn)
    ]
    return float(areas[0] / areas[1])


def psnr(frames: np.ndarray, truth: np.ndarray) -> float:
    """The peak signal-to-noise ratio of a video as a whole, in decibels. Both uint8 (..., 3), of the same shape.

    NaN where both are equal to the bit.
    """
    error = float(np.mean((frames.astype(np.float32) - truth) ** 2))
    return 10 * math.log10(255**2 / error) if error else math.nan


def moving_area(truth: np.ndarray) -> np.ndarray:
    """Where something moves in a true video uint8 (n, H, W, 3): bool (n, H, W).

    The pixels that differ from the median over time by more than flicker and drift do, and those beside them
    (AREA_MARGIN): that is the moving thing on each frame, with its soft edge. Where it rests longest is left out.
    """
    disc = ndimage.generate_binary_structure(2, 1)
    return np.stack(
        [ndimage.binary_dilation(m, disc, iterations=AREA_MARGIN) for m in moving_mask(truth)]
    )


def moving_psnr(frames: np.ndarray, truth: np.ndarray) -> float:
    """psnr inside the moving_area of the true video. NaN where both are equal to the bit, or nothing moves."""
    area = moving_area(truth)
    return psnr(frames[area], truth[area]) if area.any() else math.nan


def vacated_psnr(frames: np.ndarray, truth: np.ndarray) -> float:
    """psnr where something of the true video moves at another time, and not now: finds what is left behind there.

    NaN where both are equal to the bit, or nothing moves.
    """
    area = moving_area(truth)
    vacated = area.any(axis=0) & ~area
    return psnr(frames[vacated], truth[vacated]) if vacated.any() else math.nan


def loudness_correlation(frames: np.ndarray, audio: np.ndarray, sample_rate: int) -> float:
    """Spearman's rank correlation of how much each frame changes and how loud it is: for scenes without events.

    NaN for a static video.

    frames: uint8 (n, H, W, 3) at FPS. audio: (n_samples,), at least as long.
    """
    changes = np.array(
        [
            np.abs(after.astype(np.int16) - before).mean()
            for before, after in zip(frames[:-1], frames[1:], strict=True)
        ]
    )
    if np.ptp(changes) == 0:
        return math.nan
    loudness = [_level(audio, sample_rate, frame) for frame in range(1, len(frames))]
    correlation, _ = cast(tuple[float, float], stats.spearmanr(changes, loudness))
    return float(correlation)


def _level(audio: np.ndarray, sample_rate: int, frame: int) -> float:
    """Root mean square of the audio within half a frame of a frame."""
    start, stop = (sample_at((frame + half) / FPS, sample_rate=sample_rate) for half in (-0.5, 0.5))
    return math.sqrt(np.mean(np.square(audio[start:stop], dtype=np.float64)))
