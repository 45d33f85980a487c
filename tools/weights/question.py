"""What is said and asked before a published weight file is fetched. Standard library only."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from ..environment import BASE, ROOT, SetupError

DOWNLOADS = "keyvid_downloads"  # as released/fetch.py has it, beside the models folder
MIRROR = "HF_ENDPOINT"  # as released/published_files.py has it


class File(Protocol):
    """What is read of a released/published_files.PublishedFile."""

    @property
    def key(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def size(self) -> str: ...
    @property
    def about_gb(self) -> float | None: ...
    @property
    def licence(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def target(self) -> str: ...

    def kept_bytes(self, *, half: bool) -> int:
        """The size of the converted file."""
        ...


def models_folder() -> Path:
    """Where the workflows look: models/keyvid of the ComfyUI that this pack is in, else of dev.py's own."""
    in_comfyui = ROOT.parent.name == "custom_nodes"
    return (ROOT.parent.parent if in_comfyui else BASE) / "models" / "keyvid"


def answered(options: argparse.Namespace, files: Sequence[File]) -> list[str]:
    """The words for tools/weights/command.main once the person has read what will happen and agreed; [] if not.

    options: of `python dev.py weights`. Raises SetupError when the disk is too small or a file is not there.
    """
    folder = Path(options.to or models_folder()).expanduser().absolute()
    source = Path(options.source).expanduser().absolute() if options.source else None
    if source is not None and len(files) > 1:
        keys = " or ".join(file.key for file in files)
        raise SetupError(f"--from is one file: say which it is, weights {keys}.")
    if source is not None and not source.is_file():
        raise SetupError(f"There is no file {source}.")
    print(_described(files, folder, half=options.half, source=source), flush=True)
    lacking = _lacking(
        files, folder, half=options.half, source=source, keeps=not options.delete_original
    )
    if lacking:
        raise SetupError(lacking)
    if not _agreed(yes=options.yes):
        return []
    names = ("half", "force", "delete_original")
    flags = " ".join(f"--{name.replace('_', '-')}" for name in names if getattr(options, name))
    return [str(folder), str(source or ""), flags, *(file.key for file in files)]


def _lacking(
    files: Sequence[File], folder: Path, *, half: bool, source: Path | None, keeps: bool
) -> str:
    """The error message when the disk of `folder` is too small by what is known before the page is asked, else "".

    Nothing is known of a mirror of Hugging Face that the person names: the download asks it and looks again.
    """
    mirror = os.environ.get(MIRROR, "").strip()
    if source is None and mirror:
        files = [file for file in files if not file.address.startswith(mirror)]
    if not files:
        return ""
    originals = [0.0 if source else (file.about_gb or 0) * 1e9 for file in files]
    kept = sum(file.kept_bytes(half=half) for file in files)
    needed = (sum(originals) if keeps else max(originals)) + kept
    there = folder
    while not there.exists():
        there = there.parent
    # what has come of these files, in their own folders; downloads of others are no help
    own = [folder.parent / DOWNLOADS / file.key for file in files]
    have = sum(path.stat().st_size for one in own for path in one.rglob("*") if path.is_file())
    free = shutil.disk_usage(there).free
    if needed - have <= free:
        return ""
    return (
        f"About {(needed - have) / 1e9:.0f} GB are needed in {there}, and {free / 1e9:.0f} GB are free. Make room, "
        "name a folder on a larger disk (--to), or remove each original once it is converted (--delete-original)."
    )


def _described(files: Iterable[File], folder: Path, *, half: bool, source: Path | None) -> str:
    """What will happen, for a person to read before agreeing."""
    lines = []
    for file in files:
        size = file.kept_bytes(half=half) / 1e9
        lines += [
            f"{file.what}",
            f"  from     {source or file.address}",
            *([] if source else [f"  size     {file.size}"]),
            f"  licence  {file.licence}",
            f"  becomes  {folder / file.target} (about {size:.1f} GB)",
        ]
    return "\n".join(lines)


def _agreed(*, yes: bool) -> bool:
    """Whether the person wants it: --yes, or the answer to a question."""
    if yes:
        return True
    if not sys.stdin or not sys.stdin.isatty():
        print("Nothing was fetched: add --yes to agree to that.", flush=True)
        return False
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
