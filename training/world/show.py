"""`python dev.py world`: writes one clip as a video and as images, and its sound and first frame to make a video of."""

import sys
from pathlib import Path

from PIL import Image

from ...errors import KeyVIDError
from ...preview.wav import write_wav
from .clip import render_clip
from .video import write_clip_mp4, write_clip_sheet

FILES = {
    ".mp4": "the video",
    ".png": "its frames, those of events framed with their strength; sound and motion below",
    ".wav": "the sound",
    "_first.png": "the first frame",
}


def main(seed: str | int, folder: str | Path, scene: str | None = None) -> int:
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
    write_wav(f"{name}.wav", clip.audio[None], clip.sample_rate)
    Image.fromarray(clip.frames[0]).save(f"{name}_first.png")
    times = ", ".join(f"{event.time_s:.3f} s" for event in clip.events)
    print(f"{clip.caption}: {times or 'no single events'}")
    for ending, what in FILES.items():
        print(f"{name}{ending}  {what}")
    return 0
