"""Segments of a video: the images that each begins and ends with, and the made segments put together."""

from collections.abc import Sequence

import torch

from ...errors import KeyVIDError
from ...keyframes.bridges.segments import joined_frames
from ...keyframes.plan import KeyframePlan
from ..images import check_images, check_memory
from ..payloads import Image


def join_segments(parts: Sequence[Image], plan: KeyframePlan) -> Image:
    """The plan's frames (n_frames, H, W, 3) out of the segments between its keyframes, each (frames, H, W, 3).

    `joined_frames` says which frames are taken. Raises KeyVIDError for segments of different sizes, PlanError for
    another number of them or of their frames.
    """
    for number, part in enumerate(parts, start=1):
        check_images(part, name=f"segments (number {number})")
    chosen = joined_frames(plan, [len(part) for part in parts])
    height, width = parts[0].shape[1:3]
    for number, part in enumerate(parts, start=1):
        if part.shape[1:3] != (height, width):
            raise KeyVIDError(
                f"Segment {number} is {part.shape[2]} x {part.shape[1]} pixels and the first one {width} x {height}; "
                "make all segments at one size."
            )
    check_memory(plan.n_frames, width=width, height=height)
    joined = torch.empty(plan.n_frames, height, width, 3)
    for frame, (segment, index) in enumerate(chosen):
        joined[frame] = parts[segment][index, ..., :3]
    return joined
