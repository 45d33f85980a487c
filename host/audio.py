"""ComfyUI's AUDIO socket <-> plain samples."""

import numpy as np
import torch

from ..keyframes.audio import check_audio
from ..keyframes.errors import AudioError
from ..keyframes.timebase import check_n_frames, n_samples_at


def samples_of(audio):
    """The samples of an AUDIO socket as numpy float32 (n_channels, n_samples), and its sample rate in Hz.

    Raises AudioError with a remedy when nothing usable is connected.
    """
    try:  # other packs hand over lazy mappings, so ask for the keys instead of looking at the type
        waveform, sample_rate = audio["waveform"], audio["sample_rate"]
        waveform = waveform.detach()
    except (TypeError, KeyError, IndexError, AttributeError):
        raise AudioError(
            "There is no sound on the audio input. Connect Load Audio, or a video that has a soundtrack."
        ) from None
    if waveform.ndim != 3:
        raise AudioError(
            f"The sound has shape {tuple(waveform.shape)}; ComfyUI's audio is (batch, channels, samples). "
            "Load it with Load Audio."
        )
    if len(waveform) != 1:
        raise AudioError(
            f"The audio input holds a batch of {len(waveform)} sounds; connect one sound at a time."
        )
    samples = waveform[0].to(device="cpu", dtype=torch.float32).numpy()  # (C, N)
    check_audio(samples, sample_rate)
    return samples, int(sample_rate)


def audio_of(samples, sample_rate):
    """An AUDIO socket payload from samples (n_channels, n_samples)."""
    waveform = torch.from_numpy(
        np.array(samples, dtype=np.float32)
    )  # a copy: the input stays untouched
    return {"waveform": waveform.unsqueeze(0), "sample_rate": sample_rate}


def clip_samples_of(audio, *, n_frames, fps):
    """Like `samples_of`, for a sound that must last `n_frames` frames at `fps`, to within one frame.

    Raises AudioError naming both lengths when the sound is another clip's.
    """
    check_n_frames(n_frames)
    samples, sample_rate = samples_of(audio)
    n_expected = n_samples_at(n_frames, fps=fps, sample_rate=sample_rate)
    if abs(samples.shape[1] - n_expected) * fps >= sample_rate:
        raise AudioError(
            f"The sound lasts {samples.shape[1] / sample_rate:.2f} s but {n_frames} frames at {fps:g} fps last "
            f"{n_expected / sample_rate:.2f} s. Connect the audio output of the same Clip Audio node."
        )
    return samples, sample_rate


def mixed_down(samples):
    """All channels of a sound (C, N) as one, (1, N), for networks that hear only the first.

    The published code hears the left channel of a stereo sound (published-model d.1), which may be silent where the
    artist hears a strike.
    """
    return samples.mean(axis=0, keepdims=True)
