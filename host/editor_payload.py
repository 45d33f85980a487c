"""What Edit Keyframes hands to its editor in the browser: the plan, what to draw behind it, and the sound to play."""

import hashlib
import os

import numpy as np
from comfy_api.latest import io
from comfy_execution.utils import get_executing_context

from ..keyframes.plan_document import plan_to_document
from ..preview.editor import curve_outline, sound_outline
from ..preview.wav import write_wav
from .files import temp_file_named
from .running_node import progress_steps

MAX_PLAYED_S = 600.0  # a browser keeps a sound as 32-bit samples: ten minutes of stereo are 230 MB
N_KEPT = 8

_outlines = {}  # of the last sounds, by their content: each edit runs the node again, with the sound it had before


def editor_ui(*, prediction, plan=None, notice="", error="", curve=None, audio=None):
    """The ui dict of Edit Keyframes: what its editor knows beyond the text in its widget.

    prediction, plan: KeyframePlans, plan None if the edit does not fit; then `error` says why. curve: a MotionCurve.
    audio: (samples (C, N), sample rate in Hz). Cancel leaves nothing half done.
    """
    shown = {
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
        "beats": [],
        "audio": None,
        "audio_notice": "",
    }
    if curve is not None:
        shown |= curve_outline(curve)
    if audio is not None:
        shown |= _heard(*audio, n_frames=prediction.n_frames, fps=prediction.fps)
    return {"keyvid_edit": [shown]}


def show_now(ui):
    """Shows a ui dict in the node that runs, which is about to fail: ComfyUI shows those of successful runs only."""
    from server import PromptServer  # late: it belongs to a running server, and tests have none

    server = getattr(PromptServer, "instance", None)
    context = get_executing_context()
    if server is None or context is None or server.client_id is None:
        return
    message = {
        "node": context.node_id,
        "display_node": context.node_id,
        "output": ui,
        "prompt_id": context.prompt_id,
    }
    server.send_sync("executed", message, server.client_id)


def _heard(samples, sample_rate, *, n_frames, fps):
    """The part of the editor's payload that comes from the sound."""
    digest = _digest(samples, sample_rate)
    key = (digest, n_frames, fps)
    outline = _outlines.pop(key, None) or sound_outline(
        samples, sample_rate, n_frames=n_frames, fps=fps, on_step=progress_steps()
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
    return {**outline, "audio": _saved_sound(samples, sample_rate, digest)}


def _digest(samples, sample_rate):
    """A name for a sound that another sound does not have."""
    found = hashlib.blake2b(f"{samples.shape} {sample_rate}".encode(), digest_size=12)
    found.update(np.ascontiguousarray(samples))
    return found.hexdigest()


def _saved_sound(samples, sample_rate, digest):
    """The sound in the temp folder, as ComfyUI's /view asks for it; written once, for its name tells its content."""
    filename = f"keyvid_sound_{digest}.wav"
    path = temp_file_named(filename)
    if not os.path.isfile(path):
        write_wav(path + ".partial", samples, sample_rate)
        os.replace(path + ".partial", path)
    return {"filename": filename, "subfolder": "", "type": io.FolderType.temp.value}
