"""The localizer network: a motion score for each frame, learned from videos.

The network reads 2 s of audio at a time. A longer clip is cut into windows of 2 s, a new one every second; where they
overlap, their scores are averaged, with weights that fall from the middle of a window to its ends, because near the
ends the network lacks what comes before or after. Windows are blended as the network gives them and the whole clip is
then scaled to 0..1: the network was trained on curves normalised within their own 2 s (published-model g.2), so it
shows what stands out nearby, and shows little of how one part of a long clip compares with another.

The network also scores silence, and these scores mean nothing: there the curve stays at 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import comfy.model_patcher
import numpy as np
import torch

from ...errors import KeyVIDError
from ...keyframes.audio.checks import check_audio
from ...keyframes.audio.combined import combined_curve
from ...keyframes.audio.fingerprint import fingerprint_of_checked
from ...keyframes.audio.onset import onset_curve
from ...keyframes.audio.onset_strength import frames_near_sound
from ...keyframes.curve import MotionCurve, Strike, motion_curve, normalise
from ...keyframes.peaks import PROMINENCE, find_peaks
from ...keyframes.timebase import check_n_frames, fps_fraction, n_samples_at, time_at
from ...models.build import build_localizer
from ...models.checkpoint.checkpoint import open_checkpoint, refuse_kind
from ...models.checkpoint.layouts import LOCALIZER
from ...models.encoders.mel import CLIP_S, SAMPLE_RATE, resample_to_16k, waveform_to_mel
from ..audio import mixed_down
from .patcher import comfy_layers, patched, run_patched

# from one window to the next: all but the first and last second is in two windows
STEP_S = 1.0
SOURCE = "network"


@dataclass(frozen=True)
class LoadedLocalizer:
    """The payload of a KEYVID_LOCALIZER socket: the network in ComfyUI's ModelPatcher."""

    patcher: comfy.model_patcher.ModelPatcher

    @property
    def n_scores(self) -> int:
        """Scores per window, evenly spaced over its 2 s."""
        return self.patcher.model.config.n_scores

    @property
    def mel_size(self) -> dict[str, int]:
        """The bands and columns of the mel that the network reads."""
        tower = self.patcher.model.config.tower
        return {"n_bins": tower.n_bins, "n_columns": tower.n_columns}


def load_localizer(path: str) -> LoadedLocalizer:
    """The LoadedLocalizer of a weight file. Raises CheckpointError when the file is not a localizer that fits."""
    checkpoint = open_checkpoint(path)
    if checkpoint.kind != LOCALIZER:
        refuse_kind(checkpoint, "a localizer", "Choose the file of a localizer.")
    return LoadedLocalizer(patched(build_localizer(checkpoint, **comfy_layers())))


def network_curve(
    localizer: LoadedLocalizer | None,
    samples: np.ndarray,
    sample_rate: int,
    *,
    n_frames: int,
    fps: float,
    on_step: Callable[[int, int], None] | None = None,
) -> MotionCurve:
    """The MotionCurve of a localizer for audio of n_frames frames at fps.

    samples: (C, N) float, sample_rate in Hz. on_step(n_done, n_steps) is called after every window
    and may raise to cancel. The lowest score of the clip is 0, the highest 1; frames further than
    onset_strength.NEAR_SOUND_S from any sound are 0. Raises KeyVIDError when there is no localizer, AudioError.
    """
    if not isinstance(localizer, LoadedLocalizer):
        raise KeyVIDError(
            "This method needs a localizer, but none is connected. Connect Load Localizer, or choose the "
            "method onset, which needs no file."
        )
    check_n_frames(n_frames)
    check_audio(
        samples, sample_rate
    )  # as the other methods do, which training and evaluation call too
    n_samples = max(1, n_samples_at(n_frames, fps=fps, sample_rate=sample_rate))
    clip = np.asarray(samples)[:, :n_samples]
    near_sound = frames_near_sound(clip, sample_rate, n_frames=n_frames, fps=fps)
    score = np.zeros(n_frames)
    if near_sound.any():
        mono = resample_to_16k(mixed_down(samples), sample_rate)  # (1, N)
        per_frame = localizer.n_scores / float(CLIP_S * fps_fraction(fps))
        scores = _blended_scores(localizer, mono, round(n_frames * per_frame), on_step)
        at_frames = np.interp(np.arange(n_frames) * per_frame, np.arange(len(scores)), scores)
        score[near_sound] = normalise(at_frames[near_sound])
    return motion_curve(
        score,
        fps=fps,
        source=SOURCE,
        fingerprint=fingerprint_of_checked(samples, n_frames=n_frames),
        strikes=_strikes(score, fps=fps),
    )


def onset_network_curve(
    localizer: LoadedLocalizer | None,
    samples: np.ndarray,
    sample_rate: int,
    *,
    n_frames: int,
    fps: float,
    sensitivity: float,
    preroll: np.ndarray | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> MotionCurve:
    """The `combined_curve` of both methods; parameters and errors are those of `network_curve` and `onset_curve`."""
    clip = {"n_frames": n_frames, "fps": fps, "on_step": on_step}
    network = network_curve(
        localizer, samples, sample_rate, **clip
    )  # first: its file may be missing
    onset = onset_curve(samples, sample_rate, sensitivity=sensitivity, preroll=preroll, **clip)
    return combined_curve(onset, network)


def _strikes(score: np.ndarray, *, fps: float) -> list[Strike]:
    """The peaks of a score (n_frames,), however close together: the prominent ones as clear strikes."""
    frames, prominences = find_peaks(score, distance=1, prominence=0.0)
    return [
        Strike(time_at(frame, fps=fps), min(1.0, prominence), prominence >= PROMINENCE)
        for frame, prominence in zip(frames.tolist(), prominences.tolist(), strict=True)
        if prominence > 0
    ]


def window_starts(n_scores: int, *, window: int, step: int) -> list[int]:
    """The starts of windows of `window` scores that cover n_scores: one every `step`, the last one at the end."""
    if n_scores <= window:
        return [0]
    return [*range(0, n_scores - window, step), n_scores - window]


def _blended_scores(
    localizer: LoadedLocalizer,
    mono: torch.Tensor,
    n_scores: int,
    on_step: Callable[[int, int], None] | None,
) -> np.ndarray:
    """At least n_scores scores, float64, of audio (1, N) at 16 kHz; the network gives localizer.n_scores per 2 s."""
    window = localizer.n_scores
    per_second = window / CLIP_S
    starts = window_starts(n_scores, window=window, step=round(STEP_S * per_second))
    weight = np.minimum(np.arange(1, window + 1), np.arange(window, 0, -1)).astype(np.float64)
    total, weights = np.zeros(starts[-1] + window), np.zeros(starts[-1] + window)
    for n_done, start in enumerate(starts, start=1):
        span = slice(start, start + window)
        total[span] += weight * _scores_of_window(localizer, mono, start / per_second)
        weights[span] += weight
        if on_step is not None:
            on_step(n_done, len(starts))
    return total / weights


def _scores_of_window(localizer: LoadedLocalizer, mono: torch.Tensor, start_s: float) -> np.ndarray:
    """The scores (n_scores,) of the 2 s that start at start_s seconds, float64."""
    start = round(start_s * SAMPLE_RATE)
    mel = waveform_to_mel(
        mono[:, start : start + round(CLIP_S * SAMPLE_RATE)], **localizer.mel_size
    )
    scores = run_patched(localizer.patcher, mel[None])  # (1, n_scores)
    return scores[0].double().cpu().numpy()
