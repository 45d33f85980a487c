"""`python dev.py train NAME`: which trainings there are, and their options."""

import argparse
import logging

import torch

from ..keyframes.errors import KeyVIDError
from . import state

logger = logging.getLogger("keyvid.training")


def _vae(folder):
    from .vae import make_task

    return make_task(folder, report=_report)


def _audio(folder):
    from .audio import make_task

    return make_task(folder, report=_report)


def _localizer(folder):
    from .localizer import make_task

    return make_task(folder, report=_report)


# in the order in which they are needed; each makes its Task from the folder of all trainings
TASKS = {"vae": _vae, "audio": _audio, "localizer": _localizer}


def main(*words):
    """Run one training as the words say; returns the exit status."""
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


def _train(options):
    from .loop import train

    folder = state.state_dir(options.state_dir)
    train(
        TASKS[options.name](folder),
        state_dir=folder,
        seed=options.seed,
        minutes=options.minutes,
        n_steps=options.steps,
        mixed_precision="bf16" if options.bf16 else "no",
        cpu=options.cpu,
    )


def _parser():
    parser = argparse.ArgumentParser("python dev.py train")
    parser.add_argument("name", choices=list(TASKS))
    parser.add_argument("--minutes", type=float, help="stop after this long; the next call goes on")
    parser.add_argument("--steps", type=int, help="stop at this step, counted from the beginning")
    parser.add_argument("--state-dir", metavar="DIR", help="default: in the user's data folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="CPU threads; default: all")
    parser.add_argument("--bf16", action="store_true", help="mixed precision, for GPUs")
    parser.add_argument("--cpu", action="store_true", help="not on the GPU even where there is one")
    return parser


def _report(done, total):
    logger.info("rendered %d of %d clips", done, total)
