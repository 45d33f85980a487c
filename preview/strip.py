"""The timing strip: waveform, motion curve and keyframes on one time axis, as an image.

The strip is drawn once; `draw_playhead` then costs next to nothing per frame.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from ..errors import CurveError, KeyVIDError
from ..keyframes.curve import MotionCurve
from ..keyframes.plan import Keyframe, KeyframePlan
from ..keyframes.timebase import time_at
from . import style

SUPERSAMPLING = 3
_LABEL_SPACING = 84  # pixels between ruler labels at scale 1, wide enough for "1234  10:00.0"


def frame_x(frame: float, *, n_frames: int, width: int) -> float:
    """Where on a strip a frame begins, in pixels from the left (float).

    Frame 0 is at the left margin and `n_frames`, the end of the clip, at the right one.
    """
    margin = _margin(width)
    return margin + frame / n_frames * (width - 2 * margin)


def waveform_columns(width: int) -> int:
    """How many waveform columns a strip of this width shows best: one per pixel between its margins."""
    return max(1, round(width - 2 * _margin(width)))


def draw_strip(
    *,
    width: int,
    height: int,
    n_frames: int,
    fps: float,
    waveform: np.ndarray | None = None,
    waveform_peak: float | None = None,
    curve: MotionCurve | None = None,
    plan: KeyframePlan | None = None,
    first_frame: int = 0,
) -> np.ndarray:
    """Draws a timing strip.

    Parameters:
    width, height: its size in pixels, at least 64 x 24.
    n_frames, fps, first_frame: the strip shows the frames first_frame .. first_frame + n_frames - 1.
    waveform: (n, 2) minimum and maximum of the sound per column, columns evenly over the frames shown.
    waveform_peak: the level that fills the strip; by default the loudest one in `waveform`.
    curve: a MotionCurve of the whole clip, at least as long as the last frame shown.
    plan: anything with .keyframes, each with .frame (counted from the start of the clip), .kind, .locked.

    Returns: uint8 (height, width, 3), RGB.
    Raises KeyVIDError when it is too small to draw on, CurveError when the curve ends before the strip.
    """
    _check(width, height, n_frames, first_frame, curve)
    keyframes = _visible(plan, first_frame, n_frames)
    scale = min(max(min(width / 640, height / 112), 0.5), 3.0)
    top, bottom = _plot_edges(height, scale, has_markers=plan is not None)
    ss = SUPERSAMPLING
    image = Image.new("RGB", (width * ss, height * ss), style.PANEL)
    steps = _ruler_steps(n_frames, fps, width, scale)

    def to_x(frame: float) -> float:
        return frame_x(frame - first_frame, n_frames=n_frames, width=width) * ss

    def to_y(score: float) -> float:
        return (bottom - score * (bottom - top)) * ss

    span = range(first_frame, first_frame + n_frames + 1)
    _draw_grid(image, span, steps, to_x, top * ss, bottom * ss, scale * ss)
    if waveform is not None:
        x_range = (to_x(span[0]), to_x(span[-1]))
        _draw_waveform(image, waveform, waveform_peak, x_range, (to_y(0), to_y(1)))
    if curve is not None:
        _draw_curve(image, curve.score, span, to_x, to_y, scale * ss)
        _draw_strikes(image, curve, span, to_x, bottom * ss, scale * ss)
    scores = None if curve is None else curve.score
    _draw_keyframes(image, keyframes, scores, to_x, to_y, scale * ss)
    image = image.reduce(ss)
    if bottom < height:
        _draw_labels(image, span, steps, fps, bottom, scale)
    return np.array(image)


def _check(
    width: int, height: int, n_frames: int, first_frame: int, curve: MotionCurve | None
) -> None:
    if width < 64 or height < 24 or n_frames < 1:
        raise KeyVIDError(
            f"The timing strip is {width} x {height} pixels for {n_frames} frames; "
            "make it at least 64 x 24 pixels for at least 1 frame."
        )
    if curve is not None and curve.n_frames < first_frame + n_frames:
        raise CurveError(
            f"The motion curve has {curve.n_frames} frames but the timing strip runs to frame "
            f"{first_frame + n_frames}. Use a curve made from the same clip."
        )


def draw_playhead(strip: np.ndarray, x: float) -> np.ndarray:
    """A copy of a strip (height, width, 3) with the playhead at `x` pixels (float, see `frame_x`)."""
    strip = strip.copy()
    height, width = strip.shape[:2]
    half = 0.75 * max(1.0, min(width / 640, height / 112))
    columns = np.arange(max(0, int(x - 6 * half)), min(width, int(x + 6 * half) + 2))
    distance = np.abs(columns + 0.5 - x)
    line = np.clip(half - distance + 0.5, 0, 1)
    glow = 0.22 * np.clip(1 - distance / (6 * half), 0, 1)
    alpha = np.maximum(line, glow)[None, :, None]
    area = strip[:, columns[0] : columns[-1] + 1]
    area[:] = np.round(area + (np.array(style.PLAYHEAD) - area) * alpha)
    return strip


def _margin(width: int) -> float:
    return max(6.0, width * 0.02)


def _plot_edges(height: int, scale: float, *, has_markers: bool) -> tuple[float, float]:
    """Top and bottom of the plot in pixels: room for markers above, for the ruler below if there is any."""
    top = 22 * scale if has_markers else 8 * scale
    bottom = height - 19 * scale
    if bottom - top < 16:
        bottom = height
    return min(top, height / 2), bottom


def _visible(plan: KeyframePlan | None, first_frame: int, n_frames: int) -> list[Keyframe]:
    keyframes = () if plan is None else plan.keyframes
    return [k for k in keyframes if first_frame <= k.frame < first_frame + n_frames]


def _ruler_steps(n_frames: int, fps: float, width: int, scale: float) -> tuple[int, int]:
    """(frames between labels, frames between ticks), round in seconds or in frames."""
    per_frame = frame_x(1, n_frames=n_frames, width=width) - _margin(width)
    second = max(1, round(fps))
    seconds = [second * n for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)]
    fractions = [second // n for n in (10, 5, 4, 2) if second % n == 0]
    steps = sorted({1, *fractions, *seconds})
    label = next((n for n in steps if n * per_frame >= _LABEL_SPACING * scale), steps[-1])
    ticks = [n for n in steps if label % n == 0 and n * per_frame >= 4 * scale]
    return label, ticks[0] if ticks else label


def _draw_grid(
    image: Image.Image,
    span: range,
    steps: tuple[int, int],
    to_x: Callable[[float], float],
    top: float,
    bottom: float,
    scale: float,
) -> None:
    draw = ImageDraw.Draw(image, "RGBA")
    label, tick = steps
    for frame in range(span[0] + -span[0] % tick, span[-1] + 1, tick):
        x, is_label = to_x(frame), frame % label == 0
        if is_label:
            draw.rectangle(_bar(x, top, bottom, scale), fill=(*style.GRID, 110))
        length = (6 if is_label else 3) * scale
        colour = style.TEXT_DIM if is_label else style.GRID
        draw.rectangle(_bar(x, bottom, bottom + length, scale), fill=colour)
    draw.rectangle((to_x(span[0]), bottom - scale / 2, to_x(span[-1]), bottom), fill=style.GRID)


def _bar(x: float, top: float, bottom: float, thickness: float) -> tuple[int, float, int, float]:
    return (round(x - thickness / 2), top, round(x + thickness / 2) - 1, bottom)


def _draw_waveform(
    image: Image.Image,
    waveform: np.ndarray,
    peak: float | None,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> None:
    waveform = np.asarray(waveform, dtype=np.float64)
    loudest = np.abs(waveform).max(initial=0) if peak is None else peak
    # quieter than 16-bit silence: stretched to full height it would look like sound
    scaled = np.clip(waveform / loudest, -1, 1) if loudest > 2**-16 else waveform * 0
    left, right = x_range
    x = left + (np.arange(len(waveform)) + 0.5) / max(1, len(waveform)) * (right - left)
    middle, half = (y_range[0] + y_range[1]) / 2, (y_range[0] - y_range[1]) / 2 * 0.94
    low = np.maximum(middle - scaled[:, 0] * half, middle + 1)
    high = np.minimum(middle - scaled[:, 1] * half, middle - 1)
    outline = [*zip(x, high, strict=True), *zip(x[::-1], low[::-1], strict=True)]
    if len(outline) > 2:
        ImageDraw.Draw(image).polygon(outline, fill=style.WAVEFORM)


def _draw_curve(
    image: Image.Image,
    score: np.ndarray,
    span: range,
    to_x: Callable[[float], float],
    to_y: Callable[[float], float],
    scale: float,
) -> None:
    last = min(span[-1], len(score) - 1)
    points = [(to_x(f), to_y(score[f])) for f in range(span[0], last + 1)]
    if last < span[-1]:  # the last frame is shown until the clip ends
        points.append((to_x(span[-1]), points[-1][1]))
    area = Image.new("L", image.size)
    outline = [(points[0][0], to_y(0)), *points, (points[-1][0], to_y(0))]
    ImageDraw.Draw(area).polygon(outline, fill=255)
    top, bottom = to_y(1), to_y(0)
    fade = np.clip((bottom - np.arange(image.height)) / (bottom - top), 0, 1)
    alpha = np.asarray(area) * (0.06 + 0.34 * fade)[:, None]
    image.paste(style.CURVE, mask=Image.fromarray(alpha.astype(np.uint8)))
    draw = ImageDraw.Draw(image)
    draw.line(points, fill=style.CURVE, width=max(1, round(1.6 * scale)), joint="curve")


def _draw_strikes(
    image: Image.Image,
    curve: MotionCurve,
    span: range,
    to_x: Callable[[float], float],
    bottom: float,
    scale: float,
) -> None:
    """Ticks on the bottom line at the strikes of a curve: bright and tall for clear ones, dim and short for others."""
    draw = ImageDraw.Draw(image)
    for strike in curve.strikes or ():
        frame = strike.time_s * curve.fps
        if span[0] <= frame < span[-1]:
            length, colour = (10, style.TEXT) if strike.clear else (5, style.TEXT_DIM)
            draw.rectangle(
                _bar(to_x(frame), bottom - length * scale, bottom, 1.5 * scale), fill=colour
            )


def _draw_keyframes(
    image: Image.Image,
    keyframes: Sequence[Keyframe],
    score: np.ndarray | None,
    to_x: Callable[[float], float],
    to_y: Callable[[float], float],
    scale: float,
) -> None:
    if not keyframes:
        return
    draw = ImageDraw.Draw(image, "RGBA")
    frames = sorted({k.frame for k in keyframes})
    gaps = [to_x(b) - to_x(a) for a, b in zip(frames, frames[1:], strict=False)]
    gap = min(gaps, default=math.inf)
    radius = min(max(0.5 * gap, 3.5 * scale), 6 * scale)
    is_dense = gap < 5 * scale  # then dots would hide the curve, and stems everything
    lane = to_y(1) - 11 * scale
    for keyframe in keyframes:
        x, colour = to_x(keyframe.frame), style.KIND_COLOURS[keyframe.kind]
        draw.rectangle(_bar(x, lane, to_y(0), scale), fill=(*colour, 45 if is_dense else 120))
        if score is not None and not is_dense:
            y, dot = to_y(score[keyframe.frame]), 2.6 * scale
            draw.ellipse((x - dot, y - dot, x + dot, y + dot), fill=colour)
    for keyframe in keyframes:
        style.draw_marker(
            draw,
            keyframe.kind,
            x=to_x(keyframe.frame),
            y=lane,
            radius=radius * (0.72 if keyframe.locked else 1),
            locked=keyframe.locked,
            outline=style.PANEL,
        )


def _draw_labels(
    image: Image.Image, span: range, steps: tuple[int, int], fps: float, bottom: float, scale: float
) -> None:
    draw = ImageDraw.Draw(image)
    font = style.text_font(10.5 * scale)
    y = bottom + 11.5 * scale
    n_frames = span[-1] - span[0]
    for frame in range(span[0] + -span[0] % steps[0], span[-1] + 1, steps[0]):
        x = frame_x(frame - span[0], n_frames=n_frames, width=image.width) + 4 * scale
        number, time = str(frame), style.time_text(time_at(frame, fps=fps))
        x_time = x + font.getlength(number) + 5 * scale
        if x_time + font.getlength(time) > image.width - 2:
            continue
        draw.text((x, y), number, font=font, fill=style.TEXT, anchor="lm")
        draw.text((x_time, y), time, font=font, fill=style.TEXT_DIM, anchor="lm")
