"""A stick on a drum: it is lifted, strikes, and the skin shakes as far as the stroke was strong."""

import math
from collections.abc import Callable

import numpy as np

from ..colour import Palette, draw_palette
from ..motion import latest, shaking, strike_keys, value_at
from ..scene_description import SceneDescription
from ..shapes import Pose, Shape, box, capsule, disc, ring
from ..sound import Timbre, strikes
from ..stage import Part, ground
from ..timing import WorldEvent, draw_events

CAPTIONS = (
    "a drum stick hits a drum",
    "drumming on a snare drum",
    "a stick beats the skin of a drum",
)

MIN_GAP = 7  # frames
SKIN_X, SKIN_Y = 56.0, 58.0
SKIN_WIDE, SKIN_HIGH = 36.0, 9.0  # half of the ellipse
HAND_X, HAND_Y = 122.0, 38.0
STICK = 68.0
DOWN = math.radians(-15)  # of the stick on contact
HIGHEST = math.radians(40)
REST = 0.3
DENT = 5.0  # units, of the strongest stroke
RIPPLE_FRAMES = 5


def make(rng: np.random.Generator) -> SceneDescription:
    """A random instance of the scene."""
    palette = draw_palette(rng)
    events = draw_events(rng, min_gap=MIN_GAP)
    keys = strike_keys(events, rest=REST)
    stick, tip = capsule(-STICK, 0, 4, 0, 2.2), disc(4.2, x=-STICK)
    skin, wave = disc(1.0), ring(0.62, 0.14)

    def pose(frame: int) -> Pose:
        return Pose(HAND_X, HAND_Y, DOWN + HIGHEST * value_at(keys, frame))

    def sunk(frame: int) -> float:
        last = latest(events, frame)
        if last is None:
            return 0.0
        return DENT * last.strength * shaking(frame - last.frame, period=4, fade=2.5)

    def skin_pose(frame: int) -> Pose:
        return Pose(
            SKIN_X, SKIN_Y + sunk(frame) / 2, 0.0, SKIN_WIDE - 3, SKIN_HIGH - 2 + sunk(frame) / 3
        )

    def parts(frame: int) -> list[Part]:
        now, was = skin_pose(frame), skin_pose(frame - 1)
        drawn = [
            Part(disc(1.0), palette.quiet, Pose(SKIN_X, SKIN_Y, 0.0, SKIN_WIDE, SKIN_HIGH)),
            Part(skin, palette.loud_light, now, was),
        ]
        drawn += _ripple(palette, wave, latest(events, frame), frame, skin_pose)
        now, was = pose(frame), pose(frame - 1)
        drawn.append(Part(stick, palette.accent, now, was))
        drawn.append(Part(tip, palette.accent, now, was))
        return drawn

    def track(frame: int) -> tuple[float, float]:
        angle = pose(frame).angle
        return HAND_X - STICK * math.cos(angle), HAND_Y - STICK * math.sin(angle)

    return SceneDescription(
        events=events,
        palette=palette,
        backdrop=_drum(palette),
        parts=parts,
        track=track,
        contact=lambda frame: value_at(keys, frame) == 0.0,
        sound=strikes(rng, events, _timbre(rng)),
    )


def _drum(palette: Palette) -> tuple[Part, ...]:
    left, right, bottom = SKIN_X - SKIN_WIDE, SKIN_X + SKIN_WIDE, 84.0
    return (
        ground(palette, top=84.0),
        Part(disc(1.0), palette.quiet_dark, Pose(SKIN_X, bottom, 0.0, SKIN_WIDE, SKIN_HIGH)),
        Part(box(left, SKIN_Y, right, bottom), palette.loud_dark),
        Part(disc(1.0), palette.loud_dark, Pose(SKIN_X, bottom - 2, 0.0, SKIN_WIDE, SKIN_HIGH)),
        *(
            Part(box(SKIN_X + x - 1.5, SKIN_Y, SKIN_X + x + 1.5, 91.5 - abs(x) / 7), palette.loud)
            for x in (-24, -8, 8, 24)
        ),
    )


def _ripple(
    palette: Palette,
    wave: Shape,
    last: WorldEvent | None,
    frame: int,
    skin_pose: Callable[[int], Pose],
) -> list[Part]:
    """A ring that runs outward over the skin."""
    if last is None or frame - last.frame >= RIPPLE_FRAMES:
        return []

    def at(n: int) -> Pose:
        grown = 0.45 + 0.24 * n
        return skin_pose(frame)._replace(scale_x=SKIN_WIDE * grown, scale_y=SKIN_HIGH * grown)

    n_since = frame - last.frame
    opacity = (0.25 + 0.75 * last.strength) * (1 - n_since / RIPPLE_FRAMES)
    return [Part(wave, palette.loud_dark, at(n_since), at(n_since - 1), opacity)]


def _timbre(rng: np.random.Generator) -> Timbre:
    # an ideal membrane's modes, as Fletcher and Rossing, "The Physics of Musical Instruments", sec. 3.2
    return Timbre(
        partials_hz=rng.uniform(110, 230) * np.array([1.0, 1.59, 2.14, 2.30, 2.65]),
        levels=np.array([1.0, 0.7, 0.5, 0.4, 0.3]),
        decays_s=rng.uniform(0.06, 0.14) * np.array([1.0, 0.8, 0.6, 0.5, 0.4]),
        noise=rng.uniform(0.3, 0.6),
        noise_s=rng.uniform(0.02, 0.06),
        noise_band_hz=(800, rng.uniform(4000, 7000)),
    )
