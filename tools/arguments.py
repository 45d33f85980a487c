"""What may follow the commands of dev.py that read their own words. Standard library only."""

import argparse
from collections.abc import Iterable
from pathlib import Path


def demo(command: argparse.ArgumentParser) -> None:
    """The words of `dev.py demo`."""
    command.add_argument(
        "--timing", action="store_true", help="only the timing, on an image: nothing is painted"
    )
    command.add_argument(
        "--seed", type=int, help="another clip of the drawn world; unseen from 1000000 on"
    )
    command.add_argument(
        "--scene",
        metavar="NAME",
        help="ball, anvil, drum, metronome, cannon, string, drip or sea; default: by the seed",
    )
    command.add_argument("--serve", action="store_true", help="keep ComfyUI running afterwards")
    command.add_argument(
        "--comfyui", metavar="PATH", help="use this installation, change nothing in it"
    )
    command.add_argument("--python", metavar="EXE", help="the Python of that installation")


def parity(command: argparse.ArgumentParser) -> None:
    """The words of `dev.py parity`."""
    command.add_argument("folder", nargs="?", metavar="DIR", help="default: tests/goldens")


def convert(command: argparse.ArgumentParser) -> None:
    """The words of `dev.py convert`."""
    command.add_argument("source", metavar="IN")
    command.add_argument("target", metavar="OUT.safetensors")
    command.add_argument("--half", action="store_true", help="store fp16: half the size")
    command.add_argument("--prune", action="store_true", help="leave out what KeyVID never reads")
    command.add_argument("--force", action="store_true", help="replace OUT if it exists")


def weights(command: argparse.ArgumentParser, names: Iterable[str]) -> None:
    """The words of `dev.py weights`; names: what can be fetched."""
    command.add_argument("name", choices=names)
    command.add_argument("--half", action="store_true", help="store fp16: half the size")
    command.add_argument("--to", metavar="FOLDER", help="default: ComfyUI's models/keyvid")
    command.add_argument(
        "--from", dest="source", metavar="FILE", help="a file that you downloaded yourself"
    )
    command.add_argument("--yes", action="store_true", help="agree without being asked")
    command.add_argument(
        "--delete-original", action="store_true", help="remove the page's file once it is converted"
    )
    command.add_argument("--force", action="store_true", help="make a file anew that is there")


def workflows(command: argparse.ArgumentParser) -> None:
    """The words of `dev.py workflows`."""
    command.add_argument("--thumbnails", action="store_true")
    command.add_argument(
        "--screenshots", type=Path, metavar="DIR", help="also the page as each opens on a laptop"
    )
    command.add_argument("names", nargs="*")


def world(command: argparse.ArgumentParser) -> None:
    """The words of `dev.py world`."""
    command.add_argument("--seed", type=int, default=7, help="which clip; default: 7")
    command.add_argument(
        "--scene", metavar="NAME", help="ball, anvil, drum, ...; default: by the seed"
    )
    command.add_argument("--out", metavar="DIR", help="default: .dev/world")
