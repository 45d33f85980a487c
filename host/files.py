"""Files in ComfyUI's input, output and temp folders, by name and never outside these folders."""

import contextlib
import errno
import logging
import math
import os
import pathlib
import re
import shutil
from collections.abc import Iterable, Iterator

import folder_paths

from ..errors import KeyVIDError
from ..keyframes.values import shown

TIMING_SUFFIX = ".keyvid.json"
MAX_TIMING_BYTES = 64 * 2**20  # an hour of curve and plan is about 3 MB
MAX_LISTED_FOLDERS = 1_000  # of input or output in which timing files are looked for
# the only entry of a list without files, because an empty list shows nothing at all
NO_TIMING_FILE = "no timing file yet: run Save Timing, or put one into input"
_PUT_ONE = (
    f"Run Save Timing, or put a file written by it (*{TIMING_SUFFIX}) into ComfyUI's input folder; then press R to "
    "refresh the lists and choose it in Load Timing."
)

_REMEDIES = {
    errno.ENOSPC: "Make room on the disk",
    errno.EDQUOT: "Make room in your share of the disk",
    errno.EFBIG: "This disk or this account takes no file as large; take a shorter piece, or another disk",
}

log = logging.getLogger("keyvid")
_listed: dict[
    str, tuple[dict[str, int | None], list[str]]
] = {}  # folder -> ({folder in it: time of its last change}, names of timing files)


def copy_sample_media() -> None:
    """Copies the workflows' sample image and audio into ComfyUI's input folder, as `keyvid_*`.

    Into the folder itself: Load Image and Load Audio list no subfolders, and the frontend reports what
    they do not list as missing. A file that is already there is left alone. An input folder that cannot be written
    is reported in the log, not raised: the pack works without the samples.
    """
    source_folder = pathlib.Path(__file__).resolve().parent.parent / "workflows" / "media"
    target_folder = pathlib.Path(folder_paths.get_input_directory())
    try:
        target_folder.mkdir(parents=True, exist_ok=True)
        for source in source_folder.glob("keyvid_*"):
            target = target_folder / source.name
            if not target.exists():
                partial = target.with_name(target.name + ".partial")
                with writing(target.name, str(partial)):
                    shutil.copyfile(source, partial)
                    os.replace(partial, target)
    except (OSError, KeyVIDError) as error:
        log.warning("KeyVID could not copy its sample files to %s: %s", target_folder, error)


def temp_file_named(filename: str) -> str:
    """The path of a file of this name in ComfyUI's temp folder. Makes the folder, not the file."""
    folder = folder_paths.get_temp_directory()
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, filename)


def new_output_file(prefix: str, suffix: str) -> tuple[str, str, str]:
    """(path, filename, subfolder) of a file that does not exist yet in ComfyUI's output folder.

    Raises KeyVIDError when the prefix points outside that folder.
    """
    folder, stem, counter, subfolder = _output_place(prefix)
    filename = f"{stem}_{counter:05}_{suffix}"
    return os.path.join(folder, filename), filename, subfolder


def output_folder(prefix: str, suffix: str) -> str:
    """The path of the one folder in ComfyUI's output folder that belongs to all files of a prefix; it is not made.

    Raises KeyVIDError when the prefix points outside that folder.
    """
    folder, stem, _, _ = _output_place(prefix)
    return os.path.join(folder, stem + suffix)


def _output_place(prefix: str) -> tuple[str, str, int, str]:
    """(folder, stem, next number, subfolder) of files of a prefix."""
    root = folder_paths.get_output_directory()
    if not isinstance(prefix, str):
        raise KeyVIDError(f"The file name is {shown(prefix)}; use text, such as keyvid/timing.")
    try:
        if not folder_paths.is_within_directory(root, os.path.join(root, prefix)):
            raise KeyVIDError(
                f"The file name {prefix!r:.120} points outside ComfyUI's own folder. "
                "Use a plain name, such as keyvid/timing."
            )
        folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, root)
    except KeyVIDError:
        raise
    except (OSError, ValueError) as error:
        raise _unusable(prefix, error) from None
    return folder, stem, counter, subfolder


def write_text(path: str, text: str) -> None:
    """Writes text (UTF-8) so that a crash never leaves half a file. Raises KeyVIDError when it cannot."""
    name, partial = os.path.basename(path), path + ".partial"
    try:
        with writing(name, partial):
            with open(partial, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.replace(partial, path)
    except KeyVIDError:
        raise
    except ValueError as error:  # signs that no file name, or no UTF-8, can have
        raise _unusable(name, error) from None


@contextlib.contextmanager
def writing(name: str, partial: str | None = None) -> Iterator[None]:
    """While a file is written: what the disk refuses is raised as KeyVIDError that names it.

    partial: the path under which it is written, if it is renamed once it is whole; nothing is left there in the end.
    """
    try:
        yield
    except OSError as error:
        raise _unusable(name, error) from None
    finally:
        if partial is not None:
            with contextlib.suppress(OSError, ValueError):
                os.remove(partial)


def _unusable(name: str, error: Exception) -> KeyVIDError:
    reason = getattr(error, "strerror", None) or str(error)
    otherwise = "Choose another name, or free the folder"
    remedy = _REMEDIES.get(getattr(error, "errno", None) or 0, otherwise)
    return KeyVIDError(
        f"The file {name!r:.120} cannot be written ({reason}). {remedy}, and run again."
    )


def file_stamp(path: str) -> str:
    """A text that changes whenever a file does: when it was written last, and its size in bytes."""
    status = os.stat(path)
    return f"{status.st_mtime_ns}:{status.st_size}"


def input_image_path(name: str) -> str:
    """The path of an image in ComfyUI's input folder, "board/12.png"; whether it is there is not asked.

    Raises KeyVIDError when the name points outside that folder, or is not that of an image.
    """
    root = folder_paths.get_input_directory()
    path = os.path.abspath(os.path.join(root, name.replace("\\", "/")))
    if not folder_paths.is_within_directory(root, path):
        raise KeyVIDError(
            f"The image {name!r:.120} of a keyframe lies outside ComfyUI's input folder. Drop the image on the "
            "timeline of Edit Keyframes, which copies it there."
        )
    if not folder_paths.filter_files_content_types([path], ["image"]):
        raise KeyVIDError(
            f"The file {name!r:.120} of a keyframe is not an image. Drop a PNG, JPEG or WebP on the timeline of Edit "
            "Keyframes."
        )
    return path


def input_images_stamp(names: Iterable[str]) -> str:
    """A text that changes whenever one of these images in the input folder does, comes or goes."""
    stamps = []
    for name in names:
        try:
            stamps.append(f"{name}:{file_stamp(input_image_path(name))}")
        except (OSError, ValueError, KeyVIDError):
            stamps.append(f"{name}:missing")
    return "\n".join(stamps)


def timing_files() -> list[str]:
    """Names of the timing files in ComfyUI's input and output folders and their subfolders; never empty.

    With "/" on every system, and "[output]" behind those of the output folder, as ComfyUI annotates names.
    """
    inputs = _timing_files_in(folder_paths.get_input_directory())
    outputs = _timing_files_in(folder_paths.get_output_directory())
    return [*inputs, *(f"{name} [output]" for name in outputs)] or [NO_TIMING_FILE]


def _timing_files_in(root: str) -> list[str]:
    """Names relative to a folder, sorted. ComfyUI asks several times in each run: read again only after a change."""
    times, names = _listed.get(root, ({}, []))
    if not times or times != _times_of(times):
        _listed[root] = times, names = _look_for_timing_files(root)
    return names


def _times_of(folders: Iterable[str]) -> dict[str, int]:
    """{folder: time of its last change in ns}, without the folders that are gone."""
    times = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            times[folder] = os.stat(folder).st_mtime_ns
    return times


def _look_for_timing_files(root: str) -> tuple[dict[str, int | None], list[str]]:
    """({folder: time of its last change in ns}, names). Reads the nearest folders first; skips links to folders."""
    found: list[str] = []
    waiting = [root]
    times: dict[str, int | None] = {}
    while waiting and len(times) < MAX_LISTED_FOLDERS:
        folder = waiting.pop(0)
        times[folder] = None
        try:
            times[folder] = os.stat(folder).st_mtime_ns
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting += [] if entry.name.startswith(".") else [entry.path]
                    # a link may lead out of the folder, and is not read then
                    elif _is_timing_name(entry.name) and _is_file_inside(root, entry.path):
                        found.append(os.path.relpath(entry.path, root).replace(os.sep, "/"))
        except OSError as error:
            log.debug("KeyVID cannot look into %s: %s", folder, error)
    return times, sorted(found)


def _is_file_inside(root: str, path: str) -> bool:
    return folder_paths.is_within_directory(root, path) and os.path.isfile(path)


def _is_timing_name(name: str) -> bool:
    return name.lower().endswith(TIMING_SUFFIX)


def read_timing_text(name: str | None) -> str:
    """The text of a timing file named as ComfyUI names files: `a.keyvid.json`, or `a.keyvid.json [output]`.

    Raises KeyVIDError when there is no such file, it is too large, or it is not text.
    """
    path = _timing_path(name)
    try:
        size = os.path.getsize(path)
        if size > MAX_TIMING_BYTES:
            raise KeyVIDError(
                f"The timing file {name!r} is {size / 2**20:.0f} MB; a timing file has at most "
                f"{MAX_TIMING_BYTES // 2**20} MB. Choose a file written by Save Timing."
            )
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise KeyVIDError(
            f"The timing file {name!r} is not text. Choose a file written by Save Timing."
        ) from None
    except OSError as error:
        raise KeyVIDError(
            f"The timing file {name!r} cannot be read ({error.strerror or error}). Allow ComfyUI to read it, or "
            "choose another file."
        ) from None


def timing_problem(name: str | None) -> str | None:
    """The error message for a timing file that cannot be read, or None; asked before anything runs."""
    if name is None:  # comes over a wire, so it is not known yet
        return None
    try:
        _timing_path(name)
    except KeyVIDError as error:
        return str(error)
    return None


def timing_stamp(name: str | None) -> str | float:
    """A value that changes whenever the timing file does, so that an edited file is read again."""
    if name is None:  # comes over a wire, so the file is not known here: read it again
        return math.nan  # ComfyUI takes it for a change
    return file_stamp(_timing_path(name))


def _timing_path(name: str | None) -> str:
    """The path of a timing file that was named on this system or another. Raises KeyVIDError."""
    if name is None or name == NO_TIMING_FILE:
        raise KeyVIDError(f"No timing file is chosen. {_PUT_ONE}")
    if not isinstance(name, str):
        raise KeyVIDError(
            f"The timing file is {name!r:.40}, which is not a file name. Choose one in the list of Load Timing."
        )
    annotation = re.search(r"\s*\[(input|output|temp)\]\s*\Z", name)
    plain, folder = (name[: annotation.start()], annotation[1]) if annotation else (name, "input")
    root = folder_paths.get_directory_by_type(folder)
    plainly = name.replace("\\", "/")
    # unchanged first: a space may belong to the name, and except on Windows a backslash, too
    for tried in dict.fromkeys((plain, plain.strip(), plain.strip().replace("\\", "/"))):
        path = os.path.abspath(os.path.join(root, tried))
        if not folder_paths.is_within_directory(root, path):
            raise KeyVIDError(
                f"The timing file {plainly!r:.120} lies outside ComfyUI's folders. Copy it into the input folder."
            )
        if _is_timing_name(path) and os.path.isfile(path):
            return path
    raise KeyVIDError(f"There is no timing file named {plainly!r:.120}. {_PUT_ONE}")
