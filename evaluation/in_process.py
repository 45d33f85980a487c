"""Videos of world clips by networks that are being trained: the demo's pipeline without ComfyUI, and its measures.

`python dev.py eval training` makes them with the averaged weights of a training's folder. The keyframes follow the true
events, as in the variant truth_plan, and how it is sampled is read from the demo's graph, so what it measures is what
`eval sync` measures once the networks are exported; only the noise is another.
"""

import argparse
import functools
import json
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import KeyVIDError
from ..keyframes.select import T_K
from ..models.encoders.mel import waveform_to_mel
from ..models.unet.unet import VideoUNet
from ..training import recipe
from ..training.data.clips import CAPTIONS, CLIP
from ..training.engine.loop import load_averages
from ..training.engine.state import state_dir
from ..training.tasks.encoders import TRAINED_ENCODERS, make_encoders, tokenized
from ..training.tasks.frame_sets import keyframes_of
from ..training.tasks.samples import (
    Networks,
    Sampling,
    conditioning_of,
    generate_keyframes,
    interpolate_frames,
)
from ..training.vae.file import decode, encode, load_vae
from ..training.world.clip import HELD_OUT_FIRST_SEED, WorldClip, render_clip
from .options import held_out_seeds, parser_for
from .renderer import GRAPH, true_curve
from .report import report_rows, report_text
from .results import Result
from .strips import write_strip
from .sync import measure_video

FIRST_SEED = HELD_OUT_FIRST_SEED + 100  # not those of eval sync, on which nothing may be chosen
logger = logging.getLogger("keyvid.evaluation")


def demo_samplings(graph: Path = GRAPH) -> tuple[Sampling, Sampling]:
    """How a graph samples the generator and the interpolator, by default the demo's."""
    nodes = json.loads(graph.read_text(encoding="utf-8"))
    both: dict[str, Sampling] = {}
    for node in nodes.values():
        if node["class_type"] == "SamplerCustomAdvanced":
            guider = nodes[node["inputs"]["guider"][0]]["inputs"]
            both[nodes[guider["positive"][0]]["class_type"]] = _sampling(nodes, node["inputs"])
    return both["KeyVID_KeyframeConditioning"], both["KeyVID_InterpolationConditioning"]


def _sampling(nodes: dict[str, Any], wires: dict[str, Any]) -> Sampling:
    sampler, schedule, guider = (
        nodes[wires[name][0]]["inputs"] for name in ("sampler", "sigmas", "guider")
    )
    return Sampling(
        steps=schedule["steps"],
        inpainted_steps=sampler["inpainted_steps"],
        noise_strength=sampler["noise_strength"],
        eta=sampler["eta"],
        base_scale=sampler["base_scale"],
        scales=tuple(guider[f"{name}_scale"] for name in ("image", "text", "audio")),
        rescale=guider["rescale"],
        guided=(guider["guided_from"], guider["guided_until"]),
    )


def make_video(
    networks: Networks,
    clip: WorldClip,
    *,
    samplings: tuple[Sampling, Sampling] | None = None,
    count: int = T_K,
) -> np.ndarray:
    """The frames, uint8 (48, H, W, 3), that networks make of a WorldClip's first frame, caption and audio.

    samplings: of generator and interpolator, by default demo_samplings(). count: how many keyframes.
    """
    of_generator, of_interpolator = samplings or demo_samplings()
    records = np.array([_record(networks, clip)], CLIP)
    plans = [keyframes_of(true_curve(clip), count=count)]
    conditioning = conditioning_of(networks, records)
    device = next(networks.vae.parameters()).device
    made = generate_keyframes(
        networks,
        conditioning,
        records,
        plans,
        sampling=replace(of_generator, seed=2 * clip.seed),
    )
    # as in the graph, the keyframes are images between the two networks
    images = decode(networks.vae, made[0].transpose(0, 1).to(device))
    keyframes = encode(networks.vae, images).cpu().transpose(0, 1)[None]
    latents = interpolate_frames(
        networks,
        conditioning,
        keyframes,
        plans,
        sampling=replace(of_interpolator, seed=2 * clip.seed + 1),
    )
    return decode(networks.vae, latents[0].transpose(0, 1).to(device))


def measure_networks(
    networks: Networks,
    seeds: Iterable[int],
    *,
    samplings: tuple[Sampling, Sampling] | None = None,
    strips: Path | None = None,
) -> dict[int, Result]:
    """{seed: sync.measure_video of its video by make_video} of held-out clips; a strip of each in a folder `strips`."""
    results = {}
    for seed in seeds:
        clip, started_s = render_clip(seed), time.monotonic()
        with _Cost(networks) as cost:
            frames = make_video(networks, clip, samplings=samplings)
        results[seed] = {"seed": seed, **cost.figures, **measure_video(clip, frames)}
        found = results[seed]["found"]
        if strips is not None:
            write_strip(clip, frames, strips / f"{clip.scene}_{seed}.png", seen=found or ())
        logger.info(
            "%d %s: moving_psnr %.1f dB, trajectory %.3f, heard %s, seen %s, %.0f s, %s",
            *(seed, clip.scene, results[seed]["moving_psnr"], results[seed]["trajectory_mean"]),
            *(results[seed]["true"], found, time.monotonic() - started_s, cost.figures),
        )
    return results


class _Cost:
    """Counts what is spent while it is entered: seconds of this process on the CPU, forwards of both UNets."""

    def __init__(self, networks: Networks) -> None:
        self.unets = {"generator": networks.generator, "interpolator": networks.interpolator}
        self.figures: dict[str, float] = {f"{name}_forwards": 0 for name in self.unets}

    def __enter__(self) -> "_Cost":
        self.hooks = [
            unet.register_forward_pre_hook(functools.partial(self._count, f"{name}_forwards"))
            for name, unet in self.unets.items()
            if unet is not None
        ]
        self.started_s = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.figures["cpu_s"] = round(time.process_time() - self.started_s, 1)
        for hook in self.hooks:
            hook.remove()

    def _count(self, name: str, *_: object) -> None:
        self.figures[name] += 1


def trained_networks(folder: Path, *, device: str = "cpu") -> Networks:
    """The Networks of the trainings in a folder, their averaged weights. Raises KeyVIDError when one is missing."""
    generator, encoders = VideoUNet(recipe.GENERATOR), make_encoders()
    interpolator = VideoUNet(recipe.INTERPOLATOR)
    trained: dict[str, nn.Module] = {name: encoders[name] for name in TRAINED_ENCODERS}
    load_averages("generator", {"unet": generator, **trained}, state_dir=folder)
    load_averages("interpolator", {"unet": interpolator}, state_dir=folder)
    load_averages("audio", {"audio": encoders["audio"]}, state_dir=folder)
    networks = {"generator": generator, "interpolator": interpolator, **encoders}
    for network in networks.values():
        network.eval().requires_grad_(False).to(device)
    return Networks(
        generator=generator,
        interpolator=interpolator,
        encoders=encoders,
        vae=load_vae(folder / "vae").to(device),
        tokens=tokenized([*CAPTIONS, ""]).to(device),
    )


def _record(networks: Networks, clip: WorldClip) -> np.ndarray:
    """What inference knows of a clip, as a CLIP: the latent of its first frame, its audio and caption."""
    record = np.zeros((), CLIP)
    record["latent"][:1] = encode(networks.vae, clip.frames[:1]).cpu().numpy()
    record["mel"] = waveform_to_mel(clip.audio[None])[0].numpy()
    record["first_frame"] = clip.frames[0]
    record["caption"] = networks.captions.index(clip.caption)
    return record


def main(*words: str) -> int:
    """Measure what the words say; returns the exit status. Raises KeyVIDError."""
    options = _parser().parse_args(words)
    seeds = held_out_seeds(options)
    torch.set_num_threads(options.threads)
    folder = state_dir(options.state_dir)
    networks = trained_networks(folder, device=options.device)
    samplings = [_changed(its, options) for its in demo_samplings(_graph_of(options.workflow))]
    logger.info("sampled with %s and %s", *samplings)
    results = measure_networks(
        networks,
        seeds,
        samplings=(samplings[0], samplings[1]),
        strips=folder / "strips",
    )
    logger.info("%s", report_text(list(report_rows({"truth_plan": results}))))
    return 0


def _graph_of(workflow: str | None) -> Path:
    """The API form of a workflow by its name, of the demo for None. Raises KeyVIDError when there is none."""
    path = GRAPH if workflow is None else GRAPH.with_name(f"{workflow}.json")
    if not path.is_file():
        raise KeyVIDError(f'There is no workflow "{workflow}" in {GRAPH.parent}.')
    return path


def _changed(sampling: Sampling, options: argparse.Namespace) -> Sampling:
    """What the words say in place of what the demo's graph does."""
    return replace(
        with_steps(sampling, options.steps or sampling.steps),
        noise_strength=sampling.noise_strength
        if options.noise_strength is None
        else options.noise_strength,
        eta=sampling.eta if options.eta is None else options.eta,
        scales=tuple(options.scales) if options.scales else sampling.scales,
        guided=tuple(options.guided) if options.guided else sampling.guided,
    )


def with_steps(sampling: Sampling, steps: int) -> Sampling:
    """The sampling in another number of steps; keyframes stay set in all of them, or in one."""
    holds_all = sampling.inpainted_steps == sampling.steps
    inpainted = steps if holds_all else sampling.inpainted_steps
    return replace(sampling, steps=steps, inpainted_steps=inpainted)


def _parser() -> argparse.ArgumentParser:
    parser = parser_for("training", clips=8)
    parser.set_defaults(first_seed=FIRST_SEED)
    parser.add_argument("--per-scene", type=int, metavar="N", help="N clips of every scene")
    parser.add_argument("--workflow", metavar="NAME", help="sample as it does, not as the demo")
    parser.add_argument("--steps", type=int, help="of both networks; default: the demo's")
    parser.add_argument("--noise-strength", type=float, help="default: the demo's")
    parser.add_argument("--eta", type=float, help="default: the demo's")
    parser.add_argument(
        "--scales",
        type=float,
        nargs=3,
        metavar=("IMAGE", "TEXT", "AUDIO"),
        help="guidance; default: the demo's",
    )
    parser.add_argument(
        "--guided",
        type=float,
        nargs=2,
        metavar=("FROM", "UNTIL"),
        help="shares of the run between which it is guided; default: the workflow's",
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="such as cuda; default: cpu")
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="where the trainings are; default: in the user's data folder",
    )
    return parser
