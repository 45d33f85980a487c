"""How much the tensors hold that are alive in the server: exact, where the size of its process is not."""

import gc

import torch
from comfy_api.latest import io

from .files import write_tensors


class LiveTensors(io.ComfyNode):
    """Writes how many bytes all living tensors hold to a file, as `n_bytes`. Runs whenever `after` is made anew."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_LiveTensors",
            is_output_node=True,
            inputs=[io.AnyType.Input("after"), io.String.Input("file")],
            outputs=[],
        )

    @classmethod
    def execute(cls, after, file):
        gc.collect()
        # the type, not isinstance: some objects raise when asked for their class
        tensors = [it for it in gc.get_objects() if issubclass(type(it), torch.Tensor)]
        storages = [it.untyped_storage() for it in tensors if it.device.type == "cpu"]
        held = {storage.data_ptr(): storage.nbytes() for storage in storages}  # views share one
        write_tensors(file, {"n_bytes": torch.tensor(sum(held.values()))})
        return io.NodeOutput()
