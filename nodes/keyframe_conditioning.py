"""Keyframe Conditioning: what the keyframe generator is told of text, picture, sound and plan."""

from comfy_api.latest import io

from ..host.sampling.conditioning import keyframe_conditioning
from .conditioning_inputs import model_inputs, outputs, size_inputs, sound_inputs
from .sockets import Plan


class KeyframeConditioning(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_KeyframeConditioning",
            display_name="Keyframe Conditioning (KeyVID)",
            category="KeyVID/generation",
            description="Tells the keyframe generator what to paint: your picture, the prompt, and for each "
            "keyframe of the plan what is heard there. Also starts a plain DynamiCrafter from a picture.",
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
                    tooltip="The picture the video starts with. Of several only the first is used.",
                ),
                Plan.Input(
                    "plan",
                    optional=True,
                    tooltip="The keyframes to paint, from Select Keyframes or Edit Keyframes. Leave it out for plain "
                    "DynamiCrafter, which paints every frame of its clip.",
                ),
                *sound_inputs(),
                *size_inputs(),
            ],
            outputs=outputs("An empty latent with one frame for each keyframe."),
        )

    @classmethod
    def execute(cls, model, positive, negative, **inputs):
        return io.NodeOutput(*keyframe_conditioning(model, positive, negative, **inputs))
