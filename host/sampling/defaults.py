"""The published settings: defaults of nodes and of the functions behind them.

Nodes take them from here, because nodes/ does not import models/, where most of them are used and explained.
"""

from ...models.checkpoint.layouts import DYNAMICRAFTER, GENERATOR, INTERPOLATOR
from ...models.diffusion.ddim import INPAINTED_STEPS
from ...models.diffusion.guidance import AUDIO_SCALE, GUIDED, IMAGE_SCALE, RESCALE, TEXT_SCALE
from ...models.diffusion.schedule import BASE_SCALE, ETA, NOISE_STRENGTH, SPACINGS, STEPS

__all__ = [
    "AUDIO_SCALE",
    "BASE_SCALE",
    "ETA",
    "FPS_CONDITIONS",
    "GUIDED",
    "HEIGHT",
    "IMAGE_SCALE",
    "INPAINTED_STEPS",
    "NOISE_STRENGTH",
    "RESCALE",
    "SPACINGS",
    "STEPS",
    "STRIDE",
    "TEXT_SCALE",
    "WIDTH",
    "WINDOW",
]

WIDTH, HEIGHT = 512, 320  # pixels (published-model e.6)
# the fps conditions by kind of model (published-model e.6): nominal ones, not the frame rate of the video
FPS_CONDITIONS = {GENERATOR: 6, INTERPOLATOR: 24, DYNAMICRAFTER: 24}
# frames of windowed temporal attention, which the published code sets and then ignores (published-model c.2)
WINDOW, STRIDE = 12, 6
