"""A video above the true one, frame by frame, to be looked at."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..preview import style
from ..training.world.clip import WorldClip

PER_ROW = 12  # frames
GAP = 4  # pixels
CAPTION = 14  # pixels, for the number of a frame
HEARD, SEEN = style.KIND_COLOURS["peak"], style.KIND_COLOURS["valley"]


def draw_strip(clip: WorldClip, frames: np.ndarray, *, seen: Iterable[int] = ()) -> np.ndarray:
    """An image uint8 (height, width, 3): rows of frames (48, H, W, 3) above the true frames of a WorldClip.

    The true frames are framed where an event is heard, those of the video where one is seen (`seen`, their frames).
    """
    height, width = frames.shape[1:3]
    cell = width + GAP, 2 * height + 2 * GAP + CAPTION
    n_rows = -(-len(frames) // PER_ROW)
    page = Image.new("RGB", (PER_ROW * cell[0] + GAP, n_rows * cell[1] + GAP), style.BACKGROUND)
    draw, font = ImageDraw.Draw(page), style.text_font(10)
    heard, seen = {event.frame for event in clip.events}, set(seen)
    for frame, (made, true) in enumerate(zip(frames, clip.frames, strict=True)):
        x, y = GAP + frame % PER_ROW * cell[0], GAP + frame // PER_ROW * cell[1]
        below = y + height + 2
        for pixels, top, marked, colour in (
            (made, y, seen, SEEN),
            (true, below, heard, HEARD),
        ):
            if frame in marked:
                draw.rectangle((x - 2, top - 2, x + width + 1, top + height + 1), fill=colour)
            page.paste(Image.fromarray(pixels), (x, top))
        words = [str(frame), *["heard"] * (frame in heard), *["seen"] * (frame in seen)]
        if frame == 0:
            words.append("(made above true)")
        draw.text((x + 1, below + height + 1), " ".join(words), font=font, fill=style.TEXT_DIM)
    return np.asarray(page)


def write_strip(
    clip: WorldClip, frames: np.ndarray, path: Path, *, seen: Iterable[int] = ()
) -> None:
    """Write draw_strip as a PNG; its folder is made if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_strip(clip, frames, seen=seen)).save(path)
