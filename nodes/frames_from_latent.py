"""Frames From Latent: the frames of a video latent, one by one, as VAE Decode wants them."""

from comfy_api.latest import io

from ..host.latents import frames_of


class FramesFromLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_FramesFromLatent",
            display_name="Frames From Latent (KeyVID)",
            category="KeyVID/generation",
            description="Turns the latent of a video into a batch of pictures' latents. Put it before VAE Decode, "
            "which otherwise decodes the first frame only, and before VAE Decode (Tiled), which otherwise stops.",
            search_aliases=["video latent", "vae decode video", "keyvid"],
            inputs=[
                io.Latent.Input("latent", tooltip="The latent of a video, from the sampler."),
            ],
            outputs=[io.Latent.Output(display_name="latent", tooltip="For VAE Decode.")],
        )

    @classmethod
    def execute(cls, latent):
        return io.NodeOutput(frames_of(latent))
