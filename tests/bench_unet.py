"""How fast and with how much memory the video UNet runs on a CPU. Run: python dev.py bench unet [--full FRAMES]

Without options: a narrow UNet against the same UNet with attention written out (every weight in memory) and the text
repeated for every frame. --full FRAMES: one forward of the full-size keyframe generator with random weights.
"""

import argparse
import contextlib
import json
import math
import pathlib
import statistics
import subprocess
import sys
import time

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest  # noqa: E402, F401  (gives the pack its name)
from keyvid_pack.models.attention import sdpa_attention  # noqa: E402
from keyvid_pack.models.unet.config import GENERATOR, UNetConfig  # noqa: E402
from keyvid_pack.models.unet.unet import VideoUNet  # noqa: E402
from keyvid_pack.tests.oracles.plain_attention import einsum_softmax_attention  # noqa: E402

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
TOLERANCE = 1e-5
FRUGAL, PLAIN = "ours", "plain"
STATUS = pathlib.Path("/proc/self/status")


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
    """One forward, ours or the plain way it is compared with."""
    unet.attention = sdpa_attention
    if way == PLAIN:
        unet.attention = einsum_softmax_attention
        n_frames = arguments["x"].shape[2]
        repeated = arguments["text"][:, None].expand(-1, n_frames, -1, -1).contiguous()
        arguments = {**arguments, "text": repeated}  # (B, T, N, C)
    return unet(**arguments)


def measure_memory(config, n_frames, way):
    """Prints what one forward takes; in a process of its own, which has held nothing else before."""
    unet, arguments = build(config), inputs(config, n_frames)
    if STATUS.is_file():
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before, start = resident_mb("VmRSS"), time.perf_counter()
    forward(unet, arguments, way)
    seconds = time.perf_counter() - start
    print(json.dumps({"s": seconds, "before": before, "peak": resident_mb("VmHWM")}))


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


def time_pairs(unet, n_frames):
    """(seconds of ours, of the plain way, their largest difference), both by turns."""
    arguments, seconds, error = inputs(unet.config, n_frames), {FRUGAL: [], PLAIN: []}, 0.0
    for pair in range(PAIRS + 1):
        out = {}
        for way in (FRUGAL, PLAIN) if pair % 2 else (PLAIN, FRUGAL):
            start = time.perf_counter()
            out[way] = forward(unet, arguments, way)
            seconds[way].append(time.perf_counter() - start)
        size = out[PLAIN].abs().max().item()
        assert 0.1 < size < math.inf, f"the outputs reach {size}: nothing was compared"
        error = max(error, (out[FRUGAL] - out[PLAIN]).abs().max().item())
    return seconds[FRUGAL][1:], seconds[PLAIN][1:], error  # the first pair warmed up


def compare():
    """Prints both tables; 1 when the outputs differ."""
    unet = build(NARROW)
    print(f"{NARROW.model_channels} channels, latent {LATENT[0]} x {LATENT[1]}, float32, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    worst = 0.0
    for n_frames in FRAMES:
        ours, plain, error = time_pairs(unet, n_frames)
        ratios = [a / b for a, b in zip(ours, plain, strict=True)]
        memory = {way: in_own_process("narrow", n_frames, way) for way in (FRUGAL, PLAIN)}
        grown = {way: m["peak"] - m["before"] for way, m in memory.items()}
        print(f"T = {n_frames}")
        print(f"  time   {statistics.median(ours):.2f} s against {statistics.median(plain):.2f} s; "
              f"ratio of each pair {' '.join(f'{r:.2f}' for r in ratios)}, "
              f"median {statistics.median(ratios):.2f}")  # fmt: skip
        print(f"  memory {grown[FRUGAL]:.0f} MB against {grown[PLAIN]:.0f} MB beyond the weights; "
              f"ratio {grown[FRUGAL] / grown[PLAIN]:.2f}")  # fmt: skip
        print(f"  largest difference of the outputs {error:.1e}")
        worst = max(worst, error)
    return int(not worst <= TOLERANCE)


def full(n_frames):
    m = in_own_process("full", n_frames, FRUGAL)
    print(f"full size, T = {n_frames}, latent {LATENT[0]} x {LATENT[1]}, float32, "
          f"{torch.get_num_threads()} threads: {m['s']:.1f} s, peak {m['peak'] / 1000:.2f} GB, "
          f"{m['before'] / 1000:.2f} GB of it before the forward")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", type=int, metavar="FRAMES", help="full size instead (6 to 8 GB)")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with torch.inference_mode(), contextlib.suppress(KeyboardInterrupt):
        if options.one:
            size, n_frames, way = options.one
            measure_memory(GENERATOR if size == "full" else NARROW, int(n_frames), way)
        elif options.full:
            full(options.full)
        else:
            return compare()
    return 0


if __name__ == "__main__":
    sys.exit(main())
