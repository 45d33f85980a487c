"""Interpolation Conditioning: conditions the interpolator on the painted keyframes, text and audio."""

from typing import Any

from comfy_api.v0_0_2 import io

from ..host.payloads import Conditioning, Model
from ..host.sampling.conditioning import interpolation_conditioning
from .conditioning_inputs import audio_inputs, model_inputs, outputs, size_inputs
from .sockets import Plan


class InterpolationConditioning(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_InterpolationConditioning",
            display_name="Interpolation Conditioning (KeyVID)",
            category="KeyVID/generation",
            description="Tells the interpolator which image belongs to which frame, so that it paints every frame "
            "between them. Also joins two images with DynamiCrafter's interpolation model.",
            search_aliases=[
                "in-between",
                "frame interpolation",
                "first last frame",
                "dynamicrafter",
                "keyvid",
            ],
            inputs=[
                *model_inputs(),
                io.MultiType.Input(
                    "keyframes",
                    [io.Image, io.Latent],
                    tooltip="One image for each keyframe of the plan, in order: the generator's, or your own. Or the "
                    "generator's latent as it is, which saves decoding and encoding it.",
                ),
                Plan.Input(
                    "plan",
                    tooltip="The plan that the keyframes were painted with; it has their frames.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The image that the video started with. Without it the first keyframe is used.",
                ),
                *audio_inputs(),
                *size_inputs(),
            ],
            outputs=outputs(
                "An empty latent with one frame for each frame of the clip. It also has the plan, which Interpolated "
                "Noise reads."
            ),
        )

    @classmethod
    def execute(
        cls, model: Model, positive: Conditioning, negative: Conditioning, **inputs: Any
    ) -> io.NodeOutput:
        return io.NodeOutput(*interpolation_conditioning(model, positive, negative, **inputs))
