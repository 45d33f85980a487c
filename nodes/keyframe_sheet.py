"""Keyframe Sheet: the painted keyframes beside the timeline."""

from comfy_api.v0_0_2 import io

from ..host.audio import clip_samples_of
from ..host.images import all_images
from ..host.node_previews import images_at_keyframes, keyframe_sheet
from ..host.payloads import Audio, Image
from ..keyframes.curve import MotionCurve, check_fits
from ..keyframes.plan import KeyframePlan
from .sockets import Curve, Plan


class KeyframeSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframeSheet",
            display_name="Keyframe Sheet (KeyVID)",
            category="KeyVID/generation",
            description="All keyframes at a glance: each image with its frame, time and kind, and a line to its time "
            "on the timeline.",
            search_aliases=["contact sheet", "storyboard", "preview keyframes", "keyvid"],
            is_output_node=True,  # else ComfyUI does not show the image of a cached run again
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="The painted keyframes, in order. A whole video also works: its frames at the "
                    "keyframes are shown.",
                ),
                Plan.Input("plan", tooltip="The plan they were painted with."),
                Curve.Input(
                    "curve", optional=True, tooltip="The motion curve, drawn behind the keyframes."
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="The sound from Clip Audio, drawn behind the keyframes.",
                ),
                io.Int.Input(
                    "width",
                    default=1280,
                    min=320,
                    max=4096,
                    tooltip="Width of the sheet in pixels; the height follows from it.",
                ),
            ],
            outputs=[io.Image.Output(display_name="sheet", tooltip="The sheet as an image.")],
        )

    @classmethod
    def execute(
        cls,
        images: Image,
        plan: KeyframePlan,
        width: int,
        curve: MotionCurve | None = None,
        audio: Audio | None = None,
    ) -> io.NodeOutput:
        keyframes = images_at_keyframes(all_images(images, name="images"), plan)
        if curve is not None:
            check_fits(curve, n_frames=plan.n_frames, fps=plan.fps)
        samples, sample_rate = None, None
        if audio is not None:
            samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
        sheet, shown = keyframe_sheet(
            cls,
            keyframes,
            plan=plan,
            width=width,
            curve=curve,
            samples=samples,
            sample_rate=sample_rate,
        )
        return io.NodeOutput(sheet, ui=shown)
