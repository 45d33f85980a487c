"""The ways to make a video of a clip that are compared, by name.

truth: the ground truth. vae: the ground truth through the VAE and back. still: the first frame all the time. MADE: by
KeyVID, from the first frame, the caption and the sound.
"""

import contextlib
import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..keyframes.errors import KeyVIDError
from ..keyframes.select import T_K
from . import renderer
from .reconstruction import through_vae

FEW = 6  # keyframes of the conditions that end in _6: as many as a steady 6 fps in a second


class Condition(NamedTuple):
    """plan: whose moments the keyframes lie on: "sound" (the localizer's), "events" (the true ones), "uniform".

    count: how many keyframes. hears: whether the networks hear the sound.
    """

    plan: str
    count: int = T_K
    hears: bool = True


MADE = {
    "full": Condition("sound"),
    "uniform": Condition("uniform"),
    "uniform_no_audio": Condition("uniform", hears=False),
    "truth_plan": Condition("events"),
    "full_6": Condition("sound", count=FEW),
    "uniform_6": Condition("uniform", count=FEW),
}
CONDITIONS = ("truth", "vae", "still", *MADE)
# of which a difference is reported: the first minus the second
COMPARED = (
    ("full", "uniform"),
    ("full", "uniform_no_audio"),
    ("uniform", "uniform_no_audio"),
    ("full_6", "uniform_6"),
)


def check_condition(name):
    """Raises KeyVIDError unless there is such a condition."""
    if name not in CONDITIONS:
        raise KeyVIDError(f'There is no condition "{name}"; choose from {", ".join(CONDITIONS)}.')


def painted_by(name):
    """What a condition's videos are made from, a short name that changes with weights, graph and condition.

    It does not change with the code of the pack: after a mend in there, remove the results. Raises KeyVIDError when
    weights are needed and there are none.
    """
    if name in ("truth", "still"):
        return "world"
    return renderer.fingerprint(repr(MADE.get(name, name)))


@functools.cache
def measured_by():
    """A short name of the code that draws the world and reads the videos."""
    digest = hashlib.sha256()
    room = Path(__file__).resolve().parent
    world = room.parent / "training" / "world"
    for path in sorted([*room.rglob("*.py"), *world.rglob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def video_maker(folder):
    """Yields make(clip, name): the frames, uint8 (48, H, W, 3), of a WorldClip under a condition.

    A ComfyUI is started in the folder once a video is to be painted.
    """
    with contextlib.ExitStack() as stack:

        @functools.cache
        def painter_of():
            return stack.enter_context(renderer.painting(folder))

        def make(clip, name):
            if name in MADE:
                return painter_of()(clip, MADE[name])
            if name == "still":
                return np.repeat(clip.frames[:1], len(clip.frames), axis=0)
            return through_vae(clip.frames) if name == "vae" else clip.frames

        yield make
