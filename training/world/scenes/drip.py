"""Dripping water: a drop swells at the tap, falls, and throws up a splash and rings where it lands."""

from collections.abc import Sequence

import numpy as np

from ..colour import Palette, draw_palette
from ..motion import latest
from ..scene_description import SceneDescription
from ..shapes import Pose, box, disc, ring
from ..sound import N_SAMPLES, SAMPLE_RATE, add_at, gain_at
from ..stage import FAR, Part
from ..timing import WorldEvent, draw_events

CAPTIONS = (
    "water drips from a tap",
    "a drop of water falls and splashes",
    "dripping water makes rings in a pool",
)

MIN_GAP = 7  # frames
TAP_Y, WATER_Y = 20.0, 76.0
FALL_FRAMES = 7
SWELL_FRAMES = 9
RING_FRAMES = 11
SPLASH_FRAMES = 6
SIZE = (4.5, 4.0)  # units: radius of any drop, and what strength adds


def make(rng: np.random.Generator) -> SceneDescription:
    """A random instance of the scene."""
    palette = draw_palette(rng)
    events = draw_events(rng, min_gap=MIN_GAP)

    def parts(frame: int) -> list[Part]:
        drawn = _rings(palette, events, frame)
        for event in events:
            drawn += _drop(palette, event, frame)
        drawn += _splash(palette, latest(events, frame), frame)
        # the nozzle hides where the drop comes from
        return [*drawn, Part(box(57, TAP_Y - 8, 71, TAP_Y, rounding=1), palette.quiet_dark)]

    def track(frame: int) -> tuple[float, float]:
        coming = next((event for event in events if event.frame >= frame), None)
        return (64.0, TAP_Y if coming is None else _drop_pose(coming, frame).y)

    return SceneDescription(
        events=events,
        palette=palette,
        backdrop=_tap(palette),
        parts=parts,
        track=track,
        contact=lambda frame: any(event.frame == frame for event in events),
        sound=_sound(rng, events),
    )


def _drop_pose(event: WorldEvent, frame: int) -> Pose:
    """A drop swells until it falls, and lands on the frame of its event."""
    radius = SIZE[0] + SIZE[1] * event.strength
    n_left = event.frame - frame
    start, end = TAP_Y + 0.6 * radius, WATER_Y - 0.5 * radius
    if n_left >= FALL_FRAMES:
        grown = max(0.05, 1 - (n_left - FALL_FRAMES) / SWELL_FRAMES)
        return Pose(64.0, TAP_Y + 0.6 * radius * grown, 0.0, radius * grown, radius * grown)
    fallen = (1 - n_left / FALL_FRAMES) ** 2
    long = 0.25 * (1 - n_left / FALL_FRAMES)
    y = start + (end - start) * fallen
    return Pose(64.0, y, 0.0, radius * (1 - long), radius * (1 + long))


def _drop(palette: Palette, event: WorldEvent, frame: int) -> list[Part]:
    if not 0 <= event.frame - frame <= FALL_FRAMES + SWELL_FRAMES:
        return []
    now, was = _drop_pose(event, frame), _drop_pose(event, frame - 1)
    return [
        Part(disc(1.0), palette.loud_light, now, was),
        Part(disc(0.7, x=0.1, y=0.12), palette.loud, now, was),
    ]


def _rings(palette: Palette, events: Sequence[WorldEvent], frame: int) -> list[Part]:
    """One ring per drop, growing on the water and fading."""
    drawn = []
    for event in events:
        n_since = frame - event.frame
        if not 0 <= n_since < RING_FRAMES:
            continue

        def at(n: int) -> Pose:
            wide = 9 + 4.0 * n
            return Pose(64.0, WATER_Y + 3, 0.0, wide, 0.24 * wide)

        opacity = (0.35 + 0.65 * event.strength) * (1 - n_since / RING_FRAMES)
        thin = ring(1.0, 0.16 + 1.2 / (9 + 4.0 * n_since))
        drawn.append(Part(thin, palette.loud_light, at(n_since), at(n_since - 1), opacity))
    return drawn


def _splash(palette: Palette, last: WorldEvent | None, frame: int) -> list[Part]:
    """Droplets thrown up, higher the stronger the drop; they fall back into the water."""
    if last is None or frame - last.frame >= SPLASH_FRAMES:
        return []
    n_since = frame - last.frame
    up = 2.6 + 4.0 * last.strength

    def rise(n: float, side: float) -> float:
        time = n + 1  # on the frame of contact they are on their way
        return up * time * (1 - 0.25 * abs(side) - time / SPLASH_FRAMES)

    def at(n: int, side: float) -> Pose:
        return Pose(64.0 + side * (4.6 + 1.6 * n), WATER_Y + 2 - rise(n, side))

    drops = disc(1.5 + 1.8 * last.strength)
    return [
        Part(drops, palette.loud_light, at(n_since, side), at(n_since - 1, side))
        for side in (-1.6, -0.7, 0.7, 1.6)
        if rise(n_since, side) > 0
    ]


def _tap(palette: Palette) -> tuple[Part, ...]:
    return (
        Part(box(-FAR, 66, FAR, FAR), palette.loud_dark),
        Part(box(-FAR, 66, FAR, 67.5), palette.loud),
        Part(box(57, -40, 71, TAP_Y, rounding=1), palette.quiet),
    )


def _sound(rng: np.random.Generator, events: Sequence[WorldEvent]) -> np.ndarray:
    """Each drop closes a bubble of air, which sings higher while it shrinks (Minnaert, 1933)."""
    sound = np.zeros(N_SAMPLES)
    hz, decay_s, rise = rng.uniform(500, 1100), rng.uniform(0.03, 0.06), rng.uniform(0.5, 1.5)
    time_s = np.arange(int(5 * decay_s * SAMPLE_RATE)) / SAMPLE_RATE
    for event in events:
        low = hz * (1.25 - 0.4 * event.strength)  # large drops sound lower
        phase = 2 * np.pi * low * (time_s + rise * time_s**2 / (2 * 0.1))
        blip = np.sin(phase) * np.exp(-time_s / decay_s)
        add_at(sound, gain_at(event.strength) * blip, event.time_s)
    return sound
