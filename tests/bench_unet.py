"""How fast and with how much memory the video UNet runs on a CPU. Run: python dev.py bench unet [--full FRAMES]

Without options: a narrow UNet against the published block structure on the same weights (attention written out, the
text repeated for every frame, no chunks). --full FRAMES: one forward of the full-size keyframe generator with random
weights; with --published against the published block structure, in float32 and bfloat16. --profile adds where the
CPU seconds go. Ratios are of runs by turns in one process, in CPU seconds of all threads: other work on the machine
changes them little, wall seconds much.
"""

import argparse
import contextlib
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # or waiting threads count as working
import torch  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest  # noqa: E402, F401  (gives the pack its name)
from keyvid_pack.models.unet.config import GENERATOR, UNetConfig  # noqa: E402
from keyvid_pack.models.unet.unet import VideoUNet  # noqa: E402
from keyvid_pack.tests.helpers.part_seconds import PARTS, PartSeconds  # noqa: E402
from keyvid_pack.tests.oracles.published_blocks import published_forward  # noqa: E402

NARROW = UNetConfig(
    model_channels=64,
    channel_mult=(1, 2, 4),
    num_res_blocks=(1, 1, 1),
    attention_levels=(0, 1),
    init_heads=2,
    context_width=256,
)
LATENT = (40, 64)  # of 320 x 512 pixels
FRAMES = (12, 48)
PAIRS = 3
# of the largest output: the rounding of some hundred layers one after the other
TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 0.1}
OURS, PUBLISHED = "ours", "published"
NEEDED_GB = 12  # of the full-size network and the published block structure around it
STATUS, MEMORY = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/meminfo")


def build(config):
    """A UNet with reproducible random weights, made without ever holding them twice."""
    unet = VideoUNet(config, device="meta").to_empty(device="cpu").eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for name, weight in unet.named_parameters():
        if weight.ndim > 1:
            weight.uniform_(-1, 1, generator=generator).mul_(math.sqrt(3 / weight[0].numel()))
        else:  # norms scale by one, biases and beta are zero
            weight.fill_(float(name.endswith(".weight")))
    return unet


def inputs(config, n_frames):
    """Arguments of one forward, the text given once."""
    generator = torch.Generator().manual_seed(1)

    def noise(*shape):
        return torch.randn(1, *shape, generator=generator)

    return {
        "x": noise(config.in_channels, n_frames, *LATENT),
        "timesteps": torch.tensor([500]),
        "text": noise(77, config.context_width),
        "image": noise(n_frames, 16, config.context_width),
        "audio": noise(n_frames, 12, config.audio_width),
        "fps": torch.tensor([24]),
        "frame_index": torch.arange(n_frames)[None],
    }


def forward(unet, arguments, way):
    """One forward, ours or in the published block structure."""
    return unet(**arguments) if way == OURS else published_forward(unet, **arguments)


def measure_memory(config, n_frames, way):
    """Prints what one forward takes; in a process of its own, which has held nothing else before."""
    unet, arguments = build(config), inputs(config, n_frames)
    if STATUS.is_file():
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before, start, cpu = resident_mb("VmRSS"), time.perf_counter(), time.process_time()
    forward(unet, arguments, way)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps({"s": seconds, "cpu": cpu, "before": before, "peak": resident_mb("VmHWM")}))


def resident_mb(what):
    """VmRSS (now) or VmHWM (the peak) of this process; NaN where only other systems' tools could tell."""
    if not STATUS.is_file():
        return math.nan
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith(what + ":")]
    return int(line.split()[1]) * 1024 / 1e6


def in_own_process(*arguments):
    command = [sys.executable, __file__, "--one", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def time_pairs(unet, arguments, n_pairs, *, warm_up):
    """({way: [PartSeconds of each forward]}, largest difference, largest value), both ways by turns.

    warm_up: how many pairs go before; without them each forward is said at once, since it takes minutes.
    """
    runs, error = {OURS: [], PUBLISHED: []}, 0.0
    for pair in range(-warm_up, n_pairs):
        out = {}
        for way in (OURS, PUBLISHED) if pair % 2 else (PUBLISHED, OURS):
            with PartSeconds() as seconds:
                out[way] = forward(unet, arguments, way).float()
            if not warm_up:
                print(f"  {way}: {seconds.total:.1f} CPU seconds", flush=True)
            if pair >= 0:
                runs[way].append(seconds)
        size = out[PUBLISHED].abs().max().item()
        assert 0.1 < size < math.inf, f"the outputs reach {size}: nothing was compared"
        error = max(error, (out[OURS] - out[PUBLISHED]).abs().max().item())
    return runs, error, size


def show(runs, error, size, *, profile):
    """Prints one comparison: CPU seconds and ratios of the pairs, and by parts if asked for."""
    ours, published = ([run.total for run in runs[way]] for way in (OURS, PUBLISHED))
    ratios = [b / a for a, b in zip(ours, published, strict=True)]
    print(f"  CPU seconds {statistics.median(ours):.2f}, against the published block structure "
          f"{statistics.median(published):.2f}; {' '.join(f'{r:.2f}' for r in ratios)} times as fast, "
          f"median {statistics.median(ratios):.2f}")  # fmt: skip
    print(f"  largest difference of the outputs {error:.1e} of {size:.1f}", flush=True)
    if not profile:
        return
    print(f"  {'':27} ours: CPU s  share  GFLOP/s   published: CPU s  share  GFLOP/s   GFLOP")
    for part in PARTS:
        cells = []
        for way in (OURS, PUBLISHED):
            seconds = statistics.mean(run.seconds[part] for run in runs[way])
            total = statistics.mean(run.total for run in runs[way])
            rate = runs[way][0].operations[part] / seconds / 1e9 if seconds else 0
            cells.append(f"{seconds:8.2f} {seconds / total:6.0%} {rate:8.0f}")
        work = runs[OURS][0].operations[part] / 1e9
        print(f"  {part:27}    {cells[0]}          {cells[1]} {work:7.0f}", flush=True)


def compare(config, n_frames, dtype, n_pairs, *, warm_up, profile):
    """Prints one comparison; whether the outputs are equal but for rounding."""
    unet = build(config).to(dtype)
    arguments = inputs(config, n_frames)
    arguments["x"] = arguments["x"].to(dtype)
    print(f"T = {n_frames}, {str(dtype).removeprefix('torch.')}")
    runs, error, size = time_pairs(unet, arguments, n_pairs, warm_up=warm_up)
    show(runs, error, size, profile=profile)
    return error <= TOLERANCES[dtype] * size


def narrow(*, profile):
    """Prints what the narrow UNet takes; 1 when the outputs differ."""
    print(f"{NARROW.model_channels} channels, latent {LATENT[0]} x {LATENT[1]}, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    same = True
    for n_frames in FRAMES:
        same &= compare(NARROW, n_frames, torch.float32, PAIRS, warm_up=1, profile=profile)
        memory = {way: in_own_process("narrow", n_frames, way) for way in (OURS, PUBLISHED)}
        grown = {way: m["peak"] - m["before"] for way, m in memory.items()}
        print(f"  memory {grown[OURS]:.0f} MB against {grown[PUBLISHED]:.0f} MB beyond the weights; "
              f"ratio {grown[OURS] / grown[PUBLISHED]:.2f}")  # fmt: skip
    return int(not same)


def full_against_published(n_frames, n_pairs, *, profile):
    """Prints both number formats at full size; 1 when the outputs differ or there is too little memory."""
    free = math.inf
    if MEMORY.is_file():
        (line,) = [m for m in MEMORY.read_text().splitlines() if m.startswith("MemAvailable:")]
        free = int(line.split()[1]) * 1024 / 1e9
    needed = NEEDED_GB * n_frames / 12
    if free < needed:
        print(
            f"This takes about {needed:.0f} GB of memory, and {free:.0f} GB are free; close other programs."
        )
        return 1
    print(f"full size, latent {LATENT[0]} x {LATENT[1]}, {torch.get_num_threads()} threads")
    same = [
        compare(GENERATOR, n_frames, dtype, n_pairs, warm_up=0, profile=profile)
        for dtype in TOLERANCES
    ]
    return int(not all(same))


def full(n_frames):
    m = in_own_process("full", n_frames, OURS)
    print(f"full size, T = {n_frames}, latent {LATENT[0]} x {LATENT[1]}, float32, "
          f"{torch.get_num_threads()} threads: {m['s']:.1f} s ({m['cpu']:.1f} on the CPU), peak "
          f"{m['peak'] / 1000:.2f} GB, {m['before'] / 1000:.2f} GB of it before the forward")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", type=int, metavar="FRAMES", help="full size instead (6 to 8 GB)")
    parser.add_argument("--published", action="store_true", help="with --full: by turns (12 GB)")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="with --published: how many")
    parser.add_argument("--profile", action="store_true", help="also by kinds of layers")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with torch.inference_mode(), contextlib.suppress(KeyboardInterrupt):
        if options.one:
            size, n_frames, way = options.one
            measure_memory(GENERATOR if size == "full" else NARROW, int(n_frames), way)
        elif options.full and (options.published or options.profile):
            return full_against_published(options.full, options.pairs, profile=options.profile)
        elif options.full:
            full(options.full)
        else:
            return narrow(profile=options.profile)
    return 0


if __name__ == "__main__":
    sys.exit(main())
