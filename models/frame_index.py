"""Checks frame indices against the clip, and gathers per-frame tensors by them."""

from collections.abc import Iterable

import torch

from ..errors import SamplingError, SelectionError


def checked_frames(
    frames: Iterable[int], n_frames: int, *, n_latents: int | None = None
) -> list[int]:
    """The frames as a list of ints, in the order given.

    n_frames: how many the clip has. n_latents: how many keyframe latents there are, one per frame; None skips
    that check. Raises SamplingError for a frame outside the clip, or for more or fewer frames than latents.
    """
    frames = [int(frame) for frame in frames]
    outside = [frame for frame in frames if not 0 <= frame < n_frames]
    if outside:
        raise SamplingError(
            f"Keyframe {outside[0]} lies outside the clip; its frames are 0 to {n_frames - 1}."
        )
    if n_latents is not None and len(frames) != n_latents:
        raise SamplingError(
            f"There are {len(frames)} keyframes and {n_latents} latents; give as many of each."
        )
    return frames


def gather_frames(values: torch.Tensor, frame_index: torch.Tensor, *, what: str) -> torch.Tensor:
    """The values of some frames of each clip.

    values: (B, F, ...). frame_index: integers (B, T), each from 0 to F - 1; a batch of 1 serves the other's batch.
    what: whose values these are, for messages. Returns (B, T, ...).
    Raises SelectionError for an index outside the frames, and for batches or shapes that do not fit.
    """
    n_clips, n_frames = values.shape[:2]
    frame_index = torch.as_tensor(frame_index, device=values.device)
    shape = tuple(frame_index.shape)
    if len(shape) != 2 or (shape[0] != n_clips and 1 not in (shape[0], n_clips)):
        raise SelectionError(
            f"Keyframes of shape {shape} were given for the {what} of {n_clips} clips; "
            "give (batch, keyframes), with the same batch or a batch of 1."
        )
    outside = frame_index[(frame_index < 0) | (frame_index >= n_frames)]
    if outside.numel():
        raise SelectionError(
            f"Keyframe {outside[0].item()} lies outside the clip: the {what} has the frames 0 to {n_frames - 1}; "
            f"move the keyframe, or use a plan of at most {n_frames} frames."
        )
    clips = torch.arange(n_clips, device=values.device)[:, None]  # (B, 1) or (1, 1)
    return values[clips, frame_index.long()]  # (B, T, ...)
