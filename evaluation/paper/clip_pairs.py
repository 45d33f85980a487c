"""Which generated clips belong to which true ones, and what the measures see of either (published-model h.1, i)."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ...errors import MeasureError
from ...keyframes.timebase import FPS, N_FRAMES
from ...models.encoders.mel import waveform_to_mel
from ...training.datasets.clips import CLIPS_PER_VIDEO, Clip, read_clips
from ...training.datasets.layouts import Video, open_dataset

SIZE = 256  # pixels of the square that all measures see
SPARSE_FPS, SPARSE_FRAMES = (
    6,
    12,
)  # of the published measures; the 48-frame rows of the paper take every frame
CLIP_NAME = re.compile(r"(.+)_clip-\d+")


class ClipPair(NamedTuple):
    """name: "CATEGORY/STEM_clip-0i". video: the true one, number: which of its clips, from 0. made: the file."""

    name: str
    video: Video
    number: int
    made: Path


class Pairs(NamedTuple):
    """pairs, three per video. incomplete: videos that are left out, with the number of generated clips they have.

    incomplete names a video with more than three too, and one whose three are not numbered 00, 01, 02.
    """

    pairs: tuple[ClipPair, ...]
    incomplete: tuple[tuple[str, int], ...]


class Seen(NamedTuple):
    """frames: uint8 (48, 3, 256, 256) at 24 fps. audio: (C, 32000) at 16 kHz. mel: (1, 128, 204)."""

    frames: torch.Tensor
    audio: np.ndarray
    mel: torch.Tensor

    def sampled(self, every: int) -> torch.Tensor:
        """Every so many frames, in [0, 1], (n, 3, 256, 256)."""
        return self.frames[::every].float() / 255


def find_pairs(reference: Path, generated: Path) -> Pairs:
    """The Pairs of the test videos of a data set and the files GENERATED/CATEGORY/STEM_clip-0i.mp4.

    As published, only videos with exactly three generated clips count; the others are listed. Names are compared as
    Unicode says they are equal. Raises MeasureError when no video has three.
    """
    if not generated.is_dir():
        raise MeasureError(
            f"There is no folder {generated}. Name the folder of the generated clips."
        )
    files = files_below(generated, ".mp4")
    n_clips = Counter(of.group(1) for name in files if (of := CLIP_NAME.fullmatch(name)))
    pairs, incomplete = list[ClipPair](), list[tuple[str, int]]()
    for video in open_dataset(reference, split="test").videos:
        names = [f"{video.name}_clip-{number:02d}" for number in range(CLIPS_PER_VIDEO)]
        made = [files[same_name(name)] for name in names if same_name(name) in files]
        n_there = n_clips[same_name(video.name)]
        if not len(made) == n_there == CLIPS_PER_VIDEO:
            incomplete.append((video.name, n_there))
            continue
        pairs += [
            ClipPair(name, video, number, file)
            for number, (name, file) in enumerate(zip(names, made, strict=True))
        ]
    if not pairs:
        example = incomplete[0][0] if incomplete else "CATEGORY/STEM"
        raise MeasureError(
            f"None of the {len(incomplete)} test videos of {reference} has its {CLIPS_PER_VIDEO} generated clips in "
            f"{generated}; the first would be {example}_clip-00.mp4. Name the folder above the categories."
        )
    return Pairs(tuple(pairs), tuple(incomplete))


def files_below(folder: Path, ending: str) -> dict[str, Path]:
    """{path below the folder without the ending, as `same_name`: file} of all files with this ending."""
    return {
        same_name(path.relative_to(folder).as_posix().removesuffix(ending)): path
        for path in sorted(folder.rglob(f"*{ending}"))
        if path.is_file()
    }


def same_name(name: str) -> str:
    """The one way to write a name (Unicode form C): file systems write one letter in different ways."""
    return unicodedata.normalize("NFC", name)


def see_true(video: Video) -> list[Seen]:
    """What the measures see of the three clips of a true video. Raises VideoFileError."""
    return [_seen(clip) for clip in _clips(video, CLIPS_PER_VIDEO)]


def see_made(pair: ClipPair) -> Seen:
    """What the measures see of a generated file: its middle 2 s. Raises VideoFileError, also where it has no sound."""
    return _seen(_clips(pair.video._replace(path=pair.made), 1)[0])


def by_video(pairs: Sequence[ClipPair]) -> list[list[ClipPair]]:
    """The pairs, video by video."""
    grouped: dict[str, list[ClipPair]] = {}
    for pair in pairs:
        grouped.setdefault(pair.video.name, []).append(pair)
    return list(grouped.values())


def _clips(video: Video, n_clips: int) -> list[Clip]:
    # the frames at 6 fps are every fourth of those at 24 fps, so one reading serves all measures
    return list(
        read_clips(video, n_clips=n_clips, n_frames=N_FRAMES, fps=FPS, height=SIZE, width=SIZE)
    )


def _seen(clip: Clip) -> Seen:
    return Seen(clip.frames, clip.audio, waveform_to_mel(clip.audio))
