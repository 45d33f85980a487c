"""A sound's curve and a video's in one: the strikes stay the sound's, the video says what else moves, and how much."""

import numpy as np

from ...errors import CurveError
from ..curve import MotionCurve, Strike, check_curve, motion_curve
from ..peaks import find_peaks
from ..timebase import distinct_texts, frame_at, same_rate, time_at
from ..values import shown

NEAR = 2  # frames from a strike to a peak of the video that is the same movement


def blended_curve(sound: MotionCurve, video: MotionCurve, *, weight: float) -> MotionCurve:
    """The MotionCurve (1 - weight) * sound + weight * video, frame by frame; both of one clip. weight: from 0 to 1.

    Strikes of the sound stay at their times, clear ones clear, with the strength (1 - weight) s + weight m, where m is
    the video's score on its frame or the ones beside it, the highest. A peak of the video further than NEAR frames from
    every strike is a candidate of the strength weight * prominence. With weight 0 it is the sound's curve. A sound's
    curve without strikes gives one without strikes. Fingerprint and frame rate are the sound's.
    Raises CurveError when one is no curve, the two are not of one length and rate, or the weight is out of range.
    """
    for curve in (sound, video):
        check_curve(curve)
    _check_same_clip(sound, video)
    if not (isinstance(weight, (int, float)) and 0 <= weight <= 1):
        raise CurveError(f"The weight is {shown(weight)}; give a number from 0 to 1.")
    score = (1 - weight) * sound.score + weight * video.score
    strikes = None if sound.strikes is None else _strikes(sound, video, weight)
    return motion_curve(
        np.clip(score, 0, 1),
        fps=sound.fps,
        source=f"{sound.source} + {video.source}",
        fingerprint=sound.fingerprint,
        strikes=strikes,
    )


def _strikes(sound: MotionCurve, video: MotionCurve, weight: float) -> list[Strike]:
    strikes = [
        Strike(
            strike.time_s,
            (1 - weight) * strike.strength + weight * _moving_at(video, strike.time_s),
            strike.clear,
        )
        for strike in sound.strikes or ()
    ]
    if weight == 0:
        return strikes
    struck = np.array([frame_at(strike.time_s, fps=sound.fps) for strike in strikes])
    for frame, prominence in zip(*map(np.ndarray.tolist, find_peaks(video.score)), strict=True):
        if not len(struck) or np.abs(struck - frame).min() > NEAR:
            strikes.append(
                Strike(time_at(frame, fps=sound.fps), weight * min(1.0, prominence), clear=False)
            )
    return strikes


def _moving_at(video: MotionCurve, time_s: float) -> float:
    """The highest score of the video on the frame of a time and the two beside it."""
    frame = min(frame_at(time_s, fps=video.fps), video.n_frames - 1)
    return float(video.score[max(0, frame - 1) : frame + 2].max())


def _check_same_clip(sound: MotionCurve, video: MotionCurve) -> None:
    n_frames = sound.n_frames
    if n_frames != video.n_frames or not same_rate(sound.fps, video.fps, n_frames=n_frames):
        of_sound, of_video = distinct_texts(sound.fps, video.fps)
        raise CurveError(
            f"The sound's curve has {n_frames} frames at {of_sound} fps but the video's has {video.n_frames} at "
            f"{of_video} fps. Connect fps and frames of the same Clip Audio to both nodes that made them."
        )
