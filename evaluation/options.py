"""What every measurement asks for: held-out clips, by their first seed and their number, in all or of each scene."""

import argparse
from collections.abc import Sequence

from ..errors import KeyVIDError
from ..training.world.clip import HELD_OUT_FIRST_SEED, SCENES, scene_of

# the first of the held-out seeds are used for samples while training
FIRST_SEED = HELD_OUT_FIRST_SEED + 1000


def parser_for(name: str, *, clips: int, clips_help: str | None = None) -> argparse.ArgumentParser:
    """A parser for `python dev.py eval NAME` with --first-seed and --clips (default: `clips`)."""
    parser = argparse.ArgumentParser(f"python dev.py eval {name}")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--clips", type=int, default=clips, help=clips_help)
    return parser


def seeds_of_each_scene(first_seed: int, count: int) -> list[int]:
    """The first `count` seeds of every scene, from `first_seed` on, in ascending order."""
    missing = dict.fromkeys(SCENES, count)
    seeds, seed = [], first_seed
    while any(missing.values()):
        scene = scene_of(seed)
        if missing[scene]:
            missing[scene] -= 1
            seeds.append(seed)
        seed += 1
    return seeds


def held_out_seeds(options: argparse.Namespace) -> Sequence[int]:
    """The seeds that --first-seed and --clips (or --per-scene, where there is one) name.

    Raises KeyVIDError for no clips and for clips trained on.
    """
    per_scene = getattr(options, "per_scene", None)
    n_clips = options.clips if per_scene is None else per_scene
    if n_clips < 1 or options.first_seed < HELD_OUT_FIRST_SEED:
        raise KeyVIDError(
            f"{n_clips} clips from seed {options.first_seed} on are asked for; give at least 1 clip, and a "
            f"first seed from {HELD_OUT_FIRST_SEED} on: the networks have learned from the ones below."
        )
    if per_scene is not None:
        return seeds_of_each_scene(options.first_seed, per_scene)
    return range(options.first_seed, options.first_seed + options.clips)
