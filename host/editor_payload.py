"""The payload of Edit Keyframes for its editor in the browser: plan, curve and waveform to draw, audio to play."""

import hashlib
import os
from typing import Any

import numpy as np
from comfy_api.v0_0_2 import io

from ..keyframes.audio.beats import BEATS
from ..keyframes.curve import MotionCurve
from ..keyframes.plan import KeyframePlan
from ..keyframes.plan_document import plan_to_document
from ..preview.editor import curve_outline, sound_outline
from ..preview.wav import write_wav
from .files import temp_file_named, writing
from .payloads import UI
from .running_node import progress_steps

MAX_PLAYED_S = 600.0  # a browser keeps audio as 32-bit samples: ten minutes of stereo are 230 MB
N_KEPT = 8

# {(digests of the audio and of its preroll, n_frames, fps): outline} of the last N_KEPT: each edit runs the node again,
# with the same audio
_outlines: dict[tuple[str, str | None, int, float], dict[str, Any]] = {}


def editor_ui(
    *,
    prediction: KeyframePlan,
    plan: KeyframePlan | None = None,
    notice: str = "",
    error: str = "",
    curve: MotionCurve | None = None,
    audio: tuple[np.ndarray, int] | None = None,
    preroll: np.ndarray | None = None,
) -> UI:
    """The ui dict of Edit Keyframes: what its editor knows beyond the text in its widget.

    plan: the prediction with the edit applied; None if the edit does not fit, and `error` says why. audio: samples
    (C, N) and their rate in Hz; preroll: the samples (C, M) before them, if known. Cancel leaves nothing half done.
    """
    shown: dict[str, Any] = {
        "prediction": plan_to_document(prediction),
        "plan": None if plan is None else plan_to_document(plan),
        "notice": notice,
        "error": error,
        "n_frames": prediction.n_frames,
        "fps": prediction.fps,
        "curve": None,
        "curve_peaks": [],
        "peaks": None,
        "onsets": [],
        "candidates": [],
        "beats": [],
        "audio": None,
        "audio_notice": "",
    }
    if audio is not None:
        shown |= _audio_part(*audio, preroll, n_frames=prediction.n_frames, fps=prediction.fps)
    if curve is not None:
        outline = curve_outline(curve)
        if curve.source == BEATS and curve.strikes is not None:
            # its strikes are the beats, at the tempo that was chosen
            outline["beats"] = sorted(outline.pop("onsets") + outline.pop("candidates"))
        shown |= outline  # over the audio's: the strikes that the plan was selected from
    return {"keyvid_edit": [shown]}


def _audio_part(
    samples: np.ndarray,
    sample_rate: int,
    preroll: np.ndarray | None,
    *,
    n_frames: int,
    fps: float,
) -> dict[str, Any]:
    """The part of the editor's payload that comes from the audio."""
    digest = _digest(samples, sample_rate)
    key = (digest, None if preroll is None else _digest(preroll, sample_rate), n_frames, fps)
    outline = _outlines.pop(key, None) or sound_outline(
        samples,
        sample_rate,
        n_frames=n_frames,
        fps=fps,
        preroll=preroll,
        on_step=progress_steps(),
    )
    _outlines[key] = outline  # the latest last
    while len(_outlines) > N_KEPT:
        del _outlines[next(iter(_outlines))]
    length_s = samples.shape[1] / sample_rate
    if length_s > MAX_PLAYED_S:
        notice = (
            f"The editor plays sounds of up to {MAX_PLAYED_S / 60:.0f} minutes; this one lasts "
            f"{length_s / 60:.1f}. Listen to it with Timing Preview."
        )
        return {**outline, "audio_notice": notice}
    return {**outline, "audio": _saved_audio(samples, sample_rate, digest)}


def _digest(samples: np.ndarray, sample_rate: int) -> str:
    """A hash of the audio and its rate, in hexadecimal."""
    found = hashlib.blake2b(f"{samples.shape} {sample_rate}".encode(), digest_size=12)
    found.update(np.ascontiguousarray(samples).data)
    return found.hexdigest()


def _saved_audio(samples: np.ndarray, sample_rate: int, digest: str) -> dict[str, str]:
    """A WAV in the temp folder, as ComfyUI's /view asks for it; written once, since its name is its content's hash."""
    filename = f"keyvid_sound_{digest}.wav"
    path = temp_file_named(filename)
    if not os.path.isfile(path):
        with writing(filename, path + ".partial"):
            write_wav(path + ".partial", samples, sample_rate)
            os.replace(path + ".partial", path)
    return {"filename": filename, "subfolder": "", "type": io.FolderType.temp.value}
