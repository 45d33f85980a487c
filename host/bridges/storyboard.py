"""The artist's own images of keyframes, which are files in ComfyUI's input folder that the plan names."""

import os
from typing import NamedTuple

import torch
from comfy_api.v0_0_2 import InputImpl

from ...errors import KeyVIDError
from ...keyframes.plan import Keyframe, KeyframePlan
from ...keyframes.text import NO_FRAMES, frames_to_text
from ..files import input_image_path
from ..images import FITS, check_images, check_memory, check_size, fit_images
from ..payloads import Image


class Storyboard(NamedTuple):
    """images: (n, height, width, 3), in order of time, None without any. frames: theirs, "0, 12", or NO_FRAMES.
    missing: which images are not there, as a sentence; empty when all are.
    """

    images: Image | None
    frames: str
    missing: str


def storyboard_images(
    plan: KeyframePlan, *, width: int = 0, height: int = 0, fit: str = FITS[0]
) -> Storyboard:
    """The images of a plan's keyframes that are in ComfyUI's input folder, brought to one size.

    width and height in pixels; 0: that of the first image. fit: as `images.fit_images`. A file that is not there is
    no error, since a workflow is shared without its files. Raises KeyVIDError for a name outside the input folder and
    for a file that is no image.
    """
    named = [keyframe for keyframe in plan.keyframes if keyframe.image]
    paths = {keyframe.frame: input_image_path(keyframe.image) for keyframe in named}
    found = [keyframe for keyframe in named if os.path.isfile(paths[keyframe.frame])]
    gone = [keyframe for keyframe in named if keyframe not in found]
    if not found:
        return Storyboard(None, NO_FRAMES, _missing(gone))
    first = _image_in(paths[found[0].frame], found[0].image)
    size = {"width": width or first.shape[2], "height": height or first.shape[1]}
    check_memory(len(found), **size)
    fitted = [fit_images(first, fit=fit, **size)]
    for keyframe in found[1:]:  # one at a time: photos are larger than what is made of them
        image = _image_in(paths[keyframe.frame], keyframe.image)
        fitted.append(fit_images(image, fit=fit, **size))
    return Storyboard(torch.cat(fitted), frames_to_text(one.frame for one in found), _missing(gone))


def _image_in(path: str, name: str) -> Image:
    """The image (1, H, W, 3) of a file, the first one of several. Raises KeyVIDError when it cannot be read."""
    try:
        width, height, first_s = _size_and_first(path)
        check_size(width, height, name=f"The image {name!r:.120} of a keyframe")
        video = InputImpl.VideoFromFile(path, duration=first_s)
        image = video.get_components().images[:1, ..., :3].clone()
    except (MemoryError, KeyVIDError):
        raise
    except Exception as error:
        # the decoder has errors of its own kinds
        raise _unreadable(name, str(error)) from None
    if not len(image):
        raise _unreadable(name, "it has no frames")
    check_images(image, name=f"keyframes ({name})")
    return image


def _size_and_first(path: str) -> tuple[int, int, float]:
    """(width, height, seconds that only the first of a moving image's images begins in), without decoding any."""
    import av  # late: only an image needs it

    with av.open(path, metadata_errors="replace") as container:
        stream = container.streams.video[0]
        return stream.width, stream.height, 1.5 * float(stream.time_base or 0)


def _unreadable(name: str, reason: str) -> KeyVIDError:
    return KeyVIDError(
        f"The image {name!r} of a keyframe cannot be read ({reason:.120}). Save it again as PNG or JPEG, and drop it "
        "on the timeline."
    )


def _missing(gone: list[Keyframe]) -> str:
    if not gone:
        return ""
    named = [f"{one.image} (frame {one.frame})" for one in gone[:12]]
    more = f" and {len(gone) - 12} more" if len(gone) > 12 else ""
    them = "it" if len(gone) == 1 else "them"
    return (
        f"Not in ComfyUI's input folder: {', '.join(named)}{more}. Without {them} the model paints there; put {them} "
        "into the folder, or drop the images on the timeline of Edit Keyframes, and run again."
    )
