"""From parts to pixels: the camera, smooth edges, and the flow of every pixel.

Scenes are laid out on 128 x 96 units, x to the right and y down, and a camera puts them on an image of any size.
Each part is drawn in a small window around it, its edge softened over one pixel by its signed distance.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .colour import Palette
from .shapes import Coordinate, Pose, Shape, box, to_local, to_scene

UNITS_HIGH, UNITS_WIDE = 96, 128
ZOOM = (0.92, 1.12)  # the camera's range of sizes
FAR = 1000.0  # units: beyond the edge of any image
SHIFT_X, SHIFT_Y = 9.0, 2.5  # units by which the camera moves aside, at most


class Part(NamedTuple):
    """A shape of one colour. `was` is its pose one frame earlier, None if it does not move; `opacity` is 0 to 1.

    `flow(x)` says how far a shape that bends has moved down (units) since the frame before, in place of `was`.
    """

    shape: Shape
    colour: np.ndarray
    pose: Pose = Pose()
    was: Pose | None = None
    opacity: float = 1.0
    flow: Callable[[np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True)
class Stage:
    """A camera on an image of height x width pixels: its scale in pixels per unit, where it points, its side."""

    height: int
    width: int
    scale: float
    middle_x: float  # the unit in the middle of the image
    middle_y: float
    mirrored: bool

    @property
    def sign(self) -> int:
        """1, or -1 where left and right are swapped."""
        return -1 if self.mirrored else 1

    def to_pixels(self, x: Coordinate, y: Coordinate) -> tuple[Coordinate, Coordinate]:
        """Units to pixels: pixel (0, 0) has its centre at 0, 0."""
        column = (x - self.middle_x) * self.sign * self.scale + (self.width - 1) / 2
        return column, (y - self.middle_y) * self.scale + (self.height - 1) / 2

    def to_units(self, column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels to units, the reverse of `to_pixels`."""
        x = (column - (self.width - 1) / 2) / self.scale * self.sign + self.middle_x
        return x, (row - (self.height - 1) / 2) / self.scale + self.middle_y


def draw_stage(rng: np.random.Generator, *, height: int, width: int) -> Stage:
    """A camera with a size, place and side of its own."""
    fit = min(height / UNITS_HIGH, width / UNITS_WIDE)
    return Stage(
        height=height,
        width=width,
        scale=fit * rng.uniform(*ZOOM),
        middle_x=UNITS_WIDE / 2 + rng.uniform(-SHIFT_X, SHIFT_X),
        middle_y=UNITS_HIGH / 2 + rng.uniform(-SHIFT_Y, SHIFT_Y),
        mirrored=bool(rng.random() < 0.5),
    )


def ground(palette: Palette, *, top: float) -> Part:
    """The ground, from a height on down, over the whole width."""
    return Part(box(-FAR, top, FAR, FAR), palette.ground)


def gradient(stage: Stage, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) float32 that goes from colour `top` down to `bottom`."""
    share = np.linspace(0, 1, stage.height)[:, None, None]
    rows = top * (1 - share) + bottom * share
    return np.repeat(rows, stage.width, axis=1).astype(np.float32)


def paint(
    stage: Stage, image: np.ndarray, parts: Iterable[Part], flow: np.ndarray | None = None
) -> None:
    """Draws parts on an image (H, W, 3) float32 in [0, 1], in order, and what they hide disappears.

    flow: (H, W, 2) float32, pixels to the right and down that what is seen at a pixel has moved since the
    frame before. Both are changed in place.
    """
    for part in parts:
        window = _window(stage, part)
        if window is None or part.opacity <= 0:
            continue
        rows, columns, x, y = window
        local_x, local_y = to_local(part.pose, x, y)
        stretch = min(abs(part.pose.scale_x), abs(part.pose.scale_y)) * stage.scale
        cover = np.clip(0.5 - part.shape.distance(local_x, local_y) * stretch, 0, 1)
        cover = (part.opacity * cover).astype(np.float32)[:, :, None]
        area = image[rows, columns]
        area += cover * (part.colour.astype(np.float32) - area)
        if flow is not None:
            moved = flow[rows, columns]
            moved += cover * (_moved(stage, part, x, y, local_x, local_y) - moved)


def _window(stage: Stage, part: Part) -> tuple[slice, slice, np.ndarray, np.ndarray] | None:
    """The pixels a part may touch: rows, columns (slices), x (1, w), y (h, 1) in units; None if there are none."""
    shape = part.shape
    corners = [
        stage.to_pixels(*to_scene(part.pose, x, y))
        for x in (shape.left, shape.right)
        for y in (shape.top, shape.bottom)
    ]
    columns, rows = zip(*corners, strict=True)
    left, right = max(0, int(min(columns)) - 1), min(stage.width, int(max(columns)) + 3)
    top, bottom = max(0, int(min(rows)) - 1), min(stage.height, int(max(rows)) + 3)
    if left >= right or top >= bottom:
        return None
    column = np.arange(left, right, dtype=np.float32)
    row = np.arange(top, bottom, dtype=np.float32)[:, None]
    return slice(top, bottom), slice(left, right), *stage.to_units(column[None], row)


def _moved(
    stage: Stage, part: Part, x: np.ndarray, y: np.ndarray, local_x: np.ndarray, local_y: np.ndarray
) -> np.ndarray | np.float32:
    """How far the points of a part have moved since the frame before, (h, w, 2) or a scalar 0, in pixels."""
    if part.flow is not None:
        moved = np.zeros((len(y), x.shape[1], 2), np.float32)
        moved[:, :, 1] = part.flow(x) * stage.scale
        return moved
    if part.was is None:
        return np.float32(0)
    was_x, was_y = to_scene(part.was, local_x, local_y)
    moved = np.stack([(x - was_x) * stage.sign, y - was_y], axis=2)  # (h, w, 2)
    return (moved * stage.scale).astype(np.float32)
