"""Plain shapes, each given by its signed distance: negative inside, positive outside, in the shape's own units.

A shape has its own origin, y pointing down; a Pose says where it is put.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

Coordinate = TypeVar("Coordinate", float, np.ndarray)


class Shape(NamedTuple):
    """distance(x, y) of arrays; the shape is within left, top, right, bottom."""

    distance: Callable[[np.ndarray, np.ndarray], np.ndarray]
    left: float
    top: float
    right: float
    bottom: float


class Pose(NamedTuple):
    """Where a shape is: stretched by scale_x and scale_y, then turned by angle (radians, clockwise), then moved."""

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0
    scale_x: float = 1.0
    scale_y: float = 1.0


def to_local(pose: Pose, x: Coordinate, y: Coordinate) -> tuple[Coordinate, Coordinate]:
    """Points of the scene in the coordinates of a shape at `pose`."""
    cos, sin = math.cos(pose.angle), math.sin(pose.angle)
    x, y = x - pose.x, y - pose.y
    return (cos * x + sin * y) / pose.scale_x, (cos * y - sin * x) / pose.scale_y


def to_scene(pose: Pose, x: Coordinate, y: Coordinate) -> tuple[Coordinate, Coordinate]:
    """Points in the coordinates of a shape at `pose`, back in the scene."""
    cos, sin = math.cos(pose.angle), math.sin(pose.angle)
    x, y = x * pose.scale_x, y * pose.scale_y
    return cos * x - sin * y + pose.x, sin * x + cos * y + pose.y


def disc(radius: float, *, x: float = 0.0, y: float = 0.0) -> Shape:
    """A disc around (x, y)."""

    def distance(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        return np.hypot(px - x, py - y) - radius

    return Shape(distance, x - radius, y - radius, x + radius, y + radius)


def ring(radius: float, thickness: float) -> Shape:
    """A ring; radius to the middle of its line."""

    def distance(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        return np.abs(np.hypot(px, py) - radius) - thickness / 2

    reach = radius + thickness / 2
    return Shape(distance, -reach, -reach, reach, reach)


def box(left: float, top: float, right: float, bottom: float, *, rounding: float = 0.0) -> Shape:
    """A box with corners rounded by a radius."""
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    half_x, half_y = (right - left) / 2 - rounding, (bottom - top) / 2 - rounding

    def distance(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        dx, dy = np.abs(px - middle_x) - half_x, np.abs(py - middle_y) - half_y
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        return outside + np.minimum(np.maximum(dx, dy), 0) - rounding

    return Shape(distance, left, top, right, bottom)


def capsule(x0: float, y0: float, x1: float, y1: float, radius: float) -> Shape:
    """Everything within `radius` of the line from (x0, y0) to (x1, y1)."""
    dx, dy = x1 - x0, y1 - y0

    def distance(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        along = np.clip(((px - x0) * dx + (py - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        return np.hypot(px - x0 - along * dx, py - y0 - along * dy) - radius

    return Shape(
        distance,
        min(x0, x1) - radius,
        min(y0, y1) - radius,
        max(x0, x1) + radius,
        max(y0, y1) + radius,
    )


def convex(*corners: tuple[float, float]) -> Shape:
    """A polygon without dents; corners (x, y) clockwise as seen on the screen."""
    edges = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = math.hypot(x1 - x0, y1 - y0)
        edges.append((x0, y0, (y1 - y0) / length, -(x1 - x0) / length))

    def distance(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        return np.maximum.reduce([(px - x) * nx + (py - y) * ny for x, y, nx, ny in edges])

    xs, ys = zip(*corners, strict=True)
    return Shape(distance, min(xs), min(ys), max(xs), max(ys))


def star(n_points: int, radius: float, inner: float) -> Shape:
    """A star with soft valleys: its edge swings between `inner` and `radius`."""

    def distance(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        wave = 0.5 + 0.5 * np.cos(n_points * np.arctan2(py, px))
        return np.hypot(px, py) - (inner + (radius - inner) * wave**2)

    return Shape(distance, -radius, -radius, radius, radius)


def under(
    line: Callable[[np.ndarray], np.ndarray],
    *,
    top: float,
    bottom: float,
    left: float,
    right: float,
) -> Shape:
    """Everything from a line y = line(x) down to `bottom`; the line stays below `top`. It is not to be turned."""

    def distance(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        return np.maximum(line(px[:1]) - py, py - bottom)  # every row has the same x

    return Shape(distance, left, top, right, bottom)


def cord(
    line: Callable[[np.ndarray], np.ndarray],
    *,
    thickness: float,
    top: float,
    bottom: float,
    left: float,
    right: float,
) -> Shape:
    """A cord along y = line(x) from left to right, within top and bottom. It is not to be turned."""

    def distance(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        x = px[:1]  # every row has the same
        y = line(x)
        slope = line(x + 0.5) - line(x - 0.5)
        across = np.abs(py - y) / np.sqrt(1 + slope**2) - thickness / 2
        return np.maximum(across, np.maximum(left - px, px - right))

    return Shape(distance, left, top, right, bottom)
