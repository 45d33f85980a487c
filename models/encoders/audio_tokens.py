"""Which tokens of the sound each frame of the video hears (published-model d.3).

The audio tower describes 2 s as a grid of 12 frequency rows by 48 time columns after one token for the whole (CLS).
What the paper means (arXiv 2504.09656): a frame hears its own stretch of the grid. What the released code does is
a little different in both stages, and each stage has its function here, whose docstring says what was meant and
what happens. Every function of tokens takes None for "no sound" and gives None back, so that a plain DynamiCrafter
runs through the same lines.
"""

import numpy as np
import torch
from torch.nn import functional

from ...errors import AudioError
from ..frame_index import gather_frames

N_ROWS = 12  # frequency rows of the grid: kernel 16, stride 10 over 128 mel bands
N_SEGMENTS = 48  # stretches of sound, one for every frame of a 2 s clip at 24 fps
N_QUERIES = 12  # tokens which one frame hears in the published networks


def segment_columns(n_columns, n_segments):
    """The time columns that belong to each segment, int64 (n_segments, chunk), chunk = ceil(n_columns / n_segments).

    Segments start at evenly spaced columns, rounded (halves to the even one); where they do not divide the columns
    evenly they overlap or repeat. Raises AudioError for fewer than one column or segment.
    """
    if n_columns < 1 or n_segments < 1:
        raise AudioError(
            f"The sound is to be cut from {n_columns} columns into {n_segments} segments; both must be at least 1."
        )
    chunk = -(-n_columns // n_segments)
    starts = np.linspace(0, n_columns - chunk, n_segments).round().astype(np.int64)
    return torch.from_numpy(starts)[:, None] + torch.arange(chunk)


def split_per_frame(tokens, n_segments=N_SEGMENTS, *, n_rows=N_ROWS):
    """The tokens of each segment of the sound: CLS, then for every row the segment's columns.

    tokens: (B, 1 + n_rows * n_columns, D), CLS first, then the grid row by row.
    Returns (B, n_segments, 1 + n_rows * chunk, D), chunk = ceil(n_columns / n_segments): 13 tokens for each of 48.
    Raises AudioError when the tokens are no such grid.
    """
    if tokens is None:
        return None
    n_tokens = tokens.shape[1] if tokens.ndim == 3 else 0
    if n_tokens < 1 + n_rows or (n_tokens - 1) % n_rows:
        raise AudioError(
            f"The sound is described by tokens of shape {tuple(tokens.shape)}; (batch, 1 + {n_rows} x columns, width) "
            "is needed, one token for the whole and then a grid. Use the audio tower that belongs to this model."
        )
    n_columns = (n_tokens - 1) // n_rows
    columns = segment_columns(n_columns, n_segments)  # (S, chunk)
    rows = torch.arange(n_rows)[:, None] * n_columns  # (n_rows, 1)
    grid = 1 + rows + columns[:, None]  # (S, n_rows, chunk)
    whole = grid.new_zeros(n_segments, 1)
    index = torch.cat([whole, grid.flatten(1)], dim=1)  # (S, 1 + n_rows * chunk)
    return tokens[:, index.to(tokens.device)]


def keyframe_audio_tokens(
    tokens, frame_index, *, n_segments=N_SEGMENTS, n_queries=N_QUERIES, n_rows=N_ROWS
):
    """What each keyframe hears: the released 13-by-12 regrouping.

    Meant: keyframe i hears segment i. Released: the 48 segments of 13 tokens are laid in one row of 624, which is read
    in groups of 12 (624 = 52 x 12, so nothing complains), and keyframe i hears group i. Group i begins i tokens too
    early, so what is heard falls behind the picture, by nothing at frame 0 and by 47 / 13 = 3.6 frames (0.15 s) at
    frame 47, which hears the end of segment 43 and the start of 44; the frequency row behind a slot shifts by
    one from group to group, and the CLS token wanders through the slots or is not heard. The weights were trained
    with this order and know no other, so it is kept to the token.
    tokens: (B, 1 + n_rows * n_columns, D) of the audio tower. frame_index: integers (B, T), each from 0 to
    n_segments - 1; a batch of 1 serves the other's batch. Returns (B, T, n_queries, D). Raises AudioError when the
    tokens cannot be grouped so, SelectionError for an index outside the clip.
    """
    if tokens is None:
        return None
    groups = _regrouped(tokens, n_segments, n_queries, n_rows)  # (B, G, n_queries, D)
    return gather_frames(groups[:, :n_segments], frame_index, what="sound")


def interpolation_audio_tokens(
    tokens, *, n_segments=N_SEGMENTS, n_queries=N_QUERIES, n_rows=N_ROWS
):
    """What each in-between frame hears: the released 52-to-48 resize.

    Meant: frame i hears segment i. Released: the regrouping of keyframe_audio_tokens yields 52 groups for 48 frames,
    and the whole row of groups is resized to 48, linearly between neighbours. The resize undoes the drift in time
    (frame i looks at group 1.083 i + 0.04, which is segment i + 0.04), but every frame is a blend of two groups
    in which one slot stands for neighbouring frequency rows, or for a row and the CLS token. Training used the
    rule of the keyframes instead; inference, which is followed here, uses this one.
    tokens: (B, 1 + n_rows * n_columns, D) of the audio tower. Returns (B, n_segments, n_queries, D).
    Raises AudioError when the tokens cannot be grouped so.
    """
    if tokens is None:
        return None
    groups = _regrouped(tokens, n_segments, n_queries, n_rows)  # (B, G, n_queries, D)
    channels = groups.flatten(2).transpose(1, 2)  # (B, n_queries * D, G)
    resized = functional.interpolate(channels, size=n_segments, mode="linear", align_corners=False)
    return resized.transpose(1, 2).unflatten(2, groups.shape[2:])  # (B, n_segments, n_queries, D)


def _regrouped(tokens, n_segments, n_queries, n_rows):
    """All segments in one row, read in groups of n_queries: (B, groups, n_queries, D)."""
    segments = split_per_frame(tokens, n_segments, n_rows=n_rows)  # (B, S, 1 + n_rows * chunk, D)
    row = segments.flatten(1, 2)  # (B, S * (1 + n_rows * chunk), D)
    if n_queries < 1 or row.shape[1] % n_queries:
        raise AudioError(
            f"{n_segments} segments of {segments.shape[2]} tokens make {row.shape[1]}, which cannot be read in groups "
            f"of {n_queries}; the number of segments or of tokens per frame does not belong to this model."
        )
    return row.unflatten(1, (-1, n_queries))
