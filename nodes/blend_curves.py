"""Blend Curves: a sound's motion curve and a video's in one."""

from comfy_api.v0_0_2 import io

from ..host.node_previews import strip_ui
from ..keyframes.curve import MotionCurve
from ..keyframes.motion.blended import blended_curve
from ..keyframes.values import plain_number
from .sockets import Curve


class BlendCurves(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_BlendCurves",
            display_name="Blend Curves (KeyVID)",
            category="KeyVID/timing",
            description="One motion curve of a sound's and a video's. The strikes of the sound stay where they are; "
            "the video decides which are strong, and adds movement that cannot be heard.",
            search_aliases=["mix", "motion score", "keyvid"],
            is_output_node=True,  # else ComfyUI does not show the image of a cached run again
            inputs=[
                Curve.Input("sound_curve", tooltip="From Localize Keyframes. Its strikes stay."),
                Curve.Input(
                    "video_curve",
                    tooltip="From Motion From Video, with the same fps and frames.",
                ),
                io.Float.Input(
                    "weight",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How much the video counts. 0: the sound alone. 1: the movement of the video, with "
                    "the strikes of the sound still on their frames.",
                ),
            ],
            outputs=[
                Curve.Output(
                    display_name="curve", tooltip="For Select Keyframes and Edit Keyframes."
                )
            ],
        )

    @classmethod
    def execute(
        cls, sound_curve: MotionCurve, video_curve: MotionCurve, weight: float
    ) -> io.NodeOutput:
        curve = blended_curve(sound_curve, video_curve, weight=plain_number(weight))
        shown = strip_ui(cls, n_frames=curve.n_frames, fps=curve.fps, curve=curve)
        return io.NodeOutput(curve, ui=shown)
