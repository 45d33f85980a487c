"""From audio to the input of the audio networks: 16 kHz samples -> normalised log-mel (published-model d.1).

The spectrogram is that of the Kaldi toolkit (Povey et al., ASRU 2011), with the settings that ImageBind (Girdhar et
al., CVPR 2023) took over from AST (Gong et al., Interspeech 2021). The mel is computed in plain torch, all frames at
once, in float64 on the CPU: in float32 quiet bands would differ from one machine to the next by a few 1e-4.
"""

import math

import numpy as np
import torch
from torch.nn import functional

from ...errors import AudioError
from ...keyframes.audio.checks import check_audio

SAMPLE_RATE = 16_000  # Hz, of every audio network of KeyVID
CLIP_S = 2.0  # seconds of audio behind one mel
N_BINS = 128  # rows of a mel: bands, evenly spaced in pitch
N_COLUMNS = 204  # columns that generator and interpolator read; 2 s fill 198, the rest is padding
LOCALIZER_COLUMNS = 198  # columns that the localizer reads (published-model g.2)
MEAN, STD = -4.268, 9.138  # of log-mels in AudioSet, by which they are normalised
FRAME, HOP, N_FFT = 400, 160, 512  # samples: 25 ms windows every 10 ms, padded to a power of two
PRE_EMPHASIS = 0.97
# from the left foot of the lowest triangle to the right foot of the highest
RANGE_HZ = (20.0, 8_000.0)
FLOOR = torch.finfo(torch.float32).eps  # power below which the logarithm is cut off


def waveform_to_mel(
    waveform: torch.Tensor | np.ndarray,
    *,
    n_columns: int = N_COLUMNS,
    n_bins: int = N_BINS,
    clip_s: float = CLIP_S,
) -> torch.Tensor:
    """The normalised log-mel spectrogram of audio at 16 kHz (published-model d.1).

        mel[b, t] = (log(max(sum_f filter[f, b] |FFT(hann * preemphasised frame t)|^2[f], eps)) - MEAN) / STD

    Of audio longer than clip_s seconds the middle is used; shorter audio is padded on the right. The mean of all
    channels is subtracted, then only the first channel is used: stereo audio is not mixed down, as in the
    published code. Padding happens before normalisation, so empty columns hold -MEAN / STD, not 0.
    waveform: float (C, N) at 16 kHz. Returns float32 (1, n_bins, n_columns), on the device of the waveform.
    Raises AudioError for audio that is empty, not finite or shorter than one window (25 ms).
    """
    if n_columns < 1 or n_bins < 1:
        raise ValueError(f"A mel of {n_bins} x {n_columns} is asked for; both must be at least 1.")
    waveform = _checked_waveform(waveform, SAMPLE_RATE)
    n_samples = min(waveform.shape[1], round(clip_s * SAMPLE_RATE))
    if n_samples < FRAME:
        raise AudioError(
            f"The sound to listen to lasts {1000 * n_samples / SAMPLE_RATE:.1f} ms at 16 kHz; at least "
            f"{1000 * FRAME // SAMPLE_RATE} ms are needed. Connect a longer sound, or check where it is cut."
        )
    start = (waveform.shape[1] - n_samples) // 2
    clip = waveform[:, start : start + n_samples].cpu().double()  # (C, n_samples)
    mel = _log_mel((clip - clip.mean())[0], n_bins)[:, :n_columns]
    mel = functional.pad(mel, (0, n_columns - mel.shape[1]))  # (n_bins, n_columns)
    mel = (mel - MEAN) / STD
    return mel[None].float().to(waveform.device)  # (1, n_bins, n_columns)


def zero_mel(*, n_columns: int = N_COLUMNS, n_bins: int = N_BINS) -> torch.Tensor:
    """The mel of "no audio" in guidance (published-model d.6): float32 zeros (1, n_bins, n_columns).

    These are zeros after normalisation: neither silence, which is negative there, nor padding, which is positive.
    """
    return torch.zeros(1, n_bins, n_columns)


def resample_to_16k(waveform: torch.Tensor | np.ndarray, sample_rate: float) -> torch.Tensor:
    """The audio at 16 kHz, low-passed first so that nothing above 8 kHz aliases.

    Polyphase filtering by scipy.signal.resample_poly (a windowed sinc of ten zero crossings per side, linear phase, no
    delay), with silence assumed before and after. A fractional rate is rounded to whole hertz.
    waveform: float (C, N), a tensor or an array; sample_rate in Hz. Returns a float32 tensor (C, M) on the same device,
    M = ceil(N * 16000 / sample_rate). Raises AudioError for unusable samples or rates.
    """
    from scipy import signal  # slow to import, and needed for audio only

    waveform = _checked_waveform(waveform, sample_rate)
    rate = round(sample_rate)
    if rate == SAMPLE_RATE:
        return waveform
    common = math.gcd(SAMPLE_RATE, rate)
    samples = waveform.detach().cpu().numpy()
    resampled = signal.resample_poly(samples, SAMPLE_RATE // common, rate // common, axis=1)
    return torch.from_numpy(np.ascontiguousarray(resampled, np.float32)).to(waveform.device)


def _checked_waveform(waveform: torch.Tensor | np.ndarray, sample_rate: float) -> torch.Tensor:
    """The waveform as a float32 tensor (C, N). Raises AudioError unless it is usable audio."""
    waveform = torch.as_tensor(waveform)
    if waveform.is_floating_point():
        waveform = waveform.float()
    check_audio(waveform.detach().cpu().numpy(), sample_rate)
    return waveform


def _log_mel(samples: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Kaldi's log-mel bands of samples (N,), (n_bins, n_frames) with n_frames = 1 + (N - 400) // 160.

    Of each frame: its mean is subtracted, x[n] - 0.97 x[n - 1], Hann window, power spectrum, mel filters, logarithm.
    """
    frames = samples.unfold(0, FRAME, HOP)  # (n_frames, 400)
    frames = frames - frames.mean(dim=1, keepdim=True)
    previous = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)  # the first sample precedes itself
    frames = frames - PRE_EMPHASIS * previous
    window = torch.hann_window(FRAME, periodic=False, dtype=frames.dtype)
    power = torch.fft.rfft(frames * window, n=N_FFT).abs().square()  # (n_frames, 257)
    bands = power[:, : N_FFT // 2] @ _mel_filters(n_bins)  # the Nyquist bin is not used
    return bands.clamp(min=FLOOR).log().T  # (n_bins, n_frames)


def _mel_filters(n_bins: int) -> torch.Tensor:
    """max(0, 1 - |mel(f) - centre_b| / spacing), triangles evenly spaced in mel, float64 (256, n_bins)."""
    lowest, highest = _mel_pitch(torch.tensor(RANGE_HZ, dtype=torch.float64))
    spacing = (highest - lowest) / (n_bins + 1)
    centres = lowest + spacing * torch.arange(1, n_bins + 1)  # (n_bins,)
    pitch = _mel_pitch(torch.arange(N_FFT // 2, dtype=torch.float64) * (SAMPLE_RATE / N_FFT))
    return (1 - (pitch[:, None] - centres).abs() / spacing).clamp(min=0)


def _mel_pitch(hz: torch.Tensor) -> torch.Tensor:
    """Hertz in mel: 1127 ln(1 + f / 700)."""
    return 1127.0 * (1.0 + hz / 700.0).log()
