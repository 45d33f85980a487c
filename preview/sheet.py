"""The keyframe sheet: every keyframe's image at its place on the timeline.

Cards are placed in turn above and below a timing strip, each joined to its frame; a long plan takes several bands.
"""

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from ..errors import KeyVIDError
from ..keyframes.curve import MotionCurve
from ..keyframes.plan import Keyframe, KeyframePlan
from ..keyframes.timebase import n_samples_at, time_at
from . import style
from .captions import draw_legend
from .image import fit, to_image
from .strip import SUPERSAMPLING, draw_strip, frame_x, waveform_columns
from .style import Size
from .waveform import waveform_between

MIN_WIDTH = 320
PER_BAND = 12  # cards around one stretch of the timeline, half of them above
WIDEST_CARD = 0.24  # of the sheet, so that few keyframes still show where they are
THUMBNAIL_WIDTH = 192  # px, enough for the keyframe editor
JPEG_QUALITY = 85


# index of the first keyframe, behind the last, first frame, behind the last frame
Band = tuple[int, int, int, int]
Sound = tuple[np.ndarray, int]  # samples (C, N), sample rate in Hz


class Layout(NamedTuple):
    """Sizes of one band, in pixels."""

    width: int
    scale: float
    image: Size
    caption: int
    gap: int
    leader: int
    strip: int

    @property
    def card(self) -> Size:
        """(width, height) of a card: the coloured edge, the image, the caption."""
        return self.image[0], self.edge + self.image[1] + self.caption

    @property
    def edge(self) -> int:
        """Height of the coloured edge of a card."""
        return max(2, round(3 * self.scale))

    @property
    def height(self) -> int:
        """Height of the band: strip, and cards with their leaders on both sides."""
        return 2 * (self.card[1] + self.leader) + self.strip


def draw_sheet(
    images: Sequence[np.ndarray] | np.ndarray,
    plan: KeyframePlan,
    *,
    width: int = 1280,
    curve: MotionCurve | None = None,
    samples: np.ndarray | None = None,
    sample_rate: int | None = None,
) -> np.ndarray:
    """The contact sheet of a plan, uint8 (height, width, 3); its height follows from the images and the count.

    Parameters:
    images: float (count, H, W, 3) in [0, 1], one for each keyframe of the plan, in order.
    plan: a KeyframePlan. curve: its MotionCurve, samples (n_channels, n_samples) at sample_rate Hz: the clip's
    sound; both are drawn behind the keyframes when given.
    width: of the sheet in pixels, at least MIN_WIDTH.

    Raises KeyVIDError for another number of images, or when the sheet is too narrow.
    """
    if len(images) != plan.count:
        raise KeyVIDError(
            f"There are {len(images)} images for the {plan.count} keyframes of the plan; give one for each."
        )
    if width < MIN_WIDTH:
        raise KeyVIDError(
            f"The keyframe sheet is {width} pixels wide; make it at least {MIN_WIDTH} pixels wide."
        )
    card_images = [to_image(image) for image in images]
    layout = _layout_of(card_images[0].size, width, plan.count)
    sound = None if samples is None or sample_rate is None else (samples, sample_rate)
    bands = [
        _draw_band(layout, card_images, plan, band, curve=curve, sound=sound)
        for band in _bands(plan)
    ]
    space = np.full((round(22 * layout.scale), width, 3), style.BACKGROUND, np.uint8)
    rows = [_draw_header(layout, plan)]
    for band in bands:
        rows += [band, space]
    return np.concatenate(rows)


def thumbnail(image: np.ndarray) -> bytes:
    """A small JPEG (bytes) of an image, float (H, W, 3) in [0, 1]."""
    large = to_image(image)
    size = fit(large.size, (THUMBNAIL_WIDTH, THUMBNAIL_WIDTH))
    file = io.BytesIO()
    large.resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _bands(plan: KeyframePlan) -> list[Band]:
    """The plan divided into bands of about equally many keyframes."""
    n_bands = math.ceil(plan.count / PER_BAND)
    edges = [plan.count * band // n_bands for band in range(n_bands + 1)]
    frames = [*(plan.frames[edge] for edge in edges[:-1]), plan.n_frames]
    return list(zip(edges, edges[1:], frames, frames[1:], strict=False))


def _layout_of(image_size: Size, width: int, count: int) -> Layout:
    scale = min(max(width / 1280, 0.5), 3.0)
    gap, margin = round(10 * scale), _margin(width)
    n_bands = math.ceil(count / PER_BAND)
    columns = math.ceil(math.ceil(count / n_bands) / 2)
    card_width = (width - 2 * margin - (columns - 1) * gap) / columns
    card_width = int(min(card_width, WIDEST_CARD * width))
    return Layout(
        width=width,
        scale=scale,
        image=fit(image_size, (card_width, card_width)),
        caption=round(27 * scale),
        gap=gap,
        leader=round(40 * scale),
        strip=round(100 * scale),
    )


def _margin(width: int) -> int:
    return round(frame_x(0, n_frames=1, width=width))  # in line with the strip's own


def _draw_header(layout: Layout, plan: KeyframePlan) -> np.ndarray:
    """What the plan is, in words, and the legend of its kinds: uint8 (height, width, 3)."""
    scale = layout.scale
    image = Image.new("RGB", (layout.width, round(48 * scale)), style.BACKGROUND)
    font, x, y = style.text_font(17 * scale), _margin(layout.width), 0.5 * image.height
    lasts = style.time_text(time_at(plan.n_frames, fps=plan.fps))
    parts = (
        (f"{plan.count} keyframes", style.TEXT),
        (f"   {plan.n_frames} frames at {plan.fps:g} fps · {lasts}", style.TEXT_DIM),
    )
    end = x + sum(font.getlength(text) for text, _ in parts)
    draw_legend(image, plan, 1.25 * scale, x_min=end + 20 * scale, y=y)
    draw = ImageDraw.Draw(image)
    for text, colour in parts:
        draw.text((x, y), text, font=font, fill=colour, anchor="lm")
        x += font.getlength(text)
    return np.asarray(image)


def _draw_band(
    layout: Layout,
    images: Sequence[Image.Image],
    plan: KeyframePlan,
    band: Band,
    *,
    curve: MotionCurve | None,
    sound: Sound | None,
) -> np.ndarray:
    """One stretch of the timeline with its cards, uint8 (height, width, 3)."""
    start, stop, first_frame, end_frame = band
    n_frames, width = end_frame - first_frame, layout.width
    image = Image.new("RGB", (width, layout.height), style.BACKGROUND)
    strip_top = layout.card[1] + layout.leader
    strip = draw_strip(
        width=width,
        height=layout.strip,
        n_frames=n_frames,
        fps=plan.fps,
        waveform=_waveform(sound, plan, first_frame, end_frame, width),
        curve=curve,
        plan=plan,
        first_frame=first_frame,
    )
    image.paste(Image.fromarray(strip), (0, strip_top))
    below = strip_top + layout.strip
    sides = (  # where the cards are, where their lines begin and end
        (0, layout.card[1], strip_top),
        (below + layout.leader, below + layout.leader, below),
    )
    for side, (top, line_from, line_to) in enumerate(sides):
        shown = range(start + side, stop, 2)
        frame_xs = [
            frame_x(plan.frames[i] - first_frame, n_frames=n_frames, width=width) for i in shown
        ]
        middles = _middles(frame_xs, layout)
        colours = [style.KIND_COLOURS[plan.keyframes[i].kind] for i in shown]
        _draw_leaders(image, middles, frame_xs, colours, (line_from, line_to), layout)
        for i, middle in zip(shown, middles, strict=True):
            card = _card(images[i], plan.keyframes[i], plan.fps, layout, is_below=bool(side))
            image.paste(card, (round(middle - layout.card[0] / 2), top))
    return np.asarray(image)


def _waveform(
    sound: Sound | None, plan: KeyframePlan, first_frame: int, end_frame: int, width: int
) -> np.ndarray | None:
    if sound is None:
        return None
    samples, sample_rate = sound
    start, stop = (
        n_samples_at(n, fps=plan.fps, sample_rate=sample_rate) for n in (first_frame, end_frame)
    )
    return waveform_between(samples, start, stop, waveform_columns(width))


def _middles(frame_xs: Sequence[float], layout: Layout) -> list[float]:
    """The middles of the cards of a row: as near to their frames as they can be without overlapping."""
    step = layout.card[0] + layout.gap
    first = _margin(layout.width) + layout.card[0] / 2
    last = layout.width - first
    middles: list[float] = []
    for wanted in frame_xs:
        middles.append(max(wanted, first, middles[-1] + step if middles else first))
    for i in reversed(range(len(middles))):  # what was pushed out at the right pushes back
        middles[i] = min(middles[i], last - (len(middles) - 1 - i) * step)
    return middles


def _draw_leaders(
    image: Image.Image,
    middles: Sequence[float],
    frame_xs: Sequence[float],
    colours: Sequence[style.Colour],
    y_range: tuple[int, int],
    layout: Layout,
) -> None:
    """A soft S from each card to its frame, with a dot where it arrives."""
    ss = SUPERSAMPLING
    (y_from, y_to), top = y_range, min(y_range)
    box = (0, top, image.width, max(y_range))
    zone = image.crop(box).resize((image.width * ss, layout.leader * ss))
    draw = ImageDraw.Draw(zone)
    ease = np.linspace(0, 1, 33)
    dot = 2.6 * layout.scale
    end_y = y_to - math.copysign(dot + 1, y_to - y_from)
    for middle, end, colour in zip(middles, frame_xs, colours, strict=True):
        x = middle + (end - middle) * ease * ease * (3 - 2 * ease)
        y = y_from - top + (end_y - y_from) * ease
        points = [(ss * a, ss * b) for a, b in zip(x, y, strict=True)]
        line = style.mix(style.BACKGROUND, colour, 0.55)
        draw.line(points, fill=line, width=round(1.6 * layout.scale * ss), joint="curve")
        a, b = points[-1]
        radius = dot * ss
        draw.ellipse((a - radius, b - radius, a + radius, b + radius), fill=colour)
    image.paste(zone.reduce(ss), box[:2])


def _card(
    image: Image.Image, keyframe: Keyframe, fps: float, layout: Layout, *, is_below: bool
) -> Image.Image:
    """A keyframe's card (PIL): its image, its colour on the side of the timeline, its frame and time on the other."""
    colour, scale = style.KIND_COLOURS[keyframe.kind], layout.scale
    card = Image.new("RGB", layout.card, style.PANEL)
    image = image.resize(layout.image, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if is_below:
        image_top, edge_top, caption_top = layout.edge, 0, layout.edge + layout.image[1]
    else:
        image_top, caption_top = layout.caption, 0
        edge_top = layout.caption + layout.image[1]
    card.paste(image, (0, image_top))
    card.paste(colour, (0, edge_top, card.width, edge_top + layout.edge))
    card.paste(_caption(keyframe, fps, (card.width, layout.caption), scale), (0, caption_top))
    return card


def _caption(keyframe: Keyframe, fps: float, size: Size, scale: float) -> Image.Image:
    """Shape, frame, time and, where there is room, the kind (PIL)."""
    ss, (width, height) = SUPERSAMPLING, size
    large = Image.new("RGB", (width * ss, height * ss), style.PANEL)
    radius = 6 * scale * ss * (0.72 if keyframe.locked else 1)
    style.draw_marker(
        ImageDraw.Draw(large),
        keyframe.kind,
        x=15 * scale * ss,
        y=large.height / 2,
        radius=radius,
        locked=keyframe.locked,
    )
    caption = large.reduce(ss)
    draw, x, y = ImageDraw.Draw(caption), 28 * scale, height / 2
    font, small = style.text_font(14.5 * scale), style.text_font(12.5 * scale)
    time = style.time_text(time_at(keyframe.frame, fps=fps))
    kind_x = width - 9 * scale - small.getlength(keyframe.kind)
    for text, face, colour in (
        (str(keyframe.frame), font, style.TEXT),
        (time, small, style.TEXT_DIM),
    ):
        if x + face.getlength(text) > width - 4 * scale:
            return caption
        draw.text((x, y), text, font=face, fill=colour, anchor="lm")
        x += face.getlength(text) + 8 * scale
    if kind_x > x + 4 * scale:
        kind_colour = style.KIND_COLOURS[keyframe.kind]
        draw.text((kind_x, y), keyframe.kind, font=small, fill=kind_colour, anchor="lm")
    return caption
