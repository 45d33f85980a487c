"""What the shipped weights shall reach on held-out clips, each limit beside what was measured: pass or short.

A limit for every scene is there so that a bad one cannot hide in a mean; the worst is named in any case.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

ALL_SCENES = ""  # in place of a scene's name: all clips together
Values = Mapping[tuple[str, str], float]  # {(figure, scene): value}


class Limit(NamedTuple):
    """A figure that shall be at most (or, `is_least`, at least) a value over all clips, and another in every scene."""

    figure: str
    value: float
    in_every_scene: float | None = None
    is_least: bool = False


LIMITS = (
    Limit("recall", 0.97, in_every_scene=0.85, is_least=True),
    Limit("precision", 0.95, in_every_scene=0.85, is_least=True),
    Limit("moving_psnr", 17.0, is_least=True),  # dB
    Limit("trajectory_mean", 0.06),  # share of the range
    Limit("trajectory_p90", 0.15),
    Limit("jerk_ratio", 1.5, in_every_scene=1.5),  # of the true one
    Limit("largest_step_ratio", 1.3),
    Limit("excursion_share", 0.01),  # of the frames
    Limit("background", 1.5),  # levels of 255
    Limit("colour", 5.0),
)
SILENCE = Limit("quiet_events_per_20_s", 1.0)  # of clips without any sound


class Judgement(NamedTuple):
    """value: over all clips, NaN when it was not measured. worst: the scene that is furthest from the limit, or "".

    reached: whether the limit is, None when nothing was measured.
    """

    limit: Limit
    value: float
    worst: str
    worst_value: float
    reached: bool | None


def judge(values: Values, limits: Iterable[Limit] = LIMITS) -> list[Judgement]:
    """The Judgement of every limit."""
    return [_judge(values, limit) for limit in limits]


def shown(judgement: Judgement) -> str:
    """A line: pass, short or not measured, the figure, its value and limit, the worst scene."""
    limit, value, worst, worst_value, reached = judgement
    if reached is None:
        return f"{'not measured':13}{limit.figure}"
    sign = ">=" if limit.is_least else "<="
    text = (
        f"{'pass' if reached else 'short':13}{limit.figure:24}{value:8.3f} {sign} {limit.value:g}"
    )
    if worst:
        text += f"   worst: {worst} {worst_value:.3f}"
        if limit.in_every_scene is not None:
            text += f" {sign} {limit.in_every_scene:g}"
    return text


def _judge(values: Values, limit: Limit) -> Judgement:
    value = values.get((limit.figure, ALL_SCENES), math.nan)
    scenes = {
        scene: number
        for (figure, scene), number in values.items()
        if figure == limit.figure and scene != ALL_SCENES and not math.isnan(number)
    }
    worst = (min if limit.is_least else max)(scenes, key=lambda scene: scenes[scene], default="")
    worst_value = scenes.get(worst, math.nan)
    if math.isnan(value):
        return Judgement(limit, value, worst, worst_value, None)
    reached = _within(value, limit.value, limit)
    if worst and limit.in_every_scene is not None:
        reached = reached and _within(worst_value, limit.in_every_scene, limit)
    return Judgement(limit, value, worst, worst_value, reached)


def _within(value: float, bound: float, limit: Limit) -> bool:
    return value >= bound if limit.is_least else value <= bound
