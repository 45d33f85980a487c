"""Text tokens per frame, out of those of the keyframes."""

import math
from collections.abc import Sequence

import torch


def tokens_at_frames(
    tokens: torch.Tensor, keyframes: Sequence[int], frames: torch.Tensor, *, blend: bool
) -> torch.Tensor:
    """The tokens (..., L, C) of frames (...), from those of K keyframes (K, L, C) at ascending frames.

    Each frame f between the keyframes a <= f < b has, with `blend`,

        (1 - s) tokens_a + s tokens_b,  s = (f - a) / (b - a),

    and else tokens_a. On a keyframe that is its own text, behind the last one the last text, before the first one the
    first. frames: whole numbers, also outside the clip.
    """
    positions = torch.as_tensor(keyframes, device=frames.device)  # (K,)
    after = torch.searchsorted(positions, frames.contiguous(), right=True)
    before = (after - 1).clamp(min=0)
    tokens = tokens.to(frames.device)
    if not blend:
        return tokens[before]
    after = after.clamp(max=len(positions) - 1)
    length = (positions[after] - positions[before]).clamp(min=1)
    exact = torch.promote_types(tokens.dtype, torch.float32)
    share = ((frames - positions[before]).to(exact) / length).clamp(0, 1).to(tokens)
    return torch.lerp(tokens[before], tokens[after], share[..., None, None])


def equally_long(tokens: Sequence[torch.Tensor]) -> torch.Tensor:
    """Texts (1, L_k, C) of several lengths as one tensor (K, L, C), each repeated up to the least common multiple.

    Attention to a text that is repeated as a whole is attention to that text: every weight is divided by the number
    of times, and every value counts as often.
    """
    n_tokens = math.lcm(*(text.shape[1] for text in tokens))
    return torch.cat([text.repeat(1, n_tokens // text.shape[1], 1) for text in tokens])
