"""A ball that bounces: between two impacts it flies as thrown, so the gap sets the height.

How hard it hits is the sum of the speeds before and after, the push that the floor gives it.
"""

import numpy as np

from ....keyframes.timebase import N_FRAMES
from ..colour import Palette, draw_palette
from ..motion import following, latest, leap
from ..scene_description import SceneDescription
from ..shapes import Pose, disc
from ..sound import Timbre, strikes
from ..stage import Part, ground
from ..timing import LATE_SHARE, WorldEvent, event_at

CAPTIONS = (
    "a ball bounces on the floor",
    "a bouncing ball",
    "a rubber ball hits the ground and jumps up again",
)

FLOOR = 80.0
GRAVITY = 1.3  # units per frame and frame
HIGHEST = 48.0  # units; longer flights are slower instead
SHORTEST, LONGEST = 7, 20  # frames between bounces
LATE_FLIGHT = (25, 29)  # frames of a flight that leaves the first half silent
_EDGES = (0, 1, N_FRAMES - 1)  # a bounce there would have no frames around it (timing.py)
SQUASH_FRAMES = (1.0, 0.35)  # how flat the ball is on contact, and one frame later


def make(rng: np.random.Generator) -> SceneDescription:
    """A random instance of the scene."""
    palette = draw_palette(rng)
    radius = rng.uniform(12.0, 15.0)
    events = _bounces(rng)
    body, light, glint = disc(1.0), disc(0.72, x=-0.16, y=-0.18), disc(0.17, x=-0.38, y=-0.42)

    def bounces_around(frame: int) -> tuple[WorldEvent, WorldEvent]:
        last, coming = latest(events, frame), following(events, frame)
        if last is None or coming is None:
            raise ValueError(f"The ball is not in flight at frame {frame}.")
        return last, coming

    def height(frame: int) -> float:
        last, coming = bounces_around(frame)
        gap = coming.frame - last.frame
        return leap(frame - last.frame, gap=gap, height=_apex(gap))

    def pose(frame: int) -> Pose:
        last, _ = bounces_around(frame)
        n_since = frame - last.frame
        flat = SQUASH_FRAMES[n_since] if n_since < len(SQUASH_FRAMES) else 0.0
        flat *= 0.10 + 0.17 * last.strength
        high, wide = radius * (1 - flat), radius * (1 + 0.7 * flat)
        return Pose(64.0, FLOOR - height(frame) - high, 0.0, wide, high)

    def shadow(frame: int) -> Pose:
        near = 1 - height(frame) / (HIGHEST + 10)
        return Pose(64.0, FLOOR + 3.0, 0.0, radius * (0.5 + 0.65 * near), 3.0)

    def parts(frame: int) -> list[Part]:
        now, was = pose(frame), pose(frame - 1)
        near = 1 - height(frame) / (HIGHEST + 10)
        drawn = [
            Part(disc(1.0), palette.quiet_dark, shadow(frame), shadow(frame - 1), 0.25 + 0.5 * near)
        ]
        drawn += _dust(palette, bounces_around(frame)[0], frame, radius)
        drawn.append(Part(body, palette.loud_dark, now, was))
        drawn.append(Part(light, palette.loud, now, was))
        drawn.append(Part(glint, palette.loud_light, now, was))
        return drawn

    return SceneDescription(
        events=events,
        palette=palette,
        backdrop=(ground(palette, top=FLOOR),),
        parts=parts,
        track=lambda frame: (64.0, pose(frame).y),
        contact=lambda frame: height(frame) == 0.0,
        sound=strikes(rng, events, _timbre(rng)),
    )


def _apex(gap: float) -> float:
    return min(GRAVITY * gap**2 / 8, HIGHEST)


def _bounces(rng: np.random.Generator) -> tuple[WorldEvent, ...]:
    """Bounces from before the clip to after its end, so that the ball is always in flight."""
    if rng.random() < LATE_SHARE:
        frames = [int(rng.integers(-3, 0))]
        frames.append(frames[0] + int(rng.integers(*LATE_FLIGHT)))
    else:
        frames = [int(rng.integers(2, LONGEST - 2)) - LONGEST]
    while frames[-1] < N_FRAMES:
        places = range(frames[-1] + SHORTEST, frames[-1] + LONGEST + 1)
        frames.append(int(rng.choice([place for place in places if place not in _EDGES])))
    speeds = [4 * _apex(gap) / gap for gap in np.diff(frames).tolist()]
    fastest = 2 * max(4 * _apex(gap) / gap for gap in range(SHORTEST, LONGEST + 1))
    before, after = [speeds[0], *speeds], [*speeds, speeds[-1]]
    return tuple(
        event_at(rng, frame, strength=(into + out) / fastest)
        for frame, into, out in zip(frames, before, after, strict=True)
    )


def _dust(palette: Palette, last: WorldEvent, frame: int, radius: float) -> list[Part]:
    """Two puffs that fly apart from under the ball on contact."""
    n_since = frame - last.frame
    if n_since > 3:
        return []

    def at(n: int, side: float) -> Pose:
        spread = radius * (0.85 + (0.25 + 0.35 * last.strength) * n)
        return Pose(64.0 + side * spread, FLOOR - 0.8 - 0.5 * n, 0.0, 1, 1)

    puff = disc((2.0 + 2.8 * last.strength) * (1 - 0.15 * n_since))
    opacity = 0.9 - 0.22 * n_since
    return [
        Part(puff, palette.quiet, at(n_since, side), at(n_since - 1, side), opacity)
        for side in (-1, 1)
    ]


def _timbre(rng: np.random.Generator) -> Timbre:
    return Timbre(
        partials_hz=rng.uniform(85, 150) * np.array([1.0, 1.9, 3.1]),
        levels=np.array([1.0, 0.5, 0.25]),
        decays_s=rng.uniform(0.05, 0.09) * np.array([1.0, 0.7, 0.4]),
        noise=rng.uniform(0.25, 0.45),
        noise_s=rng.uniform(0.008, 0.02),
        noise_band_hz=(200, rng.uniform(1500, 3500)),
    )
