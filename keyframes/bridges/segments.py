"""A plan in segments from keyframe to keyframe, for models that make a video from a first and a last image."""

from collections.abc import Sequence
from typing import NamedTuple

from ...errors import PlanError
from ..plan import KeyframePlan
from ..text import there_are
from ..values import is_whole, shown
from .model_grid import Grid

TAILS = ("hold", "segment")
MULTIPLIERS = range(2, 17)  # of ComfyUI's node Run Frame Interpolation Model
FINENESS = (
    4  # interpolated frames per frame of the plan where no product of two multipliers fits exactly
)


class Segment(NamedTuple):
    """From frame `start` to frame `end` of the plan, both included. first, last: indices of the keyframes whose images
    it begins and ends with. n_frames: how many frames the model shall make, end - start + 1 or more."""

    start: int
    end: int
    first: int
    last: int
    n_frames: int


def plan_segments(
    plan: KeyframePlan, grid: Grid, *, shortest: int = 2, longest: int = 0, tail: str = TAILS[0]
) -> list[Segment]:
    """One segment per pair of neighbouring keyframes, in order of time.

    shortest and longest in frames bound what the model makes; longest 0 is no bound. tail: what is behind the last
    keyframe: "hold" makes no segment of it, "segment" one more, which begins and ends with the last image.
    Raises PlanError when a segment is longer than the model makes.
    """
    if tail not in TAILS:
        raise PlanError(f"There is no tail {shown(tail)}; choose one of {', '.join(TAILS)}.")
    for name, value in (("shortest", shortest), ("longest", longest)):
        if not is_whole(value) or value < 0:
            raise PlanError(
                f"The {name} segment is {shown(value)} frames; give a whole number from 0 up."
            )
    numbered = list(enumerate(plan.frames))
    pairs = [(a, b, i, j) for (i, a), (j, b) in zip(numbered, numbered[1:], strict=False)]
    end, last = plan.n_frames - 1, plan.count - 1
    if tail == "segment" and plan.frames[-1] < end:
        pairs.append((plan.frames[-1], end, last, last))
    segments = [
        Segment(a, b, i, j, grid.at_least(max(b - a + 1, shortest))) for a, b, i, j in pairs
    ]
    for number, segment in enumerate(segments, start=1):
        if longest and segment.n_frames > longest:
            raise PlanError(
                f"Segment {number}, from frame {segment.start} to {segment.end}, needs {segment.n_frames} frames of "
                f"the form {grid.name}, and the longest is set to {longest}. Place a keyframe in between in Edit "
                "Keyframes, raise the count in Select Keyframes, or set longest higher."
            )
    return segments


def joined_frames(plan: KeyframePlan, lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Which frame of which segment each frame of the plan is: (segment, frame of it), plan.n_frames of them.

    lengths: frames of the segments as they were made, in order. A segment longer than its part of the plan is thinned
    out evenly: its first and last frame stay on their keyframes. The frame where two segments meet is the first of the
    later one. Behind the last segment its last frame is held.
    Raises PlanError for another number of segments than `plan_segments` gives, or one with too few frames.
    """
    frames = plan.frames
    has_tail = len(lengths) == plan.count and frames[-1] < plan.n_frames - 1
    ends = [*frames, plan.n_frames - 1] if has_tail else frames
    if len(lengths) != len(ends) - 1:
        raise PlanError(
            f"{there_are(len(lengths), 'segment')}, but the plan needs {plan.count - 1}, one between every two of its "
            f"{plan.count} keyframes. Connect the same plan that went into Keyframe Segments, and every segment made "
            "of it."
        )
    joined = []
    for number, (length, start, end) in enumerate(zip(lengths, ends, ends[1:], strict=False)):
        gap = end - start
        if length < gap + 1:
            raise PlanError(
                f"Segment {number + 1} has {length} frames, but from frame {start} to {end} the plan needs "
                f"{gap + 1}. Make it that long, or place a keyframe in between in Edit Keyframes."
            )
        # floor(x + 1/2), in whole numbers
        joined += [(number, (2 * i * (length - 1) + gap) // (2 * gap)) for i in range(gap)]
    last = (len(lengths) - 1, lengths[-1] - 1)
    return joined + [last] * (plan.n_frames - len(joined))


def prompt_per_segment(
    segments: Sequence[Segment], prompts: Sequence[str], count: int
) -> list[str]:
    """The prompt of each segment.

    prompts: none: empty ones; one: for all; one per keyframe (`count`): that of the keyframe that the segment leads to;
    or one per segment. Raises PlanError for another number.
    """
    if len(prompts) <= 1:
        return [*(prompts or [""])] * len(segments)
    if len(prompts) == count:
        return [prompts[segment.last] for segment in segments]
    if len(prompts) == len(segments):
        return list(prompts)
    raise PlanError(
        f"There are {len(prompts)} prompts for {count} keyframes and {len(segments)} segments; give one for all, one "
        "per keyframe (Keyframe Prompts makes them), or one per segment."
    )


def multipliers(gap: int) -> tuple[int, int]:
    """By what two frame interpolations, one after the other, multiply a gap of `gap` frames, so that it can be filled.

    Two images become product + 1 frames. The product is the smallest multiple of the gap, so that every frame of the
    plan is one of them; where no product is one, the smallest with FINENESS frames per frame of the plan, so that none
    is farther from its time than an eighth of a frame; at most 16 * 16.
    """
    products = sorted((a * b, a, b) for a in MULTIPLIERS for b in MULTIPLIERS if a >= b)
    exact = (row for row in products if row[0] % gap == 0)
    fine = (row for row in products if row[0] >= FINENESS * gap)
    _, first, second = next(exact, None) or next(fine, None) or products[-1]
    return first, second


def segments_text(segments: Sequence[Segment], *, fps: float) -> str:
    """The segments in words, one a line."""
    return "\n".join(
        f"segment {number}: frame {one.start} to {one.end} ({(one.end - one.start) / fps:.2f} s), "
        f"{one.n_frames} frames to make"
        for number, one in enumerate(segments, start=1)
    )
