"""A whole video on one page: every frame in reading order, and a mark on those with an onset of the audio.

So one look tells whether it moves when it sounds.
"""

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

from ..errors import KeyVIDError
from ..keyframes.audio.onset import clip_onsets
from ..keyframes.curve import strike_frames
from . import style

COLUMNS = 8
CELL_WIDTH = 192  # px
GAP = 8  # px
APART = 2  # px, of a frame and the true one below it
MAX_FRAMES = 240  # on one page: more than that nobody looks at
HEARD = style.KIND_COLOURS["peak"]


def draw_frame_sheet(
    frames: Sequence[np.ndarray],
    *,
    fps: float,
    onsets: Iterable[int] = (),
    truth: Sequence[np.ndarray] | np.ndarray | None = None,
) -> np.ndarray:
    """The page, uint8 (height, width, 3), of frames (n, H, W, 3) uint8; onsets: the frames of the audio's onsets.

    truth: the frames that the video should have, as many and of the same aspect ratio: each is shown below its own.
    Raises KeyVIDError when there is no frame or more than MAX_FRAMES, and when truth has another number of frames.
    """
    if not 0 < len(frames) <= MAX_FRAMES:
        raise KeyVIDError(f"The video has {len(frames)} frames; a page shows 1 to {MAX_FRAMES}.")
    if truth is not None and len(truth) != len(frames):
        raise KeyVIDError(
            f"The video has {len(frames)} frames and the true one {len(truth)}; both need the same number."
        )
    height, width = frames[0].shape[:2]
    n_images = 1 if truth is None else 2
    cell = (CELL_WIDTH, max(1, round(CELL_WIDTH * height / width)))
    caption = 20
    high = n_images * cell[1] + (n_images - 1) * APART
    step = cell[0] + GAP, high + caption + GAP
    size = (GAP + COLUMNS * step[0], GAP + math.ceil(len(frames) / COLUMNS) * step[1])
    page = Image.new("RGB", size, style.BACKGROUND)
    draw, font = ImageDraw.Draw(page), style.text_font(12)
    onsets = set(onsets)
    for frame, pixels in enumerate(frames):
        x, y = GAP + frame % COLUMNS * step[0], GAP + frame // COLUMNS * step[1]
        is_onset = frame in onsets
        if is_onset:
            draw.rectangle((x - 4, y - 4, x + cell[0] + 3, y + high + caption + 3), fill=HEARD)
        shown = [pixels] if truth is None else [pixels, truth[frame]]
        for number, image in enumerate(shown):
            resized = Image.fromarray(image).resize(cell, Image.Resampling.BICUBIC)
            page.paste(resized, (x, y + number * (cell[1] + APART)))
        text = f"{frame}   {style.time_text(frame / fps)}" + ("   heard" if is_onset else "")
        colour = style.BACKGROUND if is_onset else style.TEXT_DIM
        draw.text((x + 4, y + high + caption / 2), text, font=font, fill=colour, anchor="lm")
    return np.asarray(page)


def write_frame_sheet(
    video_path: str | os.PathLike, *, truth: Sequence[np.ndarray] | np.ndarray | None = None
) -> Path:
    """Write the page of a video file, with the onsets of its sound, as PNG beside it; returns the path.

    truth: as for draw_frame_sheet. Raises KeyVIDError as it does, and when the file holds no video.
    """
    frames, fps, samples, sample_rate = _read(video_path)
    onsets = []
    if samples is not None:
        found = clip_onsets(samples, sample_rate, n_frames=len(frames), fps=fps)
        onsets = strike_frames(found.strikes, n_frames=len(frames), fps=fps, clear=True)
    page = draw_frame_sheet(frames, fps=fps, onsets=onsets, truth=truth)
    path = Path(video_path).with_suffix(".png")
    Image.fromarray(page).save(path)
    return path


def _read(path: str | os.PathLike) -> tuple[list[np.ndarray], float, np.ndarray | None, int]:
    """(frames (n, H, W, 3) uint8, fps, samples (C, N) or None, sample rate) of a video file."""
    frames: list[np.ndarray] = []
    blocks: list[np.ndarray] = []
    rate = 0
    with av.open(str(path)) as container:
        if not container.streams.video:
            raise KeyVIDError(f"{Path(path).name} holds no video.")
        fps = float(container.streams.video[0].average_rate)
        resampler = av.AudioResampler(format="fltp")
        for packet in container.demux():
            for decoded in packet.decode():
                if isinstance(decoded, av.VideoFrame):
                    if len(frames) == MAX_FRAMES:
                        raise KeyVIDError(
                            f"{Path(path).name} has more than {MAX_FRAMES} frames, too many for one page."
                        )
                    frames.append(decoded.to_ndarray(format="rgb24"))
                elif isinstance(decoded, av.AudioFrame):
                    rate = decoded.sample_rate
                    blocks += [block.to_ndarray() for block in resampler.resample(decoded)]
    return frames, fps, np.concatenate(blocks, axis=1) if blocks else None, rate
