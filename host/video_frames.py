"""The frames of ComfyUI's VIDEO and IMAGE sockets, a few at a time, however long the video is.

A VIDEO is decoded as it is read: ComfyUI's Get Video Components keeps every frame in memory as floats, 25 MB for one of
1080p.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from comfy_api.v0_0_2 import InputImpl

from ..errors import KeyVIDError
from ..keyframes.timebase import fps_fraction
from .images import check_images, check_memory, check_size, to_bchw
from .payloads import Image, Video

CHUNK_BYTES = 64 * 2**20  # of 8-bit pixels that are held at a time: 10 frames of 1080p
MOST_AT_ONCE = 32  # frames, so that Cancel and progress are not far apart
UNREADABLE = (
    "The video cannot be read ({why}). Connect Load Video with a file that plays elsewhere, or write it anew "
    "as MP4."
)


class FrameChunk(NamedTuple):
    """Frames one after the other: uint8 (n, 3, H, W) on the CPU.

    times_s: when each is shown, float64 (n,), seconds from the first frame of the video.
    """

    frames: torch.Tensor
    times_s: np.ndarray


class Frames(NamedTuple):
    """chunks: FrameChunks in order, each frame once. n_frames: about how many there are, for progress."""

    chunks: Iterator[FrameChunk]
    n_frames: int


def frames_of_images(images: Image, fps: float) -> Frames:
    """The Frames of an IMAGE batch (B, H, W, 3) shown at fps. Raises KeyVIDError where there is no image."""
    check_images(images, name="images")
    rate = float(fps_fraction(fps))
    return Frames(_image_chunks(images, rate), len(images))


def frames_of_video(video: Video) -> Frames:
    """The Frames of a VIDEO, trimmed, cropped and resized as other nodes say.

    Raises KeyVIDError when it cannot be read.
    """
    if isinstance(video, InputImpl.VideoFromComponents):  # of Create Video: in memory already
        return _frames_of_parts(video)
    if not hasattr(video, "get_stream_source"):
        raise KeyVIDError(
            "There is no video on the video input. Connect Load Video, or any node that gives a video."
        )
    return Frames(_video_chunks(video), _about_how_many(video))


def _frames_of_parts(video: Any) -> Frames:
    """The Frames of a VIDEO that ComfyUI gives as one batch, all of them in memory."""
    parts = video.get_components()
    return frames_of_images(parts.images, float(parts.frame_rate))


def _image_chunks(images: Image, fps: float) -> Iterator[FrameChunk]:
    step = _frames_at_once(images.shape[1], images.shape[2])
    for start in range(0, len(images), step):
        some = to_bchw(images[start : start + step, ..., :3])  # (n, 3, H, W)
        pixels = some.detach().cpu().float().clamp(0, 1).mul(255).round().to(torch.uint8)
        yield FrameChunk(pixels, np.arange(start, start + len(pixels)) / fps)


def _video_chunks(video: Any) -> Iterator[FrameChunk]:
    import av  # late: only a video needs it
    import av.error

    start_s, duration_s = video.get_active_trim_window()
    held: list[np.ndarray] = []
    times_s: list[float] = []
    first_s: float | None = None
    try:
        if _is_edited(video):
            width, height = video.get_dimensions()
            check_memory(_about_how_many(video), width=width, height=height)
            yield from _frames_of_parts(video).chunks
            return
        # a title in another encoding is no reason not to read a video
        source = video.get_stream_source()
        with av.open(source, mode="r", metadata_errors="replace") as container:
            if not container.streams.video:
                raise KeyVIDError(UNREADABLE.format(why="there are no images in it"))
            stream = container.streams.video[0]
            codec = stream.codec_context  # what it says is asked before anything is unpacked
            if codec is not None:  # there is none for one that this FFmpeg cannot read
                check_size(codec.width, codec.height, name="A frame of the video")
            stream.thread_type = "AUTO"
            if start_s and stream.time_base:
                container.seek(int(start_s / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                if frame.time is None or frame.time < start_s - 1e-6:
                    continue
                if duration_s and frame.time >= start_s + duration_s - 1e-6:
                    break
                check_size(frame.width, frame.height, name="A frame of the video")
                first_s = frame.time if first_s is None else first_s
                # turned by a right angle or not, things move as far
                image = frame.to_ndarray(format="rgb24")
                is_full = len(held) >= _frames_at_once(frame.height, frame.width)
                if held and (is_full or held[-1].shape != image.shape):
                    yield _chunk(held, times_s)
                    held, times_s = [], []
                held.append(image)
                times_s.append(frame.time - first_s)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, KeyVIDError):
            raise
        raise KeyVIDError(UNREADABLE.format(why=error)) from None
    if held:
        yield _chunk(held, times_s)


def _is_edited(video: Any) -> bool:
    """Whether nodes have cropped or resized the frames, and the stream still has them as they were.

    ComfyUI 0.30 has no such nodes. A newer one tells by `has_pending_frame_edits`; one between the two that can crop
    already and has no word for it, by the size.
    """
    import av

    pending = getattr(video, "has_pending_frame_edits", None)
    if pending is not None:
        return bool(pending())
    if not (isinstance(video, InputImpl.VideoFromFile) and hasattr(video, "as_cropped")):
        return False
    with av.open(video.get_stream_source(), mode="r", metadata_errors="replace") as container:
        coded = [(one.width, one.height) for one in container.streams.video[:1]]
    try:
        return bool(coded) and video.get_dimensions() != coded[0]
    except UnicodeDecodeError:  # a title in another encoding: ComfyUI's crop cannot read it either
        return False


def _chunk(held: list[np.ndarray], times_s: list[float]) -> FrameChunk:
    frames = torch.from_numpy(np.stack(held))  # (n, H, W, 3)
    return FrameChunk(to_bchw(frames), np.array(times_s))


def _frames_at_once(height: int, width: int) -> int:
    return max(1, min(MOST_AT_ONCE, CHUNK_BYTES // (3 * height * width)))


def _about_how_many(video: Any) -> int:
    """About how many frames a video has; asked without decoding it, so 1 where its file does not say."""
    import av.error

    try:
        return max(1, round(float(video.get_duration()) * float(video.get_frame_rate())))
    except (av.error.FFmpegError, ValueError, OSError, ArithmeticError):
        return 1  # of a damaged file; reading its frames says so
