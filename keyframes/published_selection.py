"""The keyframe selectors of the published code, draw for draw, and the one of the paper.

Written from a description of their behaviour, quirks included, and checked against recorded
outputs. They take keypoints (n,) of +1, -1, 0 and explicit generators; nothing global is touched.
Given 48 frames and 12 keyframes they do what the published model was sampled and trained with;
other lengths and counts scale the two constants: at most count // 2 peaks, and one keyframe step before the end.
"""

import numpy as np

from .fill_gaps import fill_in_proportion

KEYFRAME_FPS = 6.0  # keyframes per second of the published models: 12 in 2 s


def published_frames(keypoints, *, count, fps, numpy_generator, python_generator):
    """Frames as the published inference code selects them.

    keypoints: (n,), of the whole clip. numpy_generator: numpy RandomState; python_generator: random.Random.
    Returns: sorted list of `count` unique frames, 0 first. The tail after the last peak or valley is reached
    only when gaps were too narrow for what they were given.
    """
    n_frames = len(keypoints)
    anchors = _released_anchors(keypoints, count, fps, numpy_generator)
    filled = _fill_by_chance(anchors, count, python_generator)
    frames = sorted(set(filled))[:count]
    if len(frames) < count:
        unused = sorted(set(range(n_frames)) - set(frames))
        more = numpy_generator.choice(unused, count - len(frames), replace=False)
        frames = sorted([*frames, *more.tolist()])
    return frames


def _released_anchors(keypoints, count, fps, numpy_generator):
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


def _fill_by_chance(anchors, count, python_generator):
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


def paper_frames(keypoints, *, count, numpy_generator):
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


def peaks_and_valleys(keypoints):
    keypoints = np.asarray(keypoints)
    return np.flatnonzero(keypoints == 1), np.flatnonzero(keypoints == -1)


def last_step(n_frames, fps):
    return min(max(n_frames - round(fps / KEYFRAME_FPS), 1), n_frames - 1)


def even_steps(a, b, n_fills):
    return [int(frame) for frame in np.linspace(a, b, n_fills + 1, endpoint=False)[1:]]
