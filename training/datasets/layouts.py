"""Which videos a data set has, and what belongs to each: category, caption, file of its motion curve.

The layouts are those that the published code reads (published-model h.1):

    AVSync15, Landscapes   SPLIT/CATEGORY/*.mp4                         curves in SPLIT_curves_npy/CATEGORY/*.npy
    the same, to evaluate  videos/[SPLIT/]CATEGORY/*.mp4, SPLIT.txt     one CATEGORY/FILE.mp4 per line; may lie
                                                                        beside the folders of training
    The Greatest Hits      videos/*_denoised_thumb.mp4, SPLIT.txt       one FILE.mp4 per line; curves in
                                                                        SPLIT_video_motion/label/*.npy
    anything else          videos, in folders or not                    curves in curves_npy/, in the same folders

Names are compared as Unicode says they are equal (form C), since file systems write one letter in different ways.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ...errors import KeyVIDError

CATEGORIES, GREATEST_HITS, FOLDER = "categories", "The Greatest Hits", "folder"
SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"}
HIT_ENDING = "_denoised_thumb.mp4"
HIT_CATEGORY = "hitting with a stick"  # its text in evaluation; in training it has none
SPLITS = ("train", "test")


class Video(NamedTuple):
    """A video of a data set.

    name: its path below the folder of videos without the ending, "CATEGORY/STEM"; one of a kind in the data set.
    caption: the prompt that belongs to it in training, "" for none. category: its text in evaluation.
    curve_path: where its motion curve is, or belongs.
    """

    path: Path
    name: str
    category: str
    caption: str
    curve_path: Path


class Dataset(NamedTuple):
    """The videos of one split, in the order of their names.

    missing: what a list file names and is not there. n_unlisted: videos in the folder that the list does not name.
    """

    kind: str
    split: str
    videos: tuple[Video, ...]
    missing: tuple[str, ...] = ()
    n_unlisted: int = 0


def open_dataset(root: str | Path, *, split: str = "train") -> Dataset:
    """The Dataset below a folder; its layout is recognised by the folders it has.

    split: "train" or "test"; a folder of videos without splits has its videos in both.
    Raises KeyVIDError when the folder is absent or has no videos, or the list of the split is absent or unreadable.
    """
    root = Path(root).expanduser()
    if split not in SPLITS:
        raise KeyVIDError(f'There is no split "{split}"; choose one of {", ".join(SPLITS)}.')
    if not root.is_dir():
        raise KeyVIDError(f"There is no folder {root}. Name the folder of the data set.")
    kind, folder, listed = _layout(root, split)
    found = list(_videos_below(folder, skip=() if folder != root else ("curves_npy",)))
    if listed is None:
        names, missing = found, ()
    else:
        names, missing = _listed(listed, found)
    if not names:
        raise KeyVIDError(
            f"There are no videos ({', '.join(sorted(SUFFIXES))}) for {split} in {folder}. "
            f"docs/training.md shows the folders of each data set."
        )
    curves = _curves_folder(root, split, kind)
    ids, own_names = curve_names(found), _without_ending(found)
    videos = tuple(
        _video(folder / name, own_names[name], kind, curves / f"{ids[name]}.npy")
        for name in sorted(names, key=str)
    )
    return Dataset(kind, split, videos, tuple(missing), len(found) - len(names))


def curve_names(names: Iterable[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
    """{path of a video: path of its curve without .npy}. The published id of a file ends at its first dot.

    Two videos whose ids would be the same, such as a.1.mp4 and a.2.mp4, keep all but their ending.
    """
    short = {name: name.with_name(name.name.partition(".")[0] or name.stem) for name in names}
    shared = Counter(map(_same, short.values()))
    whole = _without_ending(short)
    return {name: whole[name] if shared[_same(one)] > 1 else one for name, one in short.items()}


def _without_ending(names: Iterable[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
    """{path: the path without its ending}; a.mp4 and a.mov in one folder keep theirs."""
    stems = {name: name.with_name(name.stem) for name in names}
    twice = Counter(map(_same, stems.values()))
    return {name: name if twice[_same(stem)] > 1 else stem for name, stem in stems.items()}


def caption_of(category: str) -> str:
    """The caption of a category's folder: its words (published-model h.1)."""
    return " ".join(category.replace("_", " ").split())


def _layout(root: Path, split: str) -> tuple[str, Path, Path | None]:
    """(kind, folder of videos, list file or None)."""
    videos, listed = root / "videos", root / f"{split}.txt"
    if videos.is_dir():
        if any(videos.glob(f"*{HIT_ENDING}")):
            return GREATEST_HITS, videos, _must_be_there(listed)
        if (videos / split).is_dir():
            return CATEGORIES, videos / split, listed if listed.is_file() else None
        is_listed = any((root / f"{name}.txt").is_file() for name in SPLITS)
        # AVSync15 whole: test.txt lists videos/ to evaluate, and train/ has no list
        if is_listed and (listed.is_file() or not (root / split).is_dir()):
            return CATEGORIES, videos, _must_be_there(listed)
    if (root / split).is_dir():
        return CATEGORIES, root / split, None
    return FOLDER, root, None


def _must_be_there(listed: Path) -> Path:
    if not listed.is_file():
        raise KeyVIDError(
            f"There is no list {listed}, which says what belongs to this split. Put it there: one video per line."
        )
    return listed


def _curves_folder(root: Path, split: str, kind: str) -> Path:
    if kind == GREATEST_HITS:
        return root / f"{split}_video_motion" / "label"
    return root / (f"{split}_curves_npy" if kind == CATEGORIES else "curves_npy")


def _videos_below(folder: Path, *, skip: Iterable[str]) -> Iterator[PurePosixPath]:
    """Paths of the videos below a folder, relative to it; hidden files and folders are none."""
    for path in sorted(folder.rglob("*")):
        name = PurePosixPath(path.relative_to(folder).as_posix())
        hidden = any(part.startswith(".") for part in name.parts)
        if path.suffix.lower() in SUFFIXES and path.is_file() and not hidden:
            if name.parts[0] not in skip:
                yield name


def _listed(
    listed: Path, found: Iterable[PurePosixPath]
) -> tuple[list[PurePosixPath], tuple[str, ...]]:
    """(the videos that a list file names, each once; its lines that name none). Lines may leave out the ending."""
    try:
        text = listed.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyVIDError(
            f"The list {listed} cannot be read ({error}); save it as text in UTF-8."
        ) from None
    known = {}
    for name in found:
        known[_same(name)] = name
        known.setdefault(_same(name.with_name(name.stem)), name)
    names, missing = {}, []
    for line in text.splitlines():
        entry = line.strip().replace("\\", "/")
        if not entry:
            continue
        name = known.get(_same(PurePosixPath(entry)))
        if name is None:
            missing.append(entry)
        else:
            names[name] = None
    return list(names), tuple(missing)


def _same(name: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(name))


def _video(path: Path, name: PurePosixPath, kind: str, curve_path: Path) -> Video:
    category = caption = caption_of(str(name.parent)) if len(name.parts) > 1 else ""
    if kind == GREATEST_HITS:
        category, caption = HIT_CATEGORY, ""
    return Video(path, str(name), category, caption, curve_path)
