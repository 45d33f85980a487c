"""Frames From Latent: the frames of a video latent as a batch of image latents, for VAE Decode."""

from comfy_api.v0_0_2 import io

from ..host.images import frame_latents
from ..host.payloads import Latent


class FramesFromLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_FramesFromLatent",
            display_name="Frames From Latent (KeyVID)",
            category="KeyVID/generation",
            description="Turns the latent of a video into a batch of image latents. Put it before VAE Decode, "
            "which otherwise decodes the first frame only, and before VAE Decode (Tiled), which otherwise fails.",
            search_aliases=["video latent", "vae decode video", "keyvid"],
            inputs=[
                io.Latent.Input("latent", tooltip="The latent of a video, from the sampler."),
            ],
            outputs=[io.Latent.Output(display_name="latent", tooltip="For VAE Decode.")],
        )

    @classmethod
    def execute(cls, latent: Latent) -> io.NodeOutput:
        return io.NodeOutput(frame_latents(latent))
