"""RAFT as ComfyUI's OPTICAL_FLOW: what its own Load Optical Flow Model gives, read from more kinds of files."""

from typing import Any

import comfy.model_management
import comfy.model_patcher

from ...errors import KeyVIDError
from ...models.build import build_raft
from ...models.checkpoint.checkpoint import open_checkpoint, refuse_kind
from ...models.checkpoint.layouts import RAFT
from ..payloads import Model
from .model_files import RAFT_FILES


def load_optical_flow(path: str) -> Model:
    """torchvision's raft_large in a ModelPatcher, from a file under RAFT's own names or torchvision's.

    Raises CheckpointError when the file is not the large RAFT.
    """
    checkpoint = open_checkpoint(path)
    if checkpoint.kind != RAFT:
        refuse_kind(checkpoint, "RAFT", f"Choose a file of the large RAFT. {RAFT_FILES}")
    manager = comfy.model_management
    # as ComfyUI's own loader places it, whose output is the same
    return comfy.model_patcher.ModelPatcher(
        build_raft(checkpoint).float(),
        load_device=manager.get_torch_device(),
        offload_device=manager.unet_offload_device(),
    )


def check_optical_flow(optical_flow: Any) -> None:
    """Raises KeyVIDError unless what came over an OPTICAL_FLOW socket can be used as RAFT."""
    network = getattr(optical_flow, "model", None)
    parts = ("feature_encoder", "context_encoder", "corr_block", "update_block", "mask_predictor")
    if not all(hasattr(network, part) for part in parts):
        what = "no network" if optical_flow is None else "another network than the large RAFT"
        raise KeyVIDError(
            f"The method RAFT needs the weights of RAFT, but {what} is connected to optical_flow. Connect Load Optical "
            "Flow, or choose the method flow without weights, which needs no file."
        )
