"""Networks of models/ wrapped in ComfyUI's ModelPatcher, which moves them between memory and graphics card."""

from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import torch

from ..attention import attention
from ..payloads import Model

# the types in which a loader can hold weights; None leaves it to ComfyUI
WEIGHT_TYPES: dict[str, torch.dtype | None] = {
    "default": None,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp32": torch.float32,
}


def comfy_layers() -> dict[str, Any]:
    """Keywords for building a network of ComfyUI's layers, which ComfyUI can move and cast.

    No type is set: the audio networks are small, so their weights stay as precise as the file has them.
    """
    return {"operations": comfy.ops.manual_cast, "attention": attention}


def patched(network: torch.nn.Module) -> Model:
    """A ModelPatcher of the network, on the devices of ComfyUI's text encoders."""
    manager = comfy.model_management
    return comfy.model_patcher.CoreModelPatcher(
        network,
        load_device=manager.text_encoder_device(),
        offload_device=manager.text_encoder_offload_device(),
    )


def run_patched(patcher: Model, inputs: torch.Tensor) -> torch.Tensor:
    """The network's output for float32 inputs, computed in float32, on ComfyUI's device for what nodes pass on."""
    comfy.model_management.load_model_gpu(patcher)
    with torch.no_grad():
        output = patcher.model(inputs.to(patcher.load_device))
    return output.to(comfy.model_management.intermediate_device())
