"""Moving between a video's latent and those of its frames."""

import torch

from ..errors import KeyVIDError

# of the whole video; a batch of frames has none of them
_OF_VIDEOS = ("noise_mask", "batch_index")


def frames_of(latent):
    """A LATENT of videos (B, C, T, h, w) as one of pictures (B*T, C, h, w), video after video.

    Other keys of the dict are kept, but for mask and batch index. Raises KeyVIDError for a latent of pictures.
    """
    samples = latent["samples"]
    if not isinstance(samples, torch.Tensor) or samples.ndim != 5:
        shape = tuple(getattr(samples, "shape", ()))
        raise KeyVIDError(
            f"The latent has shape {shape} and is not one of a video (clips, channels, frames, height, width). Connect "
            "the sampler's output; what is a batch of pictures already goes straight into VAE Decode."
        )
    frames = samples.movedim(2, 1).flatten(0, 1)  # (B*T, C, h, w)
    kept = {key: value for key, value in latent.items() if key not in _OF_VIDEOS}
    return {**kept, "samples": frames}
