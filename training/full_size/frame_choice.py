"""Which frames of a clip are trained on, as the published training loaders choose them (published-model f, g.5, h.2).

Clips have 48 frames at 24 per second here, the grid on which the frame index counts. The published loaders take frames
of the video's own rate and round their times to that grid.
"""

from typing import NamedTuple

import numpy as np

from ...keyframes.curve import motion_curve
from ...keyframes.fill_gaps import largest_remainder
from ...keyframes.peaks import SMOOTHING, find_keypoints
from ...keyframes.published_selection import even_steps, last_step, peaks_and_valleys
from ...keyframes.select import select_keyframes
from ...keyframes.timebase import FPS, N_FRAMES

PUBLISHED = "published"
CHOICES = (PUBLISHED, "strongest", "released", "paper", "uniform")
INTERPOLATOR_STEPS = (1, 2)  # frames between two of the interpolator's, each as likely


class FrameChoice(NamedTuple):
    """frames: int (T,), of the clip's 48. fps: the frame rate that the network is told. given: bool (T,), which of
    them the interpolator is given as keyframes; none for the generator."""

    frames: list[int]
    fps: int
    given: list[bool]


def generator_frames(
    curve: np.ndarray | None,
    rng: np.random.Generator,
    *,
    count: int,
    keyframe_ratio: float,
    keyframes: str,
) -> FrameChoice:
    """`count` frames of a clip for the keyframe generator: selected ones at keyframe_ratio, else the first ones.

    curve: float (48,) in 0..1; None is enough where keyframes is "uniform" or the ratio is 0.
    """
    if rng.random() < keyframe_ratio:
        frames = selected_frames(curve, rng, count=count, keyframes=keyframes)
        steps = strides(frames)
    else:
        frames = list(range(count))
        steps = strides(frames)[1:]  # published: without the first one here
    return FrameChoice(frames, told_fps(steps), [False] * count)


def interpolator_frames(
    curve: np.ndarray | None, rng: np.random.Generator, *, count: int, keyframes: str
) -> FrameChoice:
    """`count` neighbouring frames, or every second, for the interpolator; given are those that are among keyframes
    selected for this purpose, and where that is at most one, the first and the last (published-model f)."""
    step = int(rng.choice(INTERPOLATOR_STEPS))
    frames = [i * step for i in range(count)]
    selected = set(selected_frames(curve, rng, count=count, keyframes=keyframes))
    given = [frame in selected for frame in frames]
    if sum(given) <= 1:
        given = [i in (0, count - 1) for i in range(count)]
    return FrameChoice(frames, told_fps(strides(frames)), given)


def whole_clip(
    curve: np.ndarray | None, rng: np.random.Generator, *, count: int, keyframes: str
) -> FrameChoice:
    """All 48 frames, `count` keyframes of them given, at 24 fps: what the interpolator is asked for when it is used."""
    selected = set(selected_frames(curve, rng, count=count, keyframes=keyframes))
    return FrameChoice(list(range(N_FRAMES)), int(FPS), [i in selected for i in range(N_FRAMES)])


def selected_frames(
    curve: np.ndarray | None, rng: np.random.Generator, *, count: int, keyframes: str
) -> list[int]:
    """`count` keyframes of a clip, ascending, 0 first. keyframes: "published" is the rule of the published training,
    the others are those of Select Keyframes; "uniform" looks at no curve."""
    if keyframes == "uniform":
        return [i * N_FRAMES // count for i in range(count)]
    if curve is None:
        raise ValueError("A clip without a motion curve has no keyframes to select.")
    seed = int(rng.integers(2**31))
    if keyframes == PUBLISHED:
        # published: of raw motion, whose size depends on how it was measured; here it is in 0..1, as when generating
        keypoints = find_keypoints(curve, smoothing=SMOOTHING)
        generator = np.random.RandomState(seed)
        return training_frames(keypoints, count=count, fps=FPS, numpy_generator=generator)
    plan = select_keyframes(
        motion_curve(curve.astype(np.float64), fps=FPS, source="motion"),
        strategy=keyframes,
        count=count,
        selection_seed=seed,
    )
    return [keyframe.frame for keyframe in plan.keyframes]


def training_frames(
    keypoints: np.ndarray, *, count: int, fps: float, numpy_generator: np.random.RandomState
) -> list[int]:
    """Frames as the published training loader selects them from a window of 2 s (published-model g.5).

    keypoints: (n,) of that window, of smoothed motion. Returns a sorted list of `count` frames. A frame may come twice
    when the last anchor is before frame `count`: the published loader does not prevent it.
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


def _training_anchors(
    keypoints: np.ndarray, count: int, fps: float, numpy_generator: np.random.RandomState
) -> list[int]:
    peaks, valleys = peaks_and_valleys(keypoints)
    if not len(peaks) or peaks.tolist() == [0]:
        return [0, last_step(len(keypoints), fps)]
    n_peaks = min(count // 2, len(peaks))
    chosen = numpy_generator.choice(peaks, n_peaks, replace=False).tolist()
    if 0 not in chosen:
        chosen.insert(0, 0)
    anchors = set(chosen)
    # neighbours in the order drawn, not in time: the published loader pairs before it sorts
    for a, b in zip(chosen, chosen[1:], strict=False):
        between = valleys[(a < valleys) & (valleys < b)]
        if len(between):
            anchors.add(int(numpy_generator.choice(between, 1)[0]))
        else:
            anchors.add((a + b) // 2)
    anchors.update(valleys[-1:].tolist())
    return sorted(anchors)


def condition_frames(frames: list[int], *, fps: float) -> list[int]:
    """Frames at `fps` as frame indices of the 24 fps grid the networks were trained on (half to even)."""
    return [round(frame * FPS / fps) for frame in frames]


def strides(frames: list[int], *, first: float | None = None) -> list[float]:
    """Steps from each condition frame to the one before, as the published loaders list them.

    frames: as condition_frames gives them. The first keyframe has none before it: `first` is used there
    (inference: round(24 / 6)), by default the first step is repeated (training).
    """
    steps = np.diff(frames).tolist()
    return [float(step) for step in [steps[0] if first is None else first, *steps]]


def told_fps(steps: list[float]) -> int:
    """The fps condition of frames that are so many frames apart: the mean of int(24 / step), cut to a whole number
    (published-model h.2)."""
    return int(np.mean([int(FPS / max(step, 1)) for step in steps]))
