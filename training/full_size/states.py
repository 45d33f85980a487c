"""Saved states of a training at full size: the same file, whether one process trained or many, sharded or not.

They hold what is trained and its optimizer; everything else comes from the weight files again. Processes that share a
training call each function together, and the first one writes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from ...errors import KeyVIDError
from ..engine.state import Tensors, load_state, save_state

_TRAINED = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
_ALL = StateDictOptions(full_state_dict=True, cpu_offload=True)
_GIVEN = StateDictOptions(full_state_dict=True, strict=False)


def save(
    folder: Path,
    *,
    step: int,
    facts: Mapping[str, Any],
    model: nn.Module,
    optimizer: Any,
    accelerator: Accelerator,
) -> None:
    """Write the state after `step` steps. facts: what it belongs to. optimizer: as accelerate prepared it."""
    state: dict[str, Any] = {
        "facts": dict(facts),
        "model": get_model_state_dict(model, options=_TRAINED),
        "optimizer": get_optimizer_state_dict(model, optimizer.optimizer, options=_TRAINED),
    }
    if accelerator.scaler is not None:  # of fp16
        state["scaler"] = accelerator.scaler.state_dict()
    if accelerator.is_main_process:
        save_state(folder, step=step, state=state)
    accelerator.wait_for_everyone()


def resume(
    folder: Path,
    *,
    facts: Mapping[str, Any],
    model: nn.Module,
    optimizer: Any,
    accelerator: Accelerator,
) -> int:
    """Go on from the newest state of a folder, which all processes see; returns its step, 0 where there is none.

    Raises KeyVIDError for a state that belongs to other facts.
    """
    state = load_state(folder)
    if state is None:
        return 0
    check_facts(state["facts"], facts, folder)
    set_model_state_dict(model, state["model"], options=_GIVEN)
    set_optimizer_state_dict(model, optimizer.optimizer, state["optimizer"], options=_GIVEN)
    if accelerator.scaler is not None and "scaler" in state:
        accelerator.scaler.load_state_dict(state["scaler"])
    return int(state["step"])


def check_facts(have: Mapping[str, Any], want: Mapping[str, Any], folder: Path) -> None:
    """Raise KeyVIDError where what a state was begun with is not what is asked for now."""
    for name in sorted({*have, *want}):
        if have.get(name) != want.get(name):
            raise KeyVIDError(
                f"The training in {folder} was begun with {name} {have.get(name)!r}, and now it is "
                f"{want.get(name)!r}. Ask for the same, or begin anew in another folder with --state-dir."
            )


def whole_tensors(model: nn.Module) -> Tensors:
    """{name: tensor} of all weights of a model on the CPU, in the first process; {} in the others."""
    tensors = get_model_state_dict(model, options=_ALL)
    return {name: value for name, value in tensors.items() if isinstance(value, torch.Tensor)}
