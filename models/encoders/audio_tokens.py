"""Which audio tokens each frame of the video is conditioned on (published-model d.3).

The audio tower describes 2 s as a grid of 12 frequency rows by 48 time columns after one token for the whole (CLS).
In the paper (arXiv 2504.09656) a frame is conditioned on its own segment of the grid. The published code differs a
little in both stages; each stage has its function here, whose docstring states both. Functions of tokens take None
for "no audio" and return None, so that a plain DynamiCrafter needs no code of its own.
"""

from typing import overload

import numpy as np
import torch
from einops import rearrange
from torch.nn import functional

from ...errors import AudioError
from ..frame_index import gather_frames

N_ROWS = 12  # frequency rows of the grid: kernel 16, stride 10 over 128 mel bands
N_SEGMENTS = 48  # segments of audio, one for every frame of a 2 s clip at 24 fps
N_QUERIES = 12  # tokens that one frame is conditioned on in the published networks


def segment_columns(n_columns: int, n_segments: int) -> torch.Tensor:
    """The time columns that belong to each segment, int64 (n_segments, chunk), chunk = ceil(n_columns / n_segments).

    Segment i starts at column round(i (n_columns - chunk) / (n_segments - 1)), halves to the even one; where segments
    do not divide the columns evenly they overlap or repeat. Raises AudioError for fewer than one column or segment.
    """
    if n_columns < 1 or n_segments < 1:
        raise AudioError(
            f"The audio is to be cut from {n_columns} columns into {n_segments} segments; both must be at least 1."
        )
    chunk = -(-n_columns // n_segments)
    starts = np.linspace(0, n_columns - chunk, n_segments).round().astype(np.int64)
    return torch.from_numpy(starts)[:, None] + torch.arange(chunk)


def split_per_frame(
    tokens: torch.Tensor, n_segments: int = N_SEGMENTS, *, n_rows: int = N_ROWS
) -> torch.Tensor:
    """The tokens of each segment of the audio: CLS, then for every row the segment's columns.

    tokens: (B, 1 + n_rows * n_columns, D), CLS first, then the grid row by row.
    Returns (B, n_segments, 1 + n_rows * chunk, D), chunk = ceil(n_columns / n_segments): 13 tokens for each of 48.
    Raises AudioError when the tokens are no such grid.
    """
    n_tokens = tokens.shape[1] if tokens.ndim == 3 else 0
    if n_tokens < 1 + n_rows or (n_tokens - 1) % n_rows:
        raise AudioError(
            f"The audio is described by tokens of shape {tuple(tokens.shape)}; (batch, 1 + {n_rows} x columns, width) "
            "is needed, one token for the whole and then a grid. Use the audio tower that belongs to this model."
        )
    n_columns = (n_tokens - 1) // n_rows
    columns = segment_columns(n_columns, n_segments)  # (S, chunk)
    rows = torch.arange(n_rows)[:, None] * n_columns  # (n_rows, 1)
    grid = 1 + rows + columns[:, None]  # (S, n_rows, chunk)
    whole = grid.new_zeros(n_segments, 1)
    index = torch.cat([whole, grid.flatten(1)], dim=1)  # (S, 1 + n_rows * chunk)
    return tokens[:, index.to(tokens.device)]


@overload
def keyframe_audio_tokens(
    tokens: torch.Tensor,
    frame_index: torch.Tensor,
    *,
    n_segments: int = ...,
    n_queries: int = ...,
    n_rows: int = ...,
) -> torch.Tensor: ...
@overload
def keyframe_audio_tokens(
    tokens: None,
    frame_index: torch.Tensor,
    *,
    n_segments: int = ...,
    n_queries: int = ...,
    n_rows: int = ...,
) -> None: ...
def keyframe_audio_tokens(
    tokens: torch.Tensor | None,
    frame_index: torch.Tensor,
    *,
    n_segments: int = N_SEGMENTS,
    n_queries: int = N_QUERIES,
    n_rows: int = N_ROWS,
) -> torch.Tensor | None:
    """The audio tokens of each keyframe, with the published regrouping of 13 tokens by 12.

    Paper: keyframe i has segment i. Published code: the 48 segments of 13 tokens are joined to one row of 624, which
    is read in groups of 12 (624 = 52 x 12, so nothing fails), and keyframe i has group i. Group i begins i tokens too
    early, so the audio lags behind the image, by nothing at frame 0 and by 47 / 13 = 3.6 frames (0.15 s) at
    frame 47, which has the end of segment 43 and the start of 44; the frequency row behind a slot shifts by
    one from group to group, and the CLS token moves through the slots or is left out. The weights were trained
    with this order and know no other, so it is kept to the token.
    tokens: (B, 1 + n_rows * n_columns, D) of the audio tower. frame_index: integers (B, T), each from 0 to
    n_segments - 1; a batch of 1 serves the other's batch. Returns (B, T, n_queries, D). Raises AudioError when the
    tokens cannot be grouped so, SelectionError for an index outside the clip.
    """
    if tokens is None:
        return None
    groups = _regrouped(tokens, n_segments, n_queries, n_rows)  # (B, G, n_queries, D)
    return gather_frames(groups[:, :n_segments], frame_index, what="sound")


@overload
def interpolation_audio_tokens(
    tokens: torch.Tensor, *, n_segments: int = ..., n_queries: int = ..., n_rows: int = ...
) -> torch.Tensor: ...
@overload
def interpolation_audio_tokens(
    tokens: None, *, n_segments: int = ..., n_queries: int = ..., n_rows: int = ...
) -> None: ...
def interpolation_audio_tokens(
    tokens: torch.Tensor | None,
    *,
    n_segments: int = N_SEGMENTS,
    n_queries: int = N_QUERIES,
    n_rows: int = N_ROWS,
) -> torch.Tensor | None:
    """The audio tokens of each frame of the interpolation, with the published resize from 52 groups to 48.

    Paper: frame i has segment i. Published code: the regrouping of keyframe_audio_tokens yields 52 groups for 48
    frames, and the whole row of groups is resized to 48, linearly between neighbours. The resize undoes the lag
    (frame i has group 1.083 i + 0.04, which is segment i + 0.04), but every frame is a blend of two groups
    in which one slot mixes neighbouring frequency rows, or a row and the CLS token. Training used the
    rule of the keyframes instead; inference, which is followed here, uses this one.
    tokens: (B, 1 + n_rows * n_columns, D) of the audio tower. Returns (B, n_segments, n_queries, D).
    Raises AudioError when the tokens cannot be grouped so.
    """
    if tokens is None:
        return None
    groups = _regrouped(tokens, n_segments, n_queries, n_rows)  # (B, G, n_queries, D)
    channels = rearrange(groups, "b g q d -> b (q d) g")
    resized = functional.interpolate(channels, size=n_segments, mode="linear", align_corners=False)
    return rearrange(resized, "b (q d) s -> b s q d", q=n_queries)


def _regrouped(tokens: torch.Tensor, n_segments: int, n_queries: int, n_rows: int) -> torch.Tensor:
    """All segments in one row, read in groups of n_queries: (B, groups, n_queries, D)."""
    segments = split_per_frame(tokens, n_segments, n_rows=n_rows)  # (B, S, 1 + n_rows * chunk, D)
    row = rearrange(segments, "b s n d -> b (s n) d")
    if n_queries < 1 or row.shape[1] % n_queries:
        raise AudioError(
            f"{n_segments} segments of {segments.shape[2]} tokens make {row.shape[1]}, which cannot be read in groups "
            f"of {n_queries}; the number of segments or of tokens per frame does not belong to this model."
        )
    return rearrange(row, "b (g q) d -> b g q d", q=n_queries)
