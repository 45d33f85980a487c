"""ComfyUI's IMAGE, MASK and LATENT sockets <-> plain arrays, and images brought to the size of a video.

Nodes check what comes over an IMAGE socket once, by `check_images`, `first_image` or `all_images`; every other
function trusts its input.
"""

from collections.abc import Sequence

import comfy.model_management
import numpy as np
import torch
from torch.nn import functional

from ..errors import KeyVIDError
from ..keyframes.values import whole_number
from .payloads import Image, Latent, Mask

FITS = ("crop", "pad", "stretch")
MOST_PIXELS = 2**27  # 16384 x 8192: a frame of 16K video
MOST_SIDE = 16_384  # pixels that an image may be wide or high
LEVELS = 255  # of a channel: the published code prepares images as 8 bit (published-model e.7)
SLACK = 1e-3  # of a level: resizing makes 254.9999 of a plain white, which shall stay white
# keys of a LATENT that belong to the whole video, not to a frame
_OF_VIDEOS = ("noise_mask", "batch_index")
_PIXEL_BYTES = 12  # three channels of float32


def check_images(image: Image, *, name: str = "image") -> None:
    """Raises KeyVIDError unless an IMAGE socket brings at least one finite colour image; name: the node's input."""
    shape = tuple(getattr(image, "shape", ()))
    if len(shape) != 4 or 0 in shape or shape[3] < 3:
        what = f"It has shape {shape}" if shape else "It is empty"
        raise KeyVIDError(
            f"There is no image on the {name} input. {what}; connect Load Image, or any node that gives "
            "at least one colour image."
        )
    if not torch.isfinite(image).all():
        raise KeyVIDError(
            f"An image on the {name} input holds values that are not finite numbers. Check the node that made it; "
            "a failed VAE Decode is the usual reason."
        )


def check_size(width: int, height: int, *, name: str) -> None:
    """Raises KeyVIDError for an image or a frame that no screen or camera has, before its pixels are unpacked.

    A file of a few kB may hold, or claim, an image that fills the memory. name: of the image, to begin a sentence with.
    """
    if width * height > MOST_PIXELS:
        raise KeyVIDError(
            f"{name} has {width} x {height} pixels, and at most {MOST_PIXELS // 10**6} million are read. Save it "
            "smaller."
        )


def check_memory(n_images: int, *, width: int, height: int) -> None:
    """Raises KeyVIDError when a batch of images needs more memory than is free."""
    needed = n_images * width * height * _PIXEL_BYTES
    free = comfy.model_management.get_free_memory(torch.device("cpu"))
    if needed > free:
        raise KeyVIDError(
            f"{n_images} images of {width} x {height} pixels need {needed / 2**30:.1f} GB of memory, and "
            f"{free / 2**30:.1f} GB are free. Take a shorter piece in Clip Audio, or a smaller size."
        )


def first_image(image: Image) -> np.ndarray:
    """The first image of an IMAGE socket as numpy float32 (H, W, 3) in [0, 1]. Raises KeyVIDError as `check_images`."""
    check_images(image)
    return _colours(image[:1]).cpu().numpy()[0]  # (H, W, 3)


def all_images(image: Image, *, name: str = "image") -> np.ndarray:
    """Every image of an IMAGE socket as numpy float32 (B, H, W, 3). Raises KeyVIDError as `check_images`."""
    check_images(image, name=name)
    return _colours(image).cpu().numpy()  # (B, H, W, 3)


def image_of(pixels: np.ndarray) -> Image:
    """An IMAGE socket payload, float32 in [0, 1], from 8-bit pixels (H, W, 3)."""
    return torch.from_numpy(pixels).float().div(255).unsqueeze(0)  # (1, H, W, 3)


def to_bchw(image: torch.Tensor) -> torch.Tensor:
    """Images with ComfyUI's axes (B, H, W, C) in the axes of PyTorch's networks."""
    return image.movedim(-1, 1)  # (B, C, H, W)


def to_bhwc(image: torch.Tensor) -> torch.Tensor:
    """Images with the axes of PyTorch's networks (B, C, H, W) in ComfyUI's axes."""
    return image.movedim(1, -1)  # (B, H, W, C)


def frame_masks(values: Sequence[float], *, width: int, height: int) -> Mask:
    """A MASK batch (n_frames, height, width) whose mask of a frame is `values[frame]` everywhere.

    The masks share memory, so an hour of them costs nothing until a node downstream works on them. Raises KeyVIDError
    for a size that is none.
    """
    width = whole_number(width, "width of the masks", least=1, most=MOST_SIDE)
    height = whole_number(height, "height of the masks", least=1, most=MOST_SIDE)
    levels = torch.tensor(values, dtype=torch.float32)  # (n_frames,)
    return levels.view(-1, 1, 1).expand(-1, height, width)  # (n_frames, height, width)


def frame_latents(latent: Latent) -> Latent:
    """A LATENT of videos (B, C, T, h, w) as one of images (B * T, C, h, w), video after video.

    Other keys are kept, except mask and batch index. Raises KeyVIDError for a latent of images.
    """
    samples = latent["samples"]
    if not isinstance(samples, torch.Tensor) or samples.ndim != 5:
        shape = tuple(getattr(samples, "shape", ()))
        raise KeyVIDError(
            f"The latent has shape {shape} and is not one of a video (clips, channels, frames, height, width). Connect "
            "the sampler's output; a batch of images goes straight into VAE Decode."
        )
    frames = samples.movedim(2, 1).flatten(0, 1)  # (B * T, C, h, w)
    kept = {key: value for key, value in latent.items() if key not in _OF_VIDEOS}
    return {**kept, "samples": frames}


def fit_images(image: Image, *, width: int, height: int, fit: str = FITS[0]) -> Image:
    """Images (B, H, W, 3 or more) at width x height pixels, float32 (B, height, width, 3) in [0, 1].

    fit: "crop" covers the size and cuts the sides off evenly, as published; "pad" shows the whole image between
    black bars; "stretch" changes its proportions. Resized bilinearly with antialiasing and cut to whole 8-bit
    levels, as published (published-model e.7). Raises KeyVIDError for another fit.
    """
    if fit not in FITS:
        raise KeyVIDError(f"Images cannot be fitted by {fit!r}; choose one of {', '.join(FITS)}.")
    images = to_bchw(_colours(image))  # (B, 3, H, W)
    if fit == "crop":
        images = _cropped(images, width / height)
    inner = _inside(images, width, height) if fit == "pad" else (height, width)
    images = functional.interpolate(
        images, size=inner, mode="bilinear", align_corners=False, antialias=True
    )
    images = to_bhwc(_padded(images, width, height))  # (B, height, width, 3)
    return images.mul(LEVELS).add(SLACK).floor().clamp(0, LEVELS).div(LEVELS)


def _colours(image: Image) -> torch.Tensor:
    """The three colour channels of images (B, H, W, 3 or more) as float32."""
    return image[..., :3].detach().float()  # (B, H, W, 3)


def _cropped(images: torch.Tensor, aspect: float) -> torch.Tensor:
    """The middle of images (B, 3, H, W) with the proportions width / height = aspect."""
    height, width = images.shape[-2:]
    cut_width = min(width, max(1, round(height * aspect)))
    cut_height = min(height, max(1, round(width / aspect)))
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    return images[..., top : top + cut_height, left : left + cut_width]


def _inside(images: torch.Tensor, width: int, height: int) -> tuple[int, int]:
    """(height, width) of images (B, 3, H, W) once they fit into a size with their own proportions."""
    factor = min(height / images.shape[-2], width / images.shape[-1])
    inner_height, inner_width = (max(1, round(side * factor)) for side in images.shape[-2:])
    return inner_height, inner_width


def _padded(images: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Images (B, 3, H, W) in the middle of black ones of width x height pixels."""
    missing_x, missing_y = width - images.shape[-1], height - images.shape[-2]
    left, top = missing_x // 2, missing_y // 2
    return functional.pad(images, (left, missing_x - left, top, missing_y - top))
