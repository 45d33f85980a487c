"""A plucked string: the plectrum pulls it aside, it slips off, and the string swings ever less.

The plectrum pushes from alternating sides, as a guitarist's does.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..colour import Palette, draw_palette
from ..motion import Key, gather, glide, latest, shaking, spend, value_at
from ..scene_description import SceneDescription
from ..shapes import Pose, Shape, box, convex, cord, disc
from ..sound import Timbre, strikes
from ..stage import FAR, Part
from ..timing import WorldEvent, draw_events

CAPTIONS = (
    "a string is plucked",
    "a plectrum plucks a guitar string",
    "plucking one string of an instrument",
)

Line = Callable[[np.ndarray], np.ndarray]  # y of x

MIN_GAP = 10  # frames
LEFT, RIGHT, LINE = 14.0, 114.0, 50.0
PLUCK_X = 46.0
PULL = (5.0, 12.0)  # units: of any pluck, and what strength adds
AWAY = 22.0  # where the plectrum waits, from the string
TOUCH_FRAMES = 4  # from touching the string to slipping off
PERIOD, FADE = 4.6, 4.0  # frames, of the swinging as it is seen
THICKNESS = 3.2


def make(rng: np.random.Generator) -> SceneDescription:
    """A random instance of the scene."""
    palette = draw_palette(rng)
    events = draw_events(rng, min_gap=MIN_GAP)
    side = 1 if rng.random() < 0.5 else -1
    sides = {event.frame: side * (-1) ** i for i, event in enumerate(events)}
    keys, turn_keys = _plectrum_keys(events, sides), _turn_keys(events, sides)

    def pulled(frame: int) -> float:
        """How far the plectrum holds the string aside."""
        for event in events:
            if event.frame - TOUCH_FRAMES <= frame < event.frame:
                return value_at(keys, frame)
        return 0.0

    def swing(frame: int) -> float:
        last = latest(events, frame)
        if last is None or pulled(frame) != 0.0:
            return 0.0
        n_since = frame - last.frame
        return -sides[last.frame] * _pull(last) * shaking(n_since, period=PERIOD, fade=FADE)

    def line(frame: int) -> Line:
        held, swung = pulled(frame), swing(frame)

        def y(x: np.ndarray) -> np.ndarray:
            corner = np.minimum((x - LEFT) / (PLUCK_X - LEFT), (RIGHT - x) / (RIGHT - PLUCK_X))
            bow = np.sin(np.pi * np.clip((x - LEFT) / (RIGHT - LEFT), 0, 1))
            return LINE + held * np.clip(corner, 0, 1) + swung * bow

        return y

    def parts(frame: int) -> list[Part]:
        now, was = line(frame), line(frame - 1)
        plectrum_now, plectrum_was = (
            _plectrum_pose(keys, turn_keys, f) for f in (frame, frame - 1)
        )
        return [
            Part(_string(now), palette.accent, flow=lambda x: now(x) - was(x)),
            *(Part(disc(5.0), palette.quiet_dark, Pose(x, LINE)) for x in (LEFT, RIGHT)),
            Part(_PLECTRUM, palette.loud, plectrum_now, plectrum_was),
            Part(disc(2.6), palette.loud_light, plectrum_now, plectrum_was),
        ]

    return SceneDescription(
        events=events,
        palette=palette,
        backdrop=_body(palette),
        parts=parts,
        track=lambda frame: (64.0, float(line(frame)(np.array(64.0)))),
        contact=lambda frame: any(event.frame == frame for event in events),
        sound=strikes(rng, events, _timbre(rng)),
    )


_PLECTRUM = convex((-7, -6), (7, -6), (7, 2), (2.5, 9), (-2.5, 9), (-7, 2))
_TIP = 9.0 + THICKNESS / 2


def _string(line: Line) -> Shape:
    """The string along y = line(x)."""
    reach = PULL[0] + PULL[1] + THICKNESS
    return cord(
        line,
        thickness=THICKNESS,
        top=LINE - reach,
        bottom=LINE + reach,
        left=LEFT,
        right=RIGHT,
    )


def _pull(event: WorldEvent) -> float:
    return PULL[0] + PULL[1] * event.strength


def _plectrum_keys(events: Sequence[WorldEvent], sides: dict[int, int]) -> list[Key]:
    """Where the plectrum's tip is, from the string; positive is below. It ends where the next pluck begins."""
    keys = []
    for event in events:
        side, pull = sides[event.frame], _pull(event)
        keys.append(Key(event.frame - TOUCH_FRAMES - 3, -AWAY * side, glide))
        keys.append(Key(event.frame - TOUCH_FRAMES, 0.0, glide))
        keys.append(Key(event.frame - 1, side * pull, spend))
        keys.append(Key(event.frame, side * (pull + 2), gather))
        keys.append(Key(event.frame + 4, side * AWAY, glide))
    # plucks that follow at once: the plectrum turns without waiting
    return [key for i, key in enumerate(keys) if i == 0 or key.frame > keys[i - 1].frame]


def _turn_keys(events: Sequence[WorldEvent], sides: dict[int, int]) -> list[Key]:
    """On which side of its tip the plectrum is, 1 below and -1 above: it changes sides after each pluck."""
    keys = []
    for event in events:
        keys.append(Key(event.frame, -sides[event.frame], glide))
        keys.append(Key(event.frame + 5, sides[event.frame], glide))
    return keys


def _plectrum_pose(keys: Sequence[Key], turn_keys: Sequence[Key], frame: int) -> Pose:
    """Its tip where the keys say, pointing at the string; it turns over like a coin."""
    turn = value_at(turn_keys, frame)
    flat = math.copysign(max(abs(turn), 0.1), turn)  # seen edge-on it is still something
    return Pose(PLUCK_X, LINE + value_at(keys, frame) + turn * _TIP, 0.0, 1.0, -flat)


def _body(palette: Palette) -> tuple[Part, ...]:
    return (
        Part(box(-FAR, 26, FAR, 74), palette.quiet),
        Part(disc(17), palette.quiet_dark, Pose(78, LINE)),
    )


def _timbre(rng: np.random.Generator) -> Timbre:
    number = np.arange(1, 13)
    place = rng.uniform(0.15, 0.35)  # where it is plucked decides which partials sound
    return Timbre(
        partials_hz=rng.uniform(110, 330) * number * np.sqrt(1 + 1e-4 * number**2),
        levels=np.abs(np.sin(np.pi * number * place)) / number,
        decays_s=rng.uniform(0.2, 0.45) / number**0.7,
        noise=rng.uniform(0.05, 0.15),
        noise_s=0.004,
        noise_band_hz=(800, 5000),
    )
