"""The localizer network: how much moves at each frame, as it was learned from videos.

The network hears 2 s at a time. A longer clip is heard in windows of 2 s, a new one every second; where they overlap,
what they say is averaged, a moment counting the more the nearer it is to the middle of a window, because the network
knows what comes before and after it there. Windows are blended as the network gives them and the whole clip is then
brought to 0..1: the network was trained on curves normalised within their own 2 s (published-model g.2), so it
tells what stands out nearby, and says little about how one part of a long sound compares with another.

Where there is no sound to hear, the network still answers, and its answer means nothing: there the curve stays at 0.
"""

from dataclasses import dataclass

import comfy.model_patcher
import numpy as np

from ...errors import KeyVIDError
from ...keyframes.audio.checks import check_audio
from ...keyframes.audio.fingerprint import fingerprint
from ...keyframes.audio.onset_strength import frames_near_sound
from ...keyframes.curve import motion_curve, normalise
from ...keyframes.timebase import check_n_frames, fps_fraction, n_samples_at
from ...models.build import build_localizer
from ...models.checkpoint.checkpoint import open_checkpoint, refuse_kind
from ...models.checkpoint.layouts import LOCALIZER
from ...models.encoders.mel import CLIP_S, SAMPLE_RATE, resample_to_16k, waveform_to_mel
from ..audio import mixed_down
from .patcher import comfy_layers, patched, run_patched

# from one window to the next: every moment but the first and last second is heard twice
STEP_S = 1.0
SOURCE = "network"


@dataclass(frozen=True)
class LoadedLocalizer:
    """What travels on a KEYVID_LOCALIZER socket: the network in ComfyUI's hands."""

    patcher: comfy.model_patcher.ModelPatcher

    @property
    def n_scores(self):
        """Scores per window, evenly spread over its 2 s."""
        return self.patcher.model.config.n_scores

    @property
    def mel_size(self):
        """The bands and columns of the mel that the network hears."""
        tower = self.patcher.model.config.tower
        return {"n_bins": tower.n_bins, "n_columns": tower.n_columns}


def load_localizer(path):
    """The LoadedLocalizer of a weight file. Raises CheckpointError when the file is no localizer or does not fit."""
    checkpoint = open_checkpoint(path)
    if checkpoint.kind != LOCALIZER:
        refuse_kind(checkpoint, "a localizer", "Choose the file of a localizer.")
    return LoadedLocalizer(patched(build_localizer(checkpoint, **comfy_layers())))


def network_curve(localizer, samples, sample_rate, *, n_frames, fps, on_step=None):
    """The MotionCurve that a LoadedLocalizer hears in a sound of n_frames frames at fps.

    samples: (C, N) float, sample_rate in Hz. on_step(n_done, n_steps) is called after every window and may raise to
    cancel. The lowest score of the clip is 0, the highest 1; frames further than NEAR_SOUND_S from any sound are 0.
    Raises KeyVIDError when there is no localizer, AudioError.
    """
    if not isinstance(localizer, LoadedLocalizer):
        raise KeyVIDError(
            "The method network needs a localizer, but none is connected. Connect Load Localizer, or choose the "
            "method onset, which needs no file."
        )
    check_n_frames(n_frames)
    check_audio(samples, sample_rate)
    n_samples = max(1, n_samples_at(n_frames, fps=fps, sample_rate=sample_rate))
    clip = np.asarray(samples)[:, :n_samples]
    near_sound = frames_near_sound(clip, sample_rate, n_frames=n_frames, fps=fps)
    score = np.zeros(n_frames)
    if near_sound.any():
        heard = resample_to_16k(mixed_down(samples), sample_rate)  # (1, N)
        per_frame = localizer.n_scores / float(CLIP_S * fps_fraction(fps))
        scores = _blended_scores(localizer, heard, round(n_frames * per_frame), on_step)
        at_frames = np.interp(np.arange(n_frames) * per_frame, np.arange(len(scores)), scores)
        score[near_sound] = normalise(at_frames[near_sound])
    return motion_curve(
        score,
        fps=fps,
        source=SOURCE,
        fingerprint=fingerprint(samples, sample_rate, n_frames=n_frames),
    )


def window_starts(n_scores, *, window, step):
    """Where windows of `window` scores start so that they cover n_scores, one every `step`, the last at the end."""
    if n_scores <= window:
        return [0]
    return [*range(0, n_scores - window, step), n_scores - window]


def _blended_scores(localizer, heard, n_scores, on_step):
    """The first n_scores or more scores for sound (1, N) at 16 kHz, float64; the network gives its n_scores per 2 s."""
    window = localizer.n_scores
    per_second = window / CLIP_S
    starts = window_starts(n_scores, window=window, step=round(STEP_S * per_second))
    weight = np.minimum(np.arange(1, window + 1), np.arange(window, 0, -1)).astype(np.float64)
    total, weights = np.zeros(starts[-1] + window), np.zeros(starts[-1] + window)
    for n_done, start in enumerate(starts, start=1):
        span = slice(start, start + window)
        total[span] += weight * _scores_of_window(localizer, heard, start / per_second)
        weights[span] += weight
        if on_step is not None:
            on_step(n_done, len(starts))
    return total / weights


def _scores_of_window(localizer, heard, start_s):
    start = round(start_s * SAMPLE_RATE)
    mel = waveform_to_mel(
        heard[:, start : start + round(CLIP_S * SAMPLE_RATE)], **localizer.mel_size
    )
    scores = run_patched(localizer.patcher, mel[None])  # (1, n_scores)
    return scores[0].double().cpu().numpy()
