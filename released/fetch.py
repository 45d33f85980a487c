"""From the page to the models folder: a published file is downloaded, converted, recognised, and only then put there.

Downloads stay in a folder beside the models folder, where no loader looks: what is half, and the original afterwards.
"""

import contextlib
import os
import shutil
from pathlib import Path

from ..errors import CheckpointError, CheckpointFileError, DownloadError
from ..models.checkpoint import layouts
from . import convert as converting
from .download import PAUSE_S, Step, download
from .lock import alone
from .published_files import PublishedFile

DOWNLOADS = "keyvid_downloads"


def downloads_beside(folder: Path) -> Path:
    """Where files come down that go into `folder`: on its disk, but not inside it."""
    return folder.absolute().parent / DOWNLOADS


def fetch(
    file: PublishedFile,
    folder: Path,
    *,
    step: Step,
    half: bool,
    downloads: Path | None = None,
    source: Path | None = None,
    delete_original: bool = False,
    force: bool = False,
    pause_s: float = PAUSE_S,
) -> converting.Conversion | None:
    """Put a published file, as safetensors, into `folder`; the Conversion, or None when it was there already.

    downloads: where the page's own file comes and stays, downloads_beside(folder) by default; source: a file that was
    downloaded by hand, instead. half: store fp16. delete_original: remove the page's file (or source) at the end.
    step(what, n_done, n_all) may raise to stop; the next call goes on. Raises KeyVIDError, with what to do.
    """
    target = folder / file.target
    if target.exists() and not force:
        return None
    downloads = downloads or downloads_beside(folder)
    own_folder = downloads / file.key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own_folder.mkdir(parents=True, exist_ok=True)
        taken = DownloadError("Another window or ComfyUI is fetching this file already.")
        with alone(own_folder, taken):
            _remove_leftovers(target, own_folder)
            original = source or download(
                file,
                own_folder,
                step=step,
                extra_bytes=file.kept_bytes(half=half),
                pause_s=pause_s,
            )
            result = _convert(file, original, target, own_folder, half=half, step=step)
            if delete_original:
                original.unlink()
        if delete_original and source is None:
            with contextlib.suppress(OSError):
                shutil.rmtree(own_folder)
                downloads.rmdir()  # not while something else is in it
    except DownloadError as error:
        raise DownloadError(by_hand(file, str(error))) from error
    except OSError as error:
        # a full disk does not say which file it was
        raise DownloadError(
            f"{error.filename or own_folder} cannot be written: {error.strerror}."
        ) from error
    return result


def by_hand(file: PublishedFile, why: str) -> str:
    """The reason, and how to get the file without this program."""
    return (
        f"{why} Trying again goes on from here. Or open {file.address} in a browser, save the file, and, in the "
        f"folder of the pack, run python dev.py weights {file.key} --from PATH/TO/{file.name}"
    )


def _convert(
    file: PublishedFile, original: Path, target: Path, own_folder: Path, *, half: bool, step: Step
) -> converting.Conversion:
    """Convert beside the download, look at what it is, and move it to its place."""
    made = own_folder / target.name
    wanted = layouts.A_FILE[file.kind]
    try:
        found = converting.kind_of(original)
        if found != file.kind:
            what = layouts.A_FILE[found] if found else "a file that KeyVID does not know"
            raise CheckpointFileError(f"{original.name} is {what}, not {wanted}.")
        result = converting.convert(original, made, half=half, prune=True, force=True, step=step)
    except CheckpointError as error:
        raise type(error)(f"{file.target} was not made. {error}") from error
    if _on_one_disk(own_folder, target.parent):
        os.replace(made, target)
    else:
        partial = _partial(target)
        try:
            shutil.copyfile(made, partial)
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)  # of a disk that is full
        made.unlink()
    return result


def _on_one_disk(folder: Path, other: Path) -> bool:
    return folder.stat().st_dev == other.stat().st_dev


def _partial(target: Path) -> Path:
    return target.with_name(f"{target.name}.partial")  # no loader lists this ending


def _remove_leftovers(target: Path, own_folder: Path) -> None:
    """What a killed conversion left."""
    for left in (_partial(target), *own_folder.glob("*.partial")):
        left.unlink(missing_ok=True)
