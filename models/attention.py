"""Softmax attention (Vaswani et al., 2017) in the call shape of ComfyUI's `optimized_attention`, whole or in windows.

Networks take one of these functions, or ComfyUI's, as their argument `attention` and call it as
`attention(q, k, v, heads)`: q (B, N, heads * d), k and v (B, M, heads * d) -> (B, N, heads * d).
"""

import torch
import torch.nn.functional as F

from ..errors import SamplingError

# fused CUDA kernels put the batch on a grid axis that ends at 65535
MAX_BATCH = 2**15


def sdpa_attention(q, k, v, heads, mask=None):
    """softmax(q k^T / sqrt(d)) v by torch's fused kernel, which never holds the N x M weights.

    q (B, N, heads * d), k and v (B, M, heads * d); mask: bool (True is seen) or added to the logits, (N, M),
    (B, N, M) or (B, heads, N, M). Returns (B, N, heads * d).
    """
    n_rows = q.shape[0]
    if n_rows > MAX_BATCH:
        rows = [slice(start, start + MAX_BATCH) for start in range(0, n_rows, MAX_BATCH)]
        per_row = mask is not None and mask.ndim > 2 and mask.shape[0] > 1
        return torch.cat(
            [sdpa_attention(q[s], k[s], v[s], heads, mask[s] if per_row else mask) for s in rows]
        )
    q, k, v = (_split_heads(tensor, heads) for tensor in (q, k, v))
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=_mask_of_heads(mask))
    return out.transpose(1, 2).flatten(2)  # (B, N, heads * d)


def windowed_attention(q, k, v, heads, *, window, stride, attention=sdpa_attention):
    """Self-attention in overlapping windows along N, fused by triangular weights (FreeNoise, Qiu et al., ICLR 2024).

    Every window of `window` positions, one each `stride`, attends to itself alone; where windows overlap, their
    results are averaged, a position counting the more the nearer it is to the middle of a window (published-model c.2).
    q, k, v (B, N, heads * d) -> (B, N, heads * d). Raises SamplingError when the windows do not end at N.
    """
    n_positions = q.shape[1]
    check_windows(n_positions, window, stride)
    weight = _triangle(window).to(q)[:, None]  # (window, 1)
    total, weights = torch.zeros_like(v), torch.zeros_like(v[0, :, :1])  # (N, 1)
    for start in range(0, n_positions - window + 1, stride):
        span = slice(start, start + window)
        total[:, span] += weight * attention(q[:, span], k[:, span], v[:, span], heads)
        weights[span] += weight
    return total / weights


def check_windows(n_frames, window, stride):
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
            f"make the clip {below} or {below + stride} frames long, or change the window."
        )


def _triangle(n):
    """1, 2, ... up to the middle and back to 1; an even n has two middles."""
    rising = torch.arange(1, n + 1)
    return torch.minimum(rising, rising.flip(0))


def _split_heads(tensor, heads):
    return tensor.unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, heads, N, d)


def _mask_of_heads(mask):
    """The mask with an axis for the heads, when it has a batch but none for them."""
    return mask[:, None] if mask is not None and mask.ndim == 3 else mask
