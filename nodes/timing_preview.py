"""Timing Preview: the plan as a short video with sound, before any diffusion runs."""

from comfy_api.v0_0_2 import io

from ..host.audio import clip_samples_of
from ..host.images import first_image
from ..host.node_previews import animatic_video
from ..host.payloads import Audio, Image
from ..keyframes.curve import MotionCurve, check_fits
from ..keyframes.plan import KeyframePlan
from .sockets import Curve, Plan


class TimingPreview(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_TimingPreview",
            display_name="Timing Preview (KeyVID)",
            category="KeyVID/timing",
            description="Plays the plan: your image pulses with the curve and flashes at every keyframe, "
            "with the sound, in seconds instead of minutes.",
            search_aliases=["animatic", "preview", "keyvid"],
            is_output_node=True,
            inputs=[
                io.Image.Input("image", tooltip="Your image. Of several only the first is shown."),
                io.Audio.Input("audio", tooltip="The sound from Clip Audio."),
                Plan.Input("plan", tooltip="The keyframes to check."),
                Curve.Input(
                    "curve", optional=True, tooltip="The motion curve that the image pulses with."
                ),
                io.Int.Input(
                    "width",
                    default=640,
                    min=256,
                    max=1920,
                    step=2,
                    tooltip="Width of the preview in pixels; the height follows from the image.",
                ),
            ],
            outputs=[io.Video.Output(display_name="video")],
        )

    @classmethod
    def execute(
        cls,
        image: Image,
        audio: Audio,
        plan: KeyframePlan,
        width: int,
        curve: MotionCurve | None = None,
    ) -> io.NodeOutput:
        samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
        if curve is not None:
            check_fits(curve, n_frames=plan.n_frames, fps=plan.fps)
        video, shown = animatic_video(
            image=first_image(image),
            samples=samples,
            sample_rate=sample_rate,
            plan=plan,
            curve=curve,
            width=width,
        )
        return io.NodeOutput(video, ui=shown)
