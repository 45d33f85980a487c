"""A clip of any length, painted window by window and written frame by frame, with its sound.

All windows are painted first, then all frames are decoded: ComfyUI changes from the video model to the VAE once, not
at every window. What is in memory at a time is one window.
"""

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from comfy_api.latest import InputImpl, io, ui

from ...errors import KeyVIDError, SamplingError
from ...keyframes.long_clips.kept_frames import Stretch, frames_to_retake, retaken
from ...keyframes.plan import KeyframePlan
from ...preview.mp4 import write_mp4
from ..audio import clip_samples_of
from ..files import new_output_file, output_folder
from ..payloads import UI, Audio, Guider, Latent, Noise, Sampler, Sigmas, Vae, Video
from ..running_node import progress_steps, show_text
from ..sampling.condition_keys import PLAN
from ..sampling.windowed_guider import WindowedGuider
from .identity import model_content, name_of
from .store import WindowStore

# frames that are decoded together, counted from the clip's first: the same ones in every render, since a network's
# last bits may depend on the size of a batch, and what a retake keeps is to stay as it was
DECODED_TOGETHER = 16
RETAKE_SEEDS = 1_000_003  # between the seeds of two retakes


@dataclass(frozen=True)
class Part:
    """One window to paint: its guider, its frames in the clip, and the frames first <= frame < end kept of it."""

    guider: Guider
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
    plan = _plan_of(latent)
    samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
    store = WindowStore(Path(output_folder(filename_prefix, "_windows")))
    parts = _parts(guider, plan.n_frames)
    again = frames_to_retake(retake, plan.n_frames)
    stretches = None
    if again is not None:
        stretches = store.finished(n_frames=plan.n_frames)
        if stretches is None:
            raise KeyVIDError(
                f'There is no finished render "{filename_prefix}" of {plan.n_frames} frames whose other frames could '
                "be kept; run once with an empty retake."
            )
        parts = [part for part in parts if part.first <= again[-1] and again[0] < part.end]
        noise = _with_seed(noise, noise.seed + RETAKE_SEEDS * retake_seed)
    painted = _painted(parts, noise, sampler, sigmas, latent, store)
    if again is None or stretches is None:
        stretches = painted
    else:
        stretches = retaken(stretches, [_cut(stretch, again) for stretch in painted])
    video = _written(stretches, store, vae, plan, samples, sample_rate, prefix=filename_prefix)
    store.finish(stretches, n_frames=plan.n_frames)
    return video


def _painted(
    parts: Sequence[Part],
    noise: Noise,
    sampler: Sampler,
    sigmas: Sigmas,
    latent: Latent,
    store: WindowStore,
) -> list[Stretch]:
    """Paints the parts that the store does not have; returns which frames are where."""
    empty, whole = latent["samples"], noise.generate_noise(latent)
    content = model_content(parts[0].guider.model_patcher)
    how = [content, _sampler_content(sampler), sigmas]
    n_steps = max(1, len(sigmas) - 1)
    step, report = progress_steps(), _Report(len(parts), n_steps)
    stretches = []
    for number, part in enumerate(parts):
        start = part.frames.start
        own_noise, seed = whole[:, :, part.frames], (noise.seed + start) % 2**64
        kept = slice(part.first - start, part.end - start)
        key = name_of(how, _guider_content(part.guider), own_noise, seed, kept.start, kept.stop)
        stretches.append(Stretch(part.first, part.end, key))
        if store.has(key):
            report.skip(number)
            continue

        def callback(index: int, *_: Any, number: int = number) -> None:
            step(number * n_steps + index + 1, len(parts) * n_steps)
            report.show(number, index)

        painted = part.guider.sample(
            own_noise,
            empty[:, :, part.frames],
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
    write_mp4(
        path,
        decoded_frames(stretches, store, vae),
        width=width,
        height=height,
        n_frames=plan.n_frames,
        fps=plan.fps,
        samples=samples,
        sample_rate=sample_rate,
        on_frame=progress_steps(),
    )
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
        return [Part(guider, slice(0, n_frames), 0, n_frames)]
    if any(window.kept is None for window in guider.windows):
        raise SamplingError(
            "The guider paints keyframes, and Render Video paints all frames; connect a Multimodal CFG behind "
            "Interpolation Conditioning."
        )
    return [
        Part(part, slice(window.start, window.start + len(window.index)), *window.kept)
        for part, window in zip(guider.parts, guider.windows, strict=True)
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


def _sampler_content(sampler: Sampler) -> object:
    function = getattr(sampler, "sampler_function", None)
    name = getattr(function, "__qualname__", type(sampler).__name__)
    options = (getattr(sampler, name, {}) for name in ("extra_options", "inpaint_options"))
    return [name, *options]


def _guider_content(guider: Guider) -> object:
    own = [getattr(guider, name, None) for name in ("weights", "rescale", "guided", "cfg")]
    return [type(guider).__name__, own, guider.original_conds]


def _plan_of(latent: Latent) -> KeyframePlan:
    plan = latent.get(PLAN)
    if plan is None:
        raise SamplingError(
            "The latent has no keyframe plan; connect the latent output of Interpolation Conditioning."
        )
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
