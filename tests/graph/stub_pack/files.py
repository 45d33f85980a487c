"""Tensors between the tests and the server: read from the input folder, written to the output folder."""

import os

import folder_paths
import safetensors.torch
import torch
from comfy_api.latest import io


def read_tensors(file):
    """{name: tensor} of a safetensors file in ComfyUI's input folder."""
    return safetensors.torch.load_file(os.path.join(folder_paths.get_input_directory(), file))


def write_tensors(file, tensors):
    """Write {name: tensor} to a safetensors file in ComfyUI's output folder."""
    path = os.path.join(folder_paths.get_output_directory(), file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # what is None is a value that happens not to be there
    given = {
        name: value.detach().cpu().contiguous()
        for name, value in tensors.items()
        if value is not None
    }
    # a copy of each: safetensors refuses tensors that share memory
    safetensors.torch.save_file({name: value.clone() for name, value in given.items()}, path)


class Conditioning(io.ComfyNode):
    """Ready CONDITIONING: the tensor `text` of a file, and its other tensors under their names."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_Conditioning",
            inputs=[io.String.Input("file")],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, file):
        entry = read_tensors(file)
        return io.NodeOutput([[entry.pop("text"), entry]])


class Latent(io.ComfyNode):
    """A LATENT that is the tensors of a file."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_Latent",
            inputs=[io.String.Input("file")],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    def execute(cls, file):
        return io.NodeOutput(read_tensors(file))


class SaveTensors(io.ComfyNode):
    """Writes every tensor of a LATENT, IMAGE, AUDIO or CONDITIONING to a file in the output folder."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_SaveTensors",
            is_output_node=True,
            inputs=[io.AnyType.Input("value"), io.String.Input("file")],
            outputs=[],
        )

    @classmethod
    def execute(cls, value, file):
        if isinstance(value, torch.Tensor):
            value = {"value": value}
        elif isinstance(value, list):  # CONDITIONING: its first entry
            text, entry = value[0]
            value = {"text": text, **entry}
        write_tensors(file, {k: v for k, v in value.items() if isinstance(v, torch.Tensor)})
        return io.NodeOutput()
