"""Attention written out with every weight in memory: what tests and benchmarks compare the fused one with."""

import torch


def einsum_softmax_attention(q, k, v, heads, mask=None):
    """softmax(q k^T / sqrt(d)) v, arguments and result as of `sdpa_attention`."""
    q, k, v = (tensor.unflatten(-1, (heads, -1)).transpose(1, 2) for tensor in (q, k, v))
    logits = torch.einsum("bhnd,bhmd->bhnm", q, k) * q.shape[-1] ** -0.5
    if mask is not None:
        mask = mask[:, None] if mask.ndim == 3 else mask
        visible = mask.dtype == torch.bool
        logits = logits.masked_fill(~mask, float("-inf")) if visible else logits + mask
    out = torch.einsum("bhnm,bhmd->bhnd", logits.softmax(dim=-1), v)
    return out.transpose(1, 2).flatten(2)  # (B, N, heads * d)
