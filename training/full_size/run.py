"""The training loop at full size, on Hugging Face accelerate: one process or many, on CPUs or GPUs, on many machines.

A step has a number of examples, however many processes share them and however many of them a process takes at once:
everything random in example i of step k comes from (seed, k, i) alone. So a training goes on on other machines as it
was begun, and two processes compute what one does, but for rounding and for dropout, whose masks are drawn by process.
"""

import contextlib
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.utils.data import DataLoader, Dataset

from ...errors import KeyVIDError
from ...models.unet.blocks import ResBlock
from ...models.unet.transformers import SpatialTransformer, TemporalTransformer
from ..engine.log import TrainingLog
from ..engine.loop import step_generators, stop_signal
from ..engine.state import Tensors
from ..tasks.diffusion_loss import attention_kernel
from . import states

logger = logging.getLogger("keyvid.training")
Example = Callable[[int, int, int, int], dict[str, Any]]
# gathered and freed one by one where networks are sharded
_UNITS = (ResBlock, SpatialTransformer, TemporalTransformer)


@dataclass(frozen=True)
class FullTask:
    """One training at full size.

    model: called with a batch it gives (loss, {name: number to log}); what requires gradients in it is trained.
    used: networks that it uses and that are no part of it. example(clip, seed, step, index): one example as a dict of
    tensors. clips: the numbers of the clips. optimizer(groups of parameters). rate(step): the learning rate.
    gradient_clip: largest norm of the gradients, None for any. facts: what a saved state belongs to, by name.
    write(path, tensors, step): writes the weights {name: tensor} of the model as a file for the loaders.
    """

    name: str
    model: nn.Module
    used: Mapping[str, nn.Module]
    example: Example
    clips: Sequence[int]
    optimizer: Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
    rate: Callable[[int], float]
    gradient_clip: float | None
    facts: Mapping[str, Any]
    write: Callable[[Path, Tensors, int], object]


@dataclass(frozen=True)
class RunOptions:
    """How a training is run. n_steps: where it ends, counted from the beginning. examples: of a step, over all
    processes. at_once: examples that a process computes together. save_every, weights_every, log_every: steps;
    weights_every 0 writes weights at the end alone. precision: "no", "fp16" or "bf16". sharded: networks and optimizer
    are shared out among the processes (FSDP) instead of whole in each (DDP). workers: processes that read, for each."""

    n_steps: int
    examples: int
    at_once: int
    seed: int = 0
    save_every: int = 500
    weights_every: int = 0
    log_every: int = 20
    precision: str = "no"
    cpu: bool = False
    sharded: bool = False
    workers: int = 0


def train_full(task: FullTask, *, folder: Path, options: RunOptions) -> int:
    """Train until step n_steps from the newest state in the folder, if there is one; returns the step reached.

    SIGTERM and Ctrl-C to any process end it after the step at hand, saved. Weights are written into the folder as
    NAME_step_N.safetensors. Raises KeyVIDError where a state belongs to another training, processes cannot share a
    step evenly, or the loss is not a number.
    """
    accelerator = Accelerator(cpu=options.cpu, mixed_precision=options.precision)
    n_micro = micro_batches(options, accelerator.num_processes)
    accelerator.gradient_accumulation_steps = n_micro
    for network in task.used.values():
        network.to(accelerator.device)
    model = _placed(task.model, accelerator, sharded=options.sharded)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = accelerator.prepare(task.optimizer(_groups(trained)))
    facts = {**task.facts, "seed": options.seed, "examples": options.examples}
    shared = {"facts": facts, "model": model, "optimizer": optimizer, "accelerator": accelerator}
    first = step = states.resume(folder, **shared)
    if accelerator.is_main_process:
        _say_start(task, trained, options, accelerator, step)
    log = TrainingLog(folder, after_step=step) if accelerator.is_main_process else None
    with stop_signal() as stop, contextlib.closing(log or contextlib.ExitStack()):
        # begun in here, so that Ctrl-C does not end the processes that read before the step at hand is done
        batches = iter(_batches(task, options, accelerator, first_step=step, n_micro=n_micro))
        while step < options.n_steps:
            numbers = _step(task, model, optimizer, batches, accelerator, step, n_micro, options)
            step += 1
            if log:
                log.add(numbers)
                if step % options.log_every == 0:
                    log.write(step, learning_rate=task.rate(step - 1))
            is_stopped = _any_of_them(stop.is_set(), accelerator)
            if is_stopped or step % options.save_every == 0 or step == options.n_steps:
                states.save(folder, step=step, **shared)
            if (
                options.weights_every
                and step % options.weights_every == 0
                or step == options.n_steps
            ):
                _write_weights(task, model, folder, step, accelerator)
            if is_stopped:
                break
        if log and step > first:
            log.write(step, learning_rate=task.rate(step - 1))
    return step


def micro_batches(options: RunOptions, n_processes: int) -> int:
    """How many batches each of the processes computes for a step. Raises KeyVIDError where they cannot share it."""
    shared = n_processes * options.at_once
    if options.examples < 1 or options.at_once < 1 or options.examples % shared:
        raise KeyVIDError(
            f"A step of {options.examples} examples cannot be shared evenly by {n_processes} processes that take "
            f"{options.at_once} at once. Choose --examples as a multiple of {max(shared, 1)}, or another --at-once."
        )
    return options.examples // shared


def _placed(model: nn.Module, accelerator: Accelerator, *, sharded: bool) -> nn.Module:
    """The model on its device, shared among the processes."""
    if not sharded:
        return accelerator.prepare(model)
    if accelerator.num_processes == 1:
        raise KeyVIDError(
            "One process cannot share its networks out; leave --fsdp away, or use more --processes."
        )
    # accelerate offers FSDP on GPUs alone and calls the same function there
    model.to(accelerator.device)
    # it warns of sums in place, which the networks only make where nothing is trained
    warnings.filterwarnings("ignore", message=".*returned a view tensor")
    single = {parameter for parameter in model.parameters() if not parameter.ndim}
    for module in model.modules():
        if isinstance(module, _UNITS):
            fully_shard(module, ignored_params=single)
    fully_shard(model, ignored_params=single)
    return model


def _groups(trained: Sequence[nn.Parameter]) -> list[dict[str, Any]]:
    """Groups of parameters for an optimizer. Single numbers are by themselves: FSDP does not share them out, and an
    optimizer does not compute shares and whole tensors at once."""
    groups = ([p for p in trained if p.ndim], [p for p in trained if not p.ndim])
    return [{"params": group} for group in groups if group]


def _share_single(model: nn.Module, accelerator: Accelerator) -> None:
    """The mean over the processes of the gradients that FSDP leaves to each."""
    for parameter in model.parameters():
        if parameter.grad is not None and not parameter.ndim:
            parameter.grad = accelerator.reduce(parameter.grad, reduction="mean")  # pyright: ignore[reportAttributeAccessIssue]


def _step(
    task: FullTask,
    model: nn.Module,
    optimizer: Any,
    batches: Iterator[dict[str, torch.Tensor]],
    accelerator: Accelerator,
    step: int,
    n_micro: int,
    options: RunOptions,
) -> dict[str, float]:
    """One step; the means over all its examples, by name."""
    for group in optimizer.param_groups:
        group["lr"] = task.rate(step)
    model.train()
    sums: dict[str, float] = {}
    for micro in range(n_micro):
        batch = send_to_device(next(batches), accelerator.device)
        place = micro * accelerator.num_processes + accelerator.process_index
        torch.manual_seed(
            step_generators(options.seed, step, place)[1].initial_seed()
        )  # of dropout
        # gradient checkpointing computes parts once more while it goes back, which have to be the same
        with accelerator.accumulate(model), attention_kernel(accelerator.device):
            with accelerator.autocast():
                loss, scalars = model(batch)
            accelerator.backward(loss)
        for name, value in {"loss": loss.detach(), **scalars}.items():
            sums[name] = sums.get(name, 0.0) + float(value) / n_micro
    if options.sharded:
        _share_single(model, accelerator)
    numbers = _means(sums, accelerator)
    _check_finite(numbers["loss"], task, step)
    if task.gradient_clip is not None:
        norm: Any = accelerator.clip_grad_norm_(model.parameters(), task.gradient_clip)
        numbers["gradient_norm"] = float(
            norm.full_tensor() if hasattr(norm, "full_tensor") else norm
        )
        if (
            accelerator.scaler is None
        ):  # of fp16 such a step is left out, and the scale of the loss lowered
            _check_finite(numbers["gradient_norm"], task, step)
    optimizer.step()
    optimizer.zero_grad()
    return numbers


def _means(sums: Mapping[str, float], accelerator: Accelerator) -> dict[str, float]:
    names = sorted(sums)
    values: Any = torch.tensor([sums[name] for name in names], device=accelerator.device)
    values = accelerator.reduce(values, reduction="mean")
    return dict(zip(names, values.tolist(), strict=True))


def _any_of_them(flag: bool, accelerator: Accelerator) -> bool:
    """Whether the flag is set in any process: all have to end after the same step."""
    if accelerator.num_processes == 1:
        return flag
    number: Any = torch.tensor([float(flag)], device=accelerator.device)
    number = accelerator.reduce(number, reduction="sum")
    return bool(number.item() > 0)


def _write_weights(
    task: FullTask, model: nn.Module, folder: Path, step: int, accelerator: Accelerator
) -> None:
    tensors = states.whole_tensors(model)
    if accelerator.is_main_process:
        path = folder / f"{task.name}_step_{step:08d}.safetensors"
        task.write(path, tensors, step)
        logger.info("step %d: %s", step, path)
    accelerator.wait_for_everyone()


class _Examples(Dataset):
    """The examples of a training by (step, index)."""

    def __init__(self, task: FullTask, options: RunOptions) -> None:
        self.example, self.clips, self.options = task.example, list(task.clips), options

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Any]:
        step, index = place
        epoch, position = divmod(step * self.options.examples + index, len(self.clips))
        order = _order(self.options.seed, epoch, len(self.clips))
        return self.example(self.clips[order[position]], self.options.seed, step, index)


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n_clips: int) -> np.ndarray:
    """The order in which clips come in an epoch: int (n_clips,)."""
    return np.random.default_rng((seed, epoch)).permutation(n_clips)


def _batches(
    task: FullTask,
    options: RunOptions,
    accelerator: Accelerator,
    *,
    first_step: int,
    n_micro: int,
) -> DataLoader:
    """The batches of this process from a step on."""

    def places() -> Iterator[list[tuple[int, int]]]:
        for step in range(first_step, options.n_steps):
            for micro in range(n_micro):
                place = micro * accelerator.num_processes + accelerator.process_index
                first = place * options.at_once
                yield [(step, first + i) for i in range(options.at_once)]

    return DataLoader(
        _Examples(task, options),
        batch_sampler=places(),  # pyright: ignore[reportArgumentType]
        num_workers=options.workers,
        # the pack is loaded under a name of its own, which a process that is not forked does not know
        multiprocessing_context="fork" if options.workers else None,
    )


def _say_start(
    task: FullTask,
    trained: list[nn.Parameter],
    options: RunOptions,
    accelerator: Accelerator,
    step: int,
) -> None:
    n_trained = sum(parameter.numel() for parameter in trained)
    logger.info(
        "%s: %d clips, %.1f million trained weights, %d processes (%s), %d examples per step, from step %d to %d",
        task.name, len(task.clips), n_trained / 1e6, accelerator.num_processes,
        "FSDP" if options.sharded else "DDP", options.examples, step, options.n_steps,
    )  # fmt: skip


def _check_finite(number: float, task: FullTask, step: int) -> None:
    if not math.isfinite(number):
        raise KeyVIDError(
            f"The loss or the gradient of {task.name} is {number} at step {step}. Begin anew with a lower "
            "--learning-rate, or with another --precision."
        )
