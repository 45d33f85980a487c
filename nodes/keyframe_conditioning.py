"""Keyframe Conditioning: conditions the keyframe generator on text, image, audio and plan."""

from typing import Any

from comfy_api.v0_0_2 import io

from ..host.payloads import Conditioning, Model
from ..host.sampling.conditioning import keyframe_conditioning
from .conditioning_inputs import audio_inputs, model_inputs, outputs, size_inputs
from .sockets import Plan


class KeyframeConditioning(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframeConditioning",
            display_name="Keyframe Conditioning (KeyVID)",
            category="KeyVID/generation",
            description="Tells the keyframe generator what to paint: your image, the prompt, and for each "
            "keyframe of the plan the sound around it. Also conditions a plain DynamiCrafter on an image.",
            search_aliases=[
                "image to video",
                "img2vid",
                "dynamicrafter",
                "audio to video",
                "keyvid",
            ],
            inputs=[
                *model_inputs(),
                io.Image.Input(
                    "image",
                    tooltip="The image that the video starts with. Of several only the first is used.",
                ),
                Plan.Input(
                    "plan",
                    optional=True,
                    tooltip="The keyframes to paint, from Select Keyframes or Edit Keyframes. Leave it out for plain "
                    "DynamiCrafter, which paints every frame of its clip.",
                ),
                *audio_inputs(),
                *size_inputs(),
            ],
            outputs=outputs("An empty latent with one frame for each keyframe."),
        )

    @classmethod
    def execute(
        cls, model: Model, positive: Conditioning, negative: Conditioning, **inputs: Any
    ) -> io.NodeOutput:
        return io.NodeOutput(*keyframe_conditioning(model, positive, negative, **inputs))
