"""Numbers and images as only other packs send them."""

import json
import math

import numpy as np
import torch
from comfy_api.latest import io


class Numbers(io.ComfyNode):
    """A Python list on a FLOAT socket, as other packs send it; "nan" is a number here."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_Numbers",
            inputs=[io.String.Input("numbers")],
            outputs=[io.Float.Output(), io.Int.Output()],
        )

    @classmethod
    def execute(cls, numbers):
        values = [float(number) for number in numbers.split()]
        return io.NodeOutput(values, [int(v) if math.isfinite(v) else v for v in values])


FORMS = {
    "plain": lambda value: value,
    "tuple": tuple,
    "generator": lambda value: (one for one in value),
    "dict keys": lambda value: dict.fromkeys(value).keys(),
    "array": np.array,
    "float32 array": lambda value: np.array(value, np.float32),
    "list of float32": lambda value: list(np.array(value, np.float32)),
    "list of int64": lambda value: list(np.array(value, np.int64)),
    "tensor": torch.tensor,
    "float tensor": lambda value: torch.tensor(value, dtype=torch.float32),
    "list of tensors": lambda value: [torch.tensor(one) for one in value],
}


class AnyValue(io.ComfyNode):
    """A value, written as JSON, in one of FORMS on a socket that fits everywhere."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_AnyValue",
            inputs=[io.String.Input("value"), io.String.Input("form", default="plain")],
            outputs=[io.AnyType.Output()],
        )

    @classmethod
    def execute(cls, value, form):
        return io.NodeOutput(FORMS[form](json.loads(value)))


class First(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_First",
            inputs=[io.Float.Input("numbers", force_input=True)],
            outputs=[io.Float.Output()],
        )

    @classmethod
    def execute(cls, numbers):
        return io.NodeOutput(numbers[0])


class NoImage(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="KeyVIDTest_NoImage", inputs=[], outputs=[io.Image.Output()])

    @classmethod
    def execute(cls):
        return io.NodeOutput(torch.zeros(0, 8, 8, 3))


class NumberedImages(io.ComfyNode):
    """Images that differ from one another and are not grey; RecordedVAE tells them apart by their red."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_NumberedImages",
            inputs=[io.Int.Input("count"), io.Int.Input("width"), io.Int.Input("height")],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, count, width, height):
        images = torch.rand(count, height, width, 3, generator=torch.Generator().manual_seed(count))
        # half a level more than the number: images are cut to whole levels on their way
        images[..., 0] = ((torch.arange(count) + 0.5) / 255).view(-1, 1, 1)
        return io.NodeOutput(images)


class GreyImages(io.ComfyNode):
    """Plain images of the given levels out of 255."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_GreyImages",
            inputs=[io.String.Input("levels")],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, levels):
        images = [torch.full((1, 32, 48, 3), int(level) / 255) for level in levels.split()]
        return io.NodeOutput(torch.cat(images))


class FirstLast(io.ComfyNode):
    """What any model of first and last images makes: a video that begins with the one and ends with the other."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_FirstLast",
            inputs=[io.Image.Input("first"), io.Image.Input("last"), io.Int.Input("n_frames")],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, first, last, n_frames):
        mixed = [torch.lerp(first, last, i / (n_frames - 1)) for i in range(n_frames - 1)]
        return io.NodeOutput(torch.cat([*mixed, last]))
