"""Analysis by synthesis: which drawn pose explains a frame best.

A small model's pictures are blurred, tinted and a little off, so light is fitted first, pictures are compared at half
their size, and no pixel counts for more than MOST_WRONG.
"""

import numpy as np

from .scenery import draw, region

MOST_WRONG = 0.45  # summed over red, green and blue, each in [0, 1]
DIFFERS = 0.02  # a pixel that differs by more than this between two drawn pictures differs
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
    wrong = np.stack([_wrong(frames, picture) for picture in drawn])  # (n_poses, n_frames)
    best = wrong.argmin(axis=0)
    change = (drawn - empty)[best]  # (n_frames, n_pixels, 3)
    contrast = ((frames - empty) * change).sum(axis=(1, 2)) / (change**2).sum(axis=(1, 2))
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
    return np.clip(share, 0, 1).sum(axis=1) / scenery.stage.scale**2


def relit(frames, empty, still):
    """Frames uint8 (n, H, W, 3) as float32 in [0, 1], in the even light and the colours of a drawn picture (H, W, 3).

    A factor that changes evenly over the picture, and an offset, are fitted for each frame and colour on the pixels
    `still`, bool (H, W).
    """
    height, width = still.shape
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    seen = frames.astype(np.float32) / 255
    for channel in range(3):
        known = empty[still][:, channel]
        terms = [known, known * x[still], known * y[still], np.ones_like(known)]
        solve = np.linalg.pinv(np.stack(terms, axis=1), rcond=1e-3)  # (4, n_still)
        even, across, down, offset = (solve @ seen[:, still, channel].T)[:, :, None, None]
        factor = even + across * x + down * y  # (n, H, W)
        seen[..., channel] = (seen[..., channel] - offset) / np.maximum(factor, 0.2)
    return seen


def _halved(pictures):
    """(..., H, W, C) to (..., H / 2, W / 2, C): the means of four pixels."""
    *others, height, width, channels = pictures.shape
    blocks = pictures.reshape(*others, height // 2, 2, width // 2, 2, channels)
    return blocks.mean(axis=(-4, -2))


def _wrong(pictures, picture):
    """How badly a picture (n_pixels, 3) explains pictures (..., n_pixels, 3): (...)."""
    error = np.abs(pictures - picture).sum(axis=-1)
    return np.minimum(error, MOST_WRONG).sum(axis=-1)
