"""How the published training loader selects keyframes and makes labels, for comparison with recorded outputs.

The pack never trains the published model; what it shares with this code (`published_selection`) is compared through it.
"""

import numpy as np
from keyvid_pack.keyframes.fill_gaps import largest_remainder
from keyvid_pack.keyframes.published_selection import even_steps, last_step, peaks_and_valleys
from keyvid_pack.keyframes.timebase import FPS

CLIP_S = 2.0  # seconds the published selectors look at


def training_frames(keypoints, *, count, fps, numpy_generator):
    """Frames as the published training loader selects them from a window of CLIP_S seconds.

    keypoints: (n,) of that window, of smoothed, unnormalised measured motion.
    Returns: sorted list of `count` frames. A frame may come twice when the last anchor is before frame `count`:
    the published loader does not prevent it.
    """
    anchors = _training_anchors(keypoints, count, fps, numpy_generator)
    frames = list(anchors)
    left = count - len(anchors)
    if left > 0:
        gaps = list(zip(anchors, anchors[1:], strict=False))
        shares = largest_remainder(left, [b - a for a, b in gaps])
        for (a, b), share in zip(gaps, shares, strict=True):
            frames += even_steps(a, b, share)
    return sorted(frames)[:count]


def _training_anchors(keypoints, count, fps, numpy_generator):
    peaks, valleys = peaks_and_valleys(keypoints)
    if not len(peaks) or peaks.tolist() == [0]:
        return [0, last_step(len(keypoints), fps)]
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


def condition_frames(frames, *, fps):
    """Frames at `fps` as frame indices of the 24 fps grid the networks were trained on (half to even)."""
    return [round(frame * FPS / fps) for frame in frames]


def strides(frames, *, first=None):
    """Steps from each condition frame to the one before, as the published loaders list them.

    frames: as condition_frames gives them. The first keyframe has none before it: `first` is used there
    (inference: round(24 / 6)), by default the first step is repeated (training).
    """
    steps = np.diff(frames).tolist()
    return [float(step) for step in [steps[0] if first is None else first, *steps]]


def resample(values, n_frames):
    """Values (n,) linearly resampled to (n_frames,), first and last value kept."""
    values = np.asarray(values, dtype=np.float64)
    return np.interp(np.linspace(0, len(values) - 1, n_frames), np.arange(len(values)), values)
