"""A storyboard as a video: from keyframe to keyframe held or cross-dissolved, streamed into an MP4 with sound."""

import os
from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import KeyVIDError
from ..keyframes.bridges.blend import blend_weight
from ..keyframes.plan import KeyframePlan
from .mp4 import write_mp4
from .style import Progress


def render_blend(
    path: str | os.PathLike,
    *,
    images: Sequence[np.ndarray],
    plan: KeyframePlan,
    blend: str,
    samples: np.ndarray,
    sample_rate: int,
    on_frame: Progress | None = None,
) -> None:
    """Writes the plan's frames as an MP4 with sound (`mp4.write_mp4` says what is exact), one frame at a time.

    images: float (H, W, 3) in [0, 1], one per keyframe, all of one size; of an odd height or width the last row or
    column is left out, since H.264 halves the colours' resolution. blend: one of `keyframes.bridges.blend.BLENDS`.
    samples: float (n_channels, n) at sample_rate Hz. on_frame: what it raises cancels the rendering; no unfinished file
    is left. Raises KeyVIDError for images smaller than 2 x 2 pixels.
    """
    height, width = (side - side % 2 for side in images[0].shape[:2])
    if min(height, width) == 0:
        raise KeyVIDError(
            f"The images are {images[0].shape[1]} x {images[0].shape[0]} pixels; a video needs at least 2 x 2."
        )
    write_mp4(
        path,
        blended_frames([image[:height, :width] for image in images], plan, blend),
        width=width,
        height=height,
        n_frames=plan.n_frames,
        fps=plan.fps,
        samples=samples,
        sample_rate=sample_rate,
        on_frame=on_frame,
    )


def blended_frames(
    images: Sequence[np.ndarray], plan: KeyframePlan, blend: str
) -> Iterator[np.ndarray]:
    """Yields the plan's frames as uint8 (H, W, 3): at a keyframe its image, between two a mixture of theirs."""
    ends = [*plan.frames, plan.n_frames]
    for i, (start, end) in enumerate(zip(ends, ends[1:], strict=False)):
        image = _levels(images[i])
        # behind the last keyframe its image stays
        change = _levels(images[min(i + 1, plan.count - 1)]) - image
        for frame in range(start, end):
            weight = np.float32(blend_weight((frame - start) / (end - start), blend))
            yield (image + weight * change).astype(np.uint8)


def _levels(image: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) in [0, 1] as float32 levels of 8 bit, half a level up, so that cutting them off rounds."""
    return np.asarray(image, dtype=np.float32).clip(0, 1) * np.float32(255) + np.float32(0.5)
