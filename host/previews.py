"""Pictures and videos that show up inside a node."""

import os

import torch
from comfy_api.latest import InputImpl, io, ui

from ..keyframes.audio import peaks_min_max
from ..preview.animatic import render_animatic
from ..preview.strip import draw_strip
from .files import new_temp_file
from .progress import progress_steps

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
    path, filename, subfolder = new_temp_file("keyvid_timing", ".mp4")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    render_animatic(
        path,
        image=image,
        samples=samples,
        sample_rate=sample_rate,
        plan=plan,
        curve=curve,
        width=width,
        on_frame=progress_steps(),
    )
    shown = ui.PreviewVideo([ui.SavedResult(filename, subfolder, io.FolderType.temp)]).as_dict()
    return InputImpl.VideoFromFile(path), shown
