"""Softmax attention (Vaswani et al., 2017) in the call shape of ComfyUI's `optimized_attention`, whole or in windows.

Networks take one of these functions, or ComfyUI's, as their argument `attention` and call it as
`attention(q, k, v, heads)`: q (B, N, heads * d), k and v (B, M, heads * d) -> (B, N, heads * d).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange

from ..errors import SamplingError

Attention = Callable[..., torch.Tensor]
# fused CUDA kernels put the batch on a grid axis that ends at 65535
MAX_BATCH = 2**15


def sdpa_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    heads: int,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """softmax(q k^T / sqrt(d) + mask) v for each head, by torch's fused kernel, which never holds the N x M weights.

    q (B, N, heads * d), k and v (B, M, heads * d); mask: bool (True is visible) or added to the logits, (N, M),
    (B, N, M) or (B, heads, N, M). Returns (B, N, heads * d).
    """
    n_rows = q.shape[0]
    if n_rows > MAX_BATCH:
        parts = []
        for start in range(0, n_rows, MAX_BATCH):
            rows, part_mask = slice(start, start + MAX_BATCH), mask
            if mask is not None and mask.ndim > 2 and mask.shape[0] > 1:  # not one mask for all
                part_mask = mask[rows]
            parts.append(sdpa_attention(q[rows], k[rows], v[rows], heads, part_mask))
        return torch.cat(parts)
    q, k, v = (rearrange(x, "b n (heads d) -> b heads n d", heads=heads) for x in (q, k, v))
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]  # (B, 1, N, M), the same for every head
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return rearrange(out, "b heads n d -> b n (heads d)")


def windowed_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    heads: int,
    *,
    window: int,
    stride: int,
    attention: Attention = sdpa_attention,
) -> torch.Tensor:
    """Self-attention in overlapping windows along N, blended by triangular weights (FreeNoise, Qiu et al., ICLR 2024).

    Window i covers the positions i * stride ... i * stride + window - 1 and attends to itself alone. At a position n
    with offset o_i(n) = n - i * stride in each window i that covers it, the result is the weighted mean

        out[n] = sum_i t[o_i(n)] attention_i[o_i(n)] / sum_i t[o_i(n)],  t = 1, 2, ..., 2, 1

    so a position counts the more, the nearer it is to the middle of a window (published-model c.2).
    q, k, v (B, N, heads * d) -> (B, N, heads * d). Raises SamplingError when the windows do not end at N.
    """
    n_positions = q.shape[1]
    check_windows(n_positions, window, stride)
    weight = _triangle(window).to(q)[:, None]  # (window, 1)
    total, weights = torch.zeros_like(v), torch.zeros_like(v[0, :, :1])  # (B, N, heads * d), (N, 1)
    for start in range(0, n_positions - window + 1, stride):
        span = slice(start, start + window)
        total[:, span] += weight * attention(q[:, span], k[:, span], v[:, span], heads)
        weights[span] += weight
    return total / weights


def check_windows(n_frames: int, window: int, stride: int) -> None:
    """Raises SamplingError unless windows of `window` frames, one each `stride`, cover exactly `n_frames`."""
    if window < 1 or not 1 <= stride <= window:
        raise SamplingError(
            f"Windows of {window} frames every {stride} frames leave gaps; "
            "take a window of at least 1 frame and a stride from 1 to the window."
        )
    if n_frames < window:
        raise SamplingError(
            f"The clip has {n_frames} frames, fewer than one window of {window}; shorten the window or switch it off."
        )
    if (n_frames - window) % stride:
        below = n_frames - (n_frames - window) % stride
        raise SamplingError(
            f"Windows of {window} frames every {stride} frames do not end at {n_frames} frames; "
            f"make {below} or {below + stride} of them, or change the window."
        )


def _triangle(n: int) -> torch.Tensor:
    """1, 2, ... up to the middle and back to 1, (n,) int64; an even n has two middles."""
    rising = torch.arange(1, n + 1)
    return torch.minimum(rising, rising.flip(0))
