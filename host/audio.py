"""ComfyUI's AUDIO socket <-> plain samples."""

import math
from collections.abc import Mapping

import numpy as np
import torch

from ..errors import AudioError
from ..keyframes.audio.checks import check_audio
from ..keyframes.timebase import check_n_frames, n_samples_at, told_apart

_FULL_SCALE_BITS = 32  # the widest whole numbers that sounds are kept in; of wider ones nobody knows the full scale
_LOUDEST = 100.0  # 40 dB over full scale: no sound that is only too loud comes near it
_LOAD = "Load it with Load Audio, or convert it first."


def samples_of(audio):
    """The samples of an AUDIO socket as numpy float32 (n_channels, n_samples), and its sample rate in Hz.

    Whole numbers are scaled by their type. Raises AudioError with a remedy when nothing usable is connected.
    """
    if isinstance(
        audio, (torch.Tensor, np.ndarray)
    ):  # an index by name would mean something to them
        raise _no_sound(audio)
    try:  # other packs hand over lazy mappings, so ask for the keys instead of looking at the type
        waveform, sample_rate = audio["waveform"], audio["sample_rate"]
    except (TypeError, KeyError, IndexError, AttributeError):
        raise _no_sound(audio) from None
    if waveform is None:
        raise _no_sound(None)
    sounds = float_samples(waveform)
    if len(sounds) != 1:
        raise AudioError(
            f"The audio input holds a batch of {len(sounds)} sounds; connect one sound at a time."
        )
    sample_rate = plain_rate(sample_rate)
    check_audio(sounds[0], sample_rate)
    _check_scaled(sounds[0])
    return sounds[0], int(sample_rate)


def _check_scaled(samples):
    """Raises AudioError where whole-number samples became floats and nobody divided them by their full scale."""
    peak = max(float(samples.max()), -float(samples.min()))
    if peak > _LOUDEST:
        raise AudioError(
            f"The samples of the sound reach {peak:g}, and full scale is 1: they are probably whole numbers that were "
            "turned into floats without being scaled. Divide them by 32768 (16 bit), or load the sound with Load Audio."
        )


def float_samples(waveform):
    """A waveform as numpy float32 (batch, channels, samples), from -1 to 1 where whole numbers came.

    waveform: a tensor, an array, or lists of them or of numbers, of any real type. Whole numbers are PCM: they are
    divided by the full scale of their type, unsigned ones after their middle was taken off. Raises AudioError for
    everything else, and for another shape.
    """
    samples = _real(waveform)
    if samples.ndim != 3:
        raise AudioError(
            f"The sound has shape {samples.shape}; ComfyUI's audio is (batch, channels, samples). "
            "Load it with Load Audio."
        )
    return samples


def plain_rate(sample_rate):
    """A sample rate in Hz as a plain number, where it came as text, or as a tensor or an array that holds just one.

    What is no number is handed back as it is, for `check_audio` to refuse; several numbers raise AudioError.
    """
    if isinstance(sample_rate, (torch.Tensor, np.ndarray)):
        shape = tuple(sample_rate.shape)
        if math.prod(shape) != 1 or getattr(sample_rate, "is_meta", False):
            raise AudioError(
                f"The sound's sample rate is an array of shape {shape}; it must be one number, such as 44100. {_LOAD}"
            )
        return sample_rate.item()
    if isinstance(sample_rate, str):
        try:
            return float(sample_rate)
        except ValueError:
            return sample_rate
    return sample_rate


def _no_sound(audio):
    if audio is None:
        return AudioError(
            "There is no sound on the audio input. Connect Load Audio, or a video that has a soundtrack."
        )
    return AudioError(
        f"There is no sound on the audio input but {_named(audio)}; a sound has a waveform and a sample_rate. Connect "
        "Load Audio, or a video that has a soundtrack."
    )


def _named(value):
    """What a value is, in words."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return f"an array of shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"a list of length {len(value)}"
    if isinstance(value, Mapping):
        return f"a dictionary of {', '.join(map(repr, list(value)[:6])) or 'nothing'}"
    return f"a value of the kind {type(value).__name__}"


def _real(waveform):
    """A tensor, an array, or lists of them, as numpy float32 of the same shape. Raises AudioError."""
    if isinstance(waveform, torch.Tensor):
        return _scaled(_array_of(waveform))
    if isinstance(waveform, (list, tuple)) and any(map(_is_array, waveform)):
        parts = [_real(part) for part in waveform]
        if len({part.shape for part in parts}) != 1:
            raise _ragged(waveform)
        return np.stack(parts)
    if not (isinstance(waveform, (list, tuple)) or hasattr(waveform, "__array__")):
        raise AudioError(
            f"The sound's waveform is {_named(waveform)}, which holds no samples; ComfyUI's audio is floats in "
            f"(batch, channels, samples). {_LOAD}"
        )
    try:
        samples = np.asarray(waveform)
    except ValueError:  # lists of different lengths
        raise _ragged(waveform) from None
    return _scaled(samples)


def _is_array(value):
    """Whether a part of a list is to be converted by itself: numpy does not know every type of PyTorch's."""
    is_list = isinstance(value, (list, tuple))
    return any(map(_is_array, value)) if is_list else hasattr(value, "__array__")


def _array_of(tensor):
    if tensor.is_meta:
        raise AudioError(
            f"The sound's waveform has a shape, {tuple(tensor.shape)}, but no samples in it (it lies on PyTorch's "
            "device meta). Run again, or connect another sound."
        )
    if tensor.is_nested or tensor.is_quantized or tensor.layout != torch.strided:
        raise AudioError(
            "The sound's waveform is kept in a packed form (sparse, nested or quantized), which is no usable sound. "
            + _LOAD
        )
    tensor = tensor.detach().cpu().resolve_neg()
    return (tensor.float() if tensor.is_floating_point() else tensor.resolve_conj()).numpy()


def _scaled(samples):
    """Samples of any type as float32. Raises AudioError for what is no PCM."""
    kind, bits = samples.dtype.kind, samples.dtype.itemsize * 8
    if kind == "f":
        with np.errstate(over="ignore"):  # what becomes infinite is found by check_audio
            return samples.astype(np.float32, copy=False)
    if kind not in "iu" or bits > _FULL_SCALE_BITS:
        what = {"b": "true and false", "c": "complex numbers"}.get(
            kind, f"whole numbers of {bits} bits" if kind in "iu" else "no numbers"
        )
        raise AudioError(
            f"The samples of the sound are {what}; give floats from -1 to 1, or whole numbers of 8, 16 or 32 bits. "
            + _LOAD
        )
    full_scale = float(2 ** (bits - 1))
    scaled = samples.astype(np.float32)
    if kind == "u":
        scaled -= full_scale
    scaled /= full_scale
    return scaled


def _ragged(waveform):
    return AudioError(
        f"The sound's waveform is a list of {len(waveform)} pieces of different lengths; all channels of a sound must "
        f"be equally long. {_LOAD}"
    )


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
        seconds = samples.shape[1] / sample_rate, n_expected / sample_rate
        found, expected = told_apart(*seconds, (".2f", ".4f"))
        raise AudioError(
            f"The sound lasts {found} s but {n_frames} frames at {fps:g} fps last {expected} s. Connect the audio "
            "output of the same Clip Audio node."
        )
    return samples, sample_rate


def mixed_down(samples):
    """All channels of a sound (C, N) as one, (1, N), for networks that hear only the first.

    The published code hears the left channel of a stereo sound (published-model d.1), which may be silent where the
    artist hears a strike.
    """
    return samples.mean(axis=0, keepdims=True)
