"""Writing an MP4 frame by frame, with lengths that are exact."""

import math
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from ..keyframes.timebase import fps_fraction, n_samples_at
from .style import Progress

# every rate that AAC has (ISO/IEC 14496-3, sampling frequency index) within 8..96 kHz
AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)


def aac_rate(sample_rate: int) -> int:
    """The rate at which AAC carries a sound: its own if AAC has it, else the next higher one.

    Above 96 kHz it is the highest AAC rate that divides it (192 kHz becomes 96 kHz), or 96 kHz.
    """
    if sample_rate > AAC_RATES[-1]:
        return max((rate for rate in AAC_RATES if sample_rate % rate == 0), default=AAC_RATES[-1])
    return min(rate for rate in AAC_RATES if rate >= sample_rate)


def to_stereo(samples: np.ndarray) -> np.ndarray:
    """Samples (n_channels, n) with at most 2 channels: beyond that, the others go to both sides equally."""
    if len(samples) <= 2:
        return samples
    return (samples[:2] + samples[2:].mean(axis=0)) / 2


def write_mp4(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    *,
    width: int,
    height: int,
    n_frames: int,
    fps: float | Fraction,
    samples: np.ndarray,
    sample_rate: int,
    on_frame: Progress | None = None,
) -> None:
    """Writes frames with sound: H.264 (yuv420p) and AAC in an MP4 that starts playing while it loads.

    Parameters:
    path: file to write (str or path); whatever is there is replaced.
    frames: iterable of n_frames uint8 (height, width, 3) RGB arrays, asked for one at a time; an array may
        be reused once the next is asked for. width and height are even.
    fps: frames per second; the time base is its exact fraction (`timebase.fps_fraction`).
    samples: float (n_channels, n_samples), at sample_rate Hz; what is missing at the end is silence, and
        more than 2 channels are mixed to stereo.
    on_frame: called as on_frame(n_done, n_frames) after each frame, n_done counting from 1. What it raises
        stops the writing and comes out of this function.

    Exact are: the number of frames, the time of each, both streams' durations as the file states them
    (edit list and track header), and the alignment of the two (the encoder's priming is skipped by the edit
    list). The sound lasts n_samples_at(n_frames) samples at `aac_rate(sample_rate)`. AAC is coded in blocks
    of 1024 samples, so a decoder that ignores the stated end of the track, as FFmpeg's does, hands out
    up to 1023 samples of silence after it.

    If anything is raised on the way, the unfinished file is removed.
    """
    path = os.fspath(path)
    rate = aac_rate(sample_rate)
    exact_fps = fps_fraction(fps)
    options = {
        "movflags": "+faststart",
        "movie_timescale": str(_time_scale(rate, exact_fps)),
    }
    try:
        with av.open(path, "w", format="mp4", options=options) as container:
            video = _add_video(container, width=width, height=height, fps=exact_fps)
            n_channels = min(len(samples), 2)
            audio = _add_audio(container, rate=rate, n_channels=n_channels)
            sound = _sound(samples, sample_rate, rate=rate, n_frames=n_frames, fps=exact_fps)
            for i, (array, blocks) in enumerate(zip(frames, sound, strict=True)):
                frame = av.VideoFrame.from_ndarray(array, format="rgb24")
                frame.pts, frame.time_base = i, 1 / exact_fps
                container.mux(video.encode(frame))
                for block in blocks:
                    container.mux(audio.encode(block))
                if on_frame is not None:
                    on_frame(i + 1, n_frames)
            container.mux(video.encode(None))
            container.mux(audio.encode(None))
    except BaseException:
        _remove(path)
        raise


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:  # never written, or not ours to remove: what stopped the writing matters more
        pass


def _time_scale(rate: int, fps: Fraction) -> int:
    """The movie's time scale, in which MP4 states lengths; FFmpeg's default of 1/1000 s would round them.

    Where no 31-bit scale fits both streams (only far from common rates), it is the sound's that is exact.
    """
    ticks = math.lcm(rate, fps.numerator)
    return ticks if ticks < 2**31 else rate


def _add_video(
    container: OutputContainer, *, width: int, height: int, fps: Fraction
) -> VideoStream:
    stream = container.add_stream("h264", rate=fps, options={"crf": "19", "preset": "veryfast"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / fps
    context.gop_size = max(1, math.ceil(fps))  # an I-frame per second: scrubbing stays quick
    # what the RGB conversion does (BT.601, limited range), stated so that players need not guess
    context.colorspace, context.color_range = 6, 1
    context.color_primaries, context.color_trc = 1, 13  # sRGB images
    return stream


def _add_audio(container: OutputContainer, *, rate: int, n_channels: int) -> AudioStream:
    stream = container.add_stream("aac", rate=rate, layout=("mono", "stereo")[n_channels - 1])
    stream.codec_context.bit_rate = n_channels * min(128_000, 4 * rate)
    stream.codec_context.time_base = Fraction(1, rate)
    return stream


def _sound(
    samples: np.ndarray, sample_rate: int, *, rate: int, n_frames: int, fps: Fraction
) -> Iterator[list[av.AudioFrame]]:
    """Per video frame, the audio frames to encode with it: n_samples_at(n_frames) samples in all."""
    n_total = n_samples_at(n_frames, fps=fps, sample_rate=rate)
    layout = ("mono", "stereo")[min(len(samples), 2) - 1]
    resampler = None
    if rate != sample_rate:
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
    n_done = 0
    for i in range(n_frames):
        start, stop = (n_samples_at(n, fps=fps, sample_rate=sample_rate) for n in (i, i + 1))
        blocks = [_block(samples, start, stop)]
        if resampler is not None:
            source = _audio_frame(blocks[0], layout, sample_rate, start)
            blocks = [frame.to_ndarray() for frame in resampler.resample(source)]
            if i == n_frames - 1:
                blocks += [frame.to_ndarray() for frame in resampler.resample(None)]
                blocks.append(np.zeros((min(len(samples), 2), rate), np.float32))
        frames = []
        for block in blocks:
            block = block[:, : n_total - n_done]
            if block.shape[1]:
                frames.append(_audio_frame(block, layout, rate, n_done))
                n_done += block.shape[1]
        yield frames


def _block(samples: np.ndarray, start: int, stop: int) -> np.ndarray:
    block = to_stereo(np.asarray(samples[:, start:stop], dtype=np.float32))
    return np.pad(block, ((0, 0), (0, stop - start - block.shape[1])))


def _audio_frame(block: np.ndarray, layout: str, rate: int, pts: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, pts, Fraction(1, rate)
    return frame
