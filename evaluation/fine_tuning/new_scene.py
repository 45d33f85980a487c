"""`python dev.py eval lora`: what fine-tuning on ten clips of a new scene changes, before and after.

The new scene is one that no network of the pack was trained on: the world's ball bounces on the ceiling, everything
upside down. Made videos are turned the right way up again, so that tracker and figures are those of `eval sync`.
--write makes the clips to fine-tune on; without it held-out clips are made by the embedded networks with and without
LoRAs, each with the same noise.
"""

import argparse
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from ...errors import KeyVIDError
from ...models.checkpoint.layouts import GENERATOR, INTERPOLATOR
from ...models.unet.unet import VideoUNet
from ...training.lora.adapter import merged, read_lora
from ...training.lora.base import load_encoders, load_unet, open_base
from ...training.tasks.encoders import tokenized
from ...training.tasks.samples import Networks, Sampling
from ...training.world.clip import WorldClip, render_clip
from ...training.world.video import write_clip_mp4
from ..in_process import demo_samplings, make_video, with_steps
from ..measures.matching import count_matches, figures
from ..measures.pooled import pooled
from ..options import held_out_seeds, parser_for
from ..report import SHOWN_TOLERANCE, report_rows, report_text
from ..results import Result
from ..strips import write_strip
from ..sync import measure_video

SCENE = "ball"
CAPTION = "a ball bounces on the ceiling"
FIRST_CLIP = 500_000  # seed of the clips to fine-tune on: neither trained on nor held out
BEFORE, AFTER = "before", "after"
COMPARED = ("moving_psnr", "vacated_psnr", "trajectory_mean", "background")
logger = logging.getLogger("keyvid.evaluation")


def new_scene(seed: int) -> WorldClip:
    """The clip of a seed in the new scene. Its track stays that of the world's own clip, which is its measure."""
    clip = render_clip(seed, scene=SCENE)
    return replace(
        clip,
        caption=CAPTION,
        frames=upside_down(clip.frames),
        background_mask=np.ascontiguousarray(clip.background_mask[::-1]),
    )


def upside_down(frames: np.ndarray) -> np.ndarray:
    """Frames (n, H, W, 3) with every row where its mirror image was."""
    return np.ascontiguousarray(frames[:, ::-1])


def write_clips(folder: Path, *, count: int) -> list[Path]:
    """Write `count` clips of the new scene as MP4 into a folder named after what they show; returns their paths."""
    paths = [folder / CAPTION / f"{number:02d}.mp4" for number in range(count)]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(paths):
        write_clip_mp4(new_scene(FIRST_CLIP + number), path, enlarged=1)
    return paths


def networks_with(loras: dict[str, Path]) -> Networks:
    """The embedded Networks with LoRAs ({GENERATOR or INTERPOLATOR: file}) merged in. Raises KeyVIDError."""
    bases = {kind: open_base(kind) for kind in (GENERATOR, INTERPOLATOR)}
    unets = {kind: load_unet(base).eval().requires_grad_(False) for kind, base in bases.items()}
    for kind, path in loras.items():
        unets[kind].load_state_dict(merged(unets[kind].state_dict(), read_lora(path)))
    encoders, vae = load_encoders(bases[GENERATOR])
    return Networks(
        generator=cast(VideoUNet, unets[GENERATOR]),
        interpolator=cast(VideoUNet, unets[INTERPOLATOR]),
        encoders=encoders,
        vae=vae,
        tokens=tokenized([CAPTION, ""]),
        captions=(CAPTION,),
    )


def measure_scene(
    networks: Networks,
    seeds: Iterable[int],
    *,
    strips: Path | None = None,
    samplings: tuple[Sampling, Sampling] | None = None,
) -> dict[int, Result]:
    """{seed: sync.measure_video} of the videos that networks make of held-out clips of the new scene."""
    results = {}
    for seed in seeds:
        clip = new_scene(seed)
        made = upside_down(make_video(networks, clip, samplings=samplings))
        measured_clip = render_clip(seed, scene=SCENE)
        results[seed] = {"seed": seed, **measure_video(measured_clip, made)}
        found = results[seed]["found"] or ()
        if strips is not None:
            write_strip(measured_clip, made, strips / f"{seed}.png", seen=found)
        logger.info(
            "%d: moving_psnr %.1f dB, trajectory %.3f, heard %s, seen %s",
            seed, results[seed]["moving_psnr"], results[seed]["trajectory_mean"],
            results[seed]["true"], list(found),
        )  # fmt: skip
    return results


def comparison(before: dict[int, Result], after: dict[int, Result]) -> list[str]:
    """Lines with after minus before of every figure of COMPARED, clip by clip, its mean and 95 % interval (bootstrap
    over clips), and of the F1 of events within SHOWN_TOLERANCE frames."""
    seeds = sorted(before.keys() & after.keys())
    lines = ["after - before, clip by clip"]
    for name in COMPARED:
        its = pooled([after[s][name] - before[s][name] for s in seeds], np.ones(len(seeds)))
        lines.append(
            f"  {name:20} {its.value:+8.3f}  [{its.low:+.3f}, {its.high:+.3f}]  ({its.n_clips} clips)"
        )
    f1 = [_events_f1(results, seeds) for results in (before, after)]
    lines.append(
        f"  {'events f1':20} {f1[1] - f1[0]:+8.3f}  ({f1[0]:.3f} before, {f1[1]:.3f} after)"
    )
    return lines


def _events_f1(results: dict[int, Result], seeds: list[int]) -> float:
    lists = [[results[seed][key] for seed in seeds] for key in ("found", "true")]
    return figures(count_matches(*lists, tolerance=SHOWN_TOLERANCE))["f1"]


def main(*words: str) -> int:
    """Write clips or measure as the words say; returns the exit status. Raises KeyVIDError."""
    options = _parser().parse_args(words)
    if options.write:
        if options.clips < 1:
            raise KeyVIDError(f"{options.clips} clips are asked for; write 1 or more.")
        for path in write_clips(Path(options.write).expanduser(), count=options.clips):
            logger.info("%s", path)
        return 0
    seeds = held_out_seeds(options)
    torch.set_num_threads(options.threads)
    loras = {GENERATOR: options.generator, INTERPOLATOR: options.interpolator}
    loras = {kind: Path(path).expanduser() for kind, path in loras.items() if path}
    if not loras:
        raise KeyVIDError(
            "There is nothing to compare; name LoRAs that train lora wrote: --generator FILE, --interpolator FILE."
        )
    strips = Path(options.strips).expanduser() if options.strips else None
    samplings = demo_samplings()
    if options.steps:
        samplings = tuple(with_steps(its, options.steps) for its in samplings)
    results = {
        name: measure_scene(
            networks_with(its),
            seeds,
            strips=None if strips is None else strips / name,
            samplings=(samplings[0], samplings[1]),
        )
        for name, its in ((BEFORE, {}), (AFTER, loras))
    }
    logger.info("%s", report_text(list(report_rows(results))))
    logger.info("%s", "\n".join(comparison(results[BEFORE], results[AFTER])))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = parser_for("lora", clips=10)
    parser.add_argument("--write", metavar="FOLDER", help="write clips to fine-tune on, and end")
    parser.add_argument("--generator", metavar="FILE", help="a LoRA of the small generator")
    parser.add_argument("--interpolator", metavar="FILE", help="a LoRA of the small interpolator")
    parser.add_argument("--strips", metavar="FOLDER", help="write an image of every video")
    parser.add_argument("--steps", type=int, help="of both networks; default: the demo's")
    parser.add_argument("--threads", type=int, default=1)
    return parser
