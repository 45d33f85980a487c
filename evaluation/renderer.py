"""Videos of world clips made by KeyVID itself: the demo's own graph, in a real ComfyUI, with a clip's sound, first
frame and caption in the place of the demo's.

The frames are read as PNG pictures, so that no video compression stands between what was painted and what is looked at.
"""

import contextlib
import hashlib
import json
import sys

import numpy as np
from PIL import Image

from ..keyframes.errors import KeyVIDError
from ..keyframes.text import frames_to_text
from ..preview.editor import write_wav
from ..tools import environment, run_workflow, server
from ..training.data.sounds import Sound, sound_record
from ..training.release.export import WEIGHTS
from ..training.tasks.frame_sets import keyframes_of
from ..training.tasks.localizer import target_curve

GRAPH = environment.ROOT / "workflows" / "api" / "keyvid_demo.json"
TIMEOUT_S = 600  # for one video, on a busy machine
SAVE = "frames"  # the node that is put in the place of these
SHOWN = ("SaveVideo", "CreateVideo", "KeyVID_PlanInfo", "KeyVID_KeyframeSheet")


@contextlib.contextmanager
def painting(folder):
    """Start a ComfyUI with the pack; yields paint(clip, condition): frames uint8 (48, H, W, 3) of a WorldClip.

    folder: for its files. condition: a conditions.Condition. Raises KeyVIDError when a video cannot be made.
    """
    try:
        with server.running(folder, python=sys.executable, pack=environment.ROOT) as comfy:
            yield lambda clip, condition: paint(comfy, clip, condition)
    except server.ServerError as error:
        raise KeyVIDError(str(error)) from error


def fingerprint(condition):
    """A short name of the weights, the demo's graph, and a condition as text. Raises KeyVIDError without weights."""
    files = sorted(WEIGHTS.glob("*.safetensors"))
    if not files:
        raise KeyVIDError(
            f"There are no weights in {WEIGHTS}; make them with: python dev.py export"
        )
    digest = hashlib.sha256(condition.encode())
    for path in [*files, GRAPH]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def graph_for(clip, condition):
    """(graph in API form, {file name: what stands in it}) for the video of a WorldClip under a Condition.

    The files, the sound as WAV and the first frame as PNG, belong into ComfyUI's input folder. Each clip has noise of
    its own, the same under every condition.
    """
    graph = json.loads(GRAPH.read_text(encoding="utf-8"))
    sound, picture = f"sync_{clip.seed}.wav", f"sync_{clip.seed}.png"
    _set(graph, "LoadAudio", audio=sound)
    _set(graph, "LoadImage", image=picture)
    prompt = _only(graph, "KeyVID_KeyframeConditioning")["inputs"]["positive"][0]
    graph[prompt]["inputs"]["text"] = clip.caption
    selection = {"count": condition.count}
    if condition.plan == "uniform":
        selection["strategy"] = "uniform"
    _set(graph, "KeyVID_SelectKeyframes", **selection)
    if condition.plan == "events":
        _set(graph, "KeyVID_EditKeyframes", edit=frames_to_text(_true_plan(clip, condition)))
    if not condition.hears:
        for node in _all(graph, "KeyVID_MultimodalCFG"):
            node["inputs"]["audio_scale"] = 0.0
    for number, node in enumerate(_all(graph, "RandomNoise")):
        node["inputs"]["noise_seed"] = 2 * clip.seed + number
    pictures = _only(graph, "CreateVideo")["inputs"]["images"]
    for key in [key for key, node in graph.items() if node["class_type"] in SHOWN]:
        del graph[key]
    graph[SAVE] = {
        "class_type": "SaveImage",
        "inputs": {"images": pictures, "filename_prefix": f"sync/{clip.seed}"},
        "_meta": {"title": "frames"},
    }
    return graph, {sound: (clip.audio, clip.sample_rate), picture: clip.frames[0]}


def paint(comfy, clip, condition):
    """The frames, uint8 (48, H, W, 3), of a WorldClip under a Condition, by a running ComfyUI (tools.server.Server).

    Raises KeyVIDError when ComfyUI makes none.
    """
    graph, files = graph_for(clip, condition)
    folder = comfy.base / "input"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        _write(folder / name, content)
    try:
        entry, _ = comfy.run(graph, timeout_s=TIMEOUT_S)
    except (TimeoutError, ConnectionError) as error:
        raise KeyVIDError(
            f"ComfyUI made no video of clip {clip.seed} within {TIMEOUT_S} s, or ended; its log: {comfy.log_path}"
        ) from error
    finally:
        for name in files:
            (folder / name).unlink()
    titles = {key: node["_meta"]["title"] for key, node in graph.items()}
    failed = run_workflow.problems(entry, titles)
    if failed:
        raise KeyVIDError(f"ComfyUI made no video of clip {clip.seed}: {' '.join(failed)}")
    return np.stack([_taken(comfy.base, item) for item in entry["outputs"][SAVE]["images"]])


def _taken(base, item):
    """A picture that ComfyUI saved, uint8 (H, W, 3); the file goes."""
    path = base / "output" / item["subfolder"] / item["filename"]
    with Image.open(path) as picture:
        frame = np.asarray(picture.convert("RGB"))
    path.unlink()
    return frame


def _true_plan(clip, condition):
    """The keyframes that a perfect localizer would lead to."""
    heard = sound_record(Sound(clip.audio, clip.events, swells=not clip.events))
    return keyframes_of(target_curve(heard), count=condition.count)


def _write(path, content):
    if path.suffix == ".png":
        Image.fromarray(content).save(path)
    else:
        samples, sample_rate = content
        write_wav(path, samples[None], sample_rate)


def _all(graph, kind):
    return [node for node in graph.values() if node["class_type"] == kind]


def _only(graph, kind):
    (node,) = _all(graph, kind)
    return node


def _set(graph, kind, **inputs):
    _only(graph, kind)["inputs"].update(inputs)
