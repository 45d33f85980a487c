"""A clip of any length, painted window by window and written frame by frame, with its sound.

All windows are painted first, then all frames are decoded: ComfyUI changes from the video model to the VAE once, not
at every window. What is in memory at a time is one window.
"""

import copy
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from comfy_api.v0_0_2 import InputImpl, io, ui

from ...errors import KeyVIDError, SamplingError
from ...keyframes.long_clips.kept_frames import Stretch, frames_to_retake, retaken
from ...keyframes.plan import KeyframePlan
from ...preview.mp4 import write_mp4
from ..audio import clip_samples_of
from ..files import new_output_file, output_folder, writing
from ..payloads import UI, Audio, Guider, Latent, Noise, Sampler, Sigmas, Vae, Video
from ..running_node import progress_steps, show_text
from ..sampling.condition_keys import PLAN
from ..sampling.model_facts import facts_of
from ..sampling.validation import check_vae
from ..sampling.windowed_guider import WindowedGuider
from .identity import guider_content, model_content, name_of, sampler_content
from .store import WindowStore

# frames that are decoded together, counted from the clip's first: mostly the same ones in every render, since a
# network's last bits may depend on the size of a batch
DECODED_TOGETHER = 16
RETAKE_SEEDS = 1_000_003  # between the seeds of two retakes
PAINTING = 1  # to be raised when the same inputs come to paint something else: older windows are then not used

# filename_prefix -> (retake, retake seed) of its last finished render in this server; (None, None): of none
_finished: dict[str, tuple[str | None, int | None]] = {}


@dataclass(frozen=True)
class Part:
    """One window to paint: makes its guider, its frames in the clip, and the frames first <= frame < end kept of it."""

    guider: Callable[[], Guider]
    frames: slice
    first: int
    end: int


def render_video(
    noise: Noise,
    guider: Guider,
    sampler: Sampler,
    sigmas: Sigmas,
    latent: Latent,
    *,
    vae: Vae,
    audio: Audio,
    filename_prefix: str,
    retake: str = "",
    retake_seed: int = 0,
) -> tuple[Video, UI]:
    """Paints and writes a clip: (VIDEO payload of an MP4 in the output folder, ui dict that shows it).

    latent: of Interpolation Conditioning, with the plan. retake: frames to paint again, such as "49-59", while all
    others stay as the last finished render of this filename_prefix has them; retake_seed gives them another noise.
    Windows that were painted before, from the same inputs, are not painted again. Raises KeyVIDError.
    """
    plan = _checked(latent, guider, vae)
    samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
    store = _store(filename_prefix)
    made_of = {
        "shape": list(latent["samples"].shape),
        "fps": plan.fps,
        "sound": name_of(samples, sample_rate),
    }
    parts = _parts(guider, plan.n_frames)
    again = frames_to_retake(retake, plan.n_frames)
    before: list[Stretch] = []
    if again is not None:
        before = _kept_of_last(store, filename_prefix, plan, made_of)
        parts = [part for part in parts if part.first <= again[-1] and again[0] < part.end]
        noise = _with_seed(noise, noise.seed + RETAKE_SEEDS * retake_seed)
    stretches = _painted(parts, noise, sampler, sigmas, latent, store)
    if again is not None:
        stretches = retaken(before, [_cut(stretch, again) for stretch in stretches])
    video = _written(stretches, store, vae, plan, samples, sample_rate, prefix=filename_prefix)
    store.finish(stretches, n_frames=plan.n_frames, made_of=made_of)
    _finished[filename_prefix] = retake, retake_seed
    return video


def is_to_be_run(filename_prefix: str | None, retake: str | None, retake_seed: int | None) -> bool:
    """Whether a video that ComfyUI still knows has to be made anew: the folder is no longer what that run left.

    ComfyUI sees inputs only. The folder may have been deleted, or hold another render of this name, or the last retake
    was refused.
    """
    if not isinstance(filename_prefix, str) or filename_prefix not in _finished:
        return False
    if _finished[filename_prefix] != (retake, retake_seed):
        return True
    try:
        return not _store(filename_prefix).is_whole()
    except KeyVIDError:
        return False


def _store(filename_prefix: str) -> WindowStore:
    return WindowStore(Path(output_folder(filename_prefix, "_windows")))


def _kept_of_last(
    store: WindowStore, filename_prefix: str, plan: KeyframePlan, made_of: dict[str, Any]
) -> list[Stretch]:
    """The stretches of the last finished render, whose frames a retake keeps. Raises KeyVIDError for another clip's."""
    found = store.finished(n_frames=plan.n_frames, made_of=made_of)
    if isinstance(found, str):
        # so that the whole render, which is the remedy, is not taken from ComfyUI's cache
        _finished[filename_prefix] = None, None
        raise KeyVIDError(
            f'There is no finished render "{filename_prefix}" whose other frames could be kept ({found}); run once '
            "with an empty retake."
        )
    return found


def _painted(
    parts: Sequence[Part],
    noise: Noise,
    sampler: Sampler,
    sigmas: Sigmas,
    latent: Latent,
    store: WindowStore,
) -> list[Stretch]:
    """Paints the parts that the store does not have; returns which frames are where."""
    latents, whole = latent["samples"], noise.generate_noise(latent)
    content = model_content(parts[0].guider().model_patcher)
    how = [PAINTING, content, sampler_content(sampler), sigmas]
    n_steps = max(1, len(sigmas) - 1)
    step, report = progress_steps(), _Report(len(parts), n_steps)
    stretches = []
    for number, part in enumerate(parts):
        guider, start = part.guider(), part.frames.start
        given = latents[:, :, part.frames], whole[:, :, part.frames]
        seed = (noise.seed + start) % 2**64
        kept = slice(part.first - start, part.end - start)
        key = name_of(how, guider_content(guider), *given, seed, kept.start, kept.stop)
        stretches.append(Stretch(part.first, part.end, key))
        if store.has(key):
            report.skip(number)
            continue

        def callback(index: int, *_: Any, number: int = number) -> None:
            step(number * n_steps + index + 1, len(parts) * n_steps)
            report.show(number, index)

        painted = guider.sample(
            given[1],
            given[0],
            sampler,
            sigmas,
            callback=callback,
            disable_pbar=True,
            seed=seed,
        )
        store.put(key, painted[:, :, kept])
    return stretches


def _written(
    stretches: Sequence[Stretch],
    store: WindowStore,
    vae: Vae,
    plan: KeyframePlan,
    samples: np.ndarray,
    sample_rate: int,
    *,
    prefix: str,
) -> tuple[Video, UI]:
    height, width = (side * 8 for side in store.get(stretches[0].key).shape[-2:])
    path, filename, subfolder = new_output_file(prefix, ".mp4")
    show_text("decoding and writing frames")
    partial_path = path + ".partial"
    with writing(filename, partial_path):
        write_mp4(
            partial_path,
            decoded_frames(stretches, store, vae),
            width=width,
            height=height,
            n_frames=plan.n_frames,
            fps=plan.fps,
            samples=samples,
            sample_rate=sample_rate,
            on_frame=progress_steps(),
        )
        os.replace(partial_path, path)
    shown = ui.PreviewVideo([ui.SavedResult(filename, subfolder, io.FolderType.output)]).as_dict()
    return InputImpl.VideoFromFile(path), shown


def decoded_frames(
    stretches: Sequence[Stretch], store: WindowStore, vae: Vae
) -> Iterator[np.ndarray]:
    """Yields the frames of a video, uint8 (H, W, 3), decoding DECODED_TOGETHER at a time."""
    waiting: list[torch.Tensor] = []  # latents (4, h, w)
    for stretch in stretches:
        latents = store.get(stretch.key)[0]
        n = stretch.end - stretch.first
        waiting += latents[:, stretch.offset : stretch.offset + n].unbind(1)
        while len(waiting) >= DECODED_TOGETHER:
            yield from _decoded(waiting[:DECODED_TOGETHER], vae)
            waiting = waiting[DECODED_TOGETHER:]
    if waiting:
        yield from _decoded(waiting, vae)


def _decoded(latents: Sequence[torch.Tensor], vae: Vae) -> Iterator[np.ndarray]:
    images = vae.decode(torch.stack(list(latents)))  # (n, H, W, 3) in [0, 1]
    levels = (images.float().clamp(0, 1) * 255 + 0.5).to(torch.uint8)
    yield from levels.cpu().numpy()


def _parts(guider: Guider, n_frames: int) -> list[Part]:
    """The windows of a long clip, or the clip as it is."""
    if not isinstance(guider, WindowedGuider):
        return [Part(lambda: guider, slice(0, n_frames), 0, n_frames)]
    if any(window.kept is None for window in guider.windows):
        raise SamplingError(
            "The guider paints keyframes, and Render Video paints all frames; connect a Multimodal CFG behind "
            "Interpolation Conditioning."
        )
    return [
        Part(
            partial(guider.part, number),
            slice(window.start, window.start + len(window.index)),
            *window.kept,
        )
        for number, window in enumerate(guider.windows)
        if window.kept is not None
    ]


def _cut(stretch: Stretch, frames: range) -> Stretch:
    """The part of a stretch that lies in some frames."""
    first, end = max(stretch.first, frames[0]), min(stretch.end, frames[-1] + 1)
    return Stretch(first, end, stretch.key, stretch.offset + first - stretch.first)


def _with_seed(noise: Noise, seed: int) -> Noise:
    """A copy of a NOISE, and of the one it may be made of, with another seed."""
    changed = copy.copy(noise)
    changed.seed = seed % 2**64
    if hasattr(changed, "noise"):
        changed.noise = _with_seed(changed.noise, seed)
    return changed


def _checked(latent: Latent, guider: Guider, vae: Vae) -> KeyframePlan:
    """The plan of a latent that can be rendered. Raises KeyVIDError before anything is painted for hours."""
    plan = latent.get(PLAN)
    if plan is None:
        raise SamplingError(
            "The latent has no keyframe plan; connect the latent output of Interpolation Conditioning."
        )
    if len(latent["samples"]) != 1 or latent["samples"].shape[2] != plan.n_frames:
        raise SamplingError(
            f"The latent has shape {tuple(latent['samples'].shape)}, but Render Video paints one clip of "
            f"{plan.n_frames} frames; connect the latent of Interpolation Conditioning as it is."
        )
    if latent.get("noise_mask") is not None:
        raise SamplingError(
            "The latent has a noise mask, which Render Video does not use; take it out, and name the frames to paint "
            "again in retake."
        )
    check_vae(vae, facts_of(guider.model_patcher))
    return plan


class _Report:
    """Says in the node how far the painting is and how long it may still take."""

    def __init__(self, n_windows: int, n_steps: int) -> None:
        self.n_windows, self.n_steps = n_windows, n_steps
        self.n_skipped, self.started_s = 0, time.monotonic()

    def skip(self, number: int) -> None:
        """Window `number` was painted before."""
        self.n_skipped += 1
        show_text(f"window {number + 1} of {self.n_windows} was painted before")

    def show(self, number: int, index: int) -> None:
        """Step `index` of window `number` is done."""
        done = (number - self.n_skipped) * self.n_steps + index + 1
        left = (self.n_windows - number) * self.n_steps - index - 1
        left_s = (time.monotonic() - self.started_s) / done * left
        show_text(
            f"window {number + 1} of {self.n_windows}, step {index + 1} of {self.n_steps}, "
            f"about {_duration(left_s)} left"
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
