"""What the networks see of a video: three clips of 2 s, at 24 fps and 320 x 512, with sound at 16 kHz.

As the published code cuts them to generate and to evaluate (published-model h.1 and i): the clips begin at
linspace(0, duration - 2, 3); the frame at t is the first one that is shown at t or later, the last one is repeated
where there is none; the image is cut to the ratio of the target around its centre and then scaled.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from ...keyframes.timebase import FPS, N_FRAMES
from ...models.encoders.mel import SAMPLE_RATE, resample_to_16k
from .decode import Sound, VideoFileError, frame_times, read_frames, read_sound
from .layouts import Video

CLIPS_PER_VIDEO = 3
CLIP_S = N_FRAMES / FPS
HEIGHT, WIDTH = 320, 512  # pixels that the published models see
# a frame's time is rounded to the time base of its file, in Matroska's to milliseconds
TIME_TOLERANCE_S = 1e-3


class Clip(NamedTuple):
    """frames: uint8 (n, 3, H, W). audio: float32 (C, 32000) at 16 kHz. start_s: where it begins in its video.

    name: "CATEGORY/STEM_clip-0i", under which generated videos and predicted curves are filed.
    """

    name: str
    caption: str
    category: str
    start_s: float
    frames: torch.Tensor
    audio: np.ndarray


def clip_starts(duration_s: float, *, n_clips: int = CLIPS_PER_VIDEO) -> np.ndarray:
    """When the clips of a video begin, float64 (n_clips,) in seconds; one clip is the middle of the video."""
    spare_s = max(0.0, duration_s - CLIP_S)
    return np.array([spare_s / 2]) if n_clips == 1 else np.linspace(0, spare_s, n_clips)


def frames_shown(times_s: np.ndarray, start_s: float, *, n: int, fps: float) -> np.ndarray:
    """Which frames of a video a clip has: int (n,), for each t = start_s + i / fps the first one shown at t or later.

    times_s: (m,) ascending, when the video's frames are shown. Past the last frame it is the last.
    """
    wanted_s = start_s + np.arange(n) / fps
    indices = np.searchsorted(times_s, wanted_s - TIME_TOLERANCE_S)
    return np.minimum(indices, len(times_s) - 1)


def cover_crop(image: np.ndarray, *, height: int = HEIGHT, width: int = WIDTH) -> torch.Tensor:
    """An image uint8 (H, W, 3) cut to the ratio of height and width around its centre and scaled: uint8 (3, h, w).

    Bilinear, low-passed when it becomes smaller. Nothing is distorted by more than a pixel's rounding, nothing padded.
    """
    have_height, have_width = image.shape[:2]
    if height * have_width >= have_height * width:  # too wide
        keep = max(1, int(have_height * width / height))
        left = (have_width - keep) // 2
        image = image[:, left : left + keep]
    else:
        keep = max(1, int(have_width * height / width))
        top = (have_height - keep) // 2
        image = image[top : top + keep]
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]  # (1, 3, H, W)
    if pixels.shape[-2:] != (height, width):
        scaled = functional.interpolate(
            pixels.float(), size=(height, width), mode="bilinear", antialias=True
        )
        pixels = scaled.round().clamp(0, 255).to(torch.uint8)
    return pixels[0]


def clip_audio(sound: Sound, start_s: float) -> np.ndarray:
    """The 2 s of a Sound from start_s on at 16 kHz: float32 (C, 32000), behind its end silence."""
    first = round(start_s * sound.sample_rate)
    n = round(CLIP_S * sound.sample_rate)
    samples = sound.samples[:, first : first + n]
    samples = np.pad(samples, ((0, 0), (0, n - samples.shape[1])))
    n_wanted = round(CLIP_S * SAMPLE_RATE)
    return resample_to_16k(samples, sound.sample_rate).numpy()[:, :n_wanted]


def read_clips(
    video: Video,
    *,
    n_clips: int = CLIPS_PER_VIDEO,
    n_frames: int = N_FRAMES,
    fps: float = FPS,
    height: int = HEIGHT,
    width: int = WIDTH,
    only: Collection[int] | None = None,
) -> Iterator[Clip]:
    """The Clips of a Video; its file is decoded once. only: the numbers of some of them, None for all.

    Raises VideoFileError, also where it has no sound.
    """
    times_s = frame_times(video.path)
    starts = clip_starts(float(times_s[-1]), n_clips=n_clips)
    wanted = {
        clip: frames_shown(times_s[:-1], start_s, n=n_frames, fps=fps)
        for clip, start_s in enumerate(starts)
        if only is None or clip in only
    }
    kept, needed = {}, set(np.concatenate(list(wanted.values())).tolist())
    for number, frame in enumerate(read_frames(video.path)):
        if number in needed:
            kept[number] = cover_crop(frame.image, height=height, width=width)
        if len(kept) == len(needed):
            break
    sound = read_sound(video.path)
    if sound is None or needed - kept.keys():
        what = "no sound" if sound is None else f"only {len(kept)} of {len(needed)} frames"
        raise VideoFileError(f"There are {what} in {video.path}. Leave it out, or fetch it again.")
    for clip, indices in wanted.items():
        yield Clip(
            name=f"{video.name}_clip-{clip:02d}",
            caption=video.caption,
            category=video.category,
            start_s=float(starts[clip]),
            frames=torch.stack([kept[index] for index in indices.tolist()]),
            audio=clip_audio(sound, float(starts[clip])),
        )
