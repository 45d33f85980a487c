"""Images and videos that a node shows.

A file in the temp folder is named by its content. ComfyUI's numbered names begin anew with the server, and a page that
was left open would then show what it has cached under the same name: the images of an earlier run.
"""

import hashlib
import os
from collections.abc import Callable

import numpy as np
from comfy_api.v0_0_2 import InputImpl, io, ui

from ..errors import PlanError
from ..keyframes.curve import MotionCurve
from ..keyframes.plan import KeyframePlan
from ..keyframes.text import there_are
from ..keyframes.values import whole_number
from ..preview.animatic import render_animatic
from ..preview.editor import plan_checksum
from ..preview.sheet import draw_sheet, thumbnail
from ..preview.strip import draw_strip
from ..preview.waveform import waveform_extremes
from .files import temp_file_named, writing
from .images import MOST_SIDE, image_of
from .payloads import UI, Image, Video
from .running_node import progress_steps

STRIP_WIDTH, STRIP_HEIGHT = 768, 192  # px


def strip_ui(
    node: type[io.ComfyNode],
    *,
    n_frames: int,
    fps: float,
    samples: np.ndarray | None = None,
    curve: MotionCurve | None = None,
    plan: KeyframePlan | None = None,
) -> UI:
    """The ui dict that shows a timing strip (waveform, curve, keyframes) in a node. samples: (C, N)."""
    waveform = None if samples is None else waveform_extremes(samples, STRIP_WIDTH)
    strip = draw_strip(
        width=STRIP_WIDTH,
        height=STRIP_HEIGHT,
        n_frames=n_frames,
        fps=fps,
        waveform=waveform,
        curve=curve,
        plan=plan,
    )
    return image_ui(node, image_of(strip))


def image_ui(node: type[io.ComfyNode], images: Image) -> UI:
    """The ui dict that shows images (B, H, W, 3) in a node. Raises KeyVIDError when the temp folder refuses them."""
    with writing("preview.png"):
        return ui.PreviewImage(images, cls=node).as_dict()


def animatic_video(
    *,
    image: np.ndarray,
    samples: np.ndarray,
    sample_rate: int,
    plan: KeyframePlan,
    curve: MotionCurve | None,
    width: int,
) -> tuple[Video, UI]:
    """Renders the timing preview into a temp file: (VIDEO payload, ui dict that shows it).

    image: float (H, W, 3) in [0, 1]; samples: (C, N), sample_rate in Hz; width in pixels. Cancel removes the file.
    """
    width = whole_number(width, "width of the preview", least=1, most=MOST_SIDE)
    return rendered_video(
        "keyvid_timing",
        lambda path: render_animatic(
            path,
            image=image,
            samples=samples,
            sample_rate=sample_rate,
            plan=plan,
            curve=curve,
            width=width,
            on_frame=progress_steps(),
        ),
    )


def rendered_video(stem: str, render: Callable[[str], None]) -> tuple[Video, UI]:
    """An MP4 that `render` writes to the path it is given: (VIDEO payload, ui dict that shows it).

    It is kept in the temp folder under the stem and its content. What `render` raises comes out.
    """
    partial = temp_file_named(f"{stem}.partial")
    with writing(f"{stem}.mp4", partial):
        render(partial)
        filename = f"{stem}_{_hash_of_file(partial)}.mp4"
        path = _kept(partial, filename)
    shown = ui.PreviewVideo([ui.SavedResult(filename, "", io.FolderType.temp)]).as_dict()
    return InputImpl.VideoFromFile(path), shown


def images_at_keyframes(images: np.ndarray, plan: KeyframePlan) -> np.ndarray:
    """The images of the plan's keyframes (count, H, W, 3), given those or all frames of the video.

    Raises PlanError for any other number of images.
    """
    if len(images) == plan.count:
        return images
    if len(images) == plan.n_frames:
        return images[plan.frames]
    raise PlanError(
        f"{there_are(len(images), 'image')} on the images input, but the plan has {plan.count} keyframes in "
        f"{plan.n_frames} frames. Connect the images that were painted with this same plan."
    )


def keyframe_sheet(
    node: type[io.ComfyNode],
    images: np.ndarray,
    *,
    plan: KeyframePlan,
    width: int,
    curve: MotionCurve | None = None,
    samples: np.ndarray | None = None,
    sample_rate: int | None = None,
) -> tuple[Image, UI]:
    """(IMAGE of the contact sheet, ui dict that shows it and sends thumbnails to the editor).

    images: float (count, H, W, 3) in [0, 1]; width in pixels; samples: (C, N), sample_rate in Hz. The ui's
    "keyvid_sheet" names a thumbnail for each keyframe, and the frames and the checksum of the plan they belong to, so
    that the editor never shows them beside another plan.
    """
    width = whole_number(width, "width of the sheet", least=1, most=MOST_SIDE)
    sheet = draw_sheet(
        images, plan, width=width, curve=curve, samples=samples, sample_rate=sample_rate
    )
    image = image_of(sheet)
    shown = image_ui(node, image)
    shown["keyvid_sheet"] = [
        {
            "plan": plan_checksum(plan),
            "frames": plan.frames,
            "n_frames": plan.n_frames,
            "fps": plan.fps,
            "pictures": [_saved_thumbnail(one) for one in images],
        }
    ]
    return image, shown


def _saved_thumbnail(image: np.ndarray) -> dict[str, str]:
    """A thumbnail of an image (H, W, 3) in the temp folder, as ComfyUI's /view asks for it."""
    data = thumbnail(image)
    filename = f"keyvid_keyframe_{_hash(data).hexdigest()}.jpg"
    if not os.path.isfile(temp_file_named(filename)):
        partial = temp_file_named("keyvid_keyframe.partial")
        with writing(filename, partial):
            with open(partial, "wb") as file:
                file.write(data)
            _kept(partial, filename)
    return {"filename": filename, "subfolder": "", "type": io.FolderType.temp.value}


def _hash(data: bytes = b"") -> "hashlib.blake2b":
    return hashlib.blake2b(data, digest_size=12)


def _hash_of_file(path: str) -> str:
    found = _hash()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            found.update(block)
    return found.hexdigest()


def _kept(partial: str, filename: str) -> str:
    """The path of a file in the temp folder that was written as `partial` and is named by its content.

    An existing file of that name has the same content; if it cannot be replaced because it is in use, it stays, and
    `partial` too.
    """
    path = temp_file_named(filename)
    try:
        os.replace(partial, path)
    except OSError:
        if not os.path.isfile(path):
            raise
    return path
