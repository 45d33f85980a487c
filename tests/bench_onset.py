"""How fast the onset curve of half an hour is made, and with how much memory. Run: python dev.py bench onset"""

import importlib.util
import pathlib
import sys
import time
import tracemalloc

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE_RATE = 48_000
DURATION_S = 30 * 60


def load_pack():
    spec = importlib.util.spec_from_file_location(
        "keyvid_pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules["keyvid_pack"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["keyvid_pack"])


def half_an_hour():
    """Stereo noise bursts twice a second, float32 (2, N)."""
    rng = np.random.default_rng(0)
    second = rng.standard_normal((2, SAMPLE_RATE), dtype=np.float32) * 0.2
    second *= np.exp(-np.arange(SAMPLE_RATE) % (SAMPLE_RATE // 2) / 3000).astype(np.float32)
    return np.tile(second, DURATION_S)


def main():
    load_pack()
    from keyvid_pack.keyframes.audio.beats import beats_curve
    from keyvid_pack.keyframes.audio.onset import onset_curve

    samples = half_an_hour()
    size_mb = samples.nbytes / 1e6
    print(f"{DURATION_S / 60:.0f} min of stereo at {SAMPLE_RATE} Hz, {size_mb:.0f} MB")
    for make_curve in (onset_curve, beats_curve):
        start = time.process_time(), time.perf_counter()
        make_curve(samples, SAMPLE_RATE, n_frames=DURATION_S * 24, fps=24)
        cpu_s, wall_s = time.process_time() - start[0], time.perf_counter() - start[1]
        # memory in a run of its own: tracing slows the code down
        tracemalloc.start()
        make_curve(samples, SAMPLE_RATE, n_frames=DURATION_S * 24, fps=24)
        peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        print(
            f"{make_curve.__name__}: {wall_s:.1f} s, {DURATION_S / wall_s:.0f} times real time "
            f"({cpu_s:.1f} s of processor time); {peak_mb:.0f} MB beyond the input"
        )


if __name__ == "__main__":
    main()
