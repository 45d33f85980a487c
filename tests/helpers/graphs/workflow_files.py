"""The weight files that the shipped workflows name, small and random, and the workflows made small to run with them."""

import dataclasses
import json

from keyvid_pack.keyframes.timebase import N_FRAMES
from keyvid_pack.models.checkpoint.layouts import DYNAMICRAFTER, GENERATOR, INTERPOLATOR
from keyvid_pack.models.published import DYNAMICRAFTER_FRAMES, KEYFRAME_COUNT
from keyvid_pack.tools.environment import ROOT
from keyvid_pack.tools.named_models import put_empty_models

from ..small_checkpoint import METADATA
from .whole_files import put_whole_file

WORKFLOWS = ROOT / "workflows"
EMBEDDED = ROOT / "models" / "weights"
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
# {file: (what it is, how many frames its model makes)}, as the published ones are
FILES = {
    "keyvid_generator.safetensors": (GENERATOR, N_FRAMES),
    "keyvid_interpolator.safetensors": (INTERPOLATOR, N_FRAMES),
    "dynamicrafter_512.safetensors": (DYNAMICRAFTER, DYNAMICRAFTER_FRAMES),
}
LOADERS = {"KeyVID_LoadCheckpoint": "ckpt_name", "KeyVID_LoadModel": "model_name"}
WIDTH, HEIGHT, STEPS = 128, 64, 2
_SIZE = {"width": WIDTH, "height": HEIGHT}
# {node: what a run on a CPU needs smaller than the workflow has it}
SMALL = {
    "KeyVID_KeyframeConditioning": _SIZE,
    "KeyVID_InterpolationConditioning": _SIZE,
    "KeyVID_Schedule": {"steps": STEPS},
}


def put_workflow_files(comfy):
    """Write FILES where ComfyUI lists them, and empty files under the names of other models."""
    for seed, (name, (kind, n_frames)) in enumerate(FILES.items()):
        made = {"n_frames": n_frames, "keyframe_counts": (KEYFRAME_COUNT,)}
        metadata = dataclasses.replace(METADATA, **made)
        put_whole_file(comfy, name, kind=kind, seed=seed, metadata=metadata)
    put_empty_models(comfy.base / "models", NAMES, own=False)


def remove_workflow_files(comfy):
    for name in FILES:
        (comfy.base / "models" / "keyvid" / name).unlink(missing_ok=True)


def ui_form(name):
    return json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


def api_form(name):
    return json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))


def small_form(name):
    """The API form of a workflow, changed as SMALL says and nowhere else."""
    return {
        key: {**node, "inputs": {**node["inputs"], **SMALL.get(node["class_type"], {})}}
        for key, node in api_form(name).items()
    }


def named_files(name):
    """The weight files that a workflow names and that do not come with the pack."""
    nodes = api_form(name).values()
    named = {
        node["inputs"][LOADERS[node["class_type"]]]
        for node in nodes
        if node["class_type"] in LOADERS
    }
    return {file for file in named if not (EMBEDDED / file).is_file()}
