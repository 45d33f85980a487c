"""The released path, from the page to the last frame, with random values: what works, how long, how much memory.

Files of the released names, types, shapes and container are written one after the other, served by a stand-in for the
page, fetched and converted by the very command that artists use, and loaded and run in the real ComfyUI.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...released.published_files import LOCALIZER, PublishedFile
from .. import progress, server
from ..environment import ROOT
from ..run_workflow import problems
from ..weights.page_server import serving
from .released_shapes import Shapes, released_shapes
from .training_file import write_training_file
from .watch import Watch

WORKFLOWS = ("keyvid_keyframes_only", "keyvid_full")
TIMING = "keyvid_timing"
ONE_PASS = {
    "KeyVID_MultimodalCFG": {"image_scale": 1, "text_scale": 1, "audio_scale": 1, "rescale": 0}
}
SHOWN_S = 0.5  # a node that takes less has no row of its own


class RehearsalError(Exception):
    """A stage failed; the text says which and why."""


@dataclass(frozen=True)
class Row:
    """A stage: seconds, and its peaks in bytes."""

    what: str
    seconds: float
    memory: int
    vram: int = 0


@dataclass(frozen=True)
class Size:
    """What is rehearsed: shapes of files, and inputs of nodes {class: {input: value}} changed in the workflows.

    after: called with each converted file; full-size files need nothing more.
    """

    files: Mapping[PublishedFile, Shapes]
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    after: Any = None


def rehearse(
    folder: Path, size: Size, *, cpu: bool, workflows: tuple[str, ...] = WORKFLOWS
) -> list[Row]:
    """Everything, in `folder`; a Row per stage. What it has finished before is used again.

    Raises RehearsalError when a stage fails.
    """
    base = folder / "comfyui"
    models = base / "models" / "keyvid"
    models.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed, (file, shapes) in enumerate(size.files.items()):
        is_localizer = file == LOCALIZER  # loaded by its .pth, as it is
        if (models / (file.name if is_localizer else file.target)).exists():
            continue
        rows += _written(folder / "page", file, shapes, seed)
        if is_localizer:
            os.replace(folder / "page" / file.path, models / file.name)
        else:
            rows += _fetched(folder / "page", models, file, size.after)
    with server.running(base, python=sys.executable, pack=ROOT, cpu=cpu) as comfy:
        vram = (lambda: 0) if cpu else (lambda: _vram(comfy))
        with Watch(comfy.process.pid, vram) as watch:
            rows.append(Row("ComfyUI alone", 0.0, *watch.peak()))
            for name in (TIMING, *workflows):
                rows += _ran(comfy, watch, name, _prompt(name, size.inputs))
    return rows


def _written(page: Path, file: PublishedFile, shapes: Shapes, seed: int) -> list[Row]:
    path = page / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    line, started_s = progress.Line(f"writing {file.name}"), time.monotonic()
    with Watch(os.getpid()) as watch:
        write_training_file(
            path,
            shapes,
            seed=seed,
            lightning=file != LOCALIZER,
            on_bytes=lambda done, all_: line.show(f"{done / 1e9:.1f} of {all_ / 1e9:.1f} GB"),
        )
        row = Row(f"write {file.name}", time.monotonic() - started_s, *watch.peak())
    line.end(f"{row.seconds:.0f} s, {path.stat().st_size:,} bytes")
    return [row]


def _fetched(page: Path, models: Path, file: PublishedFile, after: Any) -> list[Row]:
    started_s = time.monotonic()
    with serving(page) as source:
        env = {**os.environ, "HF_ENDPOINT": source.url, "NO_PROXY": "127.0.0.1"}
        options = ["--half", "--yes", "--delete-original", "--to", models]
        command = [sys.executable, ROOT / "dev.py", "weights", file.key, *options]
        process = subprocess.Popen([str(part) for part in command], env=env)
        try:
            with Watch(process.pid) as watch:
                code = process.wait()
                peaks = watch.peak()
        finally:
            process.kill()
            process.wait()
    if code:
        raise RehearsalError(f"{file.target} was not made.")
    (page / file.path).unlink()
    if after is not None:
        after(models / file.target)
    return [Row(f"download and convert {file.target}", time.monotonic() - started_s, *peaks)]


def _prompt(name: str, inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The API form of a workflow with changed inputs; the timing by the network in the localizer's own file."""
    text = (ROOT / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8")
    prompt = json.loads(text)
    for node in prompt.values():
        node["inputs"] |= inputs.get(node["class_type"], {})
        if name == TIMING and node["class_type"] == "KeyVID_LocalizeKeyframes":
            node["inputs"] |= {"method": "network", "localizer": ["localizer", 0]}
        if name == TIMING and node["class_type"] == "KeyVID_ClipAudio":
            node["inputs"]["n_frames"] = 48  # one window of the localizer
    if name == TIMING:
        prompt["localizer"] = {
            "class_type": "KeyVID_LoadLocalizer",
            "inputs": {"localizer_name": LOCALIZER.name},
            "_meta": {"title": "Load Localizer"},
        }
    return prompt


def _ran(comfy: server.Server, watch: Watch, name: str, prompt: dict[str, Any]) -> list[Row]:
    titles = {key: node["_meta"]["title"] for key, node in prompt.items()}
    rows, current, started_s = [], None, time.monotonic()

    def on_event(kind: str, data: Any) -> None:
        nonlocal current, started_s
        if kind != "executing":
            return
        seconds, peaks = time.monotonic() - started_s, watch.peak()
        if current is not None and seconds >= SHOWN_S:
            rows.append(Row(f"{name}: {titles.get(current, current)}", seconds, *peaks))
            print(_line(rows[-1]), flush=True)
        current, started_s = data["node"], time.monotonic()

    entry, _ = comfy.run(prompt, on_event=on_event, timeout_s=24 * 3600)
    failures = problems(entry, titles)
    if failures:
        raise RehearsalError(f"{name}: {'; '.join(failures)} ComfyUI's log: {comfy.log_path}")
    return rows


def _vram(comfy: server.Server) -> int:
    device = comfy.get("/system_stats")["devices"][0]
    return device["vram_total"] - device["vram_free"]


def _line(row: Row) -> str:
    vram = f" | {row.vram / 1e9:.2f} GB" if row.vram else " | -"
    return f"| {row.what} | {row.seconds:.0f} | {row.memory / 1e9:.2f} GB{vram} |"


def table(rows: list[Row]) -> str:
    """The Rows as a table in Markdown."""
    return "\n".join(
        ["| stage | seconds | peak memory | peak VRAM |", "|---|---|---|---|", *map(_line, rows)]
    )


def _has_gpu() -> bool:
    backends = (torch.cuda, torch.backends.mps, getattr(torch, "xpu", torch.cuda))
    return any(backend.is_available() for backend in backends)


def main(*words: str) -> int:
    """`python dev.py rehearse`; the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py rehearse", description=__doc__)
    parser.add_argument("folder", type=Path, help="where 40 GB are free")
    parser.add_argument("--steps", type=int, default=1, help="of each stage; default: 1")
    parser.add_argument(
        "--one-pass", action="store_true", help="no guidance: a quarter of the time"
    )
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=320)
    parser.add_argument("--dtype", default="default", help="weight_dtype of the loaders")
    parser.add_argument("--workflow", choices=WORKFLOWS, help="only this one")
    parser.add_argument("--cpu", action="store_true", help="even if there is a GPU")
    parser.add_argument("--keep", action="store_true", help="keep the files")
    options = parser.parse_args(words)
    size = {"width": options.width, "height": options.height}
    inputs = {
        "KeyVID_KeyframeConditioning": size,
        "KeyVID_InterpolationConditioning": size,
        "KeyVID_Schedule": {"steps": options.steps},
        "KeyVID_LoadCheckpoint": {"weight_dtype": options.dtype},
        "KeyVID_LoadModel": {"weight_dtype": options.dtype},
        **(ONE_PASS if options.one_pass else {}),
    }
    folder = options.folder.expanduser().absolute()
    workflows = (options.workflow,) if options.workflow else WORKFLOWS
    cpu = options.cpu or not _has_gpu()
    try:
        rows = rehearse(folder, Size(released_shapes(), inputs), cpu=cpu, workflows=workflows)
    except RehearsalError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print("\n" + table(rows))
    if not options.keep:
        shutil.rmtree(folder / "comfyui" / "models" / "keyvid", ignore_errors=True)
    return 0
