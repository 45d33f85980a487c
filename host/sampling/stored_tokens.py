"""Keys and values of a run's tokens, kept from its first step to its end."""

from typing import Any

import comfy.model_management
import comfy.patcher_extension
import torch

from ...models.unet.token_store import TokenStore
from ..payloads import Guider, Model

STORE = "keyvid_token_store"  # in transformer_options: the run's TokenStore
OWN_WRAPPER = "keyvid"  # the name of the wrapper that every model of the pack has
MEMORY_SHARE = 32  # a store takes at most this part of all memory, 256 MB of 8 GB


def store_tokens_in_runs(model: Model) -> None:
    """Gives every sampling run of this MODEL and of its clones a TokenStore of its own, freed at the run's end."""
    kind = comfy.patcher_extension.WrappersMP.OUTER_SAMPLE
    model.add_wrapper_with_key(kind, OWN_WRAPPER, _run_with_store)


def _run_with_store(executor: Any, *args: Any, **keywords: Any) -> torch.Tensor:
    """ComfyUI's run of a sampler, with a TokenStore; without one where weights may change between its steps, and in
    windows.

    executor: ComfyUI's WrapperExecutor of `CFGGuider.outer_sample`.
    """
    guider: Guider = executor.class_obj
    # tokens of all windows of a long clip would fill the store, and most of them are its own sound
    if _has_hooks(guider) or hasattr(guider, "windows"):
        return executor(*args, **keywords)
    total = comfy.model_management.get_total_memory(guider.model_patcher.load_device)
    store = TokenStore(total // MEMORY_SHARE)
    options = guider.model_options.setdefault("transformer_options", {})
    options[STORE] = store
    try:
        return executor(*args, **keywords)
    finally:  # also when it was cancelled
        del options[STORE]
        store.clear()


def _has_hooks(guider: Guider) -> bool:
    """Whether a conditioning brings a LoRA of its own, which ComfyUI puts in and out during the run."""
    return any(entry.get("hooks") for entries in guider.conds.values() for entry in entries or ())
