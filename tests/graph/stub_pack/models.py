"""A MODEL not of KeyVID."""

import torch
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io


class ForeignModel(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="KeyVIDTest_ForeignModel", inputs=[], outputs=[io.Model.Output()])

    @classmethod
    def execute(cls):
        cpu = torch.device("cpu")
        return io.NodeOutput(ModelPatcher(torch.nn.Identity(), load_device=cpu, offload_device=cpu))
