"""A boat on the sea: the louder the sea, the higher and faster its waves. There are no single events."""

from collections.abc import Callable

import numpy as np

from ....keyframes.timebase import FPS, N_FRAMES
from ..colour import draw_palette, rgb
from ..scene_description import SceneDescription
from ..shapes import Pose, convex, under
from ..sound import N_SAMPLES, SAMPLE_RATE, band_noise
from ..stage import FAR, Part

CAPTIONS = (
    "a boat rocks on the waves",
    "waves of the sea rise and fall",
    "the sea swells under a small boat",
)

CALM = 0.06  # loudness of a calm sea, beside swells of 1
LAYERS = ((48.0, 0.6, 58.0), (58.0, 0.8, 66.0), (74.0, 1.0, 80.0))  # height, size, wave length
BOAT_LAYER = 1
HIGHEST = 7.5  # units, of the waves at full loudness
SPEED = (0.05, 0.42)  # radians per frame: of a calm sea, and what loudness adds
LEVEL_RANGE_DB = 26.0  # from a calm to the loudest sea
BOAT_X = 62.0
TILT = 0.5  # of the slope of the wave under the boat
WHITE = rgb(0.97, 0.01, 90)


def make(rng: np.random.Generator) -> SceneDescription:
    """A random instance of the scene."""
    palette = draw_palette(rng)
    centres_s, widths_s, heights = _swells(rng)

    def loudness(time_s: np.ndarray | float) -> np.ndarray:
        swells = heights * np.exp(-(((np.asarray(time_s)[..., None] - centres_s) / widths_s) ** 2))
        return np.clip(CALM + swells.sum(axis=-1), 0, 1)

    phases = rng.uniform(0, 2 * np.pi, len(LAYERS))
    frames = np.arange(-1, N_FRAMES)
    run = np.cumsum(SPEED[0] + SPEED[1] * loudness(frames / FPS))  # radians, from frame -1 on

    def line(layer: int, frame: int) -> Callable:
        level, size, length = LAYERS[layer]
        height = size * HIGHEST * (0.12 + 0.88 * float(loudness(frame / FPS)))
        phase = phases[layer] + run[frame + 1] * (-1 if layer % 2 else 1)

        def y(x: np.ndarray | float) -> np.ndarray:
            swell = np.sin(2 * np.pi * x / length + phase)
            return level - height * (0.8 * swell + 0.2 * np.sin(4 * np.pi * x / length + 2 * phase))

        return y

    def boat_pose(frame: int) -> Pose:
        y = line(BOAT_LAYER, frame)
        slope = (y(BOAT_X + 6) - y(BOAT_X - 6)) / 12
        return Pose(BOAT_X, float(y(BOAT_X)), TILT * float(np.arctan(slope)))

    def wave(layer: int, frame: int) -> Part:
        now, was = line(layer, frame), line(layer, frame - 1)
        shape = under(now, top=LAYERS[layer][0] - HIGHEST - 1, bottom=FAR, left=-FAR, right=FAR)
        return Part(shape, colours[layer], flow=lambda x: now(x) - was(x))

    colours = (palette.loud_light, palette.loud, palette.loud_dark)
    boat = (
        Part(convex((1, -30), (19, -8), (1, -8)), palette.accent),
        Part(convex((-1, -26), (-1, -8), (-13, -8)), WHITE),
        Part(convex((-20, -6), (20, -6), (13, 5), (-13, 5)), palette.quiet_dark),
    )

    def parts(frame: int) -> list[Part]:
        now, was = boat_pose(frame), boat_pose(frame - 1)
        return [
            wave(0, frame),
            *(part._replace(pose=now, was=was) for part in boat),
            wave(1, frame),
            wave(2, frame),
        ]

    return SceneDescription(
        events=(),
        palette=palette,
        backdrop=(),
        parts=parts,
        track=lambda frame: boat_pose(frame)[:2],
        contact=lambda frame: True,
        sound=_sound(rng, loudness),
    )


def _swells(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When (s), how long (s) and how high the sea swells: one to three times, one of them fully."""
    n = int(rng.integers(1, 4))
    heights = rng.uniform(0.4, 1.0, n)
    heights[rng.integers(n)] = 1.0
    length_s = N_FRAMES / FPS
    return rng.uniform(0, length_s, n), rng.uniform(0.18, 0.4, n), heights


def _sound(rng: np.random.Generator, loudness: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The rush of water: a low and a high noise, the high one only where it is loud."""
    loud = loudness(np.arange(N_SAMPLES) / SAMPLE_RATE)
    low = band_noise(rng, N_SAMPLES, (90, rng.uniform(500, 900)))
    high = band_noise(rng, N_SAMPLES, (1200, rng.uniform(4000, 6500)))
    gain = 10 ** ((loud - 1) * LEVEL_RANGE_DB / 20)
    return 0.25 * gain * (low + loud * high)
