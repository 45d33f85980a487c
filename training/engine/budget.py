"""A training that fits into a number of minutes: its learning rate comes down by their end, however fast the machine.

The plan is a small file beside the training's states, so that a training that was stopped goes on as it was begun.
"""

import json
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ...errors import KeyVIDError
from .loop import Task, train
from .state import write_atomically

FILE_NAME = "budget.json"
MEASURED_STEPS = 20  # after which the speed of a training is known


@dataclass(frozen=True)
class Budget:
    """minutes: what the training was begun for; first_step: where it began; decay_steps: the step it will end at."""

    minutes: float
    first_step: int
    decay_steps: int


def train_within(task: Task, *, minutes: float, state_dir: Path, **options: Any) -> bool:
    """Train a task so that its learning rate has come down after about `minutes`; returns whether it is done.

    The first MEASURED_STEPS tell how many steps that will be. Stopped early it returns False, and the next call goes
    on to the same step, whatever minutes it is given. options: as `loop.train` takes them.
    """
    folder = Path(state_dir) / task.name
    budget = read_budget(folder)
    if budget is None:
        budget = _measured(task, minutes=minutes, state_dir=state_dir, **options)
        if budget is None:
            return False
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / FILE_NAME, partial(_write, budget))
    task = replace(task, decay_steps=budget.decay_steps)
    return train(task, state_dir=state_dir, **options) >= budget.decay_steps


def read_budget(folder: Path) -> Budget | None:
    """The Budget of a training's folder, None where there is none. Raises KeyVIDError for a damaged file."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        return Budget(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise KeyVIDError(
            f"{path} cannot be read ({error}); remove the folder to begin that training anew."
        ) from error


def _measured(task: Task, *, minutes: float, state_dir: Path, **options: Any) -> Budget | None:
    """The Budget by the speed of the first steps, which are done; None where they were stopped."""
    flat = replace(task, decay_steps=None, sample=None)
    first = train(flat, state_dir=state_dir, n_steps=0, **options)  # where the newest state is
    started_s = time.monotonic()
    step = train(flat, state_dir=state_dir, n_steps=first + MEASURED_STEPS, **options)
    if step < first + MEASURED_STEPS:
        return None
    n_steps = int(60 * minutes * MEASURED_STEPS / max(time.monotonic() - started_s, 1e-6))
    return Budget(minutes, first, first + max(n_steps, MEASURED_STEPS + 1))


def _write(budget: Budget, part: Path) -> None:
    part.write_text(json.dumps(asdict(budget)), encoding="utf-8")
