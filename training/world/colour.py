"""Colours that go together: a quiet background and one or two loud colours on it.

Colours are drawn as lightness, chroma and hue in Oklab (Björn Ottosson, "A perceptual color space for image
processing", 2020), where equal steps look equal, so that any hue is as visible as any other.
"""

from typing import NamedTuple

import numpy as np

_CONES = np.array(  # Oklab to the cube roots of cone responses, ibid.
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LINEAR = np.array(  # cone responses to linear sRGB, ibid.
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


# degrees; yellow and olive are left out: they are muddy where they are dark enough to be seen
LOUD_HUES = (12, 40, 150, 190, 250, 290, 340)


class Palette(NamedTuple):
    """The colours of one clip, each float (3,) sRGB in [0, 1]."""

    top: np.ndarray  # of the background
    bottom: np.ndarray
    ground: np.ndarray
    quiet: np.ndarray  # of the static scene
    quiet_dark: np.ndarray
    loud: np.ndarray  # of what moves
    loud_light: np.ndarray
    loud_dark: np.ndarray
    accent: np.ndarray  # of flashes, sparks and small marks


def rgb(lightness: float, chroma: float, hue_deg: float) -> np.ndarray:
    """sRGB (3,) in [0, 1] of an Oklab colour: lightness 0 to 1, chroma 0 to about 0.3, hue in degrees."""
    hue = np.radians(hue_deg)
    cones = (_CONES @ [lightness, chroma * np.cos(hue), chroma * np.sin(hue)]) ** 3
    linear = np.clip(_LINEAR @ cones, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def draw_palette(rng: np.random.Generator) -> Palette:
    """A Palette, on a dark background in half of the clips."""
    hue = rng.uniform(0, 360)
    apart = [loud for loud in LOUD_HUES if 80 <= (loud - hue) % 360 <= 280]
    loud_hue = rng.choice(apart) + rng.uniform(-6, 6)
    quiet_hue = hue + rng.uniform(-30, 30)
    dark = rng.random() < 0.5
    base = rng.uniform(0.26, 0.34) if dark else rng.uniform(0.86, 0.92)
    chroma = rng.uniform(0.02, 0.05)
    loud = rng.uniform(0.68, 0.76) if dark else rng.uniform(0.56, 0.64)
    quiet = 0.52 if dark else 0.48
    return Palette(
        top=rgb(base - 0.03, chroma, hue),
        bottom=rgb(base + 0.05, chroma, hue),
        ground=rgb(base - (0.09 if dark else 0.13), chroma, hue),
        quiet=rgb(quiet, 0.04, quiet_hue),
        quiet_dark=rgb(quiet - 0.14, 0.04, quiet_hue),
        loud=rgb(loud, 0.15, loud_hue),
        loud_light=rgb(loud + 0.14, 0.10, loud_hue),
        loud_dark=rgb(loud - 0.16, 0.11, loud_hue),
        accent=rgb(0.94, 0.12, 95) if dark else rgb(0.80, 0.17, 75),
    )
