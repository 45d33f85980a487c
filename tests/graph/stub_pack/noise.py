"""Recorded noise in the place of noise that a seed makes."""

import comfy.samplers
from comfy_api.latest import io

from .files import read_tensors


class FirstNoise:
    """NOISE: what sampling starts from."""

    seed = 0

    def __init__(self, noise):
        self.noise = noise

    def generate_noise(self, input_latent):
        return self.noise


class RecordedFirstNoise(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_RecordedFirstNoise",
            inputs=[io.String.Input("file")],
            outputs=[io.Noise.Output()],
        )

    @classmethod
    def execute(cls, file):
        return io.NodeOutput(FirstNoise(read_tensors(file)["first"]))


class RecordedStepNoise(io.ComfyNode):
    """The SAMPLER of KeyVID Sampler, adding recorded noise after its steps: tensors step0, step1, ... of a file."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_RecordedStepNoise",
            inputs=[io.Sampler.Input("sampler"), io.String.Input("file")],
            outputs=[io.Sampler.Output()],
        )

    @classmethod
    def execute(cls, sampler, file):
        recorded = read_tensors(file)
        options = {
            **sampler.extra_options,
            "noise_sampler": lambda index: recorded[f"step{index}"],
        }
        return io.NodeOutput(comfy.samplers.KSAMPLER(sampler.sampler_function, options))
