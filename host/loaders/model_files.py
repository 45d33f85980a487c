"""Finds weight files by name; builds the error message for a file that is not there.

Names are as in ComfyUI's own lists, but always with "/", so that a workflow finds its file on every system. Where a
name is in two folders, the file in the folder that is listed first is used.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import folder_paths

from ...errors import CheckpointFileError
from ...released.published_files import (
    DYNAMICRAFTER,
    FOLDER,
    GENERATOR,
    IMAGEBIND,
    INTERPOLATOR,
    LOCALIZER,
    PublishedFile,
    file_of_target,
)
from ..files import file_stamp

# the small networks that come with the pack
EMBEDDED = str(Path(__file__).resolve().parents[2] / "models" / "weights")
log = logging.getLogger("keyvid")


@dataclass(frozen=True)
class FileList:
    """The files that one loader offers.

    what: the word for such a file in messages; folders: ComfyUI's names of folders, the first wins; sources: what is
    published for it; embedded: the file of the pack that a new loader shows; elsewhere: where a file comes from that
    the pack does not fetch.
    """

    what: str
    folders: tuple[str, ...]
    sources: tuple[PublishedFile, ...] = ()
    embedded: str = ""
    elsewhere: str = ""

    @property
    def nothing_found(self) -> str:
        """The only entry of a list without files, because an empty list shows nothing at all."""
        return f"no file yet: put one into models/{self.folders[0]}"


_SMALL_GENERATOR = "keyvid_small_generator.safetensors"
VIDEO_MODELS = FileList(
    "model",
    (FOLDER, "diffusion_models", "checkpoints"),
    (GENERATOR, INTERPOLATOR, DYNAMICRAFTER),
    "keyvid_small_interpolator.safetensors",
)
WHOLE_FILES = FileList(
    "checkpoint",
    (FOLDER, "checkpoints"),
    (GENERATOR, INTERPOLATOR, DYNAMICRAFTER),
    _SMALL_GENERATOR,
)
AUDIO_ENCODERS = FileList(
    "audio encoder",
    (FOLDER, "audio_encoders", "checkpoints", "diffusion_models"),
    (IMAGEBIND, GENERATOR),
    _SMALL_GENERATOR,
)
LOCALIZERS = FileList("localizer", (FOLDER,), (LOCALIZER,), "keyvid_small_localizer.safetensors")
RAFT_FILES = (
    "Published, 21 MB: RAFT_models/raft-things.pth of RyanWW/KeyVID on Hugging Face, also in the models of "
    "github.com/princeton-vl/RAFT; or torchvision's raft_large_C_T_V1-22a6c225.pth in download.pytorch.org/models."
)
# ComfyUI's own folder and name for them
OPTICAL_FLOWS = FileList("optical flow", ("optical_flow",), elsewhere=RAFT_FILES)


def register_model_folders() -> None:
    """Makes models/keyvid a folder of ComfyUI, beside the pack's weights and those that extra_model_paths.yaml names.

    To be called before files are listed. The folder is made on disk so that there is a place to put files into; a
    folder that cannot be made is reported in the log, not raised.
    """
    own = os.path.join(folder_paths.models_dir, FOLDER)
    for folder in (own, EMBEDDED):
        folder_paths.add_model_folder_path(FOLDER, folder)
    # a new name is registered without suffixes, which means every file
    folders, suffixes = folder_paths.folder_names_and_paths[FOLDER]
    suffixes = set(suffixes) | folder_paths.supported_pt_extensions
    folder_paths.folder_names_and_paths[FOLDER] = (folders, suffixes)
    try:
        os.makedirs(own, exist_ok=True)
    except OSError as error:
        log.warning("KeyVID could not make the folder %s: %s", own, error)


def file_names(files: FileList) -> list[str]:
    """The names of the files that a loader offers, sorted, each once; never empty."""
    found = {
        _plain(name) for folder in files.folders for name in folder_paths.get_filename_list(folder)
    }
    return sorted(found) or [files.nothing_found]


def first_choice(files: FileList) -> str:
    """The name that a new loader shows: the pack's own file, which always works, or the first one."""
    names = file_names(files)
    return files.embedded if files.embedded in names else names[0]


def file_path(name: str, files: FileList) -> str:
    """The path of a listed file. Raises CheckpointFileError, with what to do, when the list has no such name."""
    for folder in files.folders:
        # only what is listed: a name from a workflow must not lead out of the folders
        listed = {_plain(found): found for found in folder_paths.get_filename_list(folder)}
        if _plain(name) in listed:
            path = folder_paths.get_full_path(folder, listed[_plain(name)])
            if path is not None:
                return path
    raise CheckpointFileError(_not_there(name, files))


def file_problem(name: str | None, files: FileList) -> str | None:
    """The error message for a name that cannot be loaded, or None; asked before anything runs."""
    if name is None:  # comes over a wire, so it is not known yet
        return None
    try:
        file_path(name, files)
    except CheckpointFileError as error:
        return str(error)
    return None


def stamp_of(name: str | None, files: FileList) -> str:
    """A text that changes whenever the file does, so that a replaced file is loaded again."""
    if name is None:  # comes over a wire: a change there is noticed by ComfyUI itself
        return ""
    return file_stamp(file_path(name, files))


def _plain(name: str) -> str:
    return str(name).replace("\\", "/")


def _short(name: str) -> str:
    """A name for a message: a workflow may have one of any length."""
    return f"{_plain(name)!r:.120}"


def _not_there(name: str, files: FileList) -> str:
    which = "yet" if name == files.nothing_found else f"named {_short(name)}"
    first, *others = (f"models/{folder}" for folder in files.folders)
    also = (
        f" ({' or '.join(others)} also {'work' if len(others) > 1 else 'works'})" if others else ""
    )
    put = (
        f"There is no {files.what} file {which}. Put one into ComfyUI's folder {first}{also} and press R to refresh "
        "the lists."
    )
    if files.elsewhere:
        return f"{put} {files.elsewhere}"
    named = file_of_target(_plain(name))
    sources = (named,) if named is not None else files.sources
    licences = dict.fromkeys(source.licence for source in sources)
    keys = [source.key for source in sources]
    command = f"python dev.py weights {keys[0] if len(keys) == 1 else 'NAME'} --half gets it"
    names = "" if len(keys) == 1 else f" (NAME is {', '.join(keys[:-1])} or {keys[-1]})"
    return (
        f"{put} The button on this node gets a published one; in the folder of this pack, {command}{names}. "
        "Published: "
        f"{'; '.join(map(str, sources))}. Licence: {'; '.join(licences)}."
    )
