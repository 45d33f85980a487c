"""The ways to make a video of a clip that are compared, by name.

truth: the ground truth. vae: the ground truth, encoded and decoded by the VAE. still: the first frame, repeated.
RENDERED: made by KeyVID from the first frame, the caption and the audio; `silent` from audio of zeros.
"""

import contextlib
import functools
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import KeyVIDError
from ..models.checkpoint.checkpoint import open_checkpoint, part_tensors
from ..models.checkpoint.layouts import VAE
from ..training.release.export import WEIGHTS
from ..training.world.clip import WorldClip
from . import renderer
from .renderer import Variant

FEW = 6  # keyframes of the variants that end in _6: as many as a steady 6 fps in a second
GENERATOR_FILE = "keyvid_small_generator.safetensors"


RENDERED = {
    "full": Variant("sound"),
    "uniform": Variant("uniform"),
    "uniform_no_audio": Variant("uniform", uses_audio=False),
    "truth_plan": Variant("events"),
    "full_6": Variant("sound", count=FEW),
    "uniform_6": Variant("uniform", count=FEW),
    "one_pass": Variant("one_pass"),
    "silent": Variant("sound", is_silent=True),
}
VARIANTS = ("truth", "vae", "still", *RENDERED)
# of which a difference is reported: the first minus the second
COMPARED_PAIRS = (
    ("full", "uniform"),
    ("full", "uniform_no_audio"),
    ("uniform", "uniform_no_audio"),
    ("full_6", "uniform_6"),
    ("full", "one_pass"),
)


def check_variant(name: str) -> None:
    """Raises KeyVIDError unless there is such a variant."""
    if name not in VARIANTS:
        raise KeyVIDError(f'There is no variant "{name}"; choose from {", ".join(VARIANTS)}.')


def render_fingerprint(name: str) -> str:
    """A short name of what a variant's videos are made from: it changes with the weights, the graph and the variant.

    It does not change with the code of the pack: after a fix there, remove the results. Raises KeyVIDError when
    weights are needed and there are none.
    """
    if name in ("truth", "still"):
        return "world"
    text = repr(name)
    if name in RENDERED:
        variant = RENDERED[name]
        # kept videos and results are filed under this text: it stays as it is
        text = (
            f"Condition(plan={variant.plan!r}, count={variant.count}, hears={variant.uses_audio})"
        )
        text += " silent" * variant.is_silent
    return renderer.fingerprint(text)


def is_silent(name: str) -> bool:
    """Whether a variant's videos are made from silence: they have no true video to be compared with."""
    return name in RENDERED and RENDERED[name].is_silent


def silenced(clip: WorldClip) -> WorldClip:
    """The clip with nothing to be heard: the same first frame, and audio of zeros."""
    return replace(clip, audio=np.zeros_like(clip.audio), events=())


@functools.cache
def metric_fingerprint() -> str:
    """A short name of the code that draws the world and measures the videos."""
    digest = hashlib.sha256()
    here = Path(__file__).resolve().parent
    world = here.parent / "training" / "world"
    for path in sorted([*here.rglob("*.py"), *world.rglob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def video_maker(folder: Path) -> Iterator[Callable[[WorldClip, str], np.ndarray]]:
    """Yields make(clip, name): the frames, uint8 (48, H, W, 3), of a WorldClip as a variant makes them.

    A ComfyUI is started in the folder once a video is to be rendered.
    """
    with contextlib.ExitStack() as stack:

        @functools.cache
        def render() -> Callable[[WorldClip, Variant], np.ndarray]:
            return stack.enter_context(renderer.running_renderer(folder))

        def make(clip: WorldClip, name: str) -> np.ndarray:
            if name in RENDERED:
                return render()(clip, RENDERED[name])
            if name == "still":
                return np.repeat(clip.frames[:1], len(clip.frames), axis=0)
            return through_vae(clip.frames) if name == "vae" else clip.frames

        yield make


def through_vae(frames: np.ndarray) -> np.ndarray:
    """Frames uint8 (n, H, W, 3), encoded and decoded by the shipped VAE: the same shape."""
    from ..training.vae.network import reconstruct  # needs diffusers, as nothing else here does

    return reconstruct(shipped_vae(), frames)


@functools.cache
def shipped_vae() -> Any:
    """The VAE of the shipped weights, diffusers' AutoencoderKL."""
    from ..training.vae.file import vae_of

    return vae_of(part_tensors(open_checkpoint(WEIGHTS / GENERATOR_FILE), VAE))
