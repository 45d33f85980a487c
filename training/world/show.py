"""`python dev.py world`: writes one clip as MP4 and PNG, to be looked at."""

import argparse
from pathlib import Path

from ...keyframes.errors import KeyVIDError
from .clip import SCENES, render_clip
from .video import write_clip_mp4, write_clip_sheet


def main(*words):
    """words: as on the command line. Returns the exit status."""
    options = _parse(words)
    try:
        clip = render_clip(options.seed, scene=options.scene)
    except KeyVIDError as error:
        print(error)
        return 1
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"{clip.scene}_{clip.seed}"
    write_clip_mp4(clip, f"{name}.mp4")
    write_clip_sheet(clip, f"{name}.png")
    moments = ", ".join(f"{event.time_s:.3f} s" for event in clip.events) or "no single events"
    print(f'"{clip.caption}": {moments}\n{name}.mp4\n{name}.png')
    return 0


def _parse(words):
    parser = argparse.ArgumentParser(prog="dev.py world")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scene", choices=SCENES)
    parser.add_argument("--out", metavar="DIR", default=".dev/world")
    return parser.parse_args(words)
