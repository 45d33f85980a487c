"""The images of a plan's keyframes: gathered, brought to one size, and placed on their frames."""

from collections.abc import Iterable, Sequence

import torch

from ...keyframes.bridges.image_order import image_on_frames, image_per_keyframe
from ...keyframes.plan import KeyframePlan
from ...keyframes.values import choice
from ..images import FITS, check_images, check_memory, fit_images, frame_masks
from ..payloads import Image, Mask

LEVEL_BETWEEN = {"black": 0.0, "grey": 0.5}  # of the frames without a keyframe


def keyframe_images(
    parts: Iterable[Image],
    plan: KeyframePlan,
    *,
    width: int = 0,
    height: int = 0,
    fit: str = FITS[0],
    fewer: str | None = None,
) -> Image:
    """One image per keyframe of the plan, in order of time: (count, height, width, 3).

    parts: images or batches of them, of any sizes. width and height in pixels; 0: that of the first image. fit: as
    `images.fit_images`; fewer: as `image_order.image_per_keyframe`. Raises KeyVIDError, or PlanError for a wrong number
    of images, none included.
    """
    singles: list[Image] = []
    for number, part in enumerate(parts, start=1):
        check_images(part, name=f"images (number {number})")
        singles += part.split(1)
    chosen = image_per_keyframe(plan, len(singles), fewer=fewer)
    first_height, first_width = singles[0].shape[1:3]
    size = {"width": width or first_width, "height": height or first_height}
    check_memory(len(chosen), **size)
    fitted = {i: _at_size(singles[i], fit=fit, **size) for i in sorted(set(chosen))}
    return torch.cat([fitted[i] for i in chosen])


def _at_size(image: Image, *, width: int, height: int, fit: str) -> Image:
    """One image (1, H, W, 3 or more) at a size, untouched where it has it."""
    if image.shape[1:3] == (height, width):
        return image[..., :3].detach().float()
    return fit_images(image, width=width, height=height, fit=fit)


def images_on_frames(
    images: Image, plan: KeyframePlan, *, between: str, name: str = "images"
) -> tuple[Image, Mask]:
    """(n_frames images, n_frames masks): each keyframe's image on its frame, one level elsewhere; masks white there.

    images: (count, H, W, 3). between: one of LEVEL_BETWEEN. Raises KeyVIDError when the memory does not suffice.
    """
    check_images(images, name=name)
    chosen = image_per_keyframe(plan, len(images))
    on_frames = image_on_frames(plan)
    video = video_of(images[chosen], on_frames, between=between)
    at_keyframe = [0.0 if number is None else 1.0 for number in on_frames]
    _, height, width, _ = video.shape
    return video, frame_masks(at_keyframe, width=width, height=height)


def video_of(images: Image, numbers: Sequence[int | None], *, between: str) -> Image:
    """A video (len(numbers), H, W, 3) that shows image `numbers[frame]`, or one level where that is None.

    images: (count, H, W, 3). between: one of LEVEL_BETWEEN. Raises KeyVIDError when the memory does not suffice.
    """
    _, height, width, _ = images.shape
    n_frames = len(numbers)
    check_memory(n_frames, width=width, height=height)
    video = torch.full(
        (n_frames, height, width, 3),
        LEVEL_BETWEEN[choice(between, LEVEL_BETWEEN, "image between keyframes")],
    )
    for frame, number in enumerate(numbers):
        if number is not None:
            video[frame] = images[number, ..., :3].to(video)
    return video


def one_by_one(images: Image) -> Sequence[Image]:
    """The images of a batch as a list of single ones (1, H, W, C), for an output list."""
    return list(images.split(1))
