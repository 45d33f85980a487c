"""`python dev.py train full NETWORK ROOT --from FILE ...`: the networks of the published size."""

import argparse
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from ...errors import KeyVIDError
from ...keyframes.timebase import N_FRAMES
from ..engine import state
from . import diffusion, launch, localizer, options, run, start, weights
from .clip_source import ClipSource, check_curves, open_clips

logger = logging.getLogger("keyvid.training")
UNIFORM = "uniform"


def main(*words: str) -> int:
    """Train as the words say, in as many processes as they ask for; the exit status."""
    wanted = options.read_options(words)
    is_first = not launch.is_one_of_many() or launch.rank() == 0
    logging.basicConfig(level=logging.INFO if is_first else logging.ERROR, format="%(message)s")
    try:
        n_processes = wanted.processes or _usual_processes(wanted)
        if not launch.is_one_of_many() and n_processes * wanted.machine[1] > 1:
            return launch.start(
                words, n_processes=n_processes, machine=wanted.machine, address=wanted.address
            )
        _train(wanted)
    except (KeyVIDError, OSError) as error:
        logger.error("%s", error)
        return 1
    return 0


def _train(wanted: argparse.Namespace) -> None:
    folder = state.state_dir(wanted.state_dir) / f"full_{wanted.network}"
    folder.mkdir(parents=True, exist_ok=True)
    source = open_clips(
        Path(wanted.root).expanduser(),
        split=wanted.split,
        height=wanted.height,
        width=wanted.width,
    )
    paths = [Path(name).expanduser() for name in wanted.sources]
    make = localizer_task if options.is_localizer(wanted) else video_task
    task = make(wanted, source, paths)
    step = run.train_full(task, folder=folder, options=run_options(wanted, task))
    if launch.world_size() > 1:
        torch.distributed.destroy_process_group()
    logger.info("%s is at step %d: %s", task.name, step, folder)


def video_task(
    wanted: argparse.Namespace, source: ClipSource, paths: Sequence[Path]
) -> run.FullTask:
    """The FullTask of a generator or interpolator, as `options.read_options` gives what is wanted."""
    ratio = wanted.keyframe_ratio
    if ratio is None:
        ratio = 1.0 if wanted.keyframes == UNIFORM else diffusion.KEYFRAME_RATIO
    frames = diffusion.FrameOptions(
        network=wanted.network,
        count=wanted.count,
        keyframes=wanted.keyframes,
        keyframe_ratio=ratio,
        whole=wanted.whole_clips and wanted.network == start.INTERPOLATOR,
    )
    if diffusion.needs_curves(frames):
        check_curves(source, "--keyframes uniform needs none.")
    networks = start.open_video_networks(
        paths, network=wanted.network, dropout=wanted.dropout, seed=wanted.seed
    )
    start.choose_trained(networks.unet, networks.resampler)
    networks.unet.gradient_checkpointing = not wanted.no_checkpointing
    examples = diffusion.video_examples(
        source,
        frames,
        height=wanted.height,
        width=wanted.width,
        downscale=2 ** (len(networks.vae.config.block_out_channels) - 1),
        divisor=networks.unet.config.size_divisor,
    )
    model = diffusion.VideoTraining(networks, frames)
    rate = wanted.learning_rate or options.RATE
    return run.FullTask(
        name=f"keyvid_{wanted.network}",
        model=model,
        used=model.used,
        example=examples,
        clips=range(len(source.names)),
        optimizer=partial(torch.optim.AdamW, lr=rate),  # with PyTorch's own settings, as published
        rate=lambda _step: rate,
        gradient_clip=diffusion.GRADIENT_CLIP,
        facts={
            **_facts(wanted, source, ("network", "count", "keyframes", "dropout")),
            "size": f"{wanted.width} x {wanted.height}",
            "keyframe_ratio": ratio,
            "whole_clips": frames.whole,
            "learning_rate": rate,
        },
        write=partial(weights.write_video_weights, networks, wanted.network, wanted.count),
    )


def localizer_task(
    wanted: argparse.Namespace, source: ClipSource, paths: Sequence[Path]
) -> run.FullTask:
    """The FullTask of a localizer."""
    check_curves(source, "")
    network, licence = start.open_localizer(paths, seed=wanted.seed)
    if network.config.n_scores != N_FRAMES:
        raise KeyVIDError(
            f"This localizer gives {network.config.n_scores} scores, and the clips have {N_FRAMES} frames. Begin with "
            "one of the published variant 1, or with an audio tower."
        )
    network.requires_grad_(True)
    for name in ("ada_weight", "ada_bias"):  # used by nothing
        network.get_parameter(name).requires_grad_(False)
    clips = localizer.training_share(source)
    rate = wanted.learning_rate or options.LOCALIZER_RATE
    examples = wanted.examples or options.LOCALIZER_EXAMPLES
    return run.FullTask(
        name="keyvid_localizer",
        model=localizer.LocalizerTraining(network, wanted.loss),
        used={},
        example=localizer.LocalizerExamples(source),
        clips=clips,
        optimizer=partial(torch.optim.Adam, lr=rate),
        rate=partial(
            localizer.rate_at,
            learning_rate=rate,
            steps_per_epoch=-(-len(clips) // examples),
        ),
        gradient_clip=None,
        facts={**_facts(wanted, source, ("network", "loss")), "learning_rate": rate},
        write=partial(weights.write_localizer_weights, network, licence),
    )


def run_options(wanted: argparse.Namespace, task: run.FullTask) -> run.RunOptions:
    """The RunOptions of what is wanted, with the published numbers where nothing is said."""
    n_processes = launch.world_size()
    if options.is_localizer(wanted):
        examples = wanted.examples or options.LOCALIZER_EXAMPLES
        epochs = options.LOCALIZER_EPOCHS
        n_steps = wanted.steps or epochs * -(-len(task.clips) // examples)
        at_once = wanted.at_once or max(1, examples // n_processes)
    else:
        examples = wanted.examples or options.EXAMPLES
        n_steps = wanted.steps or options.STEPS
        at_once = wanted.at_once or options.AT_ONCE
    has_gpu = torch.cuda.is_available() and not wanted.cpu
    precision = wanted.precision or (_usual_precision(wanted) if has_gpu else "fp32")
    if precision == "fp16" and (wanted.fsdp or not has_gpu):
        where = "with --fsdp" if has_gpu else "on a CPU"
        raise KeyVIDError(f"There is no training in fp16 {where}; choose --precision bf16 or fp32.")
    return run.RunOptions(
        n_steps=n_steps,
        examples=examples,
        at_once=at_once,
        seed=wanted.seed,
        save_every=wanted.save_every,
        weights_every=wanted.weights_every,
        log_every=wanted.log_every,
        precision="no" if precision == "fp32" else precision,
        cpu=not has_gpu,
        sharded=wanted.fsdp,
        workers=wanted.workers,
    )


def _facts(
    wanted: argparse.Namespace, source: ClipSource, names: Sequence[str]
) -> dict[str, str | int | float]:
    """What a saved state belongs to, by the name that its option has."""
    facts = {name: getattr(wanted, name) for name in names}
    return {**facts, "clips": source.fingerprint(), "files": _named(wanted.sources)}


def _named(sources: Sequence[str]) -> str:
    paths = [Path(name).expanduser() for name in sources]
    return ", ".join(f"{path.name} ({path.stat().st_size} bytes)" for path in paths)


def _usual_precision(wanted: argparse.Namespace) -> str:
    # the scale of an fp16 loss is not followed over weights that are shared out beside single numbers that are not
    return "bf16" if wanted.fsdp else "fp16"


def _usual_processes(wanted: argparse.Namespace) -> int:
    alone = wanted.cpu or options.is_localizer(wanted) or not torch.cuda.is_available()
    return 1 if alone else torch.cuda.device_count()
