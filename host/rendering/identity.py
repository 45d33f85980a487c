"""A name for what a window is made of, equal for equal inputs also after a restart.

So a render that was stopped goes on with the windows that are there, and none is taken for another. Where an input is
of a kind that has no such name (another node's object), the window has none either, and is made anew each time.
"""

import hashlib
import types
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import comfy.samplers
import numpy as np
import torch

from ..payloads import Guider, Model, Sampler
from ..sampling.guider import MultimodalGuider
from ..sampling.stored_tokens import OWN_WRAPPER

_IN_MODEL = "diffusion_model."
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
    """What decides about a MODEL's output, for name_of: its weights (some values of each), its patches, and what other
    nodes have hung on it."""
    patches = {key: [_patch(patch) for patch in some] for key, some in model.patches.items()}
    weights = {
        # a patched weight may be patched in place or not: its patches say what it is, and what it was is kept
        name: _some_values(getattr(model.backup.get(_IN_MODEL + name), "weight", weight))
        for name, weight in model.model.diffusion_model.state_dict().items()
    }
    hung_on = [_foreign(getattr(model, name, {})) for name in ("wrappers", "callbacks")]
    others = [
        getattr(model, name, {}) for name in ("object_patches", "injections", "additional_models")
    ]
    return [weights, patches, hung_on, others, model.model_options]


def guider_content(guider: Guider) -> object:
    """What decides about a GUIDER's output beside its model. One of another kind than ours has no name."""
    if type(guider) is not MultimodalGuider:
        return object()
    return [guider.weights, guider.rescale, guider.guided, guider.cfg, guider.original_conds]


def sampler_content(sampler: Sampler) -> object:
    """What decides about a SAMPLER: a function of a module and its options. One of another kind has no name."""
    if type(sampler) is not comfy.samplers.KSAMPLER:
        return object()
    return [sampler.sampler_function, sampler.extra_options, sampler.inpaint_options]


def _foreign(hung_on: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The wrappers or callbacks of a model but the pack's own, which every one of its models has."""
    return {
        kind: {
            key: functions for key, functions in by_key.items() if key != OWN_WRAPPER and functions
        }
        for kind, by_key in hung_on.items()
    }


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
    elif isinstance(part, types.FunctionType) and "<" not in part.__qualname__:
        # a function of a module; one inside another may hold values that are not seen
        update(f"function {part.__module__}.{part.__qualname__};".encode())
    elif not callable(part) and getattr(part, "__dict__", None):
        # an object that only holds values, such as what ComfyUI's EasyCache puts on a MODEL
        update(f"{type(part).__module__}.{type(part).__qualname__};".encode())
        _add(update, vars(part))
    else:
        raise NamelessError(type(part).__name__)


def _add_array(update: Update, tensor: torch.Tensor) -> None:
    update(f"{tensor.dtype} {tuple(tensor.shape)};".encode())
    update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
