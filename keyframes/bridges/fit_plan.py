"""A plan and its curve, carried over to another frame rate and length."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ...errors import PlanError
from ..curve import MotionCurve, motion_curve
from ..plan import EDIT, Keyframe, KeyframePlan, make_plan
from ..timebase import fps_fraction, frame_at, same_rate
from .guides import ROLES, role_of


class FittedPlan(NamedTuple):
    """plan: the new one. Keyframes of the old plan that are not in it: merged ones, each with the one that stayed in
    its place, and those beyond the new end. longest_shift_s: by how many seconds, at most, a keyframe that stayed
    is shown earlier or later than before.
    """

    plan: KeyframePlan
    merged: tuple[tuple[Keyframe, Keyframe], ...]
    beyond: tuple[Keyframe, ...]
    longest_shift_s: float


class _Placed(NamedTuple):
    """A keyframe, its exact position in frames of the new rate, its new frame, and the curve's score there."""

    keyframe: Keyframe
    position: Fraction
    frame: int
    score: float


def rate_ratio(from_fps: float, to_fps: float, *, n_frames: int) -> Fraction:
    """How many frames of the one rate a frame of the other lasts: 2/3 from 24 to 16. 1 for one rate written twice."""
    if same_rate(from_fps, to_fps, n_frames=n_frames):
        return Fraction(1)
    return fps_fraction(to_fps) / fps_fraction(from_fps)


def n_frames_needed(plan: KeyframePlan, *, fps: float) -> int:
    """The fewest frames at `fps` that last as long as the plan."""
    return math.ceil(plan.n_frames * rate_ratio(plan.fps, fps, n_frames=plan.n_frames))


def fit_plan(
    plan: KeyframePlan,
    *,
    fps: float,
    n_frames: int,
    curve: MotionCurve | None = None,
    fingerprint: dict | None = None,
) -> FittedPlan:
    """The plan at another rate and length: every keyframe at the frame nearest to its time (`timebase.frame_at`).

    Of keyframes that fall on one frame the stronger one stays: frame 0, then locked or with a prompt or image, manual,
    peak, valley, fill; of equals the one with the higher score of the curve, then the one nearer to its time, then the
    earlier one. A keyframe that was put on a strike of the curve goes where the strike is, not where its frame was
    rounded to. curve: of the plan, or None. fingerprint: of the sound at its new length. Raises PlanError when fewer
    than 2 keyframes are left.
    """
    ratio = rate_ratio(plan.fps, fps, n_frames=plan.n_frames)
    struck = {} if curve is None else _struck_positions(curve)
    together: dict[int, list[_Placed]] = {}
    beyond = []
    for keyframe in plan.keyframes:
        on_strike = keyframe.kind == "peak" and keyframe.source != EDIT
        own = struck.get(keyframe.frame, keyframe.frame) if on_strike else keyframe.frame
        position = own * ratio
        if position >= n_frames:
            beyond.append(keyframe)
            continue
        # the last frame may be shown until shortly after its keyframe's time, and is the nearest one there is
        frame = min(math.floor(position + Fraction(1, 2)), n_frames - 1)
        score = 0.0 if curve is None else float(curve.score[keyframe.frame])
        together.setdefault(frame, []).append(_Placed(keyframe, position, frame, score))
    groups = [sorted(group, key=_importance) for group in together.values()]
    stay = [group[0] for group in groups]
    if len(stay) < 2:
        raise PlanError(
            f"At {fps:g} fps and {n_frames} frames all keyframes fall on frame 0 or lie behind the end; set frames to "
            f"{n_frames_needed(plan, fps=fps)} or more, or place keyframes further apart."
        )
    return FittedPlan(
        plan=make_plan(
            [replace(one.keyframe, frame=one.frame) for one in stay],
            fps=fps,
            n_frames=n_frames,
            fingerprint=fingerprint,
            extra=plan.extra,
        ),
        merged=tuple((one.keyframe, group[0].keyframe) for group in groups for one in group[1:]),
        beyond=tuple(beyond),
        longest_shift_s=float(max(abs(one.keyframe.frame * ratio - one.frame) for one in stay))
        / fps,
    )


def _importance(placed: _Placed) -> tuple[int, float, Fraction, int]:
    """Sorts the keyframes of one frame, the one that stays first."""
    keyframe = placed.keyframe
    distance = abs(placed.position - placed.frame)
    role = "locked" if keyframe.is_kept and keyframe.frame else role_of(keyframe)
    return ROLES.index(role), -placed.score, distance, keyframe.frame


def _struck_positions(curve: MotionCurve) -> dict[int, Fraction]:
    """{frame: exact position, in frames} of the strongest strike of the curve on each frame."""
    positions: dict[int, Fraction] = {}
    for strike in sorted(curve.strikes or (), key=lambda one: (not one.clear, -one.strength)):
        frame = frame_at(strike.time_s, fps=curve.fps)
        positions.setdefault(frame, Fraction(strike.time_s) * fps_fraction(curve.fps))
    return positions


def fit_curve(
    curve: MotionCurve, *, fps: float, n_frames: int, fingerprint: dict | None = None
) -> MotionCurve:
    """The curve at another rate and length; its strikes keep their times.

    A new frame has the highest score of the frames nearest to it, so that a peak stays as high as it was; between two
    of them, at a higher rate, scores are interpolated. Behind the end of the curve they are 0.
    """
    ratio = float(rate_ratio(curve.fps, fps, n_frames=curve.n_frames))
    positions = np.arange(curve.n_frames) * ratio
    score = np.interp(np.arange(n_frames), positions, curve.score, right=0.0)
    inside = positions < n_frames
    # as in `fit_plan`: behind the time of the last frame it is the nearest one there is
    nearest = np.minimum(np.floor(positions[inside] + 0.5).astype(int), n_frames - 1)
    score[nearest] = 0.0
    np.maximum.at(score, nearest, curve.score[inside])
    return motion_curve(
        score, fps=fps, source=curve.source, fingerprint=fingerprint, strikes=curve.strikes
    )
