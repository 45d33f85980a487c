"""The description of a scene that the renderer draws."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .colour import Palette
from .stage import Part
from .timing import WorldEvent


@dataclass(frozen=True)
class SceneDescription:
    """One random instance of a scene, in units of the stage (stage.py) and frames.

    events: tuple of WorldEvent, also those just before or after the clip.
    palette: the colours, of the background too.
    backdrop: the parts that never move, drawn once.
    parts(frame): all parts that may move, and those in front of them, in the order they are drawn.
    track(frame): (x, y) of the thing that strikes.
    contact(frame): whether it touches what it strikes.
    sound: float64 (N_SAMPLES,), nothing but the scene itself.
    """

    events: tuple[WorldEvent, ...]
    palette: Palette
    backdrop: tuple[Part, ...]
    parts: Callable[[int], list[Part]]
    track: Callable[[int], tuple[float, float]]
    contact: Callable[[int], bool]
    sound: np.ndarray
