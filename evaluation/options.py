"""What every measurement asks for: held-out clips, by their first seed and their number."""

import argparse

from ..errors import KeyVIDError
from ..training.world.clip import HELD_OUT_FIRST_SEED

# the first of the held-out seeds are used for samples while training
FIRST_SEED = HELD_OUT_FIRST_SEED + 1000


def parser_for(name: str, *, clips: int, clips_help: str | None = None) -> argparse.ArgumentParser:
    """A parser for `python dev.py eval NAME` with --first-seed and --clips (default: `clips`)."""
    parser = argparse.ArgumentParser(f"python dev.py eval {name}")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--clips", type=int, default=clips, help=clips_help)
    return parser


def held_out_seeds(options: argparse.Namespace) -> range:
    """The seeds that --first-seed and --clips name. Raises KeyVIDError for no clips and for clips trained on."""
    if options.clips < 1 or options.first_seed < HELD_OUT_FIRST_SEED:
        raise KeyVIDError(
            f"{options.clips} clips from seed {options.first_seed} on are asked for; give at least 1 clip, and a "
            f"first seed from {HELD_OUT_FIRST_SEED} on: the networks have learned from the ones below."
        )
    return range(options.first_seed, options.first_seed + options.clips)
