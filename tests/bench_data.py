"""How many clips per second labelling and the training's data loader manage, with one process and with two.

Run: python dev.py bench data [VIDEOS]. It makes so many videos of 2 s at 512 x 384 (default: 16) in the layout of
AVSync15, labels them by the flow without weights, writes their shards, and reads all their clips at 320 x 512 as the
full-size training does. A video gives three clips. Two processes are compared with one of the same run, so the ratio
means something where other programs run too; the seconds do not.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest  # noqa: E402, F401  (gives the pack its name)
import torch  # noqa: E402
from keyvid_pack.training.datasets.clips import CLIPS_PER_VIDEO, HEIGHT, WIDTH  # noqa: E402
from keyvid_pack.training.datasets.label import main as label  # noqa: E402
from keyvid_pack.training.full_size.clip_source import open_clips  # noqa: E402
from keyvid_pack.training.world.clip import render_clip  # noqa: E402
from keyvid_pack.training.world.show import write_clip_mp4  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402

RUN_IN_PACK = ROOT / "tools" / "processes" / "run_in_pack.py"
SCENES = ("ball", "drum", "drip", "metronome")
N_VIDEOS = 16
PROCESSES = (1, 2)


class Clips(Dataset):
    """All clips of a source, as the training's loader reads them."""

    def __init__(self, source):
        self.source = source

    def __len__(self):
        return len(self.source.names)

    def __getitem__(self, number):
        return self.source.read(number, True).frames


def write_videos(root, n_videos):
    for seed in range(n_videos):
        scene = SCENES[seed % len(SCENES)]
        path = root / "train" / scene / f"{seed:03d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_clip_mp4(render_clip(seed, scene=scene, height=96, width=128), path, enlarged=4)


def timed(run):
    """(seconds, CPU seconds of this process and of those it waited for) of run()."""
    began, cpu_before = time.perf_counter(), cpu_s()
    run()
    return time.perf_counter() - began, cpu_s() - cpu_before


def cpu_s():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run_label(root, to, n_processes):
    words = (root, "--to", to, "--processes", n_processes)
    command = [sys.executable, RUN_IN_PACK, "training.datasets.label", *words]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)  # fmt: skip


def read_all(source, n_workers):
    loader = DataLoader(
        Clips(source), batch_size=2, num_workers=n_workers, multiprocessing_context="fork"
    )
    n_read = sum(len(frames) for frames in loader)
    if n_read != len(source.names):
        raise SystemExit(f"{n_read} of {len(source.names)} clips were read")


def report(name, run, n_clips):
    """One line for each number of processes; run(n): with n processes."""
    rates = {}
    for n in PROCESSES:
        its_s, its_cpu_s = timed(lambda n=n: run(n))
        rates[n] = n_clips / its_s
        print(
            f"{name:28} {n} {'process' if n == 1 else 'processes':9} {rates[n]:6.2f} clips/s  "
            f"{its_cpu_s / n_clips:5.2f} CPU s per clip  x {rates[n] / rates[1]:.2f}",
            flush=True,
        )


def main():
    n_videos = int(sys.argv[1]) if sys.argv[1:] else N_VIDEOS
    n_clips = CLIPS_PER_VIDEO * n_videos
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # else one process takes all cores, and two share them
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        root = folder / "AVSync15"
        write_videos(root, n_videos)
        print(f"{n_videos} videos of 2 s, {n_clips} clips; {os.cpu_count()} cores", flush=True)
        report("labelling by flow", lambda n: run_label(root, folder / f"by_{n}", n), n_clips)
        size = {"height": HEIGHT, "width": WIDTH}
        source = open_clips(root, split="train", **size)
        report("loader, from videos", lambda n: read_all(source, n), n_clips)
        if label(str(root), "--shards", str(folder / "shards"), "--processes", "2"):
            raise SystemExit("The shards were not written.")
        source = open_clips(folder / "shards", split="train", **size)
        report("loader, from shards", lambda n: read_all(source, n), n_clips)


if __name__ == "__main__":
    main()
