"""ComfyUI's IMAGE socket -> plain pixels, and pictures brought to the size that a video model paints."""

import torch
from torch.nn import functional

from ..errors import KeyVIDError

FITS = ("crop", "pad", "stretch")
LEVELS = 255  # of a channel: the released code prepares pictures as 8 bit (published-model e.7)
SLACK = 1e-3  # of a level: resizing makes 254.9999 of a plain white, which shall stay white


def picture_of(image):
    """The first picture of an IMAGE socket as numpy float32 (H, W, 3) in [0, 1]; a fourth channel is left out.

    Raises KeyVIDError with a remedy when there is none.
    """
    check_pictures(image)
    return image[0, :, :, :3].detach().float().cpu().numpy()


def pictures_of(image, *, name="image"):
    """Every picture of an IMAGE socket as numpy float32 (B, H, W, 3); name: the node's input.

    Raises KeyVIDError with a remedy when there is none.
    """
    check_pictures(image, name=name)
    return image[..., :3].detach().float().cpu().numpy()


def fitted_pictures(image, *, width, height, fit=FITS[0]):
    """The pictures of an IMAGE socket at width x height pixels, float32 (B, height, width, 3) in [0, 1].

    fit: "crop" covers the size and cuts the sides off evenly, as released; "pad" shows the whole picture between
    black bars; "stretch" changes its proportions. Resized bilinearly with antialiasing and cut to whole 8-bit
    levels, as released (published-model e.7). Raises KeyVIDError for no picture, or another fit.
    """
    check_pictures(image)
    if fit not in FITS:
        raise KeyVIDError(f"Pictures cannot be fitted by {fit!r}; choose one of {', '.join(FITS)}.")
    pictures = image[..., :3].detach().float().movedim(-1, 1)  # (B, 3, H, W)
    if fit == "crop":
        pictures = _cropped(pictures, width / height)
    inner = _inside(pictures, width, height) if fit == "pad" else (height, width)
    pictures = functional.interpolate(
        pictures, size=inner, mode="bilinear", align_corners=False, antialias=True
    )
    pictures = _padded(pictures, width, height).movedim(1, -1)  # (B, height, width, 3)
    return pictures.mul(LEVELS).add(SLACK).floor().clamp(0, LEVELS).div(LEVELS)


def check_pictures(image, *, name="image"):
    """Raises KeyVIDError unless an IMAGE socket brings at least one colour picture; name: the node's input."""
    shape = tuple(getattr(image, "shape", ()))
    if len(shape) != 4 or 0 in shape or shape[3] < 3:
        what = f"It has shape {shape}" if shape else "It is empty"
        raise KeyVIDError(
            f"There is no picture on the {name} input. {what}; connect Load Image, or any node that gives "
            "at least one colour picture."
        )
    if not torch.isfinite(image).all():
        raise KeyVIDError(
            f"A picture on the {name} input holds values that are not finite numbers. Look at the node that made it; "
            "a failed VAE Decode is the usual reason."
        )


def _cropped(pictures, aspect):
    """The middle of pictures (B, 3, H, W) with the proportions width / height = aspect."""
    height, width = pictures.shape[-2:]
    cut_width = min(width, max(1, round(height * aspect)))
    cut_height = min(height, max(1, round(width / aspect)))
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    return pictures[..., top : top + cut_height, left : left + cut_width]


def _inside(pictures, width, height):
    """(height, width) of pictures (B, 3, H, W) once they fit into a size with their own proportions."""
    factor = min(height / pictures.shape[-2], width / pictures.shape[-1])
    return tuple(max(1, round(side * factor)) for side in pictures.shape[-2:])


def _padded(pictures, width, height):
    """Pictures (B, 3, H, W) in the middle of black ones of a size."""
    missing_x, missing_y = width - pictures.shape[-1], height - pictures.shape[-2]
    left, top = missing_x // 2, missing_y // 2
    return functional.pad(pictures, (left, missing_x - left, top, missing_y - top))
