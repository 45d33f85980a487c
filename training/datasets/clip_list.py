"""What a data set's clips are generated from: first frames, sounds, and the list that `python dev.py batch` reads."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from ...errors import KeyVIDError
from ...models.encoders.mel import SAMPLE_RATE
from ...preview.wav import write_wav
from .clips import Clip, read_clips
from .layouts import Video


def write_clip_list(
    videos: Iterable[Video],
    folder: Path,
    *,
    name: str = "list.jsonl",
    on_unusable: Callable[[Video, KeyVIDError], object],
) -> Path:
    """Write NAME.png and NAME.wav of the three clips of each video below a folder, and the list of them; its path.

    NAME is "CATEGORY/STEM_clip-0i", as the videos that are generated have to be called (published-model h.1); the
    prompt is the category. on_unusable: called for a video that cannot be read, which is left out.
    """
    lines = []
    for video in videos:
        try:
            lines += [_write(clip, folder) for clip in read_clips(video)]
        except KeyVIDError as error:
            on_unusable(video, error)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def _write(clip: Clip, folder: Path) -> dict[str, str]:
    """Write the files of a clip; its line in the list."""
    files = {"image": f"{clip.name}.png", "sound": f"{clip.name}.wav"}
    (folder / clip.name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(clip.frames[0].permute(1, 2, 0).numpy()).save(folder / files["image"])
    write_wav(folder / files["sound"], clip.audio, SAMPLE_RATE)
    return {"name": clip.name, **files, "prompt": clip.category}
