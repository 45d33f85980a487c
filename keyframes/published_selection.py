"""How the published inference code selects keyframes, draw for draw, and how the paper says it is done.

Written from a description of their behaviour, quirks included, and checked against recorded
outputs. They take keypoints (n,) of +1, -1, 0 and explicit generators; nothing global is touched.
Given 48 frames and 12 keyframes they do what the published model was sampled and trained with;
other lengths and counts scale the two constants: at most count // 2 peaks, and one keyframe step before the end.
"""

import random

import numpy as np

from .fill_gaps import fill_in_proportion

KEYFRAME_FPS = 6.0  # keyframes per second of the published models: 12 in 2 s


def published_frames(
    keypoints: np.ndarray,
    *,
    count: int,
    fps: float,
    numpy_generator: np.random.RandomState,
    python_generator: random.Random,
) -> list[int]:
    """Frames as the published inference code selects them.

    keypoints: (n,), of the whole clip. numpy_generator: numpy RandomState; python_generator: random.Random.
    Returns: sorted list of `count` unique frames, 0 first. The tail after the last peak or valley gets
    keyframes only when the gaps were too narrow for their fills.
    """
    n_frames = len(keypoints)
    anchors = _published_anchors(keypoints, count, fps, numpy_generator)
    filled = _fill_by_chance(anchors, count, python_generator)
    frames = sorted(set(filled))[:count]
    if len(frames) < count:
        unused = sorted(set(range(n_frames)) - set(frames))
        more = numpy_generator.choice(unused, count - len(frames), replace=False)
        frames = sorted([*frames, *more.tolist()])
    return frames


def _published_anchors(
    keypoints: np.ndarray, count: int, fps: float, numpy_generator: np.random.RandomState
) -> list[int]:
    """Frame 0, up to count // 2 peaks drawn at random, and a valley drawn between each two of these."""
    peaks, valleys = peaks_and_valleys(keypoints)
    if not len(peaks):
        return [0, last_step(len(keypoints), fps)]
    n_peaks = min(count // 2, len(peaks))
    chosen = sorted({0, *numpy_generator.choice(peaks, n_peaks, replace=False).tolist()})
    anchors = list(chosen)
    for a, b in zip(chosen, chosen[1:], strict=False):
        between = valleys[(a < valleys) & (valleys < b)]
        if len(between):
            anchors.append(int(numpy_generator.choice(between, 1)[0]))
    return sorted(anchors)


def _fill_by_chance(anchors: list[int], count: int, python_generator: random.Random) -> list[int]:
    """The anchors and fills: one for each gap with the probability of its share, all that are left for the last."""
    frames = list(anchors)
    left = count - len(anchors)
    if left <= 0:
        return frames
    gaps = list(zip(anchors, anchors[1:], strict=False))
    span = anchors[-1] - anchors[0]
    for i, (a, b) in enumerate(gaps):
        is_last = i == len(gaps) - 1
        if is_last and left:
            n_fills = left
        else:
            # drawn even when nothing is left, so that a shared generator stays in step
            n_fills = min(int(python_generator.random() < (b - a) / span), left)
        frames += even_steps(a, b, n_fills)
        left -= n_fills
    return frames


def paper_frames(
    keypoints: np.ndarray, *, count: int, numpy_generator: np.random.RandomState
) -> list[int]:
    """Frames by Algorithm 1 of arXiv 2504.09656: the first frame, up to count // 2 - 1 peaks drawn at random,
    a valley drawn between each two of these, and the rest in proportion to the gaps, the tail included.

    keypoints: (n,). Returns: sorted list of `count` unique frames, 0 first.
    """
    peaks, valleys = peaks_and_valleys(keypoints)
    peaks = peaks[peaks > 0]
    n_peaks = min(count // 2 - 1, len(peaks))
    chosen = [0]
    if n_peaks > 0:
        chosen += sorted(numpy_generator.choice(peaks, n_peaks, replace=False).tolist())
    anchors = list(chosen)
    for a, b in zip(chosen, chosen[1:], strict=False):
        between = valleys[(a < valleys) & (valleys < b)]
        if len(between):
            anchors.append(int(numpy_generator.choice(between, 1)[0]))
    return fill_in_proportion(sorted(anchors), count, n_frames=len(keypoints))


def peaks_and_valleys(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames of the peaks and of the valleys among keypoints (n,) of +1, -1, 0."""
    keypoints = np.asarray(keypoints)
    return np.flatnonzero(keypoints == 1), np.flatnonzero(keypoints == -1)


def last_step(n_frames: int, fps: float) -> int:
    """The frame one keyframe step before the end of a clip."""
    return min(max(n_frames - round(fps / KEYFRAME_FPS), 1), n_frames - 1)


def even_steps(a: int, b: int, n_fills: int) -> list[int]:
    """n_fills frames evenly between a and b, rounded down."""
    return [int(frame) for frame in np.linspace(a, b, n_fills + 1, endpoint=False)[1:]]
