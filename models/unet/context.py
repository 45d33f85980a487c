"""What the blocks of the video UNet share during one forward, and how they cut their work to save memory."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

# Without gradients, blocks take frames or places in portions whose largest intermediate has at most this many numbers
# (256 MB in float32), however long the clip is; a portion is one frame or place at least.
PORTION = 2**26


@dataclass(frozen=True)
class Context:
    """Everything a block is given besides its input, whose rows are B * T frames, clip after clip.

    embedding (B*T, E); text (B, N, C) for whole clips or (B, T, N, C) per frame; image (B, T, N, C) or None;
    audio (B, T, N, C) or None; attention as in attention.py, and the one to use along time.
    """

    n_clips: int
    n_frames: int
    embedding: torch.Tensor
    text: torch.Tensor
    image: torch.Tensor | None
    audio: torch.Tensor | None
    attention: Callable
    temporal_attention: Callable


def in_portions(function, n, *, each, dim=0):
    """function(slice(0, n)) computed portion by portion, joined on `dim`.

    each: numbers in the largest intermediate per item, of which there are n. With gradients on there is one portion,
    since autograd keeps every intermediate anyway.
    """
    n_portions = 1 if torch.is_grad_enabled() else min(n, -(-n * each // PORTION))
    if n_portions <= 1:
        return function(slice(0, n))
    size = -(-n // n_portions)
    joined = None
    for start in range(0, n, size):
        piece = function(slice(start, start + size))
        if joined is None:
            shape = list(piece.shape)
            shape[dim] = n
            joined = piece.new_empty(shape)
        joined.narrow(dim, start, piece.shape[dim]).copy_(piece)
    return joined


def lean():
    """Whether intermediates may be overwritten: autograd needs none of them."""
    return not torch.is_grad_enabled()
