"""A clip of the procedural world as the input of a workflow, and the true video that its result can be compared with.

`python dev.py demo` shows the clip SHIPPED_SEED, whose first frame and sound travel with the pack; any other clip is
put into ComfyUI's input folder and into the graph.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import KeyVIDError
from ..preview.wav import write_wav
from ..training.world.clip import HELD_OUT_FIRST_SEED, WorldClip, render_clip

SHIPPED_SEED = 1_002_013  # of keyvid_world_ball.wav and .png
CONDITIONING = "KeyVID_KeyframeConditioning"


def main(graph: str | Path, folder: str | Path, clip: str = "{}") -> int:
    """Write folder/graph.json, a graph in API form with a clip in it, and the clip's frames as folder/truth.npz.

    The clip's files go to folder/input. clip: {"seed": int, "scene": str} as JSON; without either it is the shipped
    one, and the graph stays as it is. Returns the exit status: 1 when there is no such clip, and the reason is printed.
    """
    folder, chosen = Path(folder), json.loads(clip)
    nodes = json.loads(Path(graph).read_text(encoding="utf-8"))
    try:
        seed = chosen.get("seed")
        drawn = render_clip(SHIPPED_SEED if seed is None else seed, scene=chosen.get("scene"))
    except KeyVIDError as error:
        print(error, file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    if chosen:
        names = put_clip(nodes, drawn, name=f"keyvid_{drawn.scene}_{drawn.seed}")
        write_files(folder / "input", drawn, names)
        print(_said(drawn, names))
    (folder / "graph.json").write_text(json.dumps(nodes), encoding="utf-8")
    np.savez_compressed(folder / "truth.npz", frames=drawn.frames)
    return 0


def put_clip(nodes: dict[str, Any], clip: WorldClip, *, name: str) -> tuple[str, str]:
    """Put the audio, the first frame and the caption of a clip into a graph in API form, in place.

    Returns the names of its files, (name.wav, name.png), which belong into ComfyUI's input folder (write_files).
    """
    names = f"{name}.wav", f"{name}.png"
    for node in nodes.values():
        if node["class_type"] == "LoadAudio":
            node["inputs"]["audio"] = names[0]
        elif node["class_type"] == "LoadImage":
            node["inputs"]["image"] = names[1]
        elif node["class_type"] == CONDITIONING:
            nodes[node["inputs"]["positive"][0]]["inputs"]["text"] = clip.caption
    return names


def write_files(folder: Path, clip: WorldClip, names: tuple[str, str]) -> None:
    """Write the audio and the first frame of a clip into a folder, under the names of put_clip."""
    folder.mkdir(parents=True, exist_ok=True)
    write_wav(folder / names[0], clip.audio[None], clip.sample_rate)
    Image.fromarray(clip.frames[0]).save(folder / names[1])


def _said(clip: WorldClip, names: tuple[str, str]) -> str:
    times = ", ".join(f"{event.time_s:.2f} s" for event in clip.events)
    lines = [
        f'The clip: seed {clip.seed}, "{clip.caption}"; {f"heard at {times}" if times else "no single sounds"}.',
        f"Its files, in ComfyUI's input folder: {names[0]} and {names[1]}.",
    ]
    if clip.seed < HELD_OUT_FIRST_SEED:
        lines.append(
            f"The networks may have learned from this clip; those from seed {HELD_OUT_FIRST_SEED} on they never saw."
        )
    return "\n".join(lines)
