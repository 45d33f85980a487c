"""The attention that networks of the pack are given: ComfyUI's, and on a CPU the faster of those that it has."""

from typing import Any

import torch
from comfy.cli_args import args
from comfy.ldm.modules.attention import attention_pytorch, optimized_attention


def attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, mask: Any = None, **options: Any
) -> torch.Tensor:
    """As ComfyUI's `optimized_attention`: q (B, N, heads * d), k and v (B, M, heads * d) -> (B, N, heads * d).

    On a CPU ComfyUI takes its sub-quadratic attention where no flag asks for another. PyTorch's own takes half the
    time there in float32 (docs/performance.md), and is ComfyUI's choice for graphics cards.
    """
    asked_for = args.use_quad_cross_attention or args.use_split_cross_attention
    on_cpu = q.device.type == "cpu" and not asked_for
    chosen = attention_pytorch if on_cpu else optimized_attention
    return chosen(q, k, v, heads, mask=mask, **options)
