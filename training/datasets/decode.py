"""Frames and sound of a video file, on one clock: 0 s is when the first frame is shown.

Nothing is guessed from what the file says of itself: frames have the times at which they are shown, so uneven rates
stay what they are; they are turned as players turn them; sound is taken apart by channels and put where it is heard.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ...errors import KeyVIDError

GAP_S = 0.005  # between two pieces of sound: more is filled with silence; less is rounding of their times


class VideoFileError(KeyVIDError):
    """A video file cannot be read."""


class Frame(NamedTuple):
    """image: uint8 (H, W, 3), RGB, upright. time_s: when it is shown. rotation: degrees it was turned by.

    is_damaged: whether the decoder made up some of it, because the file is damaged.
    """

    image: np.ndarray
    time_s: float
    rotation: int
    is_damaged: bool


class Sound(NamedTuple):
    """samples: float32 (C, N) at sample_rate Hz; sample 0 is heard when the first frame is shown."""

    samples: np.ndarray
    sample_rate: int


def read_frames(path: str | Path) -> Iterator[Frame]:
    """The frames of the first video stream, in order. Raises VideoFileError, after those that could be read."""
    with _opened(path) as container:
        stream = _video_stream(container, path)
        stream.thread_type = "AUTO"
        first_s = None
        for frame in _decoded(container, stream, path):
            if frame.time is None:
                continue
            first_s = frame.time if first_s is None else first_s
            yield Frame(
                _upright(frame), frame.time - first_s, frame.rotation % 360, frame.is_corrupt
            )


def stated_frames(path: str | Path) -> int | None:
    """How many frames the file says that it shows, or None. Raises VideoFileError.

    MP4 files that were trimmed without coding them anew hold more frames than their edit list shows.
    """
    with _opened(path) as container:
        stream = _video_stream(container, path)
        if not stream.frames or "mp4" not in container.format.name:
            return stream.frames or None
        # an older PyAV does not tell which frames are shown
        index = getattr(stream, "index_entries", None)
        return None if index is None else sum(not entry.is_discard for entry in index) or None


def frame_times(path: str | Path) -> np.ndarray:
    """When each frame is shown, float64 (n,), ascending, and the end of the last: (n + 1,). Nothing is decoded.

    Raises VideoFileError.
    """
    with _opened(path) as container:
        stream = _video_stream(container, path)
        try:
            shown = _shown_ticks(container, stream)
        except (av.error.FFmpegError, OSError) as error:
            raise _unreadable(path, error) from None
        if not shown or stream.time_base is None:
            raise VideoFileError(f"There are no frames in {path}. Fetch or write the file again.")
        ticks = np.unique(shown)
        # files state the length of the last frame only sometimes rightly: it is shown as long as the others
        length = np.median(np.diff(ticks)) if len(ticks) > 1 else 0
        return (np.append(ticks, ticks[-1] + length) - ticks[0]) * float(stream.time_base)


def read_sound(path: str | Path) -> Sound | None:
    """The first sound of a file, None where it has none. Raises VideoFileError."""
    with _opened(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        first_s = _first_frame_s(path)
        pieces: list[tuple[float, np.ndarray]] = []
        rate, resampler = 0, None
        for frame in _decoded(container, stream, path):
            if resampler is None:
                rate = frame.sample_rate
                # planar: packed formats have their channels interleaved, which must not be reshaped
                resampler = av.AudioResampler(format="fltp", layout=frame.layout, rate=rate)
            time_s = first_s if frame.time is None else frame.time
            planar = [part.to_ndarray() for part in resampler.resample(frame)]
            pieces.append((time_s - first_s, np.concatenate(planar, axis=1)))
    if not pieces:
        return None
    return Sound(_joined(pieces, rate), rate)


def _joined(pieces: list[tuple[float, np.ndarray]], rate: int) -> np.ndarray:
    """Pieces of sound, each at its time, as one (C, N) from 0 s on."""
    parts: list[np.ndarray] = []
    n_channels = pieces[0][1].shape[0]
    end = 0  # samples so far
    for time_s, samples in pieces:
        start = round(time_s * rate)
        if start > end + GAP_S * rate:
            parts.append(np.zeros((n_channels, start - end), np.float32))
            end = start
        if start < 0 and not end:  # heard before the first frame, maybe for several pieces
            samples = samples[:, min(-start, samples.shape[1]) :]
        parts.append(samples)
        end += samples.shape[1]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _first_frame_s(path: str | Path) -> float:
    with _opened(path) as container:
        if not container.streams.video:
            return 0.0
        stream = container.streams.video[0]
        ticks = _shown_ticks(container, stream)
        return float(min(ticks) * stream.time_base) if ticks and stream.time_base else 0.0


def _shown_ticks(container: InputContainer, stream: VideoStream) -> list[int]:
    """When the frames of a stream are shown, in its time base; those that an edit list leaves out are not."""
    packets = container.demux(stream)
    return [p.pts for p in packets if p.pts is not None and not p.is_discard]


def _upright(frame: VideoFrame) -> np.ndarray:
    image = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


def _opened(path: str | Path) -> InputContainer:
    try:
        # a title in another encoding is no reason not to read a video
        return av.open(str(path), mode="r", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _video_stream(container: InputContainer, path: str | Path) -> VideoStream:
    if not container.streams.video:
        raise VideoFileError(f"There are no images in {path}. Fetch or write the file again.")
    return container.streams.video[0]


def _decoded(
    container: InputContainer, stream: VideoStream | AudioStream, path: str | Path
) -> Iterator:
    try:
        yield from container.decode(stream)
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str | Path, error: Exception) -> VideoFileError:
    return VideoFileError(
        f"The video {path} cannot be read ({error}). Fetch or write the file again."
    )
