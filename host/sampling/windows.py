"""Conditions of the windows in which a clip longer than the model's is painted (keyframes/long_clips/windows.py)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ...keyframes.long_clips.windows import FillWindow, PaintWindow
from ...keyframes.timebase import n_samples_at
from ...models.diffusion.conditioning import interpolation_concat, keyframe_concat
from ..payloads import Conditioning
from .condition_keys import (
    AUDIO,
    CONCAT,
    FRAME_INDEX,
    KEYFRAME_FRAMES,
    KEYFRAME_LATENTS,
    KEYFRAME_TEXT,
    WINDOWS,
)

Tokens = tuple[torch.Tensor | None, torch.Tensor | None]  # given, absent


@dataclass(frozen=True)
class WindowCondition:
    """One window of a clip.

    index: the frames of the latent that are painted in it; numbers from the latent's length on are frames that only
    this window has. weights: how much each counts in the average with other windows. start: the window's first frame
    in the clip. kept: (first, end), the frames of the clip that are taken of it, where each frame is taken of one
    window; None for keyframes. given: the window's keyframes where it has some, as its frames and their numbers.
    changes: the keys of the CONDITIONING that are the window's own.
    """

    index: tuple[int, ...]
    weights: tuple[float, ...]
    start: int
    changes: dict[str, Any]
    kept: tuple[int, int] | None = None
    given: tuple[tuple[int, ...], tuple[int, ...]] | None = None


Pair = tuple[tuple[WindowCondition, ...], tuple[WindowCondition, ...]]  # positive, negative


def window_samples(
    samples: np.ndarray, start: int, *, n_window: int, fps: float, sample_rate: int
) -> np.ndarray:
    """The samples (C, n) of a window's frames out of those of the clip (C, N), always as many, silence at the end."""
    first = n_samples_at(start, fps=fps, sample_rate=sample_rate)
    n = n_samples_at(n_window, fps=fps, sample_rate=sample_rate)
    cut = samples[:, first : first + n]
    return np.pad(cut, ((0, 0), (0, n - cut.shape[1])))


def paint_conditions(
    windows: Sequence[PaintWindow], audio: Iterable[Tokens], *, n_keyframes: int
) -> Pair:
    """The WindowConditions of the plan's keyframes, for the positive and for the negative. audio: of each window."""
    n_extra, conditions = 0, []
    for window in windows:
        index = []
        for number in window.keyframes:
            index.append(n_keyframes + n_extra if number is None else number)
            n_extra += number is None
        own = {FRAME_INDEX: torch.tensor([window.frames])}
        conditions.append(WindowCondition(tuple(index), window.weights, window.start, own))
    return _heard(conditions, audio)


def fill_conditions(
    windows: Sequence[FillWindow], audio: Iterable[Tokens], *, n_window: int
) -> Pair:
    """The WindowConditions of all frames, for the positive and for the negative. audio: of each window.

    Each frame counts in the window that it is kept of; in others its weight is 0.
    """
    conditions = []
    for window in windows:
        index = tuple(range(window.start, window.start + n_window))
        conditions.append(
            WindowCondition(
                index,
                tuple(float(window.first <= frame < window.end) for frame in index),
                window.start,
                {FRAME_INDEX: torch.arange(n_window)[None]},
                kept=(window.first, window.end),
                given=(window.frames, window.keyframes),
            )
        )
    return _heard(conditions, audio)


def window_of(conditioning: Conditioning, number: int) -> Conditioning:
    """The CONDITIONING of one of the windows alone.

    Its concat latent and keyframes are made here, not kept for every window of a song.
    """
    entries = []
    for text, entry in conditioning:
        own = {key: value for key, value in entry.items() if key != WINDOWS}
        window: WindowCondition = entry[WINDOWS][number]
        concat = entry[CONCAT]  # (1, 4, 1 or K, h, w): of the image, or of all keyframes
        if window.given is None:
            own[CONCAT] = keyframe_concat(concat[:, :, :1], len(window.index))
        else:
            frames, numbers = window.given
            inside = concat[:, :, list(numbers)]
            own[CONCAT] = interpolation_concat(inside, frames, len(window.index))
            own |= {KEYFRAME_LATENTS: inside, KEYFRAME_FRAMES: frames}
        if KEYFRAME_TEXT in own:
            n_frames = int(window.changes[FRAME_INDEX].max()) + 1
            own[KEYFRAME_TEXT] = own[KEYFRAME_TEXT].of_window(window.start, n_frames)
            # not that of the clip's first keyframe: words elsewhere change nothing of this window
            text = own[KEYFRAME_TEXT].tokens[:1]
        entries.append([text, {**own, **window.changes}])
    return entries


def _heard(conditions: Sequence[WindowCondition], audio: Iterable[Tokens]) -> Pair:
    """The conditions with the audio tokens of each window: those given, and those of no sound."""
    pairs = [
        [
            condition
            if sound is None
            else replace(condition, changes={**condition.changes, AUDIO: sound})
            for sound in tokens
        ]
        for condition, tokens in zip(conditions, audio, strict=True)
    ]
    positive, negative = zip(*pairs, strict=True)
    return positive, negative
