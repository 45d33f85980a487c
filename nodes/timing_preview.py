"""Timing Preview: the plan as a little film with sound, before any diffusion is paid for."""

from comfy_api.latest import io

from ..host.audio import clip_samples_of
from ..host.images import picture_of
from ..host.node_previews import animatic_video
from ..keyframes.curve import check_fits
from .sockets import Curve, Plan


class TimingPreview(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_TimingPreview",
            display_name="Timing Preview (KeyVID)",
            category="KeyVID/timing",
            description="Plays the plan: your picture pulses with the curve and flashes at every keyframe, "
            "with the sound, in seconds instead of minutes.",
            search_aliases=["animatic", "preview", "keyvid"],
            is_output_node=True,
            inputs=[
                io.Image.Input("image", tooltip="The picture. Of several only the first is shown."),
                io.Audio.Input("audio", tooltip="The sound from Clip Audio."),
                Plan.Input("plan", tooltip="The keyframes to check."),
                Curve.Input(
                    "curve", optional=True, tooltip="The motion curve that the picture pulses with."
                ),
                io.Int.Input(
                    "width",
                    default=640,
                    min=256,
                    max=1920,
                    step=2,
                    tooltip="Width of the preview in pixels; the height follows the picture.",
                ),
            ],
            outputs=[io.Video.Output(display_name="video")],
        )

    @classmethod
    def execute(cls, image, audio, plan, width, curve=None):
        samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
        if curve is not None:
            check_fits(curve, n_frames=plan.n_frames, fps=plan.fps)
        video, shown = animatic_video(
            image=picture_of(image),
            samples=samples,
            sample_rate=sample_rate,
            plan=plan,
            curve=curve,
            width=width,
        )
        return io.NodeOutput(video, ui=shown)
