"""Blend Between Keyframes: a storyboard that moves on the beat, without any model."""

from comfy_api.v0_0_2 import io

from ..host.audio import clip_samples_of
from ..host.bridges.blend import blended_video
from ..host.payloads import Audio, Image
from ..keyframes.bridges.blend import BLENDS
from ..keyframes.plan import KeyframePlan
from .keyframe_images import fewer_input
from .sockets import Plan


class BlendBetweenKeyframes(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_BlendBetweenKeyframes",
            display_name="Blend Between Keyframes (KeyVID)",
            category="KeyVID/bridges",
            description="A video of a storyboard with its sound: each image on its keyframe, and between two of them "
            "held or cross-dissolved. Needs no model.",
            search_aliases=["slideshow", "cross dissolve", "crossfade", "music video", "keyvid"],
            is_output_node=True,  # else ComfyUI does not show the video of a cached run again
            inputs=[
                io.Image.Input(
                    "images", tooltip="The images from Keyframe Images, or a batch of a few images."
                ),
                Plan.Input("plan", tooltip="The plan that they belong to."),
                io.Audio.Input("audio", tooltip="The sound of the plan."),
                io.Combo.Input(
                    "blend",
                    options=list(BLENDS),
                    tooltip="eased: a dissolve that begins and ends gently. linear: an even dissolve. hold: the image "
                    "stays until the next keyframe, and changes at once.",
                ),
                fewer_input(),
            ],
            outputs=[io.Video.Output(display_name="video", tooltip="For Save Video.")],
        )

    @classmethod
    def execute(
        cls, images: Image, plan: KeyframePlan, audio: Audio, blend: str, fewer: str
    ) -> io.NodeOutput:
        samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
        video, shown = blended_video(
            images, plan, blend=blend, fewer=fewer, samples=samples, sample_rate=sample_rate
        )
        return io.NodeOutput(video, ui=shown)
