"""A data set as shards, so that many machines read it in order and from anywhere: WebDataset's layout, tar files in
which neighbouring members of one key are a sample.

A sample is a clip: KEY.mp4 would have to be decoded again each time, so it holds what `clips.read_clips` gives:
KEY.frames.npy uint8 (n, 3, H, W), KEY.audio.npy float32 (C, 32000) at 16 kHz, KEY.curve.npy float32 (48,) in 0..1 where
the video has a motion curve, and KEY.json with name, caption, category and start_s.

Beside a shard NAME.tar, NAME.json says what it was made of; where that has changed, the shard is written again.
"""

import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ...errors import KeyVIDError
from .clips import Clip, read_clips
from .curves import clip_curve, curve_file, read_curve
from .decode import frame_times
from .layouts import Video

VIDEOS_PER_SHARD = 32  # 96 clips of 320 x 512: 2.3 GB
# raised when the same videos would give other samples, so that all shards are written again
STAMP_VERSION = 1


def shard_name(split: str, number: int) -> str:
    """The name of a shard, as brace patterns of WebDataset name a range of them."""
    return f"{split}-{number:06d}.tar"


def write_shards(
    videos: Sequence[Video],
    folder: Path,
    *,
    split: str,
    per_shard: int = VIDEOS_PER_SHARD,
    on_unusable: Callable[[Video, KeyVIDError], object] | None = None,
    **clips: Any,
) -> Iterator[Path]:
    """Write the clips of videos that can be used into a folder; yields each shard, also one that was there.

    clips: passed to `read_clips`. A shard appears whole or not at all, so a call that was stopped goes on with the
    first one that is missing; the content of a shard depends on nothing but its videos. One that was made of other
    videos, curves or options is written again, and at the end those of this split beyond the last one are removed.

    on_unusable: called for a video that cannot be read, which is then left out, and its shard written again by the
    next call. Without it, raises VideoFileError or CurveError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    firsts = range(0, len(videos), per_shard)
    for number, first in enumerate(firsts):
        path = folder / shard_name(split, number)
        own = videos[first : first + per_shard]
        stamp, stamp_path = _stamp(own, first, clips), path.with_suffix(".json")
        if not (path.is_file() and _read_text(stamp_path) == stamp):
            stamp_path.unlink(missing_ok=True)  # stopped from here on, the shard is written again
            if _write_shard(path, own, first, clips, on_unusable):
                stamp_path.write_text(stamp, encoding="utf-8")
        yield path
    _remove_surplus(folder, split, len(firsts))


def shards_of(paths: Sequence[Path], *, part: int, n_parts: int) -> list[Path]:
    """The shards that reader `part` of n_parts reads (processes times their workers): each shard has one reader.

    Raises KeyVIDError when there are fewer shards than readers.
    """
    if len(paths) < n_parts:
        raise KeyVIDError(
            f"{n_parts} processes are to read {len(paths)} shards; write them with fewer videos each, or use fewer "
            "processes."
        )
    return list(paths[part::n_parts])


def read_shards(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """The samples of shards, in order: {"frames": tensor, "audio": tensor, "curve": tensor or None, **KEY.json}.

    Raises KeyVIDError for a shard that cannot be read.
    """
    for path in paths:
        try:
            with tarfile.open(path) as tar:
                yield from _samples(tar)
        except (OSError, tarfile.TarError, ValueError) as error:
            raise _unreadable(path, error) from error


class ShardSample(NamedTuple):
    """A sample of a shard that can be read alone. facts: of its JSON. members: {"frames.npy": (offset, bytes)}."""

    path: Path
    facts: dict[str, Any]
    members: dict[str, tuple[int, int]]


def index_shard(path: Path) -> list[ShardSample]:
    """The samples of a shard, in order; of their members only the JSON is read. Raises KeyVIDError."""
    samples: dict[str, ShardSample] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                key, _, ending = member.name.partition(".")
                sample = samples.setdefault(key, ShardSample(path, {}, {}))
                sample.members[ending] = (member.offset_data, member.size)
                file = tar.extractfile(member) if ending == "json" else None
                if file is not None:
                    sample.facts.update(json.loads(file.read()))
    except (OSError, tarfile.TarError, ValueError) as error:
        raise _unreadable(path, error) from error
    for sample in samples.values():
        if not (sample.facts.keys() >= {"name", "caption"} and "audio.npy" in sample.members):
            raise _unreadable(path, "a sample has no JSON or no sound")
    return list(samples.values())


def read_member(sample: ShardSample, ending: str) -> np.ndarray:
    """The array of a member of a sample, such as "audio.npy". Raises KeyVIDError."""
    offset, size = sample.members[ending]
    try:
        with sample.path.open("rb") as file:
            file.seek(offset)
            return np.load(io.BytesIO(file.read(size)), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(sample.path, error) from error


def _unreadable(path: Path, reason: object) -> KeyVIDError:
    return KeyVIDError(
        f"The shard {path} cannot be read ({reason}). Remove it, and write the shards again."
    )


def _stamp(videos: Sequence[Video], first: int, options: dict[str, Any]) -> str:
    """What a shard is made of: the same text means the same samples."""
    made_of = [
        (v.name, v.caption, v.category, _state(v.path), _state(curve_file(v.curve_path)))
        for v in videos
    ]
    facts = {"version": STAMP_VERSION, "first": first, "options": options, "videos": made_of}
    return json.dumps(facts, sort_keys=True)


def _state(path: Path | None) -> tuple[int, int] | None:
    """Size and time of change of a file, None where there is none."""
    if path is None or not path.is_file():
        return None
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _write_shard(
    path: Path,
    videos: Sequence[Video],
    first: int,
    options: dict[str, Any],
    on_unusable: Callable[[Video, KeyVIDError], object] | None,
) -> bool:
    """Write the shard of these videos, the first of which has this number; whether none had to be left out."""
    part, is_whole = path.with_name(f"{path.name}.{os.getpid()}.part"), True
    with tarfile.open(part, "w") as tar:
        for number, video in enumerate(videos, first):
            try:
                clips = list(_clips_of(video, options))
            except KeyVIDError as error:
                if on_unusable is None:
                    raise
                on_unusable(video, error)
                is_whole = False
                continue
            for index, (clip, curve) in enumerate(clips):
                _add_sample(tar, f"{number:08d}_{index:02d}", clip, curve)
    os.replace(part, path)
    return is_whole


def _remove_surplus(folder: Path, split: str, n_shards: int) -> None:
    """Remove the shards of a split from number n_shards on, which were written when it had more videos."""
    for path in folder.iterdir():
        named = re.fullmatch(re.escape(split) + r"-(\d{6,})\.tar", path.name)
        if named and int(named[1]) >= n_shards:
            path.with_suffix(".json").unlink(missing_ok=True)
            path.unlink()


def _clips_of(video: Video, options: dict[str, Any]) -> Iterator[tuple[Clip, np.ndarray | None]]:
    path = curve_file(video.curve_path)
    times_s = frame_times(video.path)
    fps = (len(times_s) - 1) / times_s[-1]
    scores = None if path is None else read_curve(path, n_frames=len(times_s) - 1)
    for clip in read_clips(video, **options):
        curve = None if scores is None else clip_curve(scores, fps=fps, start_s=clip.start_s)
        yield clip, curve


def _add_sample(tar: tarfile.TarFile, key: str, clip: Clip, curve: np.ndarray | None) -> None:
    facts = {name: getattr(clip, name) for name in ("name", "caption", "category", "start_s")}
    _add(tar, f"{key}.json", json.dumps(facts, sort_keys=True).encode())
    arrays = {"frames": clip.frames.numpy(), "audio": clip.audio, "curve": curve}
    for name, values in arrays.items():
        if values is not None:
            content = io.BytesIO()
            np.save(content, values)
            _add(tar, f"{key}.{name}.npy", content.getvalue())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # no time, no owner: the same bytes however often it is written
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _samples(tar: tarfile.TarFile) -> Iterator[dict[str, Any]]:
    key, sample = None, {}
    for member in tar:
        own, _, ending = member.name.partition(".")
        if own != key:
            if sample:
                yield sample
            key, sample = own, dict[str, Any](curve=None)
        file = tar.extractfile(member)
        content = b"" if file is None else file.read()
        if ending == "json":
            sample |= json.loads(content)
        else:
            array = np.load(io.BytesIO(content), allow_pickle=False)
            sample[ending.removesuffix(".npy")] = torch.from_numpy(array)
    if sample:
        yield sample
