"""`python dev.py train lora FOLDER`: fine-tunes a network on your own clips, as a LoRA for ComfyUI's own LoRA loader.

FOLDER holds videos with sound, 2 s long at least, in folders named after what they show, or not. It can be stopped at
any time (Ctrl-C, --minutes) and goes on when it is called again; what is there so far is written as a LoRA each time.
Generator and interpolator are trained one after the other: a video needs both.
"""

import argparse
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ...errors import KeyVIDError
from ...models.build import config_of
from ...models.checkpoint.layouts import GENERATOR, UNET, VAE
from ...released.lock import alone_if_possible
from ..engine.loop import load_averages, train
from ..engine.state import state_dir, write_atomically
from .adapter import LoraFacts, attach, file_tensors, make_adapters, write_lora
from .base import EMBEDDED, Base, load_unet, open_base
from .clips import captions_of, encode_folder
from .task import lora_task

logger = logging.getLogger("keyvid.training")
SETTINGS = "settings.json"
RANK = 16
# for a network of this repository and for a published one, which is larger and was trained for longer
RATE, PUBLISHED_RATE = 2e-3, 1e-4
BATCH, PUBLISHED_BATCH = 4, 1
IN_COMFYUI = Path("models") / "loras"  # below ComfyUI's own folder


@dataclass(frozen=True)
class Settings:
    """What decides about the weights of a LoRA, and stays the same from its first step to its last.

    clips: the names of the encoded clips, which change with videos, captions, size and base network. scale: alpha /
    rank.
    """

    clips: tuple[str, ...]
    rank: int
    alpha: float
    learning_rate: float
    steps: int
    batch: int
    seed: int

    @property
    def scale(self) -> float:
        """What the output of the low-rank layers is multiplied by."""
        return self.alpha / self.rank


def main(*words: str) -> int:
    """Train as the words say; returns the exit status."""
    options = _parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        fine_tune(options)
    except KeyVIDError as error:
        logger.error("%s", error)
        return 1
    except KeyboardInterrupt:  # while clips are encoded; in training the step at hand is finished
        logger.info("Stopped; the same command goes on from here.")
        return 130
    return 0


def fine_tune(options: argparse.Namespace) -> Path:
    """Encode the clips, train, and write the LoRA; returns its path. options: of this command. Raises KeyVIDError."""
    base = open_base(options.model, options.encoders)
    root = Path(options.folder).expanduser()
    target = _target(options.to)
    name = options.name or f"{root.resolve().name}_{base.model.kind}"
    if name != os.path.basename(name) or not name.strip("."):
        raise KeyVIDError(f'A LoRA cannot be called "{name}"; give a name without folders: --name.')
    states = state_dir(options.state_dir)
    runs, encoded = states / "lora", states / "lora_clips"
    taken = KeyVIDError(
        f"Another call is training the LoRA in {runs / name}. Wait for it, or give this one another --name."
    )
    with alone_if_possible(runs / name, taken):
        size = _size(options.size) if options.size else base.size
        _check_size(size, base)
        paths = encode_folder(root, base, encoded, size=size, caption=options.caption)
        settings = _settings(options, base, paths)
        _keep_settings(settings, runs / name)
        adapters, step = _train(base, paths, settings, name, runs, options)
        facts = LoraFacts(
            kind=base.model.kind,
            base=base.path.name,
            rank=settings.rank,
            alpha=settings.alpha,
            steps=step,
            captions=captions_of(root, options.caption),
        )
        path = (target or runs / name) / f"{name}.safetensors"
        write_lora(path, file_tensors(adapters.state_dict(), scale=settings.scale), facts)
    _say(path, step, settings.steps, base)
    return path


def _train(
    base: Base,
    paths: list[Path],
    settings: Settings,
    name: str,
    runs: Path,
    options: argparse.Namespace,
) -> tuple[nn.ModuleDict, int]:
    """(the low-rank layers with their averaged weights, how many steps they were trained)."""
    unet = load_unet(base)
    start = torch.Generator().manual_seed(settings.seed)
    adapters = make_adapters(unet, rank=settings.rank, generator=start)
    attach(unet, adapters, scale=settings.scale)
    n_values = sum(p.numel() for p in adapters.parameters())
    logger.info("%d layers, %.2f million values to learn", len(adapters), n_values / 1e6)
    task = lora_task(
        base,
        unet,
        adapters,
        paths,
        name=name,
        learning_rate=settings.learning_rate,
        n_steps=settings.steps,
        batch_size=settings.batch,
    )
    train(
        task,
        state_dir=runs,
        seed=settings.seed,
        minutes=options.minutes,
        n_steps=settings.steps,
        save_every_s=120.0,
        mixed_precision="bf16" if options.bf16 else "no",
        cpu=options.cpu,
    )
    return adapters, load_averages(name, {"lora": adapters}, state_dir=runs)


def _settings(options: argparse.Namespace, base: Base, paths: list[Path]) -> Settings:
    return Settings(
        clips=tuple(f"{path.parent.name}/{path.name}" for path in paths),
        rank=options.rank,
        alpha=float(options.rank if options.alpha is None else options.alpha),
        learning_rate=options.learning_rate or (PUBLISHED_RATE if base.is_published else RATE),
        steps=options.steps,
        batch=options.batch or (PUBLISHED_BATCH if base.is_published else BATCH),
        seed=options.seed,
    )


def _keep_settings(settings: Settings, folder: Path) -> None:
    """Write what a LoRA is begun with. Raises KeyVIDError where one was begun here with something else."""
    path, content = folder / SETTINGS, json.loads(json.dumps(vars(settings)))
    if not path.is_file():
        text = json.dumps(content, indent=1)
        write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
        return
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise KeyVIDError(
            f"{path} cannot be read ({error}); remove its folder to begin anew."
        ) from error
    for what, value in content.items():
        if begun.get(what) != value:
            then, now = ("other clips", "these") if what == "clips" else (begun.get(what), value)
            raise KeyVIDError(
                f"The LoRA in {folder} was begun with {what.replace('_', ' ')} {then}, not {now}. Use what it was "
                "begun with, or begin another one with --name."
            )


def _say(path: Path, step: int, n_steps: int, base: Base) -> None:
    loader = "Load LoRA"
    if step < n_steps:
        logger.info("Stopped at step %d of %d; the same command goes on from here.", step, n_steps)
    logger.info("The LoRA: %s", path)
    other = "interpolator" if base.model.kind == GENERATOR else "keyframe generator"
    logger.info(
        "In ComfyUI it belongs into models/loras; put the node %s behind the model of %s. The %s needs a LoRA of its "
        "own (--model).",
        loader, base.path.name, other,
    )  # fmt: skip


def _target(to: str | None) -> Path | None:
    """The folder for the LoRA: the one that is named or, of a ComfyUI, its folder of LoRAs. Raises KeyVIDError."""
    if to is None:
        return None
    folder = Path(to).expanduser()
    if not folder.is_dir():
        raise KeyVIDError(f"There is no folder {folder} for the LoRA; name one that exists: --to.")
    return folder / IN_COMFYUI if (folder / IN_COMFYUI).is_dir() else folder


def _size(text: str) -> tuple[int, int]:
    """(height, width) of "512x320", width first as video sizes are written. Raises KeyVIDError."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise KeyVIDError(
            f'The size is "{text}"; write width and height in pixels, such as 512x320.'
        )
    return int(height), int(width)


def _check_size(size: tuple[int, int], base: Base) -> None:
    downscale = config_of(base.sources[VAE], VAE).downscale
    multiple = downscale * config_of(base.model, UNET).size_divisor
    if min(size) < multiple or any(side % multiple for side in size):
        raise KeyVIDError(
            f"The frames would have {size[1]} x {size[0]} pixels; for this model both are multiples of {multiple}."
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python dev.py train lora", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="of videos")
    parser.add_argument(
        "--model", default=GENERATOR, metavar="MODEL",
        help=f"to fine-tune: {' or '.join(EMBEDDED)} (the small ones that the pack brings), or a weight file of "
        "KeyVID's; default: generator",
    )  # fmt: skip
    parser.add_argument(
        "--encoders",
        metavar="FILE",
        help="with what the file of the model lacks; default: the file",
    )
    parser.add_argument(
        "--caption", default="", metavar="WORDS", help="of videos in no folder of their own"
    )
    parser.add_argument("--name", help="of the LoRA; default: the folder's, and what is fine-tuned")
    parser.add_argument(
        "--to", metavar="FOLDER", help="for the LoRA: ComfyUI's folder, or any other"
    )
    parser.add_argument(
        "--rank", type=_count, default=RANK, help=f"of the low-rank layers; default: {RANK}"
    )
    parser.add_argument(
        "--alpha", type=_positive, help="they are multiplied by alpha / rank; default: the rank"
    )
    parser.add_argument("--steps", type=_count, default=1000, help="in all; default: 1000")
    parser.add_argument(
        "--minutes", type=_positive, help="stop after this long; the next call goes on"
    )
    parser.add_argument(
        "--batch", type=_count,
        help=f"clips per step; default: {BATCH}, for a published model {PUBLISHED_BATCH}",
    )  # fmt: skip
    parser.add_argument(
        "--learning-rate", type=_positive,
        help=f"default: {RATE:g}, for a published model {PUBLISHED_RATE:g}",
    )  # fmt: skip
    parser.add_argument(
        "--size",
        metavar="WIDTHxHEIGHT",
        help="of the frames; default: what the model was trained on",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=_count, help="CPU threads; default: all")
    parser.add_argument("--bf16", action="store_true", help="mixed precision")
    parser.add_argument("--cpu", action="store_true", help="not on the GPU even where there is one")
    parser.add_argument("--state-dir", metavar="DIR", help="default: in the user's data folder")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return value
