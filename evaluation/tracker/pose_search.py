"""Analysis by synthesis: which drawn pose explains a frame best.

A small model's images are blurred, tinted and slightly shifted, so lighting is fitted first, images are compared at
half their size, and no pixel counts for more than MAX_ERROR.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...training.world.stage import Part
from .static_scene import Box, StaticScene, draw, region
from .tracked_objects import TrackedObject

MAX_ERROR = 0.45  # summed over red, green and blue, each in [0, 1]
CHANGED = 0.02  # a pixel counts as changed where two drawn images differ by more than this
FIT_STRIDE = 4  # of the static pixels, one in so many is enough to fit the lighting
RIDGE = 1e-4  # of the lighting fit: the mean squared error that a gain or an offset of 1 costs
MIN_GAIN = 0.2  # darker frames are not brightened further
# an object counts as visible from this share of its drawn contrast: small objects are blurred away
MIN_CONTRAST = 0.2


class PoseFit(NamedTuple):
    """best: which drawn pose explains each frame best, -1 where the object is not visible: int (n_frames,).

    poses: the pose itself, finer than the drawn ones, float (n_frames,); NaN where it is not visible.
    """

    best: np.ndarray
    poses: np.ndarray


def find_poses(frames: np.ndarray, static_scene: StaticScene, tracked: TrackedObject) -> PoseFit:
    """The PoseFit of the object in frames uint8 (n_frames, H, W, 3), H and W even."""
    empty, drawn = render_poses(static_scene, tracked)
    changing = np.any(np.abs(drawn - empty) > CHANGED, axis=(0, 3))  # (H, W)
    known = region(static_scene.stage, *tracked.area)
    frames = match_lighting(frames, empty, known & ~changing)
    searched = known & changing
    where = _halved(searched[:, :, None].astype(np.float32))[:, :, 0] > 0
    frames, drawn, empty = (_halved(images)[..., where, :] for images in (frames, drawn, empty))
    frames, drawn, empty = (np.moveaxis(p, -1, 0).copy() for p in (frames, drawn, empty))
    errors = np.stack([_error(frames, drawn[:, pose]) for pose in range(drawn.shape[1])])
    best = np.argmin(errors, axis=0)  # (n_frames,)
    change = drawn[:, best] - empty[:, None]  # (3, n_frames, n_pixels)
    contrast = ((frames - empty[:, None]) * change).sum(axis=(0, 2)) / np.maximum(
        (change**2).sum(axis=(0, 2)), 1e-9
    )
    visible = contrast > MIN_CONTRAST
    return PoseFit(
        np.where(visible, best, -1),
        np.where(visible, between_drawn(tracked.poses, errors), np.nan),
    )


def between_drawn(poses: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The poses (n_frames,) of the least error, between the drawn ones (n_poses,), from errors (n_poses, n_frames).

    An absolute error falls towards the true pose and rises behind it along two lines, of the same slope: where they
    cross is the pose (equiangular line fitting, as in Shimizu and Okutomi, "Sub-pixel estimation error cancellation on
    area-based matching", 2005). Drawn poses of the same value, in other forms, count by the best of them.
    """
    values, group = np.unique(poses.round(6), return_inverse=True)
    least = np.full((len(values), errors.shape[1]), np.inf)
    np.minimum.at(least, group, errors)
    middle = np.clip(np.argmin(least, axis=0), 1, len(values) - 2)
    frame = np.arange(errors.shape[1])
    left, centre, right = (least[middle + side, frame] for side in (-1, 0, 1))
    slope = np.maximum(np.maximum(left, right) - centre, 1e-9)
    share = np.clip((left - right) / (2 * slope), -1, 1)
    step = np.where(
        share < 0, values[middle] - values[middle - 1], values[middle + 1] - values[middle]
    )
    return values[middle] + share * step


def render_poses(
    static_scene: StaticScene, tracked: TrackedObject
) -> tuple[np.ndarray, np.ndarray]:
    """(the image without the object (H, W, 3), with it in every pose (n_poses, H, W, 3)), float32 in [0, 1]."""
    empty = draw(static_scene, [*tracked.behind, *tracked.before])
    drawn = [
        draw(static_scene, [*tracked.behind, *parts, *tracked.before]) for parts in tracked.drawn
    ]
    return empty, np.stack(drawn)


def colour_coverage(
    frames: np.ndarray,
    static_scene: StaticScene,
    colour: np.ndarray,
    *,
    area: Box,
    before: Sequence[Part] = (),
) -> np.ndarray:
    """How much of an area has a colour, 0 where it is empty: float (n_frames,), in square units.

    area: (left, top, right, bottom) in units. before: Parts that are always drawn in front.
    """
    empty = draw(static_scene, before)
    where = region(static_scene.stage, *area)
    frames = match_lighting(frames, empty, ~where)
    step = (colour - empty[where]).astype(np.float32)  # (n, 3)
    share = ((frames[:, where] - empty[where]) * step).sum(axis=2) / (step**2).sum(axis=1)
    share -= np.median(share, axis=1, keepdims=True)  # most of the area is empty, whatever its tint
    return np.clip(share, 0, 1).sum(axis=1) / static_scene.stage.scale**2


def match_lighting(frames: np.ndarray, empty: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Frames uint8 (n, H, W, 3) as float32 in [0, 1], with the lighting and colours of a drawn image (H, W, 3).

    A gain that varies linearly over the image, and an offset, are fitted for each frame and channel on the pixels
    `still`, bool (H, W), by ridge regression, because a plain background cannot separate the two.
    """
    height, width = still.shape
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    indices = np.flatnonzero(still)[::FIT_STRIDE]
    seen = frames.astype(np.float32) / 255
    for channel in range(3):
        drawn = empty[..., channel]
        terms = np.stack([drawn, drawn * x, drawn * y, np.ones_like(drawn)], axis=-1)
        known = terms.reshape(-1, 4)[indices]  # (n_indices, 4)
        off = seen[..., channel].reshape(len(seen), -1)[:, indices] - drawn.flat[indices]
        solve = np.linalg.solve(known.T @ known + RIDGE * len(indices) * np.eye(4), known.T)
        even, across, down, offset = (solve @ off.T).astype(np.float32)[:, :, None, None]
        factor = 1 + even + across * x + down * y  # (n, H, W)
        seen[..., channel] = (seen[..., channel] - offset) / np.maximum(factor, MIN_GAIN)
    return seen


def _halved(images: np.ndarray) -> np.ndarray:
    """(..., H, W, C) to (..., H / 2, W / 2, C): the means of four pixels."""
    rows = images[..., ::2, :, :] + images[..., 1::2, :, :]
    return (rows[..., ::2, :] + rows[..., 1::2, :]) / 4


def _error(frames: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The clipped absolute error of an image (3, n_pixels) to frames (3, n_frames, n_pixels): (n_frames,)."""
    error = np.abs(frames - image[:, None]).sum(axis=0)
    return np.minimum(error, MAX_ERROR).sum(axis=1)
