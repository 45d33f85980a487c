"""Which image of a plan guides which frame of a video model, and how strongly."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from ...errors import PlanError
from ..plan import Keyframe, KeyframePlan
from ..timebase import distinct_texts, same_rate
from ..values import shown
from .model_grid import GRIDS, Grid

# what a strength is given for, the most important first; frame 0 is "first" whether it is locked or not
ROLES = ("first", "locked", "manual", "peak", "valley", "fill")
STRONGEST = 10.0  # of ComfyUI's LTXVAddGuide


class Guide(NamedTuple):
    """The image `number` (from 0, in the order of the plan) at `frame`. strength: 1 keeps it as it is."""

    number: int
    frame: int
    strength: float


def role_of(keyframe: Keyframe) -> str:
    """Which of ROLES a keyframe has: first at frame 0, else locked if it is, else its kind."""
    return "locked" if keyframe.locked and keyframe.frame else keyframe.kind


def guides_of(plan: KeyframePlan, strengths: Mapping[str, float]) -> list[Guide]:
    """A Guide for every keyframe whose role has a strength above 0, in order of time.

    strengths: {role: 0 to STRONGEST} for each of ROLES. Raises PlanError for another value.
    """
    for role in ROLES:
        value = strengths[role]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (is_number and 0 <= value <= STRONGEST and math.isfinite(value)):
            raise PlanError(
                f"The strength {role} is {shown(value)}; give a number from 0 (no guide) over 1 (the image is kept "
                f"as it is) to {STRONGEST:g}."
            )
    guides = [
        Guide(number, keyframe.frame, float(strengths[role_of(keyframe)]))
        for number, keyframe in enumerate(plan.keyframes)
    ]
    return [guide for guide in guides if guide.strength > 0]


def check_on_grid(plan: KeyframePlan, grid_name: str, *, model: str) -> None:
    """Raises PlanError unless the plan is as long as a video of one of GRIDS. model: its name in the message."""
    grid = GRIDS[grid_name]
    if not grid.has(plan.n_frames):
        raise PlanError(
            f"The plan has {plan.n_frames} frames, and {model} makes videos of {grid.name}, such as "
            f"{_neighbours(grid, plan.n_frames)}. Put Fit Plan To Model before this node and choose {model} there."
        )


def check_same_length(plan: KeyframePlan, n_frames: int) -> None:
    """Raises PlanError unless a latent of `n_frames` frames is exactly as long as the plan."""
    if n_frames != plan.n_frames:
        raise PlanError(
            f"The latent is {n_frames} frames long and the plan {plan.n_frames}, so keyframes would not be where they "
            "belong. Wire the frames output of Fit Plan To Model into the length of the empty latent, and its plan "
            "into this node."
        )


def check_same_rate(plan: KeyframePlan, fps: float, *, name: str = "conditioning") -> None:
    """Raises PlanError unless a conditioning's frame rate is the plan's. name: of the conditioning in the message."""
    if not (math.isfinite(fps) and fps > 0 and same_rate(fps, plan.fps, n_frames=plan.n_frames)):
        theirs, ours = distinct_texts(fps, plan.fps)
        raise PlanError(
            f"The {name} is for {theirs} frames per second and the plan for {ours}. Wire the fps output of Fit "
            "Plan To Model, or of Plan Info, into frame_rate of LTXV Conditioning."
        )


def _neighbours(grid: Grid, n_frames: int) -> str:
    return " or ".join(map(str, grid.neighbours(n_frames)))
