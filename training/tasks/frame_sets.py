"""Which frames of a clip a diffusion network is trained on: every set of keyframes that inference may ask for."""

import numpy as np

from ...keyframes.curve import MotionCurve, motion_curve, normalise
from ...keyframes.select import T_K, select_keyframes
from ...keyframes.timebase import FPS, N_FRAMES
from ..data.sounds import unpad_events
from .localizer import event_curve

UNIFORM_SHARE = 0.5  # of the sets; the others follow a curve
STRATEGIES = ("strongest", "strongest", "released", "paper")  # of those, each as likely
# of those follow the events, as a localizer does; the others the measured motion
EVENT_SHARE = 0.5


def keyframes_of(score: np.ndarray, *, count: int = T_K) -> list[int]:
    """The keyframes, ascending frames, that Select Keyframes chooses on a score (48,) in 0..1."""
    curve = motion_curve(score, fps=FPS, source="world")
    return [keyframe.frame for keyframe in select_keyframes(curve, count=count).keyframes]


def draw_frame_set(rng: np.random.Generator, record: np.void, count: int) -> list[int]:
    """`count` frames of a CLIP record, sorted, the first one 0: a list of int."""
    events = event_curve(*unpad_events(record["event_frames"], record["event_strengths"]))
    curves = [
        motion_curve(np.clip(score, 0, 1), fps=FPS, source="world")
        for score in (normalise(record["motion"]), events)
    ]
    return draw_frames(rng, motion=curves[0], events=curves[1], count=count)


def draw_frames(
    rng: np.random.Generator, *, motion: MotionCurve, events: MotionCurve, count: int
) -> list[int]:
    """`count` frames of a clip, sorted, the first one 0, by its measured motion or by what is heard."""
    if rng.random() < UNIFORM_SHARE:
        return [i * N_FRAMES // count for i in range(count)]
    curve = events if rng.random() < EVENT_SHARE else motion
    plan = select_keyframes(
        curve,
        strategy=STRATEGIES[rng.integers(len(STRATEGIES))],
        count=count,
        selection_seed=int(rng.integers(2**31)),
    )
    return [keyframe.frame for keyframe in plan.keyframes]
