"""The words on the timing preview: what each keyframe is, and which shape means which kind."""

import math

import numpy as np
from PIL import Image, ImageDraw

from ..keyframes.plan import Keyframe, KeyframePlan
from ..keyframes.timebase import time_at
from . import style

LABEL_HOLD_S, LABEL_FADE_S = 0.25, 0.35


def label_of(keyframe: Keyframe, index: int, plan: KeyframePlan, *, scale: float) -> np.ndarray:
    """The label of the `index`-th keyframe of a plan: float (height, width, 4), RGB and alpha in [0, 1]."""
    count = len(plan.keyframes)
    font = style.text_font(14 * scale)
    time = style.time_text(time_at(keyframe.frame, fps=plan.fps))
    parts = [
        (keyframe.kind, style.KIND_COLOURS[keyframe.kind]),
        (f" · frame {keyframe.frame} · {time}", style.TEXT),
        (f"   {index + 1}/{count}", style.TEXT_DIM),
    ]
    height, start = 28 * scale, 29 * scale
    width = start + sum(font.getlength(text) for text, _ in parts) + 12 * scale
    size = (math.ceil(width), math.ceil(height))
    ss = 3
    pill = Image.new("RGBA", (size[0] * ss, size[1] * ss), (*style.BACKGROUND, 0))
    draw = ImageDraw.Draw(pill)
    box = (0, 0, pill.width - 1, pill.height - 1)
    draw.rounded_rectangle(box, radius=8 * scale * ss, fill=(*style.BACKGROUND, 215))
    radius = 6 * scale * ss * (0.72 if keyframe.locked else 1)
    x, y = 16 * scale * ss, pill.height / 2
    style.draw_marker(draw, keyframe.kind, x=x, y=y, radius=radius, locked=keyframe.locked)
    pill = pill.reduce(ss)
    draw, x = ImageDraw.Draw(pill), start
    for text, colour in parts:
        draw.text((x, height / 2), text, font=font, fill=(*colour, 255), anchor="lm")
        x += font.getlength(text)
    return np.asarray(pill, dtype=np.float32) / 255


def draw_label(area: np.ndarray, label: np.ndarray, *, scale: float, since_s: float) -> None:
    """Lays a label into the lower left of `area`, uint8 (height, width, 3), fading after its keyframe."""
    fade = min(1.0, 1 - (since_s - LABEL_HOLD_S) / LABEL_FADE_S)
    if fade <= 0:
        return
    margin = min(round(12 * scale), round(area.shape[1] * 0.03))
    label = label[: area.shape[0] - margin, : area.shape[1] - 2 * margin]
    bottom = area.shape[0] - margin
    covered = area[bottom - label.shape[0] : bottom, margin : margin + label.shape[1]]
    alpha = label[..., 3:] * fade
    covered[:] = np.round(covered * (1 - alpha) + label[..., :3] * (255 * alpha))


def draw_legend(
    image: Image.Image, plan: KeyframePlan, scale: float, *, x_min: float, y: float
) -> None:
    """The kinds that occur, from the right; those that do not fit beside the time are left out."""
    ss = 3
    kinds = [kind for kind in style.KIND_COLOURS if any(k.kind == kind for k in plan.keyframes)]
    font = style.text_font(12 * scale)
    x = image.width - 13 * scale
    large = image.resize((image.width * ss, image.height * ss))
    marks, texts = ImageDraw.Draw(large), []
    for kind in reversed(kinds):
        x -= font.getlength(kind)
        if x - 14 * scale < x_min:
            break
        texts.append((x, kind))
        x -= 10 * scale
        style.draw_marker(marks, kind, x=x * ss, y=y * ss, radius=4.5 * scale * ss)
        x -= 18 * scale
    image.paste(large.reduce(ss))
    draw = ImageDraw.Draw(image)
    for x, kind in texts:
        draw.text((x, y), kind, font=font, fill=style.TEXT_DIM, anchor="lm")
