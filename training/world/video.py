"""A clip as files to look at: an MP4 with sound, and a sheet of its frames with the events marked."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ...keyframes.curve import motion_curve, normalise
from ...keyframes.plan import Keyframe, make_plan
from ...keyframes.timebase import FPS, N_FRAMES
from ...preview import style
from ...preview.mp4 import write_mp4
from ...preview.strip import draw_strip, waveform_columns
from ...preview.waveform import waveform_extremes
from .clip import WorldClip

ENLARGED = 4  # a clip of 96 x 128 pixels is shown this many times larger
COLUMNS = 8
GAP = 6  # pixels around each frame of the sheet
STRIP_HEIGHT = 130


def write_clip_mp4(clip: WorldClip, path: str | Path, *, enlarged: int = ENLARGED) -> None:
    """Writes a WorldClip with its sound as an MP4 at `path`, every pixel `enlarged` times as large."""
    height, width = clip.frames.shape[1:3]
    frames = (frame.repeat(enlarged, axis=0).repeat(enlarged, axis=1) for frame in clip.frames)
    write_mp4(
        path,
        frames,
        width=width * enlarged,
        height=height * enlarged,
        n_frames=N_FRAMES,
        fps=FPS,
        samples=clip.audio[None],
        sample_rate=clip.sample_rate,
    )


def write_clip_sheet(clip: WorldClip, path: str | Path) -> None:
    """Writes a PNG: all frames in rows, those of events framed, above waveform, motion score and events in time."""
    height, width = clip.frames.shape[1:3]
    rows = -(-N_FRAMES // COLUMNS)
    cell = (width + GAP, height + GAP + 12)
    size = (COLUMNS * cell[0] + GAP, rows * cell[1] + GAP)
    sheet = Image.new("RGB", (size[0], size[1] + STRIP_HEIGHT), style.BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    strengths = {event.frame: event.strength for event in clip.events}
    for frame in range(N_FRAMES):
        x, y = GAP + frame % COLUMNS * cell[0], GAP + frame // COLUMNS * cell[1]
        label, colour = str(frame), style.TEXT_DIM
        if frame in strengths:
            label, colour = f"{frame}   {strengths[frame]:.2f}", style.KIND_COLOURS["peak"]
            draw.rectangle((x - 3, y - 3, x + width + 2, y + height + 2), fill=colour)
        sheet.paste(Image.fromarray(clip.frames[frame]), (x, y))
        draw.text((x + 1, y + height + 2), label, fill=colour, font=style.text_font(10))
    sheet.paste(Image.fromarray(_strip(clip, size[0])), (0, size[1]))
    sheet.save(path)


def _strip(clip: WorldClip, width: int) -> np.ndarray:
    plan = None
    if clip.events:
        marks = [Keyframe(event.frame, "peak") for event in clip.events]
        plan = make_plan([Keyframe(0, "first"), *marks], fps=FPS, n_frames=N_FRAMES)
    return draw_strip(
        width=width,
        height=STRIP_HEIGHT,
        n_frames=N_FRAMES,
        fps=FPS,
        waveform=waveform_extremes(clip.audio[None], waveform_columns(width)),
        curve=motion_curve(normalise(clip.motion), fps=FPS, source="world"),
        plan=plan,
    )
