"""The ways to make a video of a clip that are compared, by name.

truth: the ground truth. vae: the ground truth through the VAE and back. still: the first frame all the time. MADE: by
KeyVID, from the first frame, the caption and the sound.
"""

from typing import NamedTuple

import numpy as np

from ...keyframes.errors import KeyVIDError
from ...keyframes.select import T_K

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
    if name not in ("truth", "still"):
        raise KeyVIDError(
            f'The condition "{name}" needs the embedded weights, and this version has none yet; truth and still need '
            "none."
        )


def make_video(clip, name):
    """The frames, uint8 (48, H, W, 3), of a WorldClip under a condition. Raises as check_condition."""
    check_condition(name)
    if name == "still":
        return np.repeat(clip.frames[:1], len(clip.frames), axis=0)
    return clip.frames


def made_by(name):
    """What a condition's videos are made from, a short name that changes with it: results of another do not count."""
    return "world"
