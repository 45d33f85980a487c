"""What the timeline editor shows beside the plan: outlines of curve and sound, and the frames to snap to.

It travels with every run, so its size is bounded: MAX_POINTS numbers for an outline, however long the clip.
"""

import json
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..keyframes.audio.beats import beat_frames
from ..keyframes.audio.onset import clip_onsets
from ..keyframes.curve import MotionCurve, Strike, strike_frames
from ..keyframes.peaks import find_peaks
from ..keyframes.plan import KeyframePlan
from ..keyframes.timebase import rounded_rate
from .style import Progress
from .waveform import waveform_extremes

MAX_POINTS = 16_384
POINTS_PER_FRAME = 8  # of a waveform: still an outline when one frame is 8 pixels wide
LOUDEST = 100  # the sample that is loudest; a quiet sound is drawn as large as a loud one


def plan_checksum(plan: KeyframePlan) -> str:
    """What of a plan is painted, as 8 hex digits: clip, sound, frames, and the names of the artist's own images where
    there are any. Locking a keyframe repaints nothing.

    planChecksum in js/editor/state/painted_keyframes.mjs is its mirror; tests/plan_checksums.json holds both.
    """
    painted = [rounded_rate(plan.fps), plan.n_frames, plan.frames, plan.fingerprint]
    images = [[keyframe.frame, keyframe.image] for keyframe in plan.keyframes if keyframe.image]
    if images:
        painted.append(images)
    text = json.dumps(painted, ensure_ascii=False, separators=(",", ":"))  # as JavaScript writes it
    return f"{zlib.crc32(text.encode()):08x}"


def curve_outline(curve: MotionCurve) -> dict[str, list]:
    """{"curve": scores with 3 decimals, "curve_peaks": frames} of a MotionCurve, and its strikes if it has them.

    The strikes come as by `strike_outline`. One score per frame; of a clip longer than MAX_POINTS frames the highest of
    each of MAX_POINTS equal stretches.
    """
    score = curve.score
    if len(score) > MAX_POINTS:
        starts = np.arange(MAX_POINTS) * len(score) // MAX_POINTS
        score = np.maximum.reduceat(score, starts)
    outline = {
        "curve": np.round(score, 3).tolist(),
        "curve_peaks": find_peaks(curve.score)[0].tolist(),
    }
    if curve.strikes is not None:
        outline |= strike_outline(curve.strikes, n_frames=curve.n_frames, fps=curve.fps)
    return outline


def strike_outline(strikes: Iterable[Strike], *, n_frames: int, fps: float) -> dict[str, list[int]]:
    """{"onsets": frames of clear strikes, "candidates": frames of weaker ones}, ascending, no frame twice."""
    strikes = list(strikes)
    clear = strike_frames(strikes, n_frames=n_frames, fps=fps, clear=True)
    candidates = strike_frames(strikes, n_frames=n_frames, fps=fps, clear=False)
    return {"onsets": sorted(clear), "candidates": sorted(set(candidates) - set(clear))}


def sound_outline(
    samples: np.ndarray,
    sample_rate: int,
    *,
    n_frames: int,
    fps: float,
    preroll: np.ndarray | None = None,
    on_step: Progress | None = None,
) -> dict[str, Any]:
    """{"peaks": {"min", "max"}, "onsets", "candidates" and "beats": frames} of a clip's sound, samples (C, N).

    onsets are the frames of clear strikes, candidates those of weaker ones; preroll as in `find_onsets`.

    The waveform's ints lie in -LOUDEST..LOUDEST, POINTS_PER_FRAME per frame, MAX_POINTS at most.
    on_step(n_done, n_steps) is called now and then and may raise to cancel. Raises AudioError as `check_audio` does.
    """
    n_points = min(POINTS_PER_FRAME * n_frames, MAX_POINTS)
    extremes = waveform_extremes(samples, n_points)
    extremes *= LOUDEST / (np.abs(extremes).max() or 1.0)
    low, high = np.round(extremes).astype(int).T
    found = clip_onsets(
        samples, sample_rate, n_frames=n_frames, fps=fps, preroll=preroll, on_step=on_step
    )
    return {
        "peaks": {"min": low.tolist(), "max": high.tolist()},
        **strike_outline(found.strikes, n_frames=n_frames, fps=fps),
        "beats": beat_frames(found, n_frames=n_frames, fps=fps, on_step=on_step),
    }
