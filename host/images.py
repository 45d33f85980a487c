"""ComfyUI's IMAGE socket -> plain pixels."""

from ..keyframes.errors import KeyVIDError


def picture_of(image):
    """The first picture of an IMAGE socket as numpy float32 (H, W, 3) in [0, 1]; a fourth channel is left out.

    Raises KeyVIDError with a remedy when there is none.
    """
    shape = tuple(getattr(image, "shape", ()))
    if len(shape) != 4 or 0 in shape or shape[3] < 3:
        what = f"It has shape {shape}" if shape else "It is empty"
        raise KeyVIDError(
            f"There is no picture on the image input. {what}; connect Load Image, or any node that gives "
            "at least one colour picture."
        )
    return image[0, :, :, :3].detach().float().cpu().numpy()
