"""Pictures and videos that show up inside a node.

A file in the temp folder is named by its content. ComfyUI's numbered names begin anew with the server, and a page that
was left open would then show what it remembers under the same name: the pictures of an earlier run.
"""

import contextlib
import hashlib
import os

import torch
from comfy_api.latest import InputImpl, io, ui

from ..keyframes.audio.checks import peaks_min_max
from ..preview.animatic import render_animatic
from ..preview.editor import plan_checksum
from ..preview.sheet import draw_sheet, thumbnail
from ..preview.strip import draw_strip
from .files import temp_file_named
from .running_node import progress_steps

STRIP_WIDTH, STRIP_HEIGHT = 768, 192  # px


def strip_ui(node, *, n_frames, fps, samples=None, curve=None, plan=None):
    """The ui dict that shows a timing strip (waveform, curve, keyframes) inside a node."""
    waveform = None if samples is None else peaks_min_max(samples, STRIP_WIDTH)
    strip = draw_strip(
        width=STRIP_WIDTH,
        height=STRIP_HEIGHT,
        n_frames=n_frames,
        fps=fps,
        waveform=waveform,
        curve=curve,
        plan=plan,
    )
    picture = torch.from_numpy(strip).float().div(255).unsqueeze(0)  # (1, H, W, 3)
    return ui.PreviewImage(picture, cls=node).as_dict()


def animatic_video(*, image, samples, sample_rate, plan, curve, width):
    """Renders the timing preview into a temp file; returns (VIDEO payload, ui dict that shows it).

    image: float (H, W, 3) numpy in [0, 1]; samples: (n_channels, n_samples). Cancel removes the file.
    """
    partial = temp_file_named("keyvid_timing.partial")
    render_animatic(
        partial,
        image=image,
        samples=samples,
        sample_rate=sample_rate,
        plan=plan,
        curve=curve,
        width=width,
        on_frame=progress_steps(),
    )
    filename = f"keyvid_timing_{_hash_of_file(partial)}.mp4"
    path = _kept(partial, filename)
    shown = ui.PreviewVideo([ui.SavedResult(filename, "", io.FolderType.temp)]).as_dict()
    return InputImpl.VideoFromFile(path), shown


def keyframe_sheet(node, pictures, *, plan, width, curve=None, samples=None, sample_rate=None):
    """(IMAGE of the contact sheet, ui dict that shows it and hands small pictures to the editor).

    pictures: float (count, H, W, 3) numpy in [0, 1]. The ui's "keyvid_sheet" names a thumbnail for each keyframe, and
    the frames and the checksum of the plan they belong to, so that the editor never shows them beside another plan.
    """
    sheet = draw_sheet(
        pictures, plan, width=width, curve=curve, samples=samples, sample_rate=sample_rate
    )
    image = torch.from_numpy(sheet).float().div(255).unsqueeze(0)  # (1, H, W, 3)
    shown = ui.PreviewImage(image, cls=node).as_dict()
    shown["keyvid_sheet"] = [
        {
            "plan": plan_checksum(plan),
            "frames": plan.frames,
            "n_frames": plan.n_frames,
            "fps": plan.fps,
            "pictures": [_saved_thumbnail(picture) for picture in pictures],
        }
    ]
    return image, shown


def _saved_thumbnail(picture):
    """A thumbnail in the temp folder, as ComfyUI's /view asks for it."""
    data = thumbnail(picture)
    filename = f"keyvid_keyframe_{_hash(data).hexdigest()}.jpg"
    if not os.path.isfile(temp_file_named(filename)):
        partial = temp_file_named("keyvid_keyframe.partial")
        with open(partial, "wb") as file:
            file.write(data)
        _kept(partial, filename)
    return {"filename": filename, "subfolder": "", "type": io.FolderType.temp.value}


def _hash(data=b""):
    return hashlib.blake2b(data, digest_size=12)


def _hash_of_file(path):
    found = _hash()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            found.update(block)
    return found.hexdigest()


def _kept(partial, filename):
    """The path of a file in the temp folder that was written as `partial` and is named by its content.

    A file of that name has the same content; where it cannot be replaced, since somebody looks at it, it stays.
    """
    path = temp_file_named(filename)
    try:
        os.replace(partial, path)
    except OSError:
        if not os.path.isfile(path):
            raise
        with contextlib.suppress(OSError):
            os.remove(partial)
    return path
