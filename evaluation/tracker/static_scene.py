"""The static part of a clip, which the tracker is given: scene, camera and colours, and nothing of what happens."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...training.world.clip import SCENE_MODULES, streams
from ...training.world.colour import Palette
from ...training.world.stage import Part, Stage, draw_stage, gradient, paint

Box = tuple[float, float, float, float]  # left, top, right, bottom, in units of the stage


class StaticScene(NamedTuple):
    """A clip before anything happens. parts: what is drawn on the backdrop on the first frame, in that order."""

    scene: str
    stage: Stage
    palette: Palette
    backdrop: tuple
    parts: tuple


def build_static_scene(seed: int, *, scene: str, height: int, width: int) -> StaticScene:
    """The StaticScene of the clip that render_clip(seed, scene=scene) makes, on an image of height x width pixels."""
    _, scene_rng, camera, _ = streams(seed)
    description = SCENE_MODULES[scene].make(scene_rng)
    return StaticScene(
        scene=scene,
        stage=draw_stage(camera, height=height, width=width),
        palette=description.palette,
        backdrop=description.backdrop,
        parts=tuple(description.parts(0)),
    )


def draw(static_scene: StaticScene, parts: Sequence[Part]) -> np.ndarray:
    """The backdrop with these parts on it, evenly lit: float32 (H, W, 3) in [0, 1]."""
    image = gradient(static_scene.stage, static_scene.palette.top, static_scene.palette.bottom)
    paint(static_scene.stage, image, [*static_scene.backdrop, *parts])
    return image


def region(stage: Stage, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """The pixels whose centres are within a box in units: bool (H, W)."""
    x, y = stage.to_units(np.arange(stage.width)[None], np.arange(stage.height)[:, None])
    return (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
