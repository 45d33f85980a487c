"""Networks of models/ in ComfyUI's hands, which moves them between memory and graphics card."""

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import torch
from comfy.ldm.modules.attention import optimized_attention

# how a loader's weights may be held; default leaves it to ComfyUI
WEIGHT_TYPES = {
    "default": None,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp32": torch.float32,
}


def comfy_layers():
    """What to build a network with, so that ComfyUI can move and cast it.

    No type is set: the audio networks are small, so their weights stay as precise as the file has them.
    """
    return {"operations": comfy.ops.manual_cast, "attention": optimized_attention}


def patched(network):
    """A ModelPatcher of the network, on the devices of ComfyUI's text encoders."""
    manager = comfy.model_management
    return comfy.model_patcher.CoreModelPatcher(
        network,
        load_device=manager.text_encoder_device(),
        offload_device=manager.text_encoder_offload_device(),
    )


def run_patched(patcher, inputs):
    """The network's output for float32 inputs, computed in float32, where ComfyUI keeps what nodes hand on."""
    comfy.model_management.load_model_gpu(patcher)
    with torch.no_grad():
        output = patcher.model(inputs.to(patcher.load_device))
    return output.to(comfy.model_management.intermediate_device())
