"""Files by name, never by path: everything goes through ComfyUI's own guarded folders."""

import logging
import os
import pathlib
import shutil

import folder_paths

from ..keyframes.errors import KeyVIDError

TIMING_SUFFIX = ".keyvid.json"
MAX_TIMING_BYTES = 64 * 2**20  # an hour of curve and plan is about 3 MB

log = logging.getLogger("keyvid")


def copy_sample_media():
    """Copies the workflows' sample picture and sound into ComfyUI's input folder, as `keyvid_*`.

    Into the folder itself: Load Image and Load Audio list no subfolders, and the frontend reports what
    they do not list as missing. A file that is already there is left alone. A read-only input folder
    is reported, not raised: the pack works without the samples.
    """
    source_folder = pathlib.Path(__file__).resolve().parent.parent / "workflows" / "media"
    target_folder = pathlib.Path(folder_paths.get_input_directory())
    try:
        target_folder.mkdir(parents=True, exist_ok=True)
        for source in source_folder.glob("keyvid_*"):
            target = target_folder / source.name
            if not target.exists():
                partial = target.with_name(target.name + ".partial")
                shutil.copyfile(source, partial)
                os.replace(partial, target)
    except OSError as error:
        log.warning("KeyVID could not copy its sample files to %s: %s", target_folder, error)


def temp_file_named(filename):
    """The path of a file of this very name in ComfyUI's temp folder; the folder exists then, the file perhaps."""
    folder = folder_paths.get_temp_directory()
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, filename)


def new_output_file(prefix, suffix):
    """(path, filename, subfolder) of a file that does not exist yet in ComfyUI's output folder.

    Raises KeyVIDError when the prefix points outside that folder.
    """
    return _numbered_file(prefix, suffix, folder_paths.get_output_directory())


def _numbered_file(prefix, suffix, root):
    try:
        is_inside = folder_paths.is_within_directory(root, os.path.join(root, prefix))
        if is_inside:
            folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, root)
    except (OSError, ValueError) as error:
        raise _unusable(prefix, error) from None
    if not is_inside:
        raise KeyVIDError(
            f"The file name {prefix!r} points outside ComfyUI's own folder. "
            "Use a plain name, such as keyvid/timing."
        )
    filename = f"{stem}_{counter:05}_{suffix}"
    return os.path.join(folder, filename), filename, subfolder


def write_text(path, text):
    """Writes text (UTF-8) so that a crash never leaves half a file. Raises KeyVIDError when it cannot."""
    partial = path + ".partial"
    try:
        with open(partial, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(partial, path)
    except (OSError, ValueError) as error:
        raise _unusable(os.path.basename(path), error) from None


def _unusable(name, error):
    reason = getattr(error, "strerror", None) or str(error)
    return KeyVIDError(
        f"The file {name!r} cannot be written ({reason}). Choose another name, or free the folder."
    )


def timing_files():
    """Names of the timing files in ComfyUI's input folder."""
    root = pathlib.Path(folder_paths.get_input_directory())
    return sorted(path.name for path in root.glob("*" + TIMING_SUFFIX))


def read_timing_text(name):
    """The text of a timing file named as ComfyUI names files: `a.keyvid.json`, or `a.keyvid.json [output]`.

    Raises KeyVIDError when there is no such file, it is too large, or it is not text.
    """
    path = _timing_path(name)
    size = os.path.getsize(path)
    if size > MAX_TIMING_BYTES:
        raise KeyVIDError(
            f"The timing file {name!r} is {size / 2**20:.0f} MB; a timing file has at most "
            f"{MAX_TIMING_BYTES // 2**20} MB. Choose a file written by Save Timing."
        )
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise KeyVIDError(
            f"The timing file {name!r} is not text. Choose a file written by Save Timing."
        ) from None


def timing_stamp(name):
    """Changes whenever the timing file does, so that an edited file is read again."""
    status = os.stat(_timing_path(name))
    return f"{status.st_mtime_ns}:{status.st_size}"


def _timing_path(name):
    try:
        path = folder_paths.get_annotated_filepath(name)
    except ValueError:  # what ComfyUI raises for a name that leaves its folders
        raise KeyVIDError(
            f"The timing file {name!r} lies outside ComfyUI's folders. Copy it into the input folder."
        ) from None
    if not path.endswith(TIMING_SUFFIX) or not os.path.isfile(path):
        raise KeyVIDError(
            f"There is no timing file named {name!r}. Put a file written by Save Timing (*{TIMING_SUFFIX}) "
            "into ComfyUI's input folder, or add [output] after the name of one in the output folder."
        )
    return path
