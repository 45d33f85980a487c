"""What the blocks of the video UNet share during one forward, and how they divide their work to save memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from ..attention import Attention
from .token_store import KeysValues

# Without gradients, blocks take frames or positions in chunks whose largest intermediate has at most this many
# elements (256 MB in float32), however long the clip is; a chunk is at least one frame or position.
MAX_CHUNK_ELEMENTS = 2**26


@dataclass(frozen=True)
class Context:
    """Everything a block is given besides its input, whose rows are B * T frames, clip after clip.

    embedding (B*T, E); text (B, N, C) for whole clips or (B, T, N, C) per frame; image (B, T, N, C) or None;
    audio (B, T, N, C) or None. attention, temporal_attention: as in attention.py, within a frame and along time.
    stored: {text, image or audio: what a TokenStore has of its keys and values}, empty without a store.
    """

    n_clips: int
    n_frames: int
    embedding: torch.Tensor
    text: torch.Tensor
    image: torch.Tensor | None
    audio: torch.Tensor | None
    attention: Attention
    temporal_attention: Attention
    stored: Mapping[str, dict[nn.Module, KeysValues] | None] = field(default_factory=dict)


def chunked(
    function: Callable[[slice], torch.Tensor], n: int, *, n_elements: int, dim: int = 0
) -> torch.Tensor:
    """function(slice(0, n)) computed chunk by chunk, joined on `dim`.

    n_elements: size of the largest intermediate per item, of which there are n. With gradients on there is one chunk,
    since autograd keeps every intermediate anyway.
    """
    n_chunks = 1 if torch.is_grad_enabled() else min(n, -(-n * n_elements // MAX_CHUNK_ELEMENTS))
    if n_chunks <= 1:
        return function(slice(0, n))
    size = -(-n // n_chunks)
    first = function(slice(0, size))
    shape = list(first.shape)
    shape[dim] = n
    joined = _empty_like(first, shape)
    joined.narrow(dim, 0, first.shape[dim]).copy_(first)
    del first  # before the next chunk takes memory
    for start in range(size, n, size):
        piece = function(slice(start, start + size))
        joined.narrow(dim, start, piece.shape[dim]).copy_(piece)
    return joined


def _empty_like(tensor: torch.Tensor, shape: list[int]) -> torch.Tensor:
    """An empty tensor of that shape, its axes laid out in memory in the order of the tensor's."""
    order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
    places = [order.index(axis) for axis in range(tensor.ndim)]
    return tensor.new_empty([shape[axis] for axis in order]).permute(places)


def inference_mode() -> bool:
    """Whether intermediates may be overwritten: autograd needs none of them."""
    return not torch.is_grad_enabled()
