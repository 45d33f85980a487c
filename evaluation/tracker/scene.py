"""What the tracker is told about a clip: its scene, its camera and its colours, and nothing of what happens in it."""

from typing import NamedTuple

import numpy as np

from ...training.world.clip import SCENE_MODULES, streams
from ...training.world.colour import Palette
from ...training.world.stage import Stage, draw_stage, gradient, paint


class Scenery(NamedTuple):
    """A clip before anything happens. parts: what is drawn on the backdrop on the first frame, in that order."""

    scene: str
    stage: Stage
    palette: Palette
    backdrop: tuple
    parts: tuple


def scenery_of(seed, *, scene, height, width):
    """The Scenery of the clip that render_clip(seed, scene=scene) makes, on a picture of height x width pixels."""
    _, performance, camera, _ = streams(seed)
    staging = SCENE_MODULES[scene].make(performance)
    return Scenery(
        scene=scene,
        stage=draw_stage(camera, height=height, width=width),
        palette=staging.palette,
        backdrop=staging.backdrop,
        parts=tuple(staging.parts(0)),
    )


def draw(scenery, parts):
    """The backdrop with these parts on it, in even light: float32 (H, W, 3) in [0, 1]."""
    picture = gradient(scenery.stage, scenery.palette.top, scenery.palette.bottom)
    paint(scenery.stage, picture, [*scenery.backdrop, *parts])
    return picture


def region(stage, left, top, right, bottom):
    """The pixels whose centres lie within a box in units: bool (H, W)."""
    x, y = stage.to_units(np.arange(stage.width)[None], np.arange(stage.height)[:, None])
    return (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
