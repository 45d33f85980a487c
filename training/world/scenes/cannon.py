"""A cannon: it dips, fires with a flash, leaps back as far as the shot was strong, and rolls forward again."""

import math
from collections.abc import Sequence

import numpy as np

from ..colour import Palette, draw_palette, rgb
from ..motion import Key, following, glide, latest, spend, value_at
from ..scene_description import SceneDescription
from ..shapes import Pose, box, capsule, disc, star
from ..sound import Timbre, strikes
from ..stage import Part, ground
from ..timing import WorldEvent, draw_events

CAPTIONS = (
    "a cannon fires and recoils",
    "a cannon shoots with a flash and a cloud of smoke",
    "cannon fire, the gun leaps back",
)

MIN_GAP = 8  # frames
GROUND = 84.0
WHEEL = 13.0
CARRIAGE_X, BARREL_Y = 58.0, 62.0
MUZZLE = 40.0  # units from the trunnion
AIM = math.radians(-14)
DIP, KICK = math.radians(4), math.radians(9)  # before the shot; at a shot of strength 1
RECOIL = (8.0, 14.0)  # units: of any shot, and what strength adds
FLASH = (1.0, 0.6)  # size on the frame of the shot and on the next
SMOKE_FRAMES = 9
HOT, WHITE = rgb(0.85, 0.17, 75), rgb(0.98, 0.03, 95)


def make(rng: np.random.Generator) -> SceneDescription:
    """A random instance of the scene."""
    palette = draw_palette(rng)
    events = draw_events(rng, min_gap=MIN_GAP)
    recoil, tilt = _recoil_keys(events), _tilt_keys(events)
    barrel = (
        Part(capsule(-14, 0, MUZZLE - 8, 0, 7.5), palette.loud),
        Part(box(-12, -8.5, -6, 8.5, rounding=1.5), palette.loud_dark),
        Part(box(MUZZLE - 9, -9, MUZZLE, 9, rounding=2), palette.loud_dark),
        Part(capsule(-8, -3.5, MUZZLE - 12, -3.5, 1.2), palette.loud_light),
    )
    wheel = (
        Part(disc(WHEEL), palette.quiet_dark),
        Part(disc(WHEEL - 3), palette.quiet),
        *(
            Part(capsule(x, y, -x, -y, 1.3), palette.quiet_dark)
            for x, y in ((WHEEL - 1.5, 0), (0, WHEEL - 1.5))
        ),
        Part(disc(3.5), palette.loud_dark),
    )

    def gun_pose(frame: int) -> Pose:
        return Pose(CARRIAGE_X - value_at(recoil, frame), BARREL_Y, AIM + value_at(tilt, frame))

    def wheel_pose(frame: int) -> Pose:
        back = value_at(recoil, frame)
        return Pose(CARRIAGE_X - 4 - back, GROUND - WHEEL, -back / WHEEL)

    def muzzle(frame: int) -> tuple[float, float]:
        gun = gun_pose(frame)
        return gun.x + (MUZZLE + 2) * math.cos(gun.angle), gun.y + (MUZZLE + 2) * math.sin(
            gun.angle
        )

    def parts(frame: int) -> list[Part]:
        drawn = []
        for some, at in ((barrel, gun_pose), (wheel, wheel_pose)):
            drawn += [part._replace(pose=at(frame), was=at(frame - 1)) for part in some]
        last = latest(events, frame)
        if last is not None:
            drawn += _smoke(palette, last, frame, muzzle(last.frame))
            drawn += _flash(last, frame, muzzle(frame), gun_pose(frame).angle)
        return drawn

    return SceneDescription(
        events=events,
        palette=palette,
        backdrop=(ground(palette, top=GROUND),),
        parts=parts,
        track=muzzle,
        contact=lambda frame: any(event.frame == frame for event in events),
        sound=strikes(rng, events, _timbre(rng)),
    )


def _recoil_keys(events: Sequence[WorldEvent]) -> list[Key]:
    """How far the gun is back: nearly all of it on the frame of the shot, forward again before the next."""
    keys = [Key(events[0].frame - 1, 0.0, glide)]
    for event in events:
        back = RECOIL[0] + RECOIL[1] * event.strength
        coming = following(events, event.frame)
        n_free = math.inf if coming is None else coming.frame - 1 - event.frame
        keys.append(Key(event.frame, 0.8 * back, glide))
        keys.append(Key(event.frame + 2, back, spend))
        keys.append(Key(event.frame + min(n_free, 14), 0.0, glide))
        if n_free > 14 and coming is not None:
            keys.append(Key(coming.frame - 1, 0.0, glide))
    return keys


def _tilt_keys(events: Sequence[WorldEvent]) -> list[Key]:
    """How far the barrel points below its aim: it dips before the shot and is thrown up by it."""
    keys = []
    for event in events:
        keys.append(Key(event.frame - 4, 0.0, glide))
        keys.append(Key(event.frame - 1, DIP, glide))
        keys.append(Key(event.frame, -KICK * event.strength, glide))
        keys.append(Key(event.frame + 4, 0.0, glide))
    # between shots that follow at once the barrel dips without coming to rest
    return [key for i, key in enumerate(keys) if i == 0 or key.frame > keys[i - 1].frame]


def _flash(last: WorldEvent, frame: int, muzzle: tuple[float, float], angle: float) -> list[Part]:
    n_since = frame - last.frame
    if n_since >= len(FLASH):
        return []
    size = FLASH[n_since] * (10 + 12 * last.strength)
    at = Pose(
        muzzle[0] + 0.6 * size * math.cos(angle), muzzle[1] + 0.6 * size * math.sin(angle), angle
    )
    was = at._replace(scale_x=0.5, scale_y=0.5)
    return [Part(star(8, size, 0.55 * size), HOT, at, was), Part(disc(0.4 * size), WHITE, at, was)]


def _smoke(
    palette: Palette, last: WorldEvent, frame: int, muzzle: tuple[float, float]
) -> list[Part]:
    """Three clouds that swell, rise and fade."""
    n_since = frame - last.frame
    if not 0 < n_since < SMOKE_FRAMES:
        return []
    size = 4 + 5 * last.strength

    def at(n: int, i: int) -> Pose:
        grown = size * (0.7 + 0.08 * n) * (1 - 0.18 * i)
        return Pose(muzzle[0] + 6 + 6 * i + 0.5 * n, muzzle[1] - 3 * i - 0.9 * n, 0.0, grown, grown)

    opacity = 0.7 * (1 - n_since / SMOKE_FRAMES)
    return [
        Part(disc(1.0), palette.quiet, at(n_since, i), at(n_since - 1, i), opacity)
        for i in range(3)
    ]


def _timbre(rng: np.random.Generator) -> Timbre:
    return Timbre(
        partials_hz=rng.uniform(50, 85) * np.array([1.0, 1.7, 2.3]),
        levels=np.array([1.0, 0.6, 0.4]),
        decays_s=rng.uniform(0.08, 0.16) * np.array([1.0, 0.8, 0.6]),
        noise=rng.uniform(0.5, 0.7),
        noise_s=rng.uniform(0.05, 0.1),
        noise_band_hz=(60, rng.uniform(900, 2500)),
    )
