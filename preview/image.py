"""The artist's image, pulsing with the motion."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter

from ..errors import KeyVIDError
from ..keyframes.curve import MotionCurve
from ..keyframes.plan import KeyframePlan
from .style import Colour, Size

ZOOM = 0.04  # at full motion the image is this much larger
RELEASE_S = 0.16  # the image comes to rest this slowly; it moves at once
# levels of motion: a step moves an edge by under half a pixel
PULSE_STEPS = 40
KEPT_BYTES = 48e6  # of images kept to be reused when their level recurs
_REST_LIGHT = 0.9  # brightness at rest, so that full motion has room to light up


def to_image(image: np.ndarray) -> Image.Image:
    """A PIL image from float (H, W, 3) in [0, 1]; values outside are clipped.

    Raises KeyVIDError when the array has another shape or holds something that is not a number.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise KeyVIDError(
            f"The image has shape {image.shape}; give one image as (height, width, 3), such as "
            "Load Image makes."
        )
    if not np.isfinite(image).all():
        raise KeyVIDError(
            "The image holds values that are not finite numbers, so it cannot be shown. "
            "Look at the node that made it; a failed VAE Decode is the usual reason."
        )
    return Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))


def fit(size: Size, box: Size) -> Size:
    """The largest (width, height) of the proportions of `size` that fits into `box`, at least 1 pixel."""
    factor = min(box[0] / size[0], box[1] / size[1])
    width, height = (max(1, min(round(s * factor), b)) for s, b in zip(size, box, strict=True))
    return width, height


def pulse_of(plan: KeyframePlan, curve: MotionCurve | None = None) -> np.ndarray:
    """How strongly the image moves at each frame: float64 (n_frames,) in [0, 1].

    It rises with the curve at once and falls slowly. Without a curve it rises at each keyframe.
    """
    fall = math.exp(-1 / (plan.fps * RELEASE_S))
    if curve is None:
        pulse = np.zeros(plan.n_frames)
        pulse[[keyframe.frame for keyframe in plan.keyframes]] = 1.0
    else:
        pulse = np.array(curve.score)
    for i in range(1, len(pulse)):
        pulse[i] = max(pulse[i], pulse[i - 1] * fall)
    return pulse


def pulsing(image: Image.Image, size: Size) -> Callable[[float], Image.Image]:
    """A function level -> the image (PIL) at `size`, at rest for level 0 and fully lit and zoomed for 1."""
    rest, lit = _rest_and_lit(image, size)
    kept: dict[int, Image.Image] = {}

    def at(level: float) -> Image.Image:
        step = round(level * PULSE_STEPS)
        if step not in kept:
            if len(kept) * size[0] * size[1] * 3 > KEPT_BYTES:
                kept.clear()
            kept[step] = _pulsed(rest, lit, size, step / PULSE_STEPS)
        return kept[step]

    return at


def _rest_and_lit(image: Image.Image, size: Size) -> tuple[Image.Image, Image.Image]:
    # both larger than `size` by ZOOM, so that no pulse has to enlarge them
    larger = [max(1, math.ceil(s * (1 + ZOOM))) for s in size]
    image = image.resize(larger, Image.Resampling.LANCZOS, reducing_gap=3.0)
    bloom = ImageChops.multiply(image, image).filter(ImageFilter.GaussianBlur(max(larger) * 0.025))
    bloom = ImageEnhance.Brightness(bloom).enhance(0.5)
    lit = ImageChops.screen(ImageEnhance.Brightness(image).enhance(1.06), bloom)
    return ImageEnhance.Brightness(image).enhance(_REST_LIGHT), lit


def _pulsed(rest: Image.Image, lit: Image.Image, size: Size, level: float) -> Image.Image:
    image = Image.blend(rest, lit, level)
    crop = [length / (1 + ZOOM * level) for length in image.size]
    left, top = ((length - c) / 2 for length, c in zip(image.size, crop, strict=True))
    box = (left, top, left + crop[0], top + crop[1])
    return image.resize(size, Image.Resampling.BICUBIC, box=box)


def edge_glow(size: Size) -> Image.Image:
    """A mask (PIL, 8 bit) that is strongest at the image's edges and fades inwards."""
    width, height = size
    x, y = np.arange(width), np.arange(height)
    distance = np.minimum(
        np.minimum(x, width - 1 - x)[None, :], np.minimum(y, height - 1 - y)[:, None]
    )
    fade = np.exp(-distance / max(1.0, 0.05 * max(size)))
    return Image.fromarray((120 * fade).astype(np.uint8))


def tinted(image: Image.Image, mask: Image.Image, colour: Colour, strength: float) -> Image.Image:
    """The image with a colour laid over it where the mask is, at `strength` (0 to 1)."""
    image = image.copy()
    image.paste(colour, mask=mask.point([round(v * strength) for v in range(256)]))
    return image
