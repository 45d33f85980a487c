"""An image as input of CLIP's vision tower, prepared exactly as the published model was trained (published-model d.4).

The whole image is squashed to a square: blurred against aliasing, resampled bicubically from corner to corner,
neither cropped nor clamped nor rounded to 8 bits. The widths of the blur are those of kornia 0.7.3's `resize`.
"""

import torch
from torch.nn import functional as F

CLIP_SIZE = 224  # pixels, height and width, of ViT-H/14
# of red, green and blue in [0, 1]; Radford et al.'s code
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
LEAST_SIGMA = 0.001  # pixels; an axis that is not shrunk is blurred by this, which changes nothing
KERNEL_SIGMAS = 4  # the blur's kernel is this many sigmas long,
LEAST_KERNEL = 3  # but at least this many pixels


def clip_pixels(image: torch.Tensor, *, size: int = CLIP_SIZE) -> torch.Tensor:
    """The image as input of a CLIP vision tower: ((resized + 1) / 2 - mean) / std.

    image: (B, 3, H, W) in [-1, 1], any height and width. size: pixels of the square the tower was made for.
    Returns (B, 3, size, size), CLIP-normalised, in float32 (float64 if the image is).
    """
    image = image.to(torch.promote_types(image.dtype, torch.float32))
    shrink = tuple(side / size for side in image.shape[-2:])
    if max(shrink) > 1:
        image = _blur(image, shrink)
    square = F.interpolate(image, size=(size, size), mode="bicubic", align_corners=True)
    mean, std = (image.new_tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
    return ((square + 1) / 2 - mean) / std


def _blur(image: torch.Tensor, shrink: tuple[float, ...]) -> torch.Tensor:
    """Gaussian blur of (B, 3, H, W), for shrinking by the factors (of height, of width); edges mirrored."""
    for axis, factor in ((3, shrink[1]), (2, shrink[0])):
        if image.shape[axis] == 1:
            continue  # nothing to blur, and nothing to mirror
        kernel = _gaussian(factor).to(image)
        reach = len(kernel) // 2
        padding = (reach, reach, 0, 0) if axis == 3 else (0, 0, reach, reach)
        kernel = kernel[None, :] if axis == 3 else kernel[:, None]
        weight = kernel.expand(image.shape[1], 1, -1, -1)  # (3, 1, kh, kw): one filter per channel
        image = F.conv2d(F.pad(image, padding, mode="reflect"), weight, groups=image.shape[1])
    return image


def _gaussian(factor: float) -> torch.Tensor:
    """exp(-x^2 / (2 sigma^2)), sigma = (factor - 1) / 2, for an axis shrunk by `factor`: float64 (K,), K odd, sum 1."""
    sigma = max((factor - 1) / 2, LEAST_SIGMA)
    length = int(max(KERNEL_SIGMAS * sigma, LEAST_KERNEL))
    length += 1 - length % 2
    offsets = torch.arange(length, dtype=torch.float64) - length // 2
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    return kernel / kernel.sum()
