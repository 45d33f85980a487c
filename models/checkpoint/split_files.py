"""Weight files that are published in parts, such as model-00001-of-00002.safetensors, recognised by their names.

A part is a weight file like any other, with some of the tensors. A list beside the parts, `*.index.json`, names them
all; where it is there, they may be called anything.
"""

import json
import os
import re
from dataclasses import dataclass
from os import PathLike

from .safetensors_file import SUFFIX
from .state_dict_diff import few

_NAME = re.compile(
    r"(?P<stem>.*?)[-_. ]*(?P<number>\d{1,5})[-_]of[-_](?P<total>\d{1,5})(?P<suffix>(\.\w+)+)",
    re.IGNORECASE,
)
_INDEX = re.compile(
    r"(?P<stem>.+?)(\.(safetensors|bin|pt|pth|ckpt))?\.index(\.\w+)?\.json", re.IGNORECASE
)
_USUAL_DIGITS = 5
_MAX_INDEX_BYTES = 64 * 2**20  # a list of 1,500 tensors has about 0.1 MB


@dataclass(frozen=True)
class SplitFile:
    """A file in parts. names: of the parts, in one folder; stem: what their names have in common.

    certain: whether the names leave no doubt; `epoch_3_of_9.ckpt` may be a whole file.
    """

    folder: str
    names: tuple[str, ...]
    stem: str
    certain: bool = True

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the parts."""
        return tuple(os.path.join(self.folder, name) for name in self.names)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the parts that are not there."""
        return tuple(
            name
            for name, path in zip(self.names, self.paths, strict=True)
            if not os.path.isfile(path)
        )

    def refusal(self, path: str) -> str:
        """The error message for one of its parts, at a path: why it cannot be used, and the remedy."""
        name = os.path.basename(path)
        which = f"part {self.names.index(name) + 1} of {len(self.names)} of a split file"
        subject = name if self.certain else f"By its name {name}"
        first = ""
        if self.missing:
            first = f"Put the missing parts into its folder first ({few(self.missing)}). "
        return (
            f"{subject} is {which}, and KeyVID reads whole files. {first}"
            "Join the parts once; in the folder of this pack: "
            f'python dev.py convert "{path}" "{self._target()}". Then press R in ComfyUI.'
        )

    def _target(self) -> str:
        stem = self.stem or "joined"
        while os.path.exists(path := os.path.join(self.folder, stem + SUFFIX)):
            stem += "_joined"
        return path


def split_file_of(path: str | PathLike[str]) -> SplitFile | None:
    """The SplitFile that the file at a path is a part of, or the list of; None when it is neither."""
    path = os.fspath(path)
    folder, name = os.path.split(path)
    if _INDEX.fullmatch(name):
        return _listed_in(path)
    return _by_name(folder, name) or _by_list(folder, name)


def _by_name(folder: str, name: str) -> SplitFile | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    number, total = int(match["number"]), int(match["total"])
    if total < 2 or number > total:
        return None

    def numbered(text: str) -> str:
        return name[: match.start("number")] + text + name[match.end("number") :]

    def named(part: int) -> str:
        padded, bare = numbered(f"{part:0{len(match['number'])}}"), numbered(str(part))
        # model-10-of-12 says nothing about how the ninth is written
        is_bare = os.path.isfile(os.path.join(folder, bare))
        return bare if is_bare and not os.path.isfile(os.path.join(folder, padded)) else padded

    begin = 0 if number == 0 or os.path.isfile(os.path.join(folder, named(0))) else 1
    if number >= begin + total:
        return None
    certain = len(match["number"]) == len(match["total"]) == _USUAL_DIGITS
    names = tuple(named(part) for part in range(begin, begin + total))
    return SplitFile(folder, names, match["stem"], certain)


def _by_list(folder: str, name: str) -> SplitFile | None:
    try:
        lists = sorted(found for found in os.listdir(folder or ".") if _INDEX.fullmatch(found))
    except OSError:
        return None
    found = (_listed_in(os.path.join(folder, list_name)) for list_name in lists)
    return next((split for split in found if split is not None and name in split.names), None)


def _listed_in(path: str) -> SplitFile | None:
    """The SplitFile of a list of parts; None when it is none, or names files outside of its folder."""
    folder, name = os.path.split(path)
    match = _INDEX.fullmatch(name)
    if match is None:
        return None
    try:
        if os.path.getsize(path) > _MAX_INDEX_BYTES:
            return None
        with open(path, encoding="utf-8") as file:
            names = sorted(set(json.load(file)["weight_map"].values()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    plain = all(
        isinstance(part, str) and part not in ("", ".", "..") and not set(part) & set("/\\:\0")
        for part in names
    )
    if not plain or len(names) < 2:
        return None
    return SplitFile(folder, tuple(names), match["stem"])
