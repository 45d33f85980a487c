"""The keyframe selectors of the published code, draw for draw, and the one of the paper.

Written from a description of their behaviour, quirks included, and checked against recorded
outputs. They take keypoints (n,) of +1, -1, 0 and explicit generators; nothing global is touched.
Given 48 frames and 12 keyframes they do what the published model was sampled and trained with;
other lengths and counts scale the two constants: at most count // 2 peaks, and one keyframe step before the end.
"""

import numpy as np

from .spread import fill_in_proportion, largest_remainder
from .timebase import FPS

CLIP_S = 2.0  # seconds the published selectors look at
KEYFRAME_FPS = 6.0  # keyframes per second of the published models: 12 in 2 s


def released_frames(keypoints, *, count, fps, numpy_generator, python_generator):
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
    peaks, valleys = _peaks_and_valleys(keypoints)
    if not len(peaks):
        return [0, _last_step(len(keypoints), fps)]
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
        frames += _even_steps(a, b, n_fills)
        left -= n_fills
    return frames


def training_frames(keypoints, *, count, fps, numpy_generator):
    """Frames as the published training loader selects them from a window of CLIP_S seconds.

    keypoints: (n,) of that window, of smoothed, unnormalised measured motion.
    Returns: sorted list of `count` frames. A frame may come twice when the last anchor lies before frame `count`:
    the published loader does not prevent it.
    """
    anchors = _training_anchors(keypoints, count, fps, numpy_generator)
    frames = list(anchors)
    left = count - len(anchors)
    if left > 0:
        gaps = list(zip(anchors, anchors[1:], strict=False))
        shares = largest_remainder(left, [b - a for a, b in gaps])
        for (a, b), share in zip(gaps, shares, strict=True):
            frames += _even_steps(a, b, share)
    return sorted(frames)[:count]


def _training_anchors(keypoints, count, fps, numpy_generator):
    peaks, valleys = _peaks_and_valleys(keypoints)
    if not len(peaks) or peaks.tolist() == [0]:
        return [0, _last_step(len(keypoints), fps)]
    n_peaks = min(count // 2, len(peaks))
    chosen = numpy_generator.choice(peaks, n_peaks, replace=False).tolist()
    if 0 not in chosen:
        chosen.insert(0, 0)
    anchors = set(chosen)
    # neighbours in the order drawn, not in time: the loader pairs before it sorts
    for a, b in zip(chosen, chosen[1:], strict=False):
        between = valleys[(a < valleys) & (valleys < b)]
        if len(between):
            anchors.add(int(numpy_generator.choice(between, 1)[0]))
        else:
            anchors.add((a + b) // 2)
    anchors.update(valleys[-1:].tolist())
    return sorted(anchors)


def paper_frames(keypoints, *, count, numpy_generator):
    """Frames by Algorithm 1 of arXiv 2504.09656: the first frame, up to count // 2 - 1 peaks drawn at random,
    a valley drawn between each two of these, and the rest in proportion to the gaps, the tail included.

    keypoints: (n,). Returns: sorted list of `count` unique frames, 0 first.
    """
    peaks, valleys = _peaks_and_valleys(keypoints)
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


def condition_frames(frames, *, fps):
    """Frames at `fps` as frame indices of the 24 fps grid the networks were trained on (half to even)."""
    return [round(frame * FPS / fps) for frame in frames]


def strides(frames, *, first=None):
    """Steps from each condition frame to the one before, as the published loaders list them.

    frames: as condition_frames gives them. The first keyframe has none before it: `first` stands there
    (inference: round(24 / 6)), by default the first step is repeated (training).
    """
    steps = np.diff(frames).tolist()
    return [float(step) for step in [steps[0] if first is None else first, *steps]]


def _peaks_and_valleys(keypoints):
    keypoints = np.asarray(keypoints)
    return np.flatnonzero(keypoints == 1), np.flatnonzero(keypoints == -1)


def _last_step(n_frames, fps):
    return min(max(n_frames - round(fps / KEYFRAME_FPS), 1), n_frames - 1)


def _even_steps(a, b, n_fills):
    return [int(frame) for frame in np.linspace(a, b, n_fills + 1, endpoint=False)[1:]]
