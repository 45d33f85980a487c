"""How much a video moves from frame to frame, by optical flow that needs no weight file.

Lucas and Kanade (IJCAI 1981) on a pyramid of images, each level starting from the flow of the coarser one (Bouguet,
2000), with three changes that make the mean over the image trustworthy, for which only the sum counts and not each
vector:

- The least squares have a ridge (Hoerl and Kennard, Technometrics 1970): motion costs something. Where an image is flat
  nothing tells how it moves, and without a ridge the flow there is whatever noise makes of it.
- A vector counts by the share of the change between the two frames that it explains. Where something appears, flashes
  or is uncovered, no motion explains the change, and little is counted.
- Light that changes as a whole (a lamp, automatic exposure, a fade) is taken out first.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn import functional as F

WINDOW = 1.0  # pixels, standard deviation of the window in which a vector is fitted
RIDGE = 3e-4  # added to the squared gradients of a window, summed over channels of images in [0, 1]
NOISE = 2e-4  # squared difference of two frames, summed over channels, that counts as no change: 2 levels of 255
DARK = 0.05  # added to brightness before it is compared: of black pixels the ratio says nothing
UPDATES = 4  # of the flow on each level
LARGEST_UPDATE = 1.0  # pixels: beyond it the linear model of the image does not hold
LEAST_SIDE = 6  # pixels of the coarsest level, at least
SMOOTHING = (
    0.7  # pixels, standard deviation: before an image is halved, and of the flow after each update
)
# pixels of the longer side of the frames that flow without weights and OpenCV look at, which never enlarge them: of a
# video of 1920 x 1080, a thing that moves by a hundredth of the width moves by 2 of them, and a pair takes 30 ms on a
# CPU; twice the size takes 4 times as long and gives the same curve (docs/evaluation.md)
WORKING_SIDE = 192
PAIRS_AT_ONCE = 6  # more would leave a CPU's caches


class _Level(NamedTuple):
    """One level of two pyramids: images (n, 3, h, w) in [0, 1], a frame and the one before it."""

    frames: torch.Tensor
    before: torch.Tensor


@torch.no_grad()
def motion_scores(
    frames: torch.Tensor, *, on_step: Callable[[int, int], object] | None = None
) -> torch.Tensor:
    """How far the pixels move between neighbouring frames: mean of |u| + |v| over the image, as `flow.motion_scores`.

    frames: (n, 3, H, W) from 0 to 255, any dtype, on the device that computes; at least 2. After each few pairs
    on_step(n_done, n_pairs) is called, which may raise to cancel. Returns (n - 1,) float32, in pixels.
    """
    n_pairs, scores = len(frames) - 1, []
    for start in range(0, n_pairs, PAIRS_AT_ONCE):
        end = min(start + PAIRS_AT_ONCE, n_pairs)
        some = frames[start : end + 1].float() / 255
        flow = flow_between(some[1:], some[:-1])
        scores.append(flow.abs().sum(dim=1).mean(dim=(1, 2)))  # (pairs,)
        if on_step:
            on_step(end, n_pairs)
    return torch.cat(scores)


def small_frames(frames: torch.Tensor) -> torch.Tensor:
    """Frames (n, 3, H, W) in 0..255 with a longer side of WORKING_SIDE pixels at most, means of the pixels, float32."""
    height, width = frames.shape[-2:]
    factor = WORKING_SIDE / max(height, width)
    if factor >= 1:
        return frames.float()
    size = [max(1, round(side * factor)) for side in (height, width)]
    return F.interpolate(frames.float(), size=size, mode="area")


def flow_between(frames: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Where each pixel of a frame was in the frame before, relative to where it is: (n, 2, H, W), x and y in pixels.

    frames, before: float (n, 3, H, W) in [0, 1].
    """
    levels = [_Level(frames, before * _gain(frames, before))]
    while min(levels[-1].frames.shape[-2:]) // 2 >= LEAST_SIDE:
        levels.append(_Level(*(F.avg_pool2d(_blurred(one, SMOOTHING), 2) for one in levels[-1])))
    height, width = levels[-1].frames.shape[-2:]
    flow = frames.new_zeros(len(frames), 2, height, width)
    for level in reversed(levels):
        height, width = level.frames.shape[-2:]
        if flow.shape[-2:] != (height, width):
            flow = 2 * F.interpolate(flow, size=(height, width), mode="bilinear")
        for _ in range(UPDATES):
            flow = _updated(level, flow)
    return flow * _explained(levels[0], flow)


def _gain(frames: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """How much brighter most pixels have become: the median of their ratios, (n, 1, 1, 1)."""
    ratios = (frames.mean(dim=1) + DARK) / (before.mean(dim=1) + DARK)  # (n, H, W)
    return ratios.flatten(1).median(dim=1).values.view(-1, 1, 1, 1)


def _updated(level: _Level, flow: torch.Tensor) -> torch.Tensor:
    """The flow after one update: what minimises the squared difference of the two frames + RIDGE |d|^2 in each window.

    The frame before, moved by the flow f, is W with the gradient g. W + g (d - f) - frame is linear in the new flow d:
    with the sums over window and channels A = sum g g' + RIDGE and b = sum g (W - g f - frame), d = -b / A.
    """
    moved = _moved(level.before, flow)
    x, y = _gradients(moved)  # (n, 3, h, w) each
    rest = moved - level.frames - x * flow[:, :1] - y * flow[:, 1:]
    sums = torch.stack(
        [(x * x).sum(1), (x * y).sum(1), (y * y).sum(1), (x * rest).sum(1), (y * rest).sum(1)],
        dim=1,
    )
    xx, xy, yy, x_rest, y_rest = _blurred(sums, WINDOW).unbind(1)
    xx, yy = xx + RIDGE, yy + RIDGE
    determinant = xx * yy - xy * xy  # positive: the ridge is
    new = torch.stack([xy * y_rest - yy * x_rest, xy * x_rest - xx * y_rest], dim=1)
    step = new / determinant[:, None] - flow
    return _blurred(flow + step.clamp(-LARGEST_UPDATE, LARGEST_UPDATE), SMOOTHING)


def _explained(level: _Level, flow: torch.Tensor) -> torch.Tensor:
    """The share (n, 1, h, w) of the change between the frames that the flow explains, in each window."""
    still, moved = (
        _blurred((one - level.frames).square().sum(1, keepdim=True), WINDOW)
        for one in (level.before, _moved(level.before, flow))
    )
    return ((still - moved) / (still + NOISE)).clamp(0, 1)


def _moved(images: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """Images (n, 3, h, w) looked up where the flow (n, 2, h, w) says; beyond the edges their edges."""
    height, width = images.shape[-2:]
    rows = torch.arange(height, device=images.device, dtype=images.dtype)[:, None]
    columns = torch.arange(width, device=images.device, dtype=images.dtype)
    # grid_sample counts from -1 to 1
    x = (columns + flow[:, 0]) * (2 / max(width - 1, 1)) - 1
    y = (rows + flow[:, 1]) * (2 / max(height - 1, 1)) - 1
    grid = torch.stack([x, y], dim=-1)  # (n, h, w, 2)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=True)


def _gradients(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Central differences of images (n, c, h, w) along x and y, same shape."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    along_x = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    return along_x / 2, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2


def _blurred(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Images (n, c, h, w) under a Gaussian of `sigma` pixels, cut off at 2.5 sigma, edges repeated."""
    reach = max(1, math.ceil(2.5 * sigma))
    at = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-at.square() / (2 * sigma**2))
    weights = weights / weights.sum()
    flat = images.flatten(0, 1)[:, None]  # (n * c, 1, h, w)
    flat = F.pad(flat, (reach, reach, reach, reach), mode="replicate")
    flat = F.conv2d(F.conv2d(flat, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
    return flat.view_as(images)
