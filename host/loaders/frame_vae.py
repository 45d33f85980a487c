"""A VAE of single images that also decodes videos, and that takes a CPU's caches into account."""

from collections.abc import Callable
from typing import Any

import comfy.sd
import torch

from ..images import frame_latents

# On a CPU: numbers in one layer of a chunk at full size, 16 MB in float32. Of the embedded VAE that is five frames of
# 128 x 96 pixels; all 48 at once take 1.4 times as long, because no layer finds in the cache what the last one wrote.
CHUNK = 4 * 2**20


class FrameVAE(comfy.sd.VAE):
    """A VAE of single images that also decodes the latents of videos, frame by frame.

    ComfyUI's own decodes only the first frame of a video, and fails in tiles. ComfyUI's nodes VAE Decode and VAE
    Decode (Tiled) put the frames of several videos one after the other.
    """

    def prepare(self, *, channels: int) -> None:
        """To be called once, with the channels of the layers at full size.

        On a CPU the weights are laid out with channels last, in which its convolutions are faster.
        """
        self.full_size_channels = channels
        if self.device.type == "cpu":
            self.first_stage_model.to(memory_format=torch.channels_last)

    def encode(self, pixel_samples: torch.Tensor) -> torch.Tensor:
        """Latents (B, C, h, w) of images (B, H, W, 3)."""
        if pixel_samples.ndim != 4:
            return super().encode(pixel_samples)
        return self._chunked(super().encode, pixel_samples, pixel_samples[0, ..., 0].numel())

    def decode(self, samples_in: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """(B, H, W, 3) of image latents (B, C, h, w), (B, T, H, W, 3) of video latents (B, C, T, h, w)."""
        return _frame_by_frame(self._decode_images, samples_in, *args, **kwargs)

    def decode_tiled(self, samples: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As decode, in tiles."""
        return _frame_by_frame(super().decode_tiled, samples, *args, **kwargs)

    def _decode_images(self, samples: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        def decode(chunk: torch.Tensor) -> torch.Tensor:
            return super(FrameVAE, self).decode(chunk, *args, **kwargs)

        n_pixels = samples.shape[-2] * samples.shape[-1] * self.upscale_ratio**2
        return self._chunked(decode, samples, n_pixels)

    def _chunked(
        self, run: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor, n_pixels: int
    ) -> torch.Tensor:
        """run(batch), on a CPU in chunks of the batch; n_pixels: of one image."""
        size = max(1, CHUNK // (self.full_size_channels * n_pixels))
        if self.device.type != "cpu" or len(batch) <= size:
            return run(batch)
        first = run(batch[:size])
        out = first.new_empty(len(batch), *first.shape[1:])
        out[:size] = first
        for start in range(size, len(batch), size):
            out[start : start + size] = run(batch[start : start + size])
        return out


def _frame_by_frame(
    decode: Callable[..., torch.Tensor], samples: torch.Tensor, *args: Any, **kwargs: Any
) -> torch.Tensor:
    if samples.ndim != 5:
        return decode(samples, *args, **kwargs)
    images = decode(
        frame_latents({"samples": samples})["samples"], *args, **kwargs
    )  # (B * T, H, W, 3)
    return images.unflatten(0, (samples.shape[0], samples.shape[2]))  # (B, T, H, W, 3)
