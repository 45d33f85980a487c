"""Windows over a clip that is longer than a model's: which frames are painted together.

The published models know clips of 48 frames (2 s). A longer clip is painted in windows of that length which overlap:
keyframes that two windows share are denoised once, their predictions averaged at every step (MultiDiffusion,
arXiv 2302.08113, over time), so that the windows make one video. The frames between keyframes are painted window by
window; each begins and ends on a keyframe, which it shares with its neighbour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...errors import PlanError
from ..fill_gaps import fill_gaps
from ..timebase import N_FRAMES

# frames, at least, from the window's first frame, which is the artist's image, to its first keyframe: the pose of
# that image belongs to the beginning of the clip
LEAD = 4
# frames that a window of in-betweens sees beyond those it is kept for: what moves there goes on, not begins anew
CONTEXT = 6


@dataclass(frozen=True)
class PaintWindow:
    """What is painted together of a clip's keyframes.

    start: the frame of the clip that is the window's frame 0. frames: of the window, ascending, 0 first, as many as
    the model was trained on. keyframes: for each the number of the plan's keyframe, or None for a frame that is
    painted only because the model needs it (the first one is the artist's image). weights: how much each counts in
    the average with other windows, above 0.
    """

    start: int
    frames: tuple[int, ...]
    keyframes: tuple[int | None, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class FillWindow:
    """What is painted together of all frames of a clip.

    start: the frame of the clip that is the window's frame 0. first, end: the frames of the clip that are kept of it,
    first <= frame < end. frames: of the window, ascending, that are keyframes. keyframes: their numbers in the plan.
    """

    start: int
    first: int
    end: int
    frames: tuple[int, ...]
    keyframes: tuple[int, ...]


def paint_windows(
    frames: Sequence[int],
    *,
    n_frames: int,
    counts: Sequence[int],
    n_window: int = N_FRAMES,
) -> list[PaintWindow]:
    """The windows in which the keyframes of a long clip are painted; every keyframe is in one at least.

    frames: of the keyframes, ascending, 0 first. n_frames: of the clip, n_window at least. counts: how many
    keyframes the model was trained on in a clip of n_window frames. A window takes as many keyframes as it can reach,
    the next one begins a third of that earlier, and frames between them are added where there are too few.
    """
    return [
        _paint_window(frames, group, n_frames=n_frames, counts=counts, n_window=n_window)
        for group in _groups(frames, size=max(counts) - 1, reach=n_window - 1 - LEAD)
    ]


def fill_windows(
    frames: Sequence[int], *, n_frames: int, n_window: int = N_FRAMES
) -> list[FillWindow]:
    """The windows in which all frames of a long clip are painted; each frame is kept of exactly one.

    frames: of the keyframes, ascending, 0 first. n_frames: of the clip, n_window at least. Each window is kept from
    one keyframe to another, and sees CONTEXT frames more at both ends. Raises PlanError where two keyframes, or the
    last one and the end, are too far apart for one window.
    """
    windows, first = [], 0
    while first < n_frames:
        before = CONTEXT if first else 0
        end = _last_reached(frames, first, n_frames=n_frames, reach=n_window - before)
        start = min(max(first - before, 0), n_frames - n_window)
        inside = [i for i, frame in enumerate(frames) if start <= frame < start + n_window]
        windows.append(
            FillWindow(start, first, end, tuple(frames[i] - start for i in inside), tuple(inside))
        )
        first = end
    return windows


def _last_reached(frames: Sequence[int], first: int, *, n_frames: int, reach: int) -> int:
    """Where a window that begins at `first` ends: at the clip's end, or at the last keyframe that it reaches."""
    if n_frames - first <= reach:
        return n_frames
    ends = [frame for frame in frames if first < frame <= first + reach - CONTEXT]
    if ends:
        return ends[-1]
    after = next((frame for frame in frames if frame > first), n_frames)
    what = f"the end of the clip at {n_frames}" if after == n_frames else f"the next one at {after}"
    raise PlanError(
        f"Between the keyframe at frame {first} and {what} are {after - first} frames, but this model fills at most "
        f"{reach - CONTEXT} between two keyframes of a long clip; add a keyframe there, or set a larger count in "
        "Select Keyframes."
    )


def _groups(frames: Sequence[int], *, size: int, reach: int) -> Iterator[range]:
    """Numbers of keyframes that are painted together: at most `size`, the last at most `reach` frames after the first.

    Neighbouring groups share a third of `size`, or as many as can be. The first group is larger: its first keyframe
    is the artist's image, which other groups have beside their own.
    """
    first, last, end = 0, -1, len(frames) - 1
    while last < end:
        fits = (size, reach) if first else (size + 1, reach + LEAD)
        last = max(i for i in range(first, end + 1) if _fits(frames, first, i, *fits))
        if last == end:  # the last group reaches back as far as it can
            first = min(
                i for i in range(first + 1) if _fits(frames, i, last, size, reach) or i == first
            )
        yield range(first, last + 1)
        if last < end:
            first = max(first + 1, last + 1 - size // 3)
            while not _fits(frames, first, last + 1, size, reach):
                first += 1


def _fits(frames: Sequence[int], first: int, last: int, size: int, reach: int) -> bool:
    return last - first < size and frames[last] - frames[first] <= reach


def _paint_window(
    frames: Sequence[int], group: range, *, n_frames: int, counts: Sequence[int], n_window: int
) -> PaintWindow:
    first, last = frames[group[0]], frames[group[-1]]
    # what is heard before the first and after the last keyframe is shared out evenly
    before = max(LEAD, (n_window - 1 - (last - first) + 1) // 2)
    start = min(max(first - before, 0), n_frames - n_window)
    weight_of = {
        frames[i] - start: (i, float(weight))
        for i, weight in zip(group, _weights(group, len(frames)), strict=True)
    }
    if start == 0:
        weight_of.setdefault(0, (0, 1.0))
    painted = sorted({0, *weight_of})
    count = min(count for count in counts if count >= len(painted))
    painted = fill_gaps(painted, count, n_frames=n_window)
    members = [weight_of.get(frame, (None, 1.0)) for frame in painted]
    return PaintWindow(
        start,
        tuple(painted),
        tuple(number for number, _ in members),
        tuple(weight for _, weight in members),
    )


def _weights(group: range, n_keyframes: int) -> list[int]:
    """The weight of each keyframe of a group: most in the middle, for the model knows what is around it.

    Towards the clip's beginning and end there is no other group to give way to.
    """
    weights = []
    for i in group:
        left = len(group) if group[0] == 0 else i - group[0] + 1
        right = len(group) if group[-1] == n_keyframes - 1 else group[-1] - i + 1
        weights.append(min(left, right))
    return weights
