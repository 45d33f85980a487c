"""A hammer on an anvil: it swings back, strikes, sparks fly, and it rebounds."""

import math

import numpy as np

from ..colour import Palette, draw_palette, rgb
from ..motion import latest, strike_keys, value_at
from ..scene_description import SceneDescription
from ..shapes import Pose, box, capsule, convex
from ..sound import Timbre, strikes
from ..stage import Part, ground
from ..timing import WorldEvent, draw_events

CAPTIONS = (
    "a hammer strikes an anvil",
    "a blacksmith's hammer hits the anvil",
    "hammering on an anvil, sparks fly",
)

MIN_GAP = 9  # frames
TOP = 64.0  # of the anvil
HAND_X, HAND_Y = 116.0, 53.0  # the pivot of the swing
HANDLE = 58.0
HIGHEST = math.radians(48)
REST = 0.3
SPARK_FRAMES = 4
GLOW = rgb(0.86, 0.17, 70)


def make(rng: np.random.Generator) -> SceneDescription:
    """A random instance of the scene."""
    palette = draw_palette(rng)
    events = draw_events(rng, min_gap=MIN_GAP)
    keys = strike_keys(events, rest=REST)
    spark_angles = np.radians(np.array([-165, -140, -112, -68, -40, -15]) + rng.uniform(-6, 6, 6))
    handle = capsule(-HANDLE, 0, 4, 0, 2.4)
    head = box(-HANDLE - 8, -9, -HANDLE + 8, 9.5, rounding=1.5)
    face = box(-HANDLE - 8, 5.5, -HANDLE + 8, 9.5, rounding=1)

    def pose(frame: int) -> Pose:
        return Pose(HAND_X, HAND_Y, HIGHEST * value_at(keys, frame))

    def parts(frame: int) -> list[Part]:
        now, was = pose(frame), pose(frame - 1)
        drawn = [
            Part(handle, palette.loud_dark, now, was),
            Part(head, palette.loud, now, was),
            Part(face, palette.loud_light, now, was),
        ]
        return drawn + _sparks(latest(events, frame), frame, spark_angles)

    def track(frame: int) -> tuple[float, float]:
        angle = pose(frame).angle
        x, y = -HANDLE, 9.5  # the middle of the face
        return (
            HAND_X + x * math.cos(angle) - y * math.sin(angle),
            HAND_Y + x * math.sin(angle) + y * math.cos(angle),
        )

    return SceneDescription(
        events=events,
        palette=palette,
        backdrop=_anvil(palette),
        parts=parts,
        track=track,
        contact=lambda frame: value_at(keys, frame) == 0.0,
        sound=strikes(rng, events, _timbre(rng)),
    )


def _anvil(palette: Palette) -> tuple[Part, ...]:
    return (
        ground(palette, top=88.0),
        Part(convex((40, 90), (46, 80), (80, 80), (86, 90)), palette.quiet_dark),
        Part(box(52, 72, 74, 84), palette.quiet_dark),
        Part(convex((16, TOP), (38, TOP), (38, 74)), palette.quiet),
        Part(box(36, TOP, 88, 74, rounding=1), palette.quiet),
        Part(box(47, TOP - 1.5, 69, TOP + 1, rounding=1), GLOW),
    )


def _sparks(last: WorldEvent | None, frame: int, angles: np.ndarray) -> list[Part]:
    """Glowing splinters that fly from the place of contact."""
    if last is None or frame - last.frame >= SPARK_FRAMES:
        return []
    n_since = frame - last.frame
    x, y = HAND_X - HANDLE, TOP - 2
    speed = 2.5 + 4.5 * last.strength

    def at(n: int, angle: float) -> Pose:
        reach = 11 + speed * n
        return Pose(x + reach * math.cos(angle), y + 0.8 * reach * math.sin(angle), angle)

    length = (2.5 + 4.5 * last.strength) * (1 - n_since / SPARK_FRAMES)
    splinter = capsule(-length / 2, 0, length / 2, 0, 1.3)
    return [Part(splinter, GLOW, at(n_since, angle), at(n_since - 1, angle)) for angle in angles]


def _timbre(rng: np.random.Generator) -> Timbre:
    # a free bar's modes, as Fletcher and Rossing, "The Physics of Musical Instruments", sec. 2.16
    return Timbre(
        partials_hz=rng.uniform(480, 850) * np.array([1.0, 2.76, 5.40, 8.93]),
        levels=np.array([1.0, 0.8, 0.5, 0.3]) * rng.uniform(0.7, 1.0, 4),
        decays_s=rng.uniform(0.08, 0.2) * np.array([1.0, 0.8, 0.5, 0.3]),
        noise=rng.uniform(0.2, 0.4),
        noise_s=rng.uniform(0.004, 0.01),
        noise_band_hz=(1500, 7000),
    )
