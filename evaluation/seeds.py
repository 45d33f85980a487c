"""Which clips are measured: those that no network has learned from."""

from ..keyframes.errors import KeyVIDError
from ..training.world.clip import HELD_OUT_FIRST_SEED

# the first of the held-out seeds are looked at while training
FIRST_SEED = HELD_OUT_FIRST_SEED + 1000


def held_out_seeds(first_seed, n_clips):
    """The seeds of n_clips clips, a range. Raises KeyVIDError for no clips, and for clips that were learned from."""
    if n_clips < 1 or first_seed < HELD_OUT_FIRST_SEED:
        raise KeyVIDError(
            f"{n_clips} clips from seed {first_seed} on are asked for; give at least 1 clip, and a first seed from "
            f"{HELD_OUT_FIRST_SEED} on: the networks have learned from the ones below."
        )
    return range(first_seed, first_seed + n_clips)
