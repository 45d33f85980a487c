"""From a motion curve to a plan: which frames become keyframes.

strongest: the artist's default, below. released and paper: `published_selection.py`. uniform: equal steps. first_last:
frame 0 and the last frame. All but first_last give exactly `count` keyframes, frame 0 first, for any curve.
"""

import random

import numpy as np

from ..errors import SelectionError
from .curve import MotionCurve, strike_frames
from .fill_gaps import fill_gaps
from .peaks import PEAK_DISTANCE, PROMINENCE, find_keypoints, find_peaks, find_valleys
from .plan import Keyframe, KeyframePlan, make_plan
from .published_selection import paper_frames, published_frames
from .timebase import N_FRAMES
from .values import is_whole, shown

STRATEGIES = ("strongest", "released", "paper", "uniform", "first_last")
T_K = 12  # keyframes of the published models in N_FRAMES frames (arXiv 2504.09656)


def default_count(n_frames: int) -> int:
    """How many keyframes a clip has unless another number is given: 12 per 48 frames, half up, at least 2."""
    return min(max((2 * T_K * n_frames + N_FRAMES) // (2 * N_FRAMES), 2), n_frames)


def select_keyframes(
    curve: MotionCurve,
    *,
    strategy: str = "strongest",
    count: int | None = None,
    selection_seed: int = 0,
    distance: int = PEAK_DISTANCE,
    prominence: float = PROMINENCE,
) -> KeyframePlan:
    """A KeyframePlan with `count` keyframes for a MotionCurve.

    count: 2 to n_frames, by default default_count; first_last has 2 and does not look at it. selection_seed: whole
    number from 0 for released and paper, whose draws are their own and repeat exactly. distance in frames and
    prominence of a peak or valley; strongest takes the strikes of a curve that has them, however close together. A
    keyframe's kind says what is there: a peak of the curve or a strike, a valley, or neither (fill).
    Raises SelectionError.
    """
    if strategy not in STRATEGIES:
        raise SelectionError(
            f"There is no strategy {shown(strategy)}; choose one of {', '.join(STRATEGIES)}."
        )
    count = 2 if strategy == "first_last" else _checked_count(count, curve.n_frames)
    thresholds = {"distance": distance, "prominence": prominence}
    keypoints = find_keypoints(curve.score, **thresholds)
    if strategy == "strongest" and curve.strikes is not None:
        struck = strike_frames(curve.strikes, n_frames=curve.n_frames, fps=curve.fps)
    else:
        struck = peaks_by_prominence(curve.score, **thresholds)
    if strategy == "strongest":
        frames = strongest_frames(curve.score, struck, count=count, **thresholds)
    elif strategy == "released":
        numpy_generator, python_generator = generators(selection_seed)
        frames = published_frames(
            keypoints,
            count=count,
            fps=curve.fps,
            numpy_generator=numpy_generator,
            python_generator=python_generator,
        )
    elif strategy == "paper":
        numpy_generator, _ = generators(selection_seed)
        frames = paper_frames(keypoints, count=count, numpy_generator=numpy_generator)
    elif strategy == "uniform":
        frames = [i * curve.n_frames // count for i in range(count)]
    else:
        frames = [0, curve.n_frames - 1]
    keypoints[struck] = 1
    kinds = {1: "peak", -1: "valley", 0: "fill"}
    return make_plan(
        [
            Keyframe(frame, kinds[int(keypoints[frame])] if frame else "first", source=strategy)
            for frame in frames
        ],
        fps=curve.fps,
        n_frames=curve.n_frames,
        fingerprint=curve.fingerprint,
    )


def strongest_frames(
    score: np.ndarray,
    peaks: list[int],
    *,
    count: int,
    distance: int = PEAK_DISTANCE,
    prominence: float = PROMINENCE,
) -> list[int]:
    """Frames by importance: frame 0, then peaks, then valleys, then fills, until there are `count`.

    peaks: frames where something strikes, the strongest first (`strike_frames` or `peaks_by_prominence`). Only where
    room is left, one valley of the score (n,) between each two neighbouring peaks (frame 0 counts as one) is added,
    the most prominent first; the rest fills the widest gaps, the tail included. Deterministic: of equals the earlier
    one. Returns a sorted list.
    """
    chosen = [frame for frame in peaks if frame > 0][: count - 1]
    anchors = [0, *sorted(chosen)]
    candidates = _by_prominence(*find_valleys(score, distance=distance, prominence=prominence))
    # a valley belongs to the pair of peaks whose earlier one comes last before it
    pairs = np.searchsorted(anchors, candidates) - 1
    used = {len(anchors) - 1}  # after the last peak there is no pair
    valleys = []
    for frame, pair in zip(candidates, pairs.tolist(), strict=True):
        if len(anchors) + len(valleys) == count:
            break
        if pair not in used and frame not in anchors:
            used.add(pair)
            valleys.append(frame)
    return fill_gaps(sorted([*anchors, *valleys]), count, n_frames=len(score))


def peaks_by_prominence(
    score: np.ndarray, *, distance: int = PEAK_DISTANCE, prominence: float = PROMINENCE
) -> list[int]:
    """The frames of the peaks of a score (n,), those at its very end among them, the most prominent first."""
    return _by_prominence(*find_peaks(score, distance=distance, prominence=prominence))


def generators(selection_seed: int) -> tuple[np.random.RandomState, random.Random]:
    """A numpy RandomState and a random.Random of their own, from a seed of up to 64 bits and more."""
    if not is_whole(selection_seed) or selection_seed < 0:
        raise SelectionError(
            f"The selection seed is {shown(selection_seed)}; give a whole number from 0 up."
        )
    # RandomState takes 32 bits; a longer seed becomes several words, so that no two seeds are the same
    words = [
        selection_seed >> shift & 0xFFFFFFFF for shift in range(0, selection_seed.bit_length(), 32)
    ]
    numpy_seed = words if len(words) > 1 else selection_seed
    return np.random.RandomState(numpy_seed), random.Random(selection_seed)


def _by_prominence(frames: np.ndarray, prominences: np.ndarray) -> list[int]:
    """The frames, the most prominent first; of equals the earlier one."""
    return frames[np.lexsort((frames, -prominences))].tolist()


def _checked_count(count: int | None, n_frames: int) -> int:
    if count is None:
        return default_count(n_frames)
    if not is_whole(count):
        raise SelectionError(
            f"The count is {shown(count)}; give a whole number of keyframes, such as 12."
        )
    if not 2 <= count <= n_frames:
        raise SelectionError(
            f"A count of {shown(count)} keyframes does not fit a clip of {n_frames} frames; "
            f"give a count from 2 to {n_frames}"
            + (", or a longer clip." if count > n_frames else ".")
        )
    return count
