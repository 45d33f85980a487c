"""Whether a whole video of images fits into memory, asked before it is made."""

import comfy.model_management
import torch

from ...errors import KeyVIDError

_BYTES = 12  # of a pixel: three channels of float32


def check_memory(n_images: int, *, width: int, height: int) -> None:
    """Raises KeyVIDError when a batch of images needs more memory than is free."""
    needed = n_images * width * height * _BYTES
    free = comfy.model_management.get_free_memory(torch.device("cpu"))
    if needed > free:
        raise KeyVIDError(
            f"{n_images} images of {width} x {height} pixels need {needed / 2**30:.1f} GB of memory, and "
            f"{free / 2**30:.1f} GB are free. Take a shorter piece in Clip Audio, or a smaller size."
        )
