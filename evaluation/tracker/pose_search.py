"""Analysis by synthesis: which drawn pose explains a frame best.

A small model's pictures are blurred, tinted and a little off, so light is fitted first, pictures are compared at half
their size, and no pixel counts for more than MOST_WRONG.
"""

import numpy as np

from .scene import draw, region

MOST_WRONG = 0.45  # summed over red, green and blue, each in [0, 1]
DIFFERS = 0.02  # a pixel that differs by more than this between two drawn pictures differs
FITTED_EACH = 4  # of the pixels that stand still one in so many is enough to fit the light
KEPT_SMALL = 1e-4  # mean squared error that a factor or an offset of 1 is worth
LEAST_LIGHT = 0.2  # factor: darker is not undone
SEEN = 0.2  # a thing is seen where it has this share of its contrast: small things are blurred away


def see_poses(frames, scenery, sight):
    """Which of the sight's drawn poses explains each frame best, -1 where the thing is not to be seen: int (n_frames,).

    frames: uint8 (n_frames, H, W, 3), H and W even.
    """
    empty, drawn = drawn_poses(scenery, sight)
    changing = (np.abs(drawn - empty) > DIFFERS).any(axis=(0, 3))  # (H, W)
    frames = relit(frames, empty, ~changing)
    looked_at = changing & region(scenery.stage, *sight.area)
    where = _halved(looked_at[:, :, None].astype(np.float32))[:, :, 0] > 0
    frames, drawn, empty = (_halved(pictures)[..., where, :] for pictures in (frames, drawn, empty))
    frames, drawn, empty = (np.moveaxis(p, -1, 0).copy() for p in (frames, drawn, empty))
    wrong = [_wrong(frames, drawn[:, pose]) for pose in range(drawn.shape[1])]
    best = np.argmin(wrong, axis=0)  # (n_frames,)
    change = drawn[:, best] - empty[:, None]  # (3, n_frames, n_pixels)
    contrast = ((frames - empty[:, None]) * change).sum(axis=(0, 2)) / (change**2).sum(axis=(0, 2))
    return np.where(contrast > SEEN, best, -1)


def drawn_poses(scenery, sight):
    """(the picture without the thing (H, W, 3), with it in every pose (n_poses, H, W, 3)), float32 in [0, 1]."""
    empty = draw(scenery, [*sight.behind, *sight.before])
    drawn = [draw(scenery, [*sight.behind, *parts, *sight.before]) for parts in sight.drawn]
    return empty, np.stack(drawn)


def see_colour(frames, scenery, colour, *, area, before=()):
    """How much of an area is of a colour, from 0 where it is empty: float (n_frames,), in square units.

    area: (left, top, right, bottom) in units. before: Parts that always stand there.
    """
    empty = draw(scenery, before)
    where = region(scenery.stage, *area)
    frames = relit(frames, empty, ~where)
    step = (colour - empty[where]).astype(np.float32)  # (n, 3)
    share = ((frames[:, where] - empty[where]) * step).sum(axis=2) / (step**2).sum(axis=1)
    share -= np.median(share, axis=1, keepdims=True)  # most of the area is empty, whatever its tint
    return np.clip(share, 0, 1).sum(axis=1) / scenery.stage.scale**2


def relit(frames, empty, still):
    """Frames uint8 (n, H, W, 3) as float32 in [0, 1], in the even light and the colours of a drawn picture (H, W, 3).

    A factor that changes evenly over the picture, and an offset, are fitted for each frame and colour on the pixels
    `still`, bool (H, W); neither is larger than it must be, because a plain background cannot tell them apart.
    """
    height, width = still.shape
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    places = np.flatnonzero(still)[::FITTED_EACH]
    seen = frames.astype(np.float32) / 255
    for channel in range(3):
        drawn = empty[..., channel]
        terms = np.stack([drawn, drawn * x, drawn * y, np.ones_like(drawn)], axis=-1)
        known = terms.reshape(-1, 4)[places]  # (n_places, 4)
        off = seen[..., channel].reshape(len(seen), -1)[:, places] - drawn.flat[places]
        solve = np.linalg.solve(known.T @ known + KEPT_SMALL * len(places) * np.eye(4), known.T)
        even, across, down, offset = (solve @ off.T).astype(np.float32)[:, :, None, None]
        factor = 1 + even + across * x + down * y  # (n, H, W)
        seen[..., channel] = (seen[..., channel] - offset) / np.maximum(factor, LEAST_LIGHT)
    return seen


def _halved(pictures):
    """(..., H, W, C) to (..., H / 2, W / 2, C): the means of four pixels."""
    rows = pictures[..., ::2, :, :] + pictures[..., 1::2, :, :]
    return (rows[..., ::2, :] + rows[..., 1::2, :]) / 4


def _wrong(frames, picture):
    """How badly a picture (3, n_pixels) explains frames (3, n_frames, n_pixels): (n_frames,)."""
    error = np.abs(frames - picture[:, None]).sum(axis=0)
    return np.minimum(error, MOST_WRONG).sum(axis=1)
