"""The training loop that all of KeyVID's small networks share, on Hugging Face accelerate.

Everything random in step k comes from (seed, k) alone, so a training that is stopped and resumed gives the same bits
as one that never stopped.
"""

import contextlib
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from ...errors import KeyVIDError
from . import average
from .log import TrainingLog
from .state import Tensors, load_state, save_state

logger = logging.getLogger("keyvid.training")
Scalars = dict[str, float | torch.Tensor]  # further values that a loss logs, by name
Averages = dict[str, Tensors]  # by module


@dataclass(frozen=True)
class Task:
    """One training: its networks, batches and loss.

    modules: {name: network} to train, with their starting weights. frozen: {name: network} that the loss uses as
        they are; they are moved to the device and set to evaluation.
    batch(step, rng): the examples of a step, by a numpy Generator of its own: a tensor, or tuples, lists and dicts
        of tensors (other values stay as they are).
    loss(batch, generator): (scalar tensor, {name: number or scalar tensor} to log), with a torch Generator on the CPU.
    sample(step, folder): called now and then while the modules hold the averaged weights; writes images into folder
        and may return {name: number} to log.
    warmup_steps, decay_steps: the learning rate rises linearly over the first and, where decay_steps is given, falls
        by a half cosine to FINAL_RATE of itself, which it reaches at that step.
    ema_half_life: steps after which an older weight counts half in the average.
    micro_batches: how many batches make one step (gradient accumulation).
    """

    name: str
    modules: Mapping[str, nn.Module]
    batch: Callable[[int, np.random.Generator], Any]
    loss: Callable[[Any, torch.Generator], tuple[torch.Tensor, Scalars]]
    learning_rate: float
    warmup_steps: int = 100
    decay_steps: int | None = None
    ema_half_life: float = 300.0
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    micro_batches: int = 1
    frozen: Mapping[str, nn.Module] = field(default_factory=dict)
    sample: Callable[[int, Path], dict[str, float] | None] | None = None


FINAL_RATE = 0.02
BETAS = (0.9, 0.99)


def train(
    task: Task,
    *,
    state_dir: Path,
    seed: int = 0,
    minutes: float | None = None,
    n_steps: int | None = None,
    save_every_s: float = 600.0,
    log_every: int = 20,
    sample_every_s: float = 900.0,
    mixed_precision: str = "no",
    cpu: bool = False,
    compiled: bool = False,
) -> int:
    """Train until step n_steps or for some minutes, whichever comes first, from the newest state if there is one.

    Without either it ends when the learning rate has come down, after task.decay_steps.
    state_dir: folder of all trainings; this one's is state_dir / task.name, with the states, log.csv, tensorboard/
    and samples/. mixed_precision: "no" or "bf16". cpu: not on the GPU even where there is one. compiled: with
    torch.compile. SIGTERM and Ctrl-C end it after the step, saved. Returns the number of steps since the beginning.
    Raises KeyVIDError when there is no end, the state belongs to another seed, or the loss is not a number.
    """
    n_steps = _last_step(task, minutes, n_steps)
    folder = Path(state_dir) / task.name
    accelerator = Accelerator(
        cpu=cpu, mixed_precision=mixed_precision, gradient_accumulation_steps=task.micro_batches
    )
    _place_modules(task, accelerator.device, compiled=compiled)
    optimizer = accelerator.prepare(_optimizer(task))
    averages = average.start(task.modules)
    step = _resume(task, folder, optimizer, averages, seed)
    log = TrainingLog(folder, after_step=step)

    def save() -> None:
        path = save_state(folder, step=step, state=_state(task, optimizer, averages, seed))
        logger.info("step %d saved: %s", step, path)

    started_s = saved_s = sampled_s = time.monotonic()
    with stop_signal() as stop, contextlib.closing(log):
        while n_steps is None or step < n_steps:
            loss, scalars = _step(task, accelerator, optimizer, step, seed)
            average.update(averages, task.modules, half_life=task.ema_half_life, step=step)
            step += 1
            log.add({"loss": loss, **scalars})
            now_s = time.monotonic()
            if step % log_every == 0:
                log.write(step, learning_rate=learning_rate(task, step - 1))
            if task.sample and now_s - sampled_s >= sample_every_s:
                _sample(task, folder, averages, log, step)
                sampled_s = time.monotonic()
            if now_s - saved_s >= save_every_s:
                save()
                saved_s = time.monotonic()
            if stop.is_set() or (minutes is not None and now_s - started_s >= 60 * minutes):
                break
        log.write(step, learning_rate=learning_rate(task, max(step - 1, 0)))
        save()
        if task.sample and not stop.is_set():
            _sample(task, folder, averages, log, step)
    return step


def load_averages(name: str, modules: Mapping[str, nn.Module], *, state_dir: Path) -> int:
    """Put the averaged weights of the training called `name` into modules ({name: network}, some or all of the
    training's), as inference wants them; returns the step.

    Raises KeyVIDError when the training has no state yet or its networks have other sizes.
    """
    folder = Path(state_dir) / name
    state = load_state(folder)
    if state is None:
        raise KeyVIDError(
            f"There is no training state in {folder}; run: python dev.py train {name}"
        )
    _fill(modules, state["averages"], folder)
    return state["step"]


def learning_rate(task: Task, step: int) -> float:
    """Of step (0 is the first): linear warm-up, then constant or half a cosine down."""
    rate = task.learning_rate * min(1.0, (step + 1) / max(1, task.warmup_steps))
    if task.decay_steps:
        done = min(1.0, step / task.decay_steps)
        rate *= FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + np.cos(np.pi * done))
    return float(rate)


def step_generators(
    seed: int, step: int, micro_batch: int = 0
) -> tuple[np.random.Generator, torch.Generator]:
    """(numpy Generator, torch Generator on the CPU) of a step: all its randomness."""
    numpy_part, torch_part = np.random.SeedSequence((seed, step, micro_batch)).spawn(2)
    generator = torch.Generator()
    generator.manual_seed(int(torch_part.generate_state(1, np.uint64)[0] >> 1))
    return np.random.default_rng(numpy_part), generator


def _last_step(task: Task, minutes: float | None, n_steps: int | None) -> int | None:
    if minutes is None and n_steps is None:
        n_steps = task.decay_steps
        if n_steps is None:
            raise KeyVIDError("The training has no end; give minutes or a number of steps.")
    return n_steps


def _place_modules(task: Task, device: torch.device, *, compiled: bool) -> None:
    """Move a task's networks to the device; those it only uses are frozen, those it trains compiled where asked."""
    for module in (*task.modules.values(), *task.frozen.values()):
        module.to(device)
    for module in task.frozen.values():
        module.eval().requires_grad_(False)
    for module in task.modules.values() if compiled else ():
        module.compile()


def _step(
    task: Task, accelerator: Accelerator, optimizer: torch.optim.Optimizer, step: int, seed: int
) -> tuple[float, dict[str, float]]:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(task, step)
    for module in task.modules.values():
        module.train()
    total, sums = 0.0, dict[str, float]()
    for micro_batch in range(task.micro_batches):
        rng, generator = step_generators(seed, step, micro_batch)
        torch.manual_seed(generator.initial_seed())  # dropout layers take no generator
        batch = _to_device(task.batch(step, rng), accelerator.device)
        with accelerator.accumulate(), accelerator.autocast():
            loss, scalars = task.loss(batch, generator)
        _check_finite("loss", loss, task, step)
        accelerator.backward(loss)
        total += float(loss.detach()) / task.micro_batches
        for name, value in scalars.items():
            sums[name] = sums.get(name, 0.0) + float(value) / task.micro_batches
    parameters = [p for module in task.modules.values() for p in module.parameters()]
    gradient_norm = accelerator.clip_grad_norm_(parameters, task.gradient_clip)
    if gradient_norm is not None:
        _check_finite("gradient", gradient_norm, task, step)  # before it spoils the weights
        sums["gradient_norm"] = float(gradient_norm)
    optimizer.step()
    optimizer.zero_grad()
    return total, sums


def _check_finite(what: str, value: torch.Tensor, task: Task, step: int) -> None:
    number = float(value.detach())
    if not math.isfinite(number):
        raise KeyVIDError(
            f"The {what} of {task.name} is {number} at step {step}; begin anew with a lower learning rate in "
            "training/recipe.py, or without --bf16."
        )


def _optimizer(task: Task) -> torch.optim.Optimizer:
    """AdamW; weight decay pulls at matrices and kernels only, not at biases, norms and scales."""
    parameters = [
        p for module in task.modules.values() for p in module.parameters() if p.requires_grad
    ]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": task.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=task.learning_rate, betas=BETAS)


def _state(
    task: Task, optimizer: torch.optim.Optimizer, averages: Averages, seed: int
) -> dict[str, Any]:
    return {
        "seed": seed,
        "modules": {name: module.state_dict() for name, module in task.modules.items()},
        "averages": averages,
        "optimizer": optimizer.state_dict(),
    }


def _resume(
    task: Task, folder: Path, optimizer: torch.optim.Optimizer, averages: Averages, seed: int
) -> int:
    state = load_state(folder)
    if state is None:
        return 0
    if state["seed"] != seed:
        raise KeyVIDError(
            f"The training in {folder} was begun with seed {state['seed']}, not {seed}; use that seed, or another "
            "--state-dir for a new one."
        )
    # written by release/from_release.py, with the weights that the pack ships
    from_release = "optimizer" not in state
    known = [name for name in task.modules if not from_release or name in state["modules"]]
    _fill({name: task.modules[name] for name in known}, state["modules"], folder)
    if not from_release:
        optimizer.load_state_dict(state["optimizer"])
    for name in known:
        for key, tensor in averages[name].items():
            tensor.copy_(state["averages"][name][key])
    logger.info("%s resumes from step %d", task.name, state["step"])
    return state["step"]


def _fill(modules: Mapping[str, nn.Module], saved: Mapping[str, Any], folder: Path) -> None:
    for name, module in modules.items():
        try:
            module.load_state_dict(saved[name])
        except (KeyError, RuntimeError) as error:
            raise KeyVIDError(
                f"The training state in {folder} is of another {name} network than the recipe's; move that folder "
                f"away to begin anew ({str(error).splitlines()[0]})."
            ) from error


def _sample(task: Task, folder: Path, averages: Averages, log: TrainingLog, step: int) -> None:
    if task.sample is None:
        return
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    with average.in_place(averages, task.modules), torch.no_grad():
        numbers = task.sample(step, folder / "samples")
    if numbers:
        log.note(step, numbers)


def _to_device(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: _to_device(value, device) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)(_to_device(value, device) for value in batch)
    return batch


@contextlib.contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """An Event that SIGTERM and Ctrl-C set, so that the step at hand is finished and saved."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may ask
        yield stop
        return
    kinds = (signal.SIGTERM, signal.SIGINT)
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in kinds}
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
