"""From videos to the paper's table by the documented commands, each of them killed midway and given again.

Toy size: clips of the procedural world in the layouts of the three data sets, a random file of the published layout to
begin with.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import safetensors.torch
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint
from keyvid_pack.tools.environment import ROOT

from ...helpers.graphs.whole_files import put_whole_file
from ...helpers.graphs.workflow_files import api_form
from ...helpers.real_videos.layouts import (
    write_avsync15,
    write_avsync15_to_evaluate,
    write_greatest_hits,
    write_landscapes_to_evaluate,
)

RUN_IN_PACK = ROOT / "tools" / "processes" / "run_in_pack.py"
TRAINED = ["a ball/one.v1.mp4", "a ball/two.mp4", "a drum/three.mp4", "a drum/four.mp4"]
TESTED = ["a ball/five.mp4"]
AVSYNC15, LANDSCAPES, GREATEST_HITS = "avsync15", "landscapes", "greatest-hits"
STEPS, SAVE_EVERY = 200, 50
WIDTH, HEIGHT = 64, 32
MADE_S = 1_700_000_000
PATIENCE_S = 1800  # for one command, on a busy machine
START, INTERPOLATOR, GENERATOR = "start.safetensors", "fill.safetensors", "trained.safetensors"


class Folder:
    """A folder with a `base` attribute, as `put_whole_file` takes a server."""

    def __init__(self, base):
        self.base = base


def command(module, *words):
    """What dev.py runs for a command; words: text, paths, numbers."""
    return [sys.executable, str(RUN_IN_PACK), module, *map(str, words)]


def run(module, *words):
    """Run it to its end; what it printed."""
    ended = subprocess.run(
        command(module, *words), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    return said


def kill_when(happened, module, *words):
    """Start it, and kill it the hard way once `happened()` is true; it must not have come to its end before."""
    with subprocess.Popen(
        command(module, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        end_s = time.monotonic() + PATIENCE_S
        while not happened():
            assert process.poll() is None, f"{module} ended by itself, with {process.returncode}"
            assert time.monotonic() < end_s, f"{module} did not get so far"
            time.sleep(0.02)
        process.kill()
        assert process.wait() == -signal.SIGKILL, f"{module} had ended before it could be killed"


def files_below(folder, pattern):
    """{relative path: bytes} of the files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.glob(pattern))
        if "servers" not in path.parts
    }


def write_set(root, layout):
    """Four videos to train on and one to generate, in the layout of a data set."""
    if layout == GREATEST_HITS:
        write_greatest_hits(root, ["2015-01", "2015-02", "2015-03", "2015-04"])
        write_greatest_hits(root, ["2015-05"], split="test")
        return
    write_avsync15(
        root, TRAINED, enlarged=1
    )  # Landscapes' videos to train on lie in the same folders
    write = write_landscapes_to_evaluate if layout == LANDSCAPES else write_avsync15_to_evaluate
    write(root, TESTED)


@pytest.fixture
def begun(tmp_path, layout):
    """A data set, and weight files to begin with."""
    folder = tmp_path / "begun"
    write_set(folder / "set", layout)
    for name, kind in ((START, layouts.GENERATOR), (INTERPOLATOR, layouts.INTERPOLATOR)):
        put_whole_file(Folder(folder), name, kind=kind)
    return folder


def label_words(folder):
    return "training.datasets.label", folder / "set", "--processes", 1


def train_words(folder):
    start = folder / "models" / "keyvid" / START
    size = ("--height", HEIGHT, "--width", WIDTH, "--count", 4, "--examples", 1, "--at-once", 1)
    size += ("--no-checkpointing",)  # quicker
    steps = ("--steps", STEPS, "--save-every", SAVE_EVERY, "--cpu", "--workers", 0)
    where = ("--state-dir", folder / "states", "--from", start)
    return "training.command", "full", "generator", folder / "set", *size, *steps, *where


def batch_words(folder):
    graph = ("--workflow", folder / "graph.json", "--out", folder / "videos")
    return "tools.batch.command", folder / "clips" / "list.jsonl", *graph, "--start", 1


def table_words(folder):
    where = ("--reference", folder / "set", "--generated", folder / "videos")
    return "evaluation.command", "table1", *where, "--device", "cpu"


def put_graph(folder):
    """The demo's graph with the trained generator, in two steps, and the files where the batch's server looks."""
    (made,) = (folder / "states").rglob(f"*step_{STEPS:08d}.safetensors")
    assert open_checkpoint(made).kind == layouts.GENERATOR
    models = folder / "videos" / "servers" / "0" / "models" / "keyvid"
    models.mkdir(parents=True)
    shutil.copy(made, models / GENERATOR)
    shutil.copy(folder / "models" / "keyvid" / INTERPOLATOR, models)
    for model in models.iterdir():  # ComfyUI writes the time of a model's file into the video
        os.utime(model, (MADE_S, MADE_S))
    graph = api_form("keyvid_demo")
    changes = {
        "KeyVID_LoadCheckpoint": {"ckpt_name": GENERATOR},
        "KeyVID_LoadModel": {"model_name": INTERPOLATOR},
        "KeyVID_SelectKeyframes": {"count": 4},
        "KeyVID_KeyframeConditioning": {"width": WIDTH, "height": HEIGHT},
        "KeyVID_InterpolationConditioning": {"width": WIDTH, "height": HEIGHT},
        "KeyVID_Schedule": {"steps": 2},
        "KeyVID_Sampler": {"inpainted_steps": 1},
        "KeyVID_KeyframeSheet": {"width": 320},
    }
    for node in graph.values():
        node["inputs"] |= changes.get(node["class_type"], {})
    (folder / "graph.json").write_text(json.dumps(graph), encoding="utf-8")


def whole_way(folder, do):
    """Label, train, generate, evaluate; `do(sign, *words)` runs a command.

    Returns {row of the table: its cells}.
    """
    do(lambda: any((folder / "set").rglob("*.npy")), *label_words(folder))
    states = folder / "states"
    do(lambda: any(states.rglob(f"*{SAVE_EVERY:08d}*")), *train_words(folder))
    run(*label_words(folder), "--split", "test", "--check", "--clips", folder / "clips")
    put_graph(folder)
    do(lambda: files_below(folder, "videos/**/*_clip-*.mp4"), *batch_words(folder))
    do(lambda: any((folder / "videos" / "keyvid_features").rglob("*.npz")), *table_words(folder))
    lines = run(*table_words(folder)).splitlines()
    (head,) = (number for number, line in enumerate(lines) if line.startswith("row,"))
    return {row[0]: row[1:] for row in csv.reader(lines[head:]) if row}


def undisturbed(_sign, *words):
    run(*words)


def killed_and_given_again(sign, *words):
    kill_when(sign, *words)
    run(*words)


@pytest.mark.long
@pytest.mark.parametrize("layout", [AVSYNC15, LANDSCAPES, GREATEST_HITS])
def test_the_whole_way_killed_at_every_step_gives_what_it_gives_undisturbed(
    layout, begun, tmp_path
):
    folders = {name: tmp_path / name for name in ("whole", "killed")}
    for folder in folders.values():
        shutil.copytree(begun, folder)  # with the times of the files
    ways = undisturbed, killed_and_given_again
    with ThreadPoolExecutor(2) as both:
        tables = list(both.map(whole_way, folders.values(), ways))
    for pattern, least in (("set/**/*.npy", len(TRAINED)), ("videos/**/*_clip-*.mp4", 3)):
        one, other = (files_below(folder, pattern) for folder in folders.values())
        assert one == other and len(one) == least, pattern
    weights = [
        next((f / "states").rglob(f"*step_{STEPS:08d}.safetensors")) for f in folders.values()
    ]
    trained, again = map(safetensors.torch.load_file, weights)
    assert trained.keys() == again.keys()
    assert all((trained[name] == again[name]).all() for name in trained)
    begin = safetensors.torch.load_file(begun / "models" / "keyvid" / START)
    moved = [n for n in trained if n in begin and not (trained[n] == begin[n].half()).all()]
    assert any(n.startswith("model.diffusion_model.") for n in moved), "200 steps changed nothing"
    assert tables[0] == tables[1]
    found, *_ = tables[0]["events, true: event recall"]
    if layout != LANDSCAPES:  # nothing strikes in the sea
        assert float(found) > 50, "the true videos move when they sound, in percent"
    assert "events, generated: event recall" in tables[0]
