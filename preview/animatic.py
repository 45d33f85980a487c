"""The timing preview: the image moves, each keyframe flashes, the strip runs along, with the sound."""

import math
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from ..errors import KeyVIDError
from ..keyframes.audio.checks import check_audio
from ..keyframes.curve import MotionCurve, check_fits
from ..keyframes.plan import KeyframePlan
from ..keyframes.timebase import n_samples_at, time_at
from . import style
from .captions import draw_label, draw_legend, label_of
from .image import edge_glow, fit, pulse_of, pulsing, tinted, to_image
from .mp4 import write_mp4
from .strip import draw_playhead, draw_strip, frame_x, waveform_columns
from .style import Progress, Size
from .waveform import waveform_between, waveform_extremes

PAGE_S = 10.0  # a longer clip's strip turns pages: its keyframes would be too close to see
MIN_WIDTH = 128
DrawFrame = Callable[[int], None]

GLOW_S = 0.09  # decay time of the coloured light after a keyframe


class Layout(NamedTuple):
    """Where everything is, in pixels. The mat is the band of `mat` pixels around the stage."""

    width: int
    height: int
    mat: int
    stage_height: int
    image: tuple[int, int, int, int]  # left, top, width, height
    header: tuple[int, int]  # top, height
    strip: tuple[int, int]  # top, height
    scale: float


def layout_of(image_size: Size, *, width: int) -> Layout:
    """The Layout for an image of (width, height) pixels in a video `width` pixels wide, both sizes even.

    An odd width gives a video one pixel narrower, since H.264 halves the colours' resolution.
    Raises KeyVIDError below MIN_WIDTH.
    """
    if width < MIN_WIDTH:
        raise KeyVIDError(
            f"The preview is {width} pixels wide; make it at least {MIN_WIDTH} pixels wide."
        )
    width -= width % 2
    scale = max(0.5, width / 640)
    mat = max(4, 2 * round(3 * width / 640))
    inner = width - 2 * mat
    # between a panorama and an upright portrait the stage takes the image's own proportions
    own_height = inner * image_size[1] / image_size[0]
    inner_height = 2 * round(min(max(own_height, 0.3 * inner), 0.85 * inner) / 2)
    stage_height = inner_height + 2 * mat
    size = (inner, inner_height)
    if abs(own_height - inner_height) > 1:  # more than rounding
        size = fit(image_size, size)
    left, top = (
        (box - length) // 2 for box, length in zip((inner, inner_height), size, strict=True)
    )
    header = (stage_height, round(30 * scale))
    strip = (stage_height + header[1], round(104 * scale))
    height = sum(strip) + round(8 * scale)
    return Layout(
        width=width,
        height=height + height % 2,
        mat=mat,
        stage_height=stage_height,
        image=(mat + left, mat + top, *size),
        header=header,
        strip=strip,
        scale=scale,
    )


def render_animatic(
    path: str | os.PathLike,
    *,
    image: np.ndarray,
    samples: np.ndarray,
    sample_rate: int,
    plan: KeyframePlan,
    curve: MotionCurve | None = None,
    width: int = 640,
    on_frame: Progress | None = None,
) -> None:
    """Writes the timing preview of a plan as an MP4 with sound (`mp4.write_mp4` says what is exact).

    The image pulses with the curve (without one, with the keyframes). The mat around it is dark, and
    lights up in the colour of the keyframe's kind on exactly the frame of each keyframe; a label names it.
    Below runs the timing strip, in pages of about PAGE_S seconds. One frame is held at a time.

    Parameters:
    path: file to write (str or path).
    image: float (H, W, 3) in [0, 1], any proportions.
    samples: float (n_channels, n_samples) at sample_rate Hz, of the clip. Sound beyond the plan's end is
        left out, missing sound is silence, more than 2 channels are mixed to stereo.
    plan: a KeyframePlan: .fps, .n_frames, and .keyframes with .frame, .kind, .locked.
    curve: the plan's MotionCurve, or None.
    width: of the video in pixels; odd widths lose one pixel.
    on_frame: called as on_frame(n_done, n_frames) after each frame; what it raises cancels the rendering.

    Raises KeyVIDError, AudioError or CurveError for what cannot be shown. No unfinished file is left.
    """
    check_audio(samples, sample_rate)
    if curve is not None:
        check_fits(curve, n_frames=plan.n_frames, fps=plan.fps)
    start_image = to_image(image)
    layout = layout_of(start_image.size, width=width)
    frames = animatic_frames(
        start_image, layout, samples=samples, sample_rate=sample_rate, plan=plan, curve=curve
    )
    write_mp4(
        path,
        frames,
        width=layout.width,
        height=layout.height,
        n_frames=plan.n_frames,
        fps=plan.fps,
        samples=samples,
        sample_rate=sample_rate,
        on_frame=on_frame,
    )


def animatic_frames(
    image: Image.Image,
    layout: Layout,
    *,
    samples: np.ndarray,
    sample_rate: int,
    plan: KeyframePlan,
    curve: MotionCurve | None,
) -> Iterator[np.ndarray]:
    """Yields the plan's frames as uint8 (height, width, 3). The array is one and the same each time."""
    canvas = np.empty((layout.height, layout.width, 3), np.uint8)
    canvas[: layout.stage_height] = style.BACKGROUND
    canvas[layout.stage_height :] = style.PANEL
    draw_stage = _stage(canvas, image, layout, plan, pulse_of(plan, curve))
    draw_header = _header(canvas, layout, plan)
    draw_timeline = _timeline(canvas, layout, samples, sample_rate, plan, curve)
    for frame in range(plan.n_frames):
        draw_stage(frame)
        draw_header(frame)
        draw_timeline(frame)
        yield canvas


def _stage(
    canvas: np.ndarray, image: Image.Image, layout: Layout, plan: KeyframePlan, pulse: np.ndarray
) -> DrawFrame:
    """A function that draws the image, the mat and the label of one frame."""
    left, top, width, height = layout.image
    size = (width, height)
    pulsed = pulsing(image, size)
    glow = edge_glow(size)
    frames = np.array([keyframe.frame for keyframe in plan.keyframes], dtype=int)
    stage = canvas[: layout.stage_height]
    area = stage[top : top + size[1], left : left + size[0]]
    inside = stage[layout.mat : -layout.mat, layout.mat : -layout.mat]
    label, label_index = np.empty((0, 0, 4)), -1

    def draw(frame: int) -> None:
        nonlocal label, label_index
        index = int(np.searchsorted(frames, frame, side="right")) - 1
        shown = pulsed(pulse[frame])
        keyframe = plan.keyframes[index]
        colour = style.KIND_COLOURS[keyframe.kind]
        since_s = (frame - keyframe.frame) / plan.fps
        if since_s < 4 * GLOW_S:
            shown = tinted(shown, glow, colour, math.exp(-since_s / GLOW_S))
        inside[:] = style.BACKGROUND
        area[:] = np.asarray(shown)
        if label_index != index:
            label, label_index = label_of(keyframe, index, plan, scale=layout.scale), index
        draw_label(inside, label, scale=layout.scale, since_s=since_s)
        _draw_mat(stage, layout.mat, colour if keyframe.frame == frame else style.BACKGROUND)

    return draw


def _draw_mat(stage: np.ndarray, mat: int, colour: style.Colour) -> None:
    for band in (stage[:mat], stage[-mat:], stage[:, :mat], stage[:, -mat:]):
        band[:] = colour


def _header(canvas: np.ndarray, layout: Layout, plan: KeyframePlan) -> DrawFrame:
    """A function that writes the number and time of one frame next to the legend."""
    top, height = layout.header
    scale = layout.scale
    font = style.text_font(13 * scale)
    image = Image.new("RGB", (layout.width, height), style.PANEL)
    time_width = font.getlength(f"frame {plan.n_frames} / {plan.n_frames}    {'0' * 8}")
    x, y = 13 * scale, 0.56 * height
    draw_legend(image, plan, scale, x_min=x + time_width, y=y)
    area = canvas[top : top + height]

    def draw(frame: int) -> None:
        header = image.copy()
        text = ImageDraw.Draw(header)
        parts = [
            (f"frame {frame}", style.TEXT),
            (f" / {plan.n_frames}", style.TEXT_DIM),
            (f"    {style.time_text(time_at(frame, fps=plan.fps))}", style.TEXT),
        ]
        left = x
        for part, colour in parts:
            text.text((left, y), part, font=font, fill=colour, anchor="lm")
            left += font.getlength(part)
        area[:] = np.asarray(header)

    return draw


def _timeline(
    canvas: np.ndarray,
    layout: Layout,
    samples: np.ndarray,
    sample_rate: int,
    plan: KeyframePlan,
    curve: MotionCurve | None,
) -> DrawFrame:
    """A function that draws the strip with the playhead, and the way through the clip when it has pages."""
    top, height = layout.strip
    area, bar = canvas[top : top + height], canvas[top + height :]
    n_pages = math.ceil(plan.n_frames / (PAGE_S * plan.fps))
    edges = [plan.n_frames * i // n_pages for i in range(n_pages + 1)]
    clip = samples[:, : n_samples_at(plan.n_frames, fps=plan.fps, sample_rate=sample_rate)]
    peak = np.abs(waveform_extremes(clip, 1)).max()
    page, strip = -1, np.empty((0, 0, 3), np.uint8)

    def draw(frame: int) -> None:
        nonlocal page, strip
        if frame >= edges[page + 1]:
            page += 1
            start, stop = (
                n_samples_at(n, fps=plan.fps, sample_rate=sample_rate)
                for n in edges[page : page + 2]
            )
            strip = draw_strip(
                width=layout.width,
                height=height,
                n_frames=edges[page + 1] - edges[page],
                fps=plan.fps,
                waveform=waveform_between(clip, start, stop, waveform_columns(layout.width)),
                waveform_peak=peak,
                curve=curve,
                plan=plan,
                first_frame=edges[page],
            )
        n_shown = edges[page + 1] - edges[page]
        x = frame_x(frame - edges[page], n_frames=n_shown, width=layout.width)
        area[:] = draw_playhead(strip, x)
        if n_pages > 1:
            _draw_progress(bar, (frame + 1) / plan.n_frames)

    return draw


def _draw_progress(bar: np.ndarray, done: float) -> None:
    thickness = max(2, len(bar) // 3)
    bar[-thickness:] = style.GRID
    bar[-thickness:, : round(bar.shape[1] * done)] = style.TEXT_DIM
