"""Videos of world clips made by KeyVID itself: the demo's own graph in a real ComfyUI, with a clip's audio, first frame
and caption in place of the demo's.

The frames are read as PNG images, so that no video compression changes what is measured.
"""

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import KeyVIDError
from ..keyframes.select import T_K
from ..keyframes.text import frames_to_text
from ..tools import demo_clip, environment, run_workflow, server
from ..training.data.sounds import Sound, sound_record
from ..training.release.export import WEIGHTS
from ..training.tasks.frame_sets import keyframes_of
from ..training.tasks.localizer import target_curve
from ..training.world.clip import WorldClip
from .one_pass import paint_in_one_pass

GRAPH = environment.ROOT / "workflows" / "api" / "keyvid_demo.json"
TIMEOUT_S = 600  # for one video, on a busy machine
SAVE = "frames"  # the node that replaces these
SHOWN = ("SaveVideo", "CreateVideo", "KeyVID_PlanInfo", "KeyVID_KeyframeSheet")


@dataclass(frozen=True)
class Variant:
    """plan: what the keyframes follow: "sound" (the localizer), "events" (the ground truth) or "uniform". "one_pass":
    nothing, the generator paints every frame of the clip at once (one_pass.py).

    count: how many keyframes. uses_audio: whether the networks are conditioned on the audio. is_silent: whether the
    audio is silence, from which the keyframes come too.
    """

    plan: str
    count: int = T_K
    uses_audio: bool = True
    is_silent: bool = False


@contextlib.contextmanager
def running_renderer(folder: Path) -> Iterator[Callable[[WorldClip, Variant], np.ndarray]]:
    """Start a ComfyUI with the pack; yields render_video(clip, variant): frames uint8 (48, H, W, 3) of a WorldClip.

    folder: for its files. Raises KeyVIDError when a video cannot be made.
    """
    try:
        with server.running(folder, python=sys.executable, pack=environment.ROOT) as comfy:
            yield lambda clip, variant: render_video(comfy, clip, variant)
    except server.ServerError as error:
        raise KeyVIDError(str(error)) from error


def fingerprint(variant: str) -> str:
    """A short name of the weights, the demo's graph, and a variant as text. Raises KeyVIDError without weights."""
    files = sorted(WEIGHTS.glob("*.safetensors"))
    if not files:
        raise KeyVIDError(
            f"There are no weights in {WEIGHTS}; make them with: python dev.py export"
        )
    digest = hashlib.sha256(variant.encode())
    for path in [*files, GRAPH]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def graph_for(clip: WorldClip, variant: Variant) -> tuple[dict[str, Any], tuple[str, str]]:
    """(graph in API form, names of its files) for the video of a WorldClip in a Variant.

    The files, the audio as WAV and the first frame as PNG, are those of demo_clip.put_clip. Each clip has its own
    noise, the same in every variant.
    """
    graph = json.loads(GRAPH.read_text(encoding="utf-8"))
    names = demo_clip.put_clip(graph, clip, name=f"sync_{clip.seed}")
    selection: dict[str, Any] = {"count": variant.count}
    if variant.plan == "uniform":
        selection["strategy"] = "uniform"
    _set(graph, "KeyVID_SelectKeyframes", **selection)
    if variant.plan == "events":
        _set(
            graph,
            "KeyVID_EditKeyframes",
            edit=frames_to_text(keyframes_of(true_curve(clip), count=variant.count)),
        )
    if not variant.uses_audio:
        for node in run_workflow.nodes_of(graph, "KeyVID_MultimodalCFG"):
            node["inputs"]["audio_scale"] = 0.0
    for number, node in enumerate(run_workflow.nodes_of(graph, "RandomNoise")):
        node["inputs"]["noise_seed"] = 2 * clip.seed + number
    images = _only(graph, "CreateVideo")["inputs"]["images"]
    if variant.plan == "one_pass":
        images = paint_in_one_pass(graph)
    for key in [key for key, node in graph.items() if node["class_type"] in SHOWN]:
        del graph[key]
    graph[SAVE] = {
        "class_type": "SaveImage",
        "inputs": {"images": images, "filename_prefix": f"sync/{clip.seed}"},
        "_meta": {"title": "frames"},
    }
    return graph, names


def render_video(comfy: server.Server, clip: WorldClip, variant: Variant) -> np.ndarray:
    """The frames, uint8 (48, H, W, 3), of a WorldClip under a Variant, by a running ComfyUI (tools.server.Server).

    Raises KeyVIDError when ComfyUI makes none.
    """
    graph, names = graph_for(clip, variant)
    folder = comfy.base / "input"
    demo_clip.write_files(folder, clip, names)
    try:
        entry, _ = comfy.run(graph, timeout_s=TIMEOUT_S)
    except (TimeoutError, ConnectionError) as error:
        raise KeyVIDError(
            f"ComfyUI made no video of clip {clip.seed} within {TIMEOUT_S} s, or ended; its log: {comfy.log_path}"
        ) from error
    finally:
        for name in names:
            (folder / name).unlink()
    titles = {key: node["_meta"]["title"] for key, node in graph.items()}
    failed = run_workflow.problems(entry, titles)
    if failed:
        raise KeyVIDError(f"ComfyUI made no video of clip {clip.seed}: {' '.join(failed)}")
    return np.stack([_read_saved(comfy.base, item) for item in entry["outputs"][SAVE]["images"]])


def _read_saved(base: Path, item: dict[str, str]) -> np.ndarray:
    """Read an image that ComfyUI saved, uint8 (H, W, 3), and remove the file."""
    path = base / "output" / item["subfolder"] / item["filename"]
    with Image.open(path) as image:
        frame = np.asarray(image.convert("RGB"))
    path.unlink()
    return frame


def true_curve(clip: WorldClip) -> np.ndarray:
    """The curve (48,) that a perfect localizer would give of a WorldClip."""
    return target_curve(sound_record(Sound(clip.audio, clip.events, continuous=not clip.events)))


def _only(graph: dict[str, Any], kind: str) -> dict[str, Any]:
    (node,) = run_workflow.nodes_of(graph, kind)
    return node


def _set(graph: dict[str, Any], kind: str, **inputs: Any) -> None:
    _only(graph, kind)["inputs"].update(inputs)
