"""Render Video: all frames between the keyframes of a clip of any length, written as a video with its sound."""

import math
from typing import Any

from comfy_api.v0_0_2 import io

from ..host.payloads import Audio, Guider, Latent, Noise, Sampler, Sigmas, Vae
from ..host.rendering.render import is_to_be_run, render_video


class RenderVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_RenderVideo",
            display_name="Render Video (KeyVID)",
            category="KeyVID/generation",
            description="Paints all frames between the keyframes and saves the video with its sound, however long it "
            "is: window by window, so that memory hardly grows. A run that was stopped goes on where it was.",
            search_aliases=["save video", "long video", "song", "retake", "resume", "keyvid"],
            is_output_node=True,
            inputs=[
                io.Noise.Input("noise", tooltip="From Interpolated Noise."),
                io.Guider.Input(
                    "guider", tooltip="The Multimodal CFG behind Interpolation Conditioning."
                ),
                io.Sampler.Input("sampler", tooltip="From KeyVID Sampler."),
                io.Sigmas.Input("sigmas", tooltip="From KeyVID Schedule."),
                io.Latent.Input(
                    "latent", tooltip="The latent of Interpolation Conditioning; it has the plan."
                ),
                io.Vae.Input("vae", tooltip="The VAE that decodes the frames."),
                io.Audio.Input("audio", tooltip="The sound of the video, from Clip Audio."),
                io.String.Input(
                    "filename_prefix",
                    default="keyvid/video",
                    tooltip="Name of the video in ComfyUI's output folder. What is painted is kept beside it, in a "
                    "folder that ends in _windows, for the next run with this name.",
                ),
                io.String.Input(
                    "retake",
                    default="",
                    tooltip="Frames to paint again, such as 49-59; all others stay as they were painted for the last "
                    "finished video of this name. Empty: the whole video.",
                ),
                io.Int.Input(
                    "retake_seed",
                    display_name="retake seed",
                    default=0,
                    min=0,
                    max=2**32,
                    control_after_generate=False,
                    tooltip="Another number paints the frames of retake another way. 0 is the noise of the whole "
                    "video, for frames whose keyframes, prompt or sound you changed.",
                ),
            ],
            outputs=[io.Video.Output(display_name="video", tooltip="The saved video.")],
        )

    @classmethod
    def fingerprint_inputs(
        cls,
        filename_prefix: str | None = None,
        retake: str | None = None,
        retake_seed: int | None = None,
        **_: Any,
    ) -> float:
        """Another one at each call where the folder of the render is no longer what the last run left."""
        return math.nan if is_to_be_run(filename_prefix, retake, retake_seed) else 0.0

    @classmethod
    def execute(
        cls,
        noise: Noise,
        guider: Guider,
        sampler: Sampler,
        sigmas: Sigmas,
        latent: Latent,
        vae: Vae,
        audio: Audio,
        filename_prefix: str,
        retake: str,
        retake_seed: int,
    ) -> io.NodeOutput:
        video, shown = render_video(
            noise,
            guider,
            sampler,
            sigmas,
            latent,
            vae=vae,
            audio=audio,
            filename_prefix=filename_prefix,
            retake=retake,
            retake_seed=retake_seed,
        )
        return io.NodeOutput(video, ui=shown)
