"""A thousand small graphs through one server: its memory stays flat, and no file is left that nobody was told of.

The size of a process says little after ten runs and much after a thousand: what is kept of every run grows along a
line. `python dev.py test tests/graph/hostile/test_soak.py --long`.
"""

import pathlib
import sys

import numpy as np
import psutil
import pytest
from keyvid_pack.tools import environment, server

from ...helpers.graphs.prompts import node, succeed, up_to, with_inputs
from ...helpers.graphs.timing_graph import chain
from ...helpers.graphs.whole_graph import whole_graph

N_RUNS = 1000
WARM_UP = 200  # runs until the caches of ComfyUI, of PyTorch and of the allocator are full
EVERY = 20  # runs between two looks, so that all looks come after the same kind of graph
PAINTED = 10  # every so many runs, keyframes are painted
# Each run has a sound of its own, 3 s at 16 kHz: 192 kB as numbers, and a file, a curve and an image of 100 kB each
# besides. The limit is a quarter of the sound, so that one thing of a run that is kept in each of them is seen.
MOST_GROWTH_MB = 0.25 * 0.192 * (N_RUNS - WARM_UP)
LEAK_MB = 0.1  # per run; one of the smaller things


def growth_mb(runs, sizes_mb):
    """How much a straight line through the sizes rises from the first to the last of these runs."""
    slope, _ = np.polyfit(runs, sizes_mb, 1)
    return slope * (runs[-1] - runs[0])


def memory_mb(comfy):
    """Resident memory of the server, in MB; the first process only watches whether the tests are still there."""
    first = psutil.Process(comfy.process.pid)
    return max(one.memory_info().rss for one in [first, *first.children(recursive=True)]) / 1e6


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def told(value):
    """The names of all files that the outputs of a run name for the page."""
    if isinstance(value, dict):
        if "filename" in value:
            yield pathlib.PurePosixPath(value["subfolder"], value["filename"]).as_posix()
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from told(one)


def small_graph(comfy, number):
    """A graph whose sound, plan and noise are new in every run, so that nothing comes out of ComfyUI's cache."""
    times = " ".join(f"{0.2 + 0.37 * k + 0.0005 * number:.4f}" for k in range(4))
    if number % PAINTED == 1:
        painted = up_to(whole_graph(comfy, steps=1), "sheet")
        sound = chain(times_s=times)["sound"]
        seed = {"keyframes_seed": {"noise_seed": number}}
        return with_inputs(painted, seed) | {"sound": sound}
    edit = f"0, {7 + number % 11}, 30" if number % 2 else ""
    return chain(times_s=times, edit=edit) | {
        "image": node("LoadImage", image="keyvid_snare_drum.png"),
        "info": node("KeyVID_PlanInfo", plan=["edit", 0]),
        "file": node("KeyVID_SaveTiming", plan=["edit", 0], curve=["curve", 0], filename_prefix="soak/a"),
        "preview": node(
            "KeyVID_TimingPreview", image=["image", 0], audio=["clip", 0], plan=["edit", 0],
            curve=["curve", 0], width=64,
        ),
    }  # fmt: skip


@pytest.fixture
def comfy(tmp_path):
    """A ComfyUI of its own, whose system has a temp folder of its own."""
    (tmp_path / "system").mkdir()
    with server.running(
        tmp_path / "base",
        python=sys.executable,
        pack=environment.ROOT,
        other_packs=[environment.ROOT / "tests" / "graph" / "stub_pack"],
        arguments=["--cache-classic"],  # keeps the results of the last run and of no other
        env={name: str(tmp_path / "system") for name in ("TMPDIR", "TEMP", "TMP")},
    ) as running:
        yield running


def test_the_line_finds_a_leak():
    """The comparison below can fail: a leak is found under the noise of an allocator, and the noise is none."""
    runs = np.arange(WARM_UP, N_RUNS, EVERY)
    noise = np.random.default_rng(0).normal(0, 10, len(runs))
    assert growth_mb(runs, 900 + noise + LEAK_MB * runs) > MOST_GROWTH_MB
    assert abs(growth_mb(runs, 900 + noise)) < MOST_GROWTH_MB / 2


@pytest.mark.long
def test_a_thousand_runs_leave_memory_and_folders_as_they_were(comfy, tmp_path):
    runs, sizes_mb, names, n_saved = [], [], set(), 0
    given = files_in(comfy.base / "input")
    for number in range(N_RUNS):
        prompt = small_graph(comfy, number)
        names.update(told(succeed(comfy, prompt)))
        n_saved += "file" in prompt
        comfy.post("/history", {"clear": True})  # ComfyUI remembers what 10,000 runs showed
        if number >= WARM_UP and number % EVERY == 0:
            runs.append(number)
            sizes_mb.append(memory_mb(comfy))
            print(f"after {number} runs: {sizes_mb[-1]:.1f} MB", flush=True)
    found = growth_mb(np.array(runs), np.array(sizes_mb))
    print(f"along a line {found:+.1f} MB, limit {MOST_GROWTH_MB:.1f} MB")
    assert found < MOST_GROWTH_MB
    # what was shown stays until ComfyUI ends, since a page may still show it; nothing else does
    left = files_in(comfy.base / "temp")
    print(f"{len(left)} files in temp, {n_saved} timing files in output")
    assert left and left <= names
    assert len(files_in(comfy.base / "output")) == n_saved
    assert files_in(comfy.base / "input") == given
    assert not files_in(tmp_path / "system")
