"""Interpolation Conditioning: what the interpolator is told to fill the frames between painted keyframes."""

from comfy_api.latest import io

from ..host.sampling.conditioning import interpolation_conditioning
from .conditioning_inputs import model_inputs, outputs, size_inputs, sound_inputs
from .sockets import Plan


class InterpolationConditioning(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_InterpolationConditioning",
            display_name="Interpolation Conditioning (KeyVID)",
            category="KeyVID/generation",
            description="Tells the interpolator which pictures stand at which frames, so that it paints every frame "
            "between them. Also joins two pictures with DynamiCrafter's interpolation model.",
            search_aliases=[
                "in-between",
                "frame interpolation",
                "first last frame",
                "dynamicrafter",
                "keyvid",
            ],
            inputs=[
                *model_inputs(),
                io.Image.Input(
                    "keyframes",
                    tooltip="One picture for each keyframe of the plan, in order: what the generator painted, or "
                    "pictures of your own.",
                ),
                Plan.Input(
                    "plan",
                    tooltip="The plan that the keyframes were painted with: where they stand.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The picture the video started with. Left out, the first keyframe is taken.",
                ),
                *sound_inputs(),
                *size_inputs(),
            ],
            outputs=outputs(
                "An empty latent with one frame for each frame of the clip. It carries the plan, which Interpolated "
                "Noise reads."
            ),
        )

    @classmethod
    def execute(cls, model, positive, negative, **inputs):
        return io.NodeOutput(*interpolation_conditioning(model, positive, negative, **inputs))
