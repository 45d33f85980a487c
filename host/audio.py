"""ComfyUI's AUDIO socket <-> plain samples.

`samples_of` and `clip_samples_of` are where audio enters the pack: they check it once, and what they return can be
used without another check.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..errors import AudioError
from ..keyframes.audio.checks import check_audio
from ..keyframes.timebase import check_n_frames, distinct_texts, n_samples_at
from .payloads import Audio

# the widest whole numbers that audio is kept in; the full scale of wider ones is unknown
_FULL_SCALE_BITS = 32
_LOUDEST = 100.0  # 40 dB over full scale: audio that is only too loud stays far below it
_PREROLL = "keyvid_preroll"  # the key of an AUDIO payload that only Clip Audio sets
_N_SHARED = 1024  # samples of a clip by which its preroll is known to belong to it
_LOAD = "Load it with Load Audio, or convert it first."


def samples_of(audio: Audio | None) -> tuple[np.ndarray, int]:
    """The samples of an AUDIO socket as numpy float32 (C, N), and its sample rate in Hz.

    Whole numbers are scaled by their type. Raises AudioError with a remedy when nothing usable is connected.
    """
    # tensors and arrays take an index by name for something else than a key
    if audio is None or isinstance(audio, (torch.Tensor, np.ndarray)):
        raise _no_audio(audio)
    try:  # other packs hand over lazy mappings, so ask for the keys instead of looking at the type
        waveform, sample_rate = audio["waveform"], audio["sample_rate"]
    except (TypeError, KeyError, IndexError, AttributeError):
        raise _no_audio(audio) from None
    if waveform is None:
        raise _no_audio(None)
    batch = float_samples(waveform)  # (B, C, N)
    if len(batch) != 1:
        raise AudioError(
            f"The audio input holds a batch of {len(batch)} sounds; connect one sound at a time."
        )
    sample_rate = plain_rate(sample_rate)
    check_audio(batch[0], sample_rate)
    _check_scaled(batch[0])
    return batch[0], int(sample_rate)


def clip_samples_of(audio: Audio | None, *, n_frames: int, fps: float) -> tuple[np.ndarray, int]:
    """Like `samples_of`, for audio that must last `n_frames` frames at `fps`, to within one frame.

    Raises AudioError naming both lengths when the audio is another clip's.
    """
    check_n_frames(n_frames)
    samples, sample_rate = samples_of(audio)
    n_expected = n_samples_at(n_frames, fps=fps, sample_rate=sample_rate)
    if abs(samples.shape[1] - n_expected) * fps >= sample_rate:
        seconds = samples.shape[1] / sample_rate, n_expected / sample_rate
        found, expected = distinct_texts(*seconds, (".2f", ".4f"))
        raise AudioError(
            f"The sound lasts {found} s but {n_frames} frames at {fps:g} fps last {expected} s. Connect the audio "
            "output of the same Clip Audio node."
        )
    return samples, sample_rate


def audio_of(samples: np.ndarray, sample_rate: int, *, preroll: np.ndarray | None = None) -> Audio:
    """An AUDIO socket payload from samples (C, N) and their rate in Hz.

    preroll: the samples (C, M) just before them, for `preroll_of`; a node that makes other audio of it loses them.
    """
    waveform = torch.from_numpy(np.array(samples, dtype=np.float32))  # a copy, (C, N)
    audio = {"waveform": waveform.unsqueeze(0), "sample_rate": sample_rate}
    if preroll is not None:
        kept = {"samples": preroll, "before": samples[:, :_N_SHARED]}
        audio[_PREROLL] = {name: np.array(part, dtype=np.float32) for name, part in kept.items()}
        audio[_PREROLL]["sample_rate"] = sample_rate
    return audio


def preroll_of(audio: Audio | None, samples: np.ndarray, sample_rate: int) -> np.ndarray | None:
    """The samples (C, M) just before those of an AUDIO socket; None where they are not known.

    samples (C, N) and sample_rate: what `samples_of` gave for it. Another node may have copied what Clip Audio made and
    changed the waveform: then they are not what came before it, and are not used.
    """
    preroll = audio.get(_PREROLL) if isinstance(audio, Mapping) else None
    if not isinstance(preroll, Mapping) or preroll.get("sample_rate") != sample_rate:
        return None
    if not np.array_equal(preroll.get("before", ()), samples[:, :_N_SHARED]):
        return None
    return preroll["samples"]


def mixed_down(samples: Any) -> Any:
    """The mean of all channels, (1, N), of samples (C, N), for networks that read only the first channel.

    The published code takes the left channel of a stereo sound (published-model d.1), which may be silent where
    there is a strike on the right. samples: a tensor or an array, and so is the result.
    """
    return samples.mean(axis=0, keepdims=True)


def _check_scaled(samples: np.ndarray) -> None:
    """Raises AudioError where whole-number samples were turned into floats without division by their full scale."""
    peak = max(float(samples.max()), -float(samples.min()))
    if peak > _LOUDEST:
        raise AudioError(
            f"The samples of the sound reach {peak:g}, and full scale is 1: they are probably whole numbers that were "
            "turned into floats without being scaled. Divide them by 32768 (16 bit), or load the sound with Load Audio."
        )


def float_samples(waveform: Any) -> np.ndarray:
    """A waveform as numpy float32 (B, C, N); whole numbers are scaled to -1 to 1.

    waveform: a tensor, an array, or lists of them or of numbers, of any real type. Whole numbers are PCM: they are
    divided by the full scale of their type, unsigned ones after subtracting their middle. Raises AudioError for
    everything else, and for another shape.
    """
    samples = _real(waveform)
    if samples.ndim != 3:
        raise AudioError(
            f"The sound has shape {samples.shape}; ComfyUI's audio is (batch, channels, samples). "
            "Load it with Load Audio."
        )
    return samples


def plain_rate(sample_rate: Any) -> Any:
    """A sample rate in Hz as a plain number, if it came as text, or as a tensor or array of one number.

    Anything that is not a number is returned unchanged, for `check_audio` to refuse; several numbers raise AudioError.
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


def _no_audio(audio: Any) -> AudioError:
    if audio is None:
        return AudioError(
            "There is no sound on the audio input. Connect Load Audio, or a video that has a soundtrack."
        )
    return AudioError(
        f"There is no sound on the audio input but {_named(audio)}; a sound has a waveform and a sample_rate. Connect "
        "Load Audio, or a video that has a soundtrack."
    )


def _named(value: Any) -> str:
    """A value's kind and size, in words."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return f"an array of shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"a list of length {len(value)}"
    if isinstance(value, Mapping):
        return f"a dictionary of {', '.join(map(repr, list(value)[:6])) or 'nothing'}"
    return f"a value of the kind {type(value).__name__}"


def _real(waveform: Any) -> np.ndarray:
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


def _is_array(value: Any) -> bool:
    """Whether a part of a list has to be converted by itself: numpy does not know every type of PyTorch."""
    is_list = isinstance(value, (list, tuple))
    return any(map(_is_array, value)) if is_list else hasattr(value, "__array__")


def _array_of(tensor: torch.Tensor) -> np.ndarray:
    if tensor.is_meta:
        raise AudioError(
            f"The sound's waveform has a shape, {tuple(tensor.shape)}, but no samples in it (it is on PyTorch's "
            "device meta). Run again, or connect another sound."
        )
    if tensor.is_nested or tensor.is_quantized or tensor.layout != torch.strided:
        raise AudioError(
            "The sound's waveform is kept in a packed form (sparse, nested or quantized), which cannot be used. "
            + _LOAD
        )
    tensor = tensor.detach().cpu().resolve_neg()
    return (tensor.float() if tensor.is_floating_point() else tensor.resolve_conj()).numpy()


def _scaled(samples: np.ndarray) -> np.ndarray:
    """Samples of any real type as float32. Raises AudioError for anything else."""
    kind, bits = samples.dtype.kind, samples.dtype.itemsize * 8
    if kind == "f":
        with np.errstate(over="ignore"):  # check_audio finds what became infinite
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


def _ragged(waveform: Sequence[Any]) -> AudioError:
    return AudioError(
        f"The sound's waveform is a list of {len(waveform)} pieces of different lengths; all channels of a sound must "
        f"be equally long. {_LOAD}"
    )
