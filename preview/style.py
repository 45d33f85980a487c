"""What timing looks like: colours, text, and the shape of each kind of keyframe.

Colours stay apart for colour-blind viewers, and every kind has a shape of its own besides.
"""

import math
from collections.abc import Callable

from PIL import ImageDraw, ImageFont

Size = tuple[int, int]  # width, height in pixels
Colour = tuple[int, int, int]  # RGB, 0 to 255
Progress = Callable[[int, int], object]  # progress(n_done, n_total), which may raise to cancel

BACKGROUND = (17, 18, 21)
PANEL = (25, 27, 31)
GRID = (58, 62, 69)
WAVEFORM = (74, 80, 90)
CURVE = (92, 214, 172)
TEXT = (226, 228, 232)
TEXT_DIM = (142, 147, 156)
PLAYHEAD = (255, 255, 255)

KIND_COLOURS = {
    "first": (255, 255, 255),
    "peak": (245, 166, 35),
    "valley": (74, 163, 255),
    "fill": (154, 160, 166),
    "manual": (232, 106, 216),
}


def text_font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own scalable font, so that no font file is shipped or looked for; size in pixels."""
    return ImageFont.load_default(size=max(8.0, float(size)))


def time_text(time_s: float) -> str:
    """Seconds as a viewer reads them: 0.50 s, 12.25 s, from a minute on 1:05.3."""
    if time_s < 60:
        return f"{time_s:.2f} s"
    tenths = math.floor(time_s * 10 + 0.5)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def mix(colour: Colour, other: Colour, amount: float) -> Colour:
    """The colour `amount` (0 to 1) of the way from `colour` to `other`."""
    red, green, blue = (round(a + (b - a) * amount) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def draw_marker(
    draw: ImageDraw.ImageDraw,
    kind: str,
    *,
    x: float,
    y: float,
    radius: float,
    locked: bool = False,
    outline: Colour | None = None,
) -> None:
    """Draws the shape of a kind of keyframe, centred on (x, y), with a ring around it when locked.

    Parameters: draw, a PIL ImageDraw; radius in pixels; outline, a colour that sets the shape apart from
    what is beneath, or None. Draw supersampled and shrink: PIL does not smooth its edges.
    """
    colour = KIND_COLOURS[kind]
    if outline is not None:
        _draw_shape(draw, kind, x, y, radius * 1.4, outline)
    _draw_shape(draw, kind, x, y, radius, colour)
    if locked:
        ring = radius * 1.75
        box = (x - ring, y - ring, x + ring, y + ring)
        draw.ellipse(box, outline=colour, width=max(1, round(radius * 0.28)))


def _draw_shape(
    draw: ImageDraw.ImageDraw, kind: str, x: float, y: float, radius: float, colour: Colour
) -> None:
    # extents differ so that shapes weigh the same to the eye; fills, which matter least, a little less
    if kind == "fill":
        r = radius * 0.68
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    else:
        draw.polygon([(x + radius * u, y + radius * v) for u, v in OUTLINES[kind]], fill=colour)


# those of js/editor/canvas/shapes.mjs, so that the editor and the images speak one language
OUTLINES = {
    "first": [(-0.82, -0.95), (0.82, -0.95), (0.82, 0.3), (0, 1.1), (-0.82, 0.3)],
    "peak": [(0, -1.02), (1.06, 0.82), (-1.06, 0.82)],
    "valley": [(-1.06, -0.82), (1.06, -0.82), (0, 1.02)],
    "manual": [(0, -1.16), (1.16, 0), (0, 1.16), (-1.16, 0)],
}
