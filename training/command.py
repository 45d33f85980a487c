"""`python dev.py train NAME`: the trainings and their options.

They build on each other: vae, data (latents made with the VAE), audio, localizer, generator, interpolator.
from-release initialises all of them from the weights that the pack ships. `all` runs every one within some minutes.
`train lora FOLDER` fine-tunes a network on your own clips; `train lora --help` says more.
"""

import argparse
import importlib
import logging
from pathlib import Path

import torch

from ..errors import KeyVIDError
from .engine import state
from .tasks import TASKS

logger = logging.getLogger("keyvid.training")

DATA = "data"  # no training, but the data of the later ones
ALL = "all"  # every one of them within --minutes
FROM_RELEASE = "from-release"  # no training either, but initial weights for all of them
# with words of their own: {word: the module that reads those behind it}
COMMANDS = {"full": ".full_size.command", "lora": ".lora.command"}


def main(*words: str) -> int:
    """Run one training as the words say; returns the exit status."""
    if words and words[0] in COMMANDS:
        return importlib.import_module(COMMANDS[words[0]], __package__).main(*words[1:])
    options = _parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        _train(options)
    except KeyVIDError as error:
        logger.error("%s", error)
        return 1
    return 0


def _train(options: argparse.Namespace) -> None:
    from .engine.loop import train

    folder = state.state_dir(options.state_dir)
    if options.name == DATA:
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            _make_data(folder, options.clips)
        return
    if options.name == FROM_RELEASE:
        from .release import from_release

        from_release.report(from_release.write_states(folder, seed=options.seed))
        return
    how = {
        "seed": options.seed,
        "mixed_precision": "bf16" if options.bf16 else "no",
        "cpu": options.cpu,
        "compiled": options.compile,
    }
    if options.name == ALL:
        from .whole_recipe import train_all

        if options.minutes is None:
            raise KeyVIDError(
                "train all needs to know how long it may take; add --minutes, for example --minutes 600."
            )
        train_all(folder, minutes=options.minutes, report=_report, **how)
        return
    # late: diffusers is slow to import, and only the VAE needs it
    task_file = importlib.import_module(f".tasks.{options.name}", __package__)
    train(
        task_file.make_task(folder, report=_report),
        state_dir=folder,
        minutes=options.minutes,
        n_steps=options.steps,
        **how,
    )


def _make_data(folder: Path, n_clips: int) -> None:
    from . import recipe
    from .data.clips import open_clips
    from .tasks.vae import ensure_vae

    if not 0 < n_clips <= len(recipe.TRAINING_SEEDS):
        raise KeyVIDError(
            f"{n_clips} clips are asked for; there are seeds for 1 to {len(recipe.TRAINING_SEEDS)}."
        )
    ensure_vae(folder)
    open_clips(folder, seeds=recipe.TRAINING_SEEDS[:n_clips], report=_report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python dev.py train",
        epilog="The published networks on real videos: python dev.py train full --help. Fine-tuning on your own "
        "clips: python dev.py train lora --help",
    )
    parser.add_argument("name", choices=[*TASKS, DATA, FROM_RELEASE, ALL])
    parser.add_argument("--clips", type=int, default=6000, help="of data: how many to make")
    parser.add_argument(
        "--minutes",
        type=float,
        help="stop after this long; the next call resumes. Of all: how long everything together may take",
    )
    parser.add_argument("--steps", type=int, help="stop at this step, counted from the beginning")
    parser.add_argument("--state-dir", metavar="DIR", help="default: in the user's data folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="CPU threads; default: all")
    parser.add_argument("--bf16", action="store_true", help="mixed precision")
    parser.add_argument("--compile", action="store_true", help="with torch.compile, for a GPU")
    parser.add_argument("--cpu", action="store_true", help="not on the GPU even where there is one")
    return parser


def _report(done: int, total: int) -> None:
    logger.info("rendered %d of %d clips", done, total)
