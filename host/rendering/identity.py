"""A name for what a window is made of, equal for equal inputs also after a restart.

So a render that was stopped goes on with the windows that are there, and none is taken for another. Where an input is
of a kind that has no such name (another node's object), the window has none either, and is made anew each time.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch

from ..payloads import Model

N_SAMPLED = 64  # values of each weight that are looked at
# keys of ComfyUI's conditions that are new at every run and change nothing
_IGNORED = ("uuid",)
Update = Callable[[bytes], None]


class NamelessError(Exception):
    """An input whose content cannot be told from outside."""


def name_of(*parts: object) -> str:
    """32 hexadecimal digits of the content of some values; of values without a name, never the same twice."""
    digest = hashlib.sha256()
    try:
        for part in parts:
            _add(digest.update, part)
    except (NamelessError, RecursionError):  # the latter of objects that hold each other
        return uuid.uuid4().hex
    return digest.hexdigest()[:32]


def model_content(model: Model) -> object:
    """What decides about a MODEL's output, for name_of: its weights (some values of each) and its patches."""
    patches = {key: [_patch(patch) for patch in some] for key, some in model.patches.items()}
    network = model.model.diffusion_model
    weights = {
        # a patched weight may be patched in place or not: its patches say what it is
        name: tuple(weight.shape) if f"diffusion_model.{name}" in patches else _some_values(weight)
        for name, weight in network.state_dict().items()
    }
    return [weights, patches, getattr(model, "object_patches", {}), model.model_options]


def _patch(patch: tuple[Any, ...]) -> list[object]:
    """A patch of ComfyUI's: numbers, tensors, or an adapter that holds them."""
    return [getattr(part, "weights", part) for part in patch]


def _some_values(weight: torch.Tensor) -> list[object]:
    flat = weight.detach().reshape(-1)
    stride = max(1, flat.numel() // N_SAMPLED)
    return [tuple(weight.shape), str(weight.dtype), flat[::stride][:N_SAMPLED].float().cpu()]


def _add(update: Update, part: object) -> None:
    if part is None or isinstance(part, (bool, int, float, str, bytes)):
        update(f"{type(part).__name__}:{part!r};".encode())
    elif isinstance(part, torch.Tensor):
        _add_array(update, part.detach().cpu())
    elif isinstance(part, np.ndarray):
        _add_array(update, torch.from_numpy(np.ascontiguousarray(part)))
    elif isinstance(part, Mapping):
        update(f"map {len(part)};".encode())
        for key in sorted(part, key=str):
            if key not in _IGNORED:
                update(f"{key};".encode())
                _add(update, part[key])
    elif isinstance(part, Iterable):
        items = list(part)
        update(f"list {len(items)};".encode())
        for item in items:
            _add(update, item)
    elif not callable(part) and getattr(part, "__dict__", None):
        # an object that only holds values, such as what ComfyUI's EasyCache puts on a MODEL
        update(f"{type(part).__module__}.{type(part).__qualname__};".encode())
        _add(update, vars(part))
    else:
        raise NamelessError(type(part).__name__)


def _add_array(update: Update, tensor: torch.Tensor) -> None:
    update(f"{tensor.dtype} {tuple(tensor.shape)};".encode())
    update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
