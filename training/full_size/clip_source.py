"""The clips of a data set by number: out of its videos, or out of shards that were made of them."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ...errors import KeyVIDError
from ..datasets.clips import CLIPS_PER_VIDEO, clip_audio, clip_starts, read_clips
from ..datasets.curves import clip_curve, curve_file, read_curve
from ..datasets.decode import VideoFileError, frame_times, read_sound
from ..datasets.label_records import other_reports, read_records, report_name
from ..datasets.layouts import Video, open_dataset
from ..datasets.shards import ShardSample, index_shard, read_member

logger = logging.getLogger("keyvid.training")


class Sample(NamedTuple):
    """What is read of one clip. frames: uint8 (48, 3, H, W), None where they were not asked for. audio: float32
    (C, 32000) at 16 kHz. curve: its motion, float32 (48,) in 0..1, None where the video has no curve."""

    frames: torch.Tensor | None
    audio: np.ndarray
    curve: np.ndarray | None


class ClipSource(NamedTuple):
    """Clips by their number. names, captions: of each. without_curve: the names of those that have no motion curve.

    read(number, with_frames): the Sample of a clip; may be called in any order and in other processes.
    """

    names: tuple[str, ...]
    captions: tuple[str, ...]
    without_curve: tuple[str, ...]
    read: Callable[[int, bool], Sample]

    def fingerprint(self) -> str:
        """A text that is another one where the clips, their captions or which of them have curves are others."""
        digest = hashlib.sha256(repr(self[:3]).encode(errors="backslashreplace"))
        return f"{len(self.names)} clips {digest.hexdigest()[:16]}"


def open_clips(root: Path, *, split: str, height: int, width: int) -> ClipSource:
    """The ClipSource of a folder: of its shards of this split, if it has any, else of its videos.

    height, width: pixels of the frames. Raises KeyVIDError where there is nothing to train on.
    """
    shards = sorted(root.glob(f"{split}*-*.tar"))
    if shards:
        return _from_shards(shards, height=height, width=width)
    dataset = open_dataset(root, split=split)
    unusable = _unusable(root, split)
    videos = [video for video in dataset.videos if video.name not in unusable]
    left_out = len(dataset.videos) - len(videos)
    if left_out:
        logger.info("%d videos are left out: their labels say that they cannot be used.", left_out)
    if not videos:
        raise KeyVIDError(
            f"No video in {root} can be used to train; `python dev.py label {root} --check` says why."
        )
    has_curve = [curve_file(video.curve_path) is not None for video in videos]
    names = [f"{video.name}_clip-{n:02d}" for video in videos for n in range(CLIPS_PER_VIDEO)]
    return ClipSource(
        names=tuple(names),
        captions=tuple(video.caption for video in videos for _ in range(CLIPS_PER_VIDEO)),
        without_curve=tuple(
            name for n, name in enumerate(names) if not has_curve[n // CLIPS_PER_VIDEO]
        ),
        read=partial(_read_video, videos, height, width),
    )


def check_curves(source: ClipSource, remedy: str) -> None:
    """Raises KeyVIDError unless every clip has a motion curve. remedy: how to do without, a sentence or ""."""
    missing = source.without_curve
    if missing:
        raise KeyVIDError(
            f"{len(missing)} of {len(source.names)} clips have no motion curve, {missing[0]} for one. Measure them: "
            f"python dev.py label ROOT (with --shards for shards).{remedy and ' '}{remedy}"
        )


def _unusable(root: Path, split: str) -> set[str]:
    """The names of videos that labelling found to be of no use."""
    whole = root / report_name(split, (1, 1))
    reports = [*other_reports(whole, split), whole]
    return {
        name
        for path in reports
        for name, record in read_records(path).items()
        if record.findings.problem
    }


def _read_video(
    videos: Sequence[Video], height: int, width: int, number: int, with_frames: bool
) -> Sample:
    video, own = videos[number // CLIPS_PER_VIDEO], number % CLIPS_PER_VIDEO
    times_s = frame_times(video.path)
    start_s = float(clip_starts(float(times_s[-1]))[own])
    path, n_frames = curve_file(video.curve_path), len(times_s) - 1
    curve = None
    if path is not None:
        scores = read_curve(path, n_frames=n_frames)
        curve = clip_curve(scores, fps=n_frames / times_s[-1], start_s=start_s)
    if with_frames:
        clip = next(read_clips(video, only=(own,), height=height, width=width))
        return Sample(clip.frames, clip.audio, curve)
    sound = read_sound(video.path)
    if sound is None:
        raise VideoFileError(f"There is no sound in {video.path}. Leave it out, or add its sound.")
    return Sample(None, clip_audio(sound, start_s), curve)


def _from_shards(paths: Sequence[Path], *, height: int, width: int) -> ClipSource:
    samples = [sample for path in paths for sample in index_shard(path)]
    if not samples:
        raise KeyVIDError(
            f"There are no clips in {len(paths)} shards beside {paths[0]}; write them again."
        )
    return ClipSource(
        names=tuple(sample.facts["name"] for sample in samples),
        captions=tuple(sample.facts["caption"] for sample in samples),
        without_curve=tuple(s.facts["name"] for s in samples if "curve.npy" not in s.members),
        read=partial(_read_shard, samples, (height, width)),
    )


def _read_shard(
    samples: Sequence[ShardSample], size: tuple[int, int], number: int, with_frames: bool
) -> Sample:
    sample = samples[number]
    frames, curve = None, None
    if with_frames:
        frames = torch.from_numpy(read_member(sample, "frames.npy"))
        if frames.shape[-2:] != size:
            height, width = frames.shape[-2:]
            raise KeyVIDError(
                f"The clips in {sample.path} are {width} x {height} pixels, and {size[1]} x {size[0]} are asked for; "
                f"add --height {height} --width {width}, or write the shards again."
            )
    if "curve.npy" in sample.members:
        curve = read_member(sample, "curve.npy")
    return Sample(frames, read_member(sample, "audio.npy"), curve)
