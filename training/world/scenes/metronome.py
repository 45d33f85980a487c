"""A metronome with two blocks: the arm topples over ever faster, knocks at the end of its swing, and waits there."""

import math
from collections.abc import Sequence

import numpy as np

from ..colour import Palette, draw_palette
from ..motion import STRIKE_FRAMES, Key, gather, glide, latest, shaking, value_at
from ..scene_description import SceneDescription
from ..shapes import Pose, box, capsule, convex, disc
from ..sound import Timbre, strikes
from ..stage import Part, ground
from ..timing import WorldEvent, draw_events

CAPTIONS = (
    "a metronome ticks",
    "the arm of a metronome swings from side to side",
    "a ticking wooden metronome",
)

MIN_GAP = 6  # frames
PIVOT_X, PIVOT_Y = 64.0, 82.0
ARM = 66.0
SWING = math.radians(30)  # from upright to either end
SLOWEST = 9  # frames, of one swing
BOUNCE = math.radians(7)  # off the block, at strength 1
PUSH = 5.0  # units by which the strongest tick moves the block
KNOCK_FRAMES = 3
BLOCK_AT = 50.0  # units along the arm


def make(rng: np.random.Generator) -> SceneDescription:
    """A random instance of the scene."""
    palette = draw_palette(rng)
    events = draw_events(rng, min_gap=MIN_GAP)
    first_side = 1 if rng.random() < 0.5 else -1
    sides = {event.frame: first_side * (-1) ** i for i, event in enumerate(events)}
    keys = _swing_keys(events, sides)
    arm, weight = capsule(0, 0, 0, -ARM, 1.8), box(-7, -44, 7, -33, rounding=2)

    def pose(frame: int) -> Pose:
        return Pose(PIVOT_X, PIVOT_Y, value_at(keys, frame))

    def block_pose(frame: int, side: float) -> Pose:
        struck = [event for event in events if sides[event.frame] == side]
        last = latest(struck, frame)
        pushed = 0.0
        if last is not None:
            pushed = PUSH * last.strength * shaking(frame - last.frame, period=5, fade=2.0)
        away = BLOCK_AT * math.sin(SWING) + 1.8 + pushed
        return Pose(PIVOT_X + side * away, PIVOT_Y - BLOCK_AT * math.cos(SWING), 0.0, side, 1.0)

    def parts(frame: int) -> list[Part]:
        drawn = []
        for side in (-1, 1):
            now, was = block_pose(frame, side), block_pose(frame - 1, side)
            drawn.append(Part(box(2, -1.3, 40, 1.3), palette.quiet_dark, now, was))
            drawn.append(Part(box(0, -8, 11, 8, rounding=2), palette.accent, now, was))
        drawn += _knock(palette, latest(events, frame), frame, sides)
        now, was = pose(frame), pose(frame - 1)
        drawn.append(Part(arm, palette.loud_dark, now, was))
        drawn.append(Part(weight, palette.loud, now, was))
        drawn.append(Part(disc(3.5), palette.loud_dark, Pose(PIVOT_X, PIVOT_Y)))
        return drawn

    def track(frame: int) -> tuple[float, float]:
        angle = pose(frame).angle
        return PIVOT_X + ARM * math.sin(angle), PIVOT_Y - ARM * math.cos(angle)

    return SceneDescription(
        events=events,
        palette=palette,
        backdrop=_body(palette),
        parts=parts,
        track=track,
        contact=lambda frame: abs(value_at(keys, frame)) == SWING,
        sound=strikes(rng, events, _timbre(rng)),
    )


def _swing_keys(events: Sequence[WorldEvent], sides: dict[int, int]) -> list[Key]:
    """The arm's angle: it leans away from its block, falls to the other one, and bounces off it a little."""
    at = -SWING * sides[events[0].frame]
    leave = events[0].frame - SLOWEST
    keys = [Key(leave, at, glide)]
    for i, event in enumerate(events):
        end = SWING * sides[event.frame]
        keys.append(Key(event.frame, end, gather))
        gap = events[i + 1].frame - event.frame if i + 1 < len(events) else math.inf
        n_swing = min(SLOWEST, gap - 1)
        off = end - math.copysign(BOUNCE * event.strength, end)
        if gap - n_swing >= STRIKE_FRAMES:
            keys.append(Key(event.frame + 1, off, glide))
            keys.append(Key(event.frame + STRIKE_FRAMES, end, glide))
        if gap < math.inf and gap - n_swing != STRIKE_FRAMES:
            keys.append(Key(event.frame + gap - n_swing, end, glide))
    return keys


def _knock(
    palette: Palette, last: WorldEvent | None, frame: int, sides: dict[int, int]
) -> list[Part]:
    """Three dashes that fly off the block when it is struck."""
    if last is None or frame - last.frame >= KNOCK_FRAMES:
        return []
    n_since, side = frame - last.frame, sides[last.frame]
    x = PIVOT_X + side * (BLOCK_AT * math.sin(SWING) + 12 + PUSH)
    y = PIVOT_Y - BLOCK_AT * math.cos(SWING)
    dash = capsule(0, 0, 2 + 4 * last.strength, 0, 1.2)

    def at(n: int, angle: float) -> Pose:
        reach = 2 + 2.5 * n
        toward = angle if side > 0 else math.pi - angle
        return Pose(x + reach * math.cos(toward), y + (8 + reach) * math.sin(toward), toward)

    return [
        Part(dash, palette.accent, at(n_since, angle), at(n_since - 1, angle), 1 - n_since / 4)
        for angle in (-0.7, 0.0, 0.7)
    ]


def _body(palette: Palette) -> tuple[Part, ...]:
    return (
        ground(palette, top=88.0),
        Part(convex((54, 46), (74, 46), (90, 90), (38, 90)), palette.quiet),
        Part(convex((57, 50), (71, 50), (82, 84), (46, 84)), palette.quiet_dark),
        Part(box(34, 88, 94, 93, rounding=1.5), palette.quiet_dark),
    )


def _timbre(rng: np.random.Generator) -> Timbre:
    return Timbre(
        partials_hz=rng.uniform(750, 1500) * np.array([1.0, 2.4, 3.9]),
        levels=np.array([1.0, 0.5, 0.2]),
        decays_s=rng.uniform(0.015, 0.035) * np.array([1.0, 0.6, 0.4]),
        noise=rng.uniform(0.15, 0.35),
        noise_s=rng.uniform(0.003, 0.006),
        noise_band_hz=(1200, 6500),
    )
