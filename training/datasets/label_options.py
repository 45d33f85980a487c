"""The words of `python dev.py label`."""

import argparse
from collections.abc import Sequence

from .layouts import SPLITS


def read_options(words: Sequence[str], *, description: str | None) -> argparse.Namespace:
    """What the words ask for; ends the program with a sentence where it cannot be done."""
    parser = argparse.ArgumentParser("python dev.py label", description=description)
    parser.add_argument("root", metavar="ROOT", help="the data set (docs/training.md)")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument(
        "--raft",
        metavar="FILE",
        help="measure by RAFT, with this file; default: flow without weights",
    )
    parser.add_argument(
        "--to", metavar="DIR", help="for curves and report; default: the data set itself"
    )
    parser.add_argument(
        "--shards", metavar="DIR", help="then write the clips of all usable videos as shards"
    )
    parser.add_argument(
        "--clips", metavar="DIR",
        help="then write first frames and sounds of the clips of all usable videos, and a list for dev.py batch",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="only look which videos can be used")
    parser.add_argument(
        "--processes", type=_count_of, metavar="N",
        help="default: one per core; one in all where RAFT runs on a GPU",
    )  # fmt: skip
    parser.add_argument(
        "--share", type=_share_of, default=(1, 1), metavar="K/N",
        help="this is machine K of N that share the work; all see the same folder",
    )  # fmt: skip
    return parser.parse_args(words)


def _count_of(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} processes can do nothing; write 1 or more")
    return int(text)


def _share_of(text: str) -> tuple[int, int]:
    number, _, total = text.partition("/")
    if not (number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise argparse.ArgumentTypeError(f"{text} is no share; write for example 2/4")
    return int(number), int(total)
