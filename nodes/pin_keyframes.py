"""Pin Keyframes: keep some keyframe images, paint the others again."""

from comfy_api.v0_0_2 import io

from ..host.payloads import Image, Latent, Vae
from ..host.sampling.pinned import LOCKED, pinned_latent
from ..keyframes.plan import KeyframePlan
from .sockets import Plan


class PinKeyframes(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_PinKeyframes",
            display_name="Pin Keyframes (KeyVID)",
            category="KeyVID/generation",
            description="Keeps the keyframe images that are right, or puts your own images in their place, and lets "
            "the sampler behind it paint the others, which see those that are kept.",
            search_aliases=["re-roll", "storyboard", "keep keyframes", "inpaint frames", "keyvid"],
            inputs=[
                io.Latent.Input(
                    "latent",
                    tooltip="The keyframes of a first sampler, some of which are kept. With your own images also the "
                    "empty latent of Keyframe Conditioning.",
                ),
                Plan.Input("plan", tooltip="The plan that the keyframes belong to."),
                io.String.Input(
                    "pinned",
                    default=LOCKED,
                    tooltip="Which keyframes are kept: their frames, such as 12, 24; or locked, those that are locked "
                    "on the timeline; or none. Storyboard Images gives the frames of your own images.",
                ),
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="Your own images for the pinned keyframes, one for each, in order of time.",
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="Encodes your own images; not needed without them.",
                ),
            ],
            outputs=[
                io.Latent.Output(
                    display_name="latent",
                    tooltip="For a sampler, with another seed: it paints what is not pinned.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        latent: Latent,
        plan: KeyframePlan,
        pinned: str,
        images: Image | None = None,
        vae: Vae | None = None,
    ) -> io.NodeOutput:
        return io.NodeOutput(pinned_latent(latent, plan, pinned=pinned, images=images, vae=vae))
