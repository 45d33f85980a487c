"""Fills: keyframes on no event, which keep the steps between the others short.

Everything here is deterministic. A gap runs from one keyframe to the next; the last one runs from the
last keyframe to the end of the clip, `n_frames`, so that the tail of a clip is filled too.
"""

import heapq
from collections.abc import Iterable, Sequence

import numpy as np

TOLERANCE = 2  # frames: two events no further apart than this are the same event, shifted


def fill_gaps(anchors: Sequence[int], count: int, *, n_frames: int) -> list[int]:
    """`count` frames: the anchors and fills that keep the longest step as short as possible.

    Each fill goes to the gap whose steps are longest at that moment (the earlier of two equal ones), and the
    fills of a gap are evenly spaced. anchors: ascending frames, at most `count`. Returns a sorted list.
    """
    ends = [*anchors, n_frames]
    widths = [b - a for a, b in zip(ends, ends[1:], strict=False)]
    n_fills = [0] * len(widths)
    queue: list[tuple[float, int]] = [(-width, gap) for gap, width in enumerate(widths)]
    heapq.heapify(queue)
    for _ in range(count - len(anchors)):
        _, gap = queue[0]
        n_fills[gap] += 1
        heapq.heapreplace(queue, (-widths[gap] / (n_fills[gap] + 1), gap))
    return with_fills(ends, n_fills)


def fill_in_proportion(anchors: Sequence[int], count: int, *, n_frames: int) -> list[int]:
    """`count` frames: the anchors and fills shared out in proportion to the gaps (arXiv 2504.09656, Algorithm 1).

    Largest remainder decides what is left, ties going to the earlier gap; what does not fit into a gap is shared
    out again among the others. anchors: ascending frames, at most `count`. Returns a sorted list.
    """
    ends = [*anchors, n_frames]
    widths = [b - a for a, b in zip(ends, ends[1:], strict=False)]
    n_fills = [0] * len(widths)
    left = count - len(anchors)
    while left:
        open_gaps = [gap for gap, width in enumerate(widths) if n_fills[gap] < width - 1]
        shares = largest_remainder(left, [widths[gap] for gap in open_gaps])
        for gap, share in zip(open_gaps, shares, strict=True):
            fits = min(share, widths[gap] - 1 - n_fills[gap])
            n_fills[gap] += fits
            left -= fits
    return with_fills(ends, n_fills)


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """`total` shared out as whole numbers in proportion to integer weights; ties go to the earlier weight."""
    weight_sum = sum(weights)
    shares = [total * weight // weight_sum for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % weight_sum))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def with_fills(ends: Sequence[int], n_fills: Sequence[int]) -> list[int]:
    """The frames of `ends` but its last, with n_fills[i] evenly spaced ones between ends[i] and ends[i + 1]."""
    frames = []
    for a, b, k in zip(ends, ends[1:], n_fills, strict=False):
        frames += [a + j * (b - a) // (k + 1) for j in range(k + 1)]
    return frames


def roomiest_frame(
    frames: Sequence[int],
    *,
    n_frames: int,
    removed: Iterable[int] = (),
    skipped: Iterable[int] = (),
) -> int | None:
    """The free frame farthest from its neighbours: the middle of the widest gap. None if there is no free frame.

    Considered are the free frames farther than TOLERANCE from all that are removed or skipped; if there are none, those
    neither removed nor skipped; else those not removed; else all. Of frames equally far from the nearer of their
    neighbours the one in the wider gap wins, then the earlier one.
    frames: ascending, with 0 first; `n_frames` counts as the last neighbour.
    """
    ends = np.array([*frames, n_frames])
    candidates = np.setdiff1d(np.arange(n_frames), ends)
    if not len(candidates):
        return None
    avoided = np.array([*removed, *skipped], dtype=np.int64)
    near = {f + shift for f in avoided.tolist() for shift in range(-TOLERANCE, TOLERANCE + 1)}
    for banned in (list(near), avoided, list(removed)):
        allowed = candidates[~np.isin(candidates, banned)]
        if len(allowed):
            candidates = allowed
            break
    after = np.searchsorted(ends, candidates)
    before_gap, after_gap = candidates - ends[after - 1], ends[after] - candidates
    room = np.minimum(before_gap, after_gap)
    # lexsort is stable and sorts by its last key first
    return int(candidates[np.lexsort((-(before_gap + after_gap), -room))[0]])
