"""Draws the pictures of the registry's page, and the video of README's first screen.

icon.png is 400 x 400 pixels, banner.png 1260 x 540 (21:9), as the registry asks for: a ball lands on every strike of a
sound. storyboard.mp4 is what the workflow keyvid_storyboard makes, smaller: two drawings that move with a snare drum.
"""

import math
import wave
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ...keyframes.audio.onset import onset_curve
from ...keyframes.bridges.image_order import image_per_keyframe
from ...keyframes.select import select_keyframes
from ...preview import style
from ...preview.blend import render_blend

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "media"
SAMPLES = FOLDER.parents[1] / "workflows" / "media"
VIDEO_SIZE = (640, 400)  # pixels
FPS, N_FRAMES, N_KEYFRAMES = 24, 192, 24  # as in the workflow: 8 s
SCALE = 4  # drawn larger, then reduced: smooth edges
ICON_STRIKES = (0.14, 0.5, 0.86)  # as shares of the width
BANNER_STRIKES = (0.06, 0.2, 0.29, 0.38, 0.56, 0.65, 0.74, 0.92)


def main() -> int:
    """Write the three files; the exit code."""
    for name, picture in (("icon", icon()), ("banner", banner())):
        path = FOLDER / f"{name}.png"
        picture.quantize(128, method=Image.Quantize.FASTOCTREE).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    path = FOLDER / "storyboard.mp4"
    write_storyboard(path)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    return 0


def write_storyboard(path: Path) -> None:
    """The video of the workflow keyvid_storyboard at VIDEO_SIZE, by the same functions, without ComfyUI."""
    with wave.open(str(SAMPLES / "keyvid_snare_accelerate.wav")) as sound:
        sample_rate, n_channels = sound.getframerate(), sound.getnchannels()
        wanted = round(N_FRAMES / FPS * sample_rate)
        levels = np.frombuffer(sound.readframes(wanted), "<i2").reshape(-1, n_channels)
    samples = levels.T.astype(np.float32) / 2**15
    curve = onset_curve(samples, sample_rate, n_frames=N_FRAMES, fps=FPS)
    plan = select_keyframes(curve, strategy="strongest", count=N_KEYFRAMES)
    images = [_photo(f"keyvid_snare_{name}.jpg") for name in ("strike", "raised")]
    chosen = image_per_keyframe(plan, len(images), fewer="by kind")
    render_blend(
        path,
        images=[images[i] for i in chosen],
        plan=plan,
        blend="eased",
        samples=samples,
        sample_rate=sample_rate,
    )


def _photo(name: str) -> np.ndarray:
    """A sample image as floats (H, W, 3) in [0, 1] at VIDEO_SIZE."""
    with Image.open(SAMPLES / name) as image:
        small = image.convert("RGB").resize(VIDEO_SIZE, Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.float32) / 255


def icon() -> Image.Image:
    """The icon, 400 x 400 pixels."""
    image, draw = _canvas(400, 400)
    _scene(draw, (0, 400), top=70, floor=250, base=318, strikes=ICON_STRIKES, ball=(0.74, 30))
    return _reduced(image)


def banner() -> Image.Image:
    """The banner, 1260 x 540 pixels."""
    image, draw = _canvas(1260, 540)
    _scene(draw, (40, 1220), top=190, floor=352, base=436, strikes=BANNER_STRIKES, ball=(0.83, 26))
    for text, size, y, colour in (
        ("KeyVID", 84, 40, style.TEXT),
        ("images that move to sound, in ComfyUI", 34, 142, style.TEXT_DIM),
    ):
        draw.text((60 * SCALE, y * SCALE), text, fill=colour, font=style.text_font(size * SCALE))
    return _reduced(image)


def _canvas(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width * SCALE, height * SCALE), style.BACKGROUND)
    return image, ImageDraw.Draw(image)


def _reduced(image: Image.Image) -> Image.Image:
    size = image.width // SCALE, image.height // SCALE
    return image.resize(size, Image.Resampling.LANCZOS)


def _scene(
    draw: ImageDraw.ImageDraw,
    span: tuple[float, float],
    *,
    top: float,
    floor: float,
    base: float,
    strikes: tuple[float, ...],
    ball: tuple[float, float],
) -> None:
    """The ball's path above the sound, with a keyframe on every strike.

    span: left and right, top: of the highest bounce, floor: where the ball lands, base: the middle of the waveform,
    in pixels; strikes: shares of the span; ball: its share of the span and its radius.
    """
    left, right = span
    width = right - left
    at, radius = ball
    longest = max(b - a for a, b in zip(strikes, strikes[1:], strict=False))

    def y_of(share: float) -> float:
        return floor - radius - _height(share, strikes, longest) * (floor - top - radius)

    for n in range(int(width / 10)):
        share = (n + 0.5) * 10 / width
        tall = 6 + 56 * _loudness(share, strikes)
        _bar(draw, left + share * width, base, tall)
    for n in range(int(width / 14)):  # where it was, as dots
        share = (n + 0.5) * 14 / width
        _disc(
            draw, left + share * width, y_of(share), 2.5, style.mix(style.PANEL, style.CURVE, 0.6)
        )
    for strike in strikes:
        x, y = (left + strike * width) * SCALE, (floor + 4) * SCALE
        style.draw_marker(draw, "peak", x=x, y=y, radius=15 * SCALE)
    _disc(draw, left + at * width, y_of(at), radius, style.CURVE)


def _height(share: float, strikes: tuple[float, ...], longest: float) -> float:
    """How high the ball is, 0 to 1: a parabola from strike to strike, the higher the longer it flies."""
    edges = (strikes[0] - longest, *strikes, strikes[-1] + longest)
    start, end = next((a, b) for a, b in zip(edges, edges[1:], strict=False) if a <= share <= b)
    way, flight = (share - start) / (end - start), (end - start) / longest
    return 4 * way * (1 - way) * flight**2


def _loudness(share: float, strikes: tuple[float, ...]) -> float:
    """0 to 1: a strike is loud at once and dies away."""
    since = min((share - strike for strike in strikes if strike <= share), default=1.0)
    return math.exp(-since * 14)


def _bar(draw: ImageDraw.ImageDraw, x: float, y: float, tall: float) -> None:
    box = [v * SCALE for v in (x - 3, y - tall, x + 3, y + tall)]
    draw.rounded_rectangle(
        box, radius=3 * SCALE, fill=style.mix(style.WAVEFORM, style.CURVE, tall / 90)
    )


def _disc(
    draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: style.Colour
) -> None:
    draw.ellipse([v * SCALE for v in (x - radius, y - radius, x + radius, y + radius)], fill=colour)
