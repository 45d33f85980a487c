"""`python dev.py world`: writes one clip as MP4 and PNG, to be looked at."""

import sys
from pathlib import Path

from ...keyframes.errors import KeyVIDError
from .clip import render_clip
from .video import write_clip_mp4, write_clip_sheet


def main(seed, folder, scene=None):
    """Writes the clip of a seed into a folder and says where; all three are words. Returns the exit status."""
    try:
        clip = render_clip(int(seed), scene=scene)
    except KeyVIDError as error:
        print(error, file=sys.stderr)
        return 1
    Path(folder).mkdir(parents=True, exist_ok=True)
    name = Path(folder) / f"{clip.scene}_{clip.seed}"
    write_clip_mp4(clip, f"{name}.mp4")
    write_clip_sheet(clip, f"{name}.png")
    moments = ", ".join(f"{event.time_s:.3f} s" for event in clip.events)
    print(f"{clip.caption}: {moments or 'no single events'}\n{name}.mp4\n{name}.png")
    return 0
