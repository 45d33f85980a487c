"""The ways to make a video of a clip that are compared, by name.

truth: the ground truth. vae: the ground truth through the VAE and back. still: the first frame all the time. MADE: by
KeyVID, from the first frame, the caption and the sound.
"""

import contextlib
from typing import NamedTuple

import numpy as np

from ...keyframes.errors import KeyVIDError
from ...keyframes.select import T_K
from . import painter
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
COMPARED = (("full", "uniform"), ("full", "uniform_no_audio"), ("full_6", "uniform_6"))


def check_condition(name):
    """Raises KeyVIDError unless videos can be made under this condition."""
    if name not in CONDITIONS:
        raise KeyVIDError(f'There is no condition "{name}"; choose from {", ".join(CONDITIONS)}.')
    made_by(name)  # raises when it needs weights and there are none


def made_by(name):
    """What a condition's videos are made from, a short name that changes with it: results of another do not count.

    Raises KeyVIDError when it needs weights and there are none.
    """
    return "world" if name in ("truth", "still") else painter.fingerprint()


@contextlib.contextmanager
def video_maker(names, folder):
    """Yields make(clip, name): the frames, uint8 (48, H, W, 3), of a WorldClip under one of these conditions.

    A ComfyUI is started in the folder when one of them needs it.
    """
    with contextlib.ExitStack() as stack:
        paint = None
        if any(name in MADE for name in names):
            paint = stack.enter_context(painter.painting(folder))

        def make(clip, name):
            if name in MADE:
                return paint(clip, MADE[name])
            if name == "still":
                return np.repeat(clip.frames[:1], len(clip.frames), axis=0)
            return through_vae(clip.frames) if name == "vae" else clip.frames

        yield make
