"""Keyframe Guides (LTX): the keyframe images as guides of an LTX video, on the plan's exact frames."""

from typing import Any

from comfy_api.v0_0_2 import io

from ..host.bridges.ltx_guides import check_ltx, with_guides
from ..host.images import check_images
from ..host.payloads import Conditioning, Image, Latent, Vae
from ..keyframes.bridges.guides import ROLES, STRONGEST, check_on_grid, guides_of
from ..keyframes.bridges.image_order import image_per_keyframe
from ..keyframes.plan import KeyframePlan
from ..keyframes.values import plain_value
from .sockets import Plan

# role -> (default, what it is for)
_STRENGTHS = {
    "first": (1.0, "the image at frame 0. 0 when an image-to-video node already starts with it"),
    "locked": (1.0, "locked keyframes, whatever their kind"),
    "manual": (1.0, "keyframes that you placed or moved"),
    "peak": (1.0, "strikes and other peaks"),
    "valley": (0.8, "valleys, between two strikes"),
    "fill": (0.6, "keyframes that only fill a gap"),
}


def _strength_inputs() -> list[io.Input]:
    return [
        io.Float.Input(
            role,
            display_name=f"{role} strength",
            default=_STRENGTHS[role][0],
            min=0.0,
            max=STRONGEST,
            step=0.01,
            tooltip=f"Strength of {_STRENGTHS[role][1]}. 1 keeps the image as it is, less lets the model change it, "
            "0 leaves these keyframes out, more than 1 makes the frames around it follow it more.",
        )
        for role in ROLES
    ]


class KeyframeGuides(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframeGuides",
            display_name="Keyframe Guides LTX (KeyVID)",
            category="KeyVID/bridges",
            description="Puts one image per keyframe on its exact frame of an LTX video: as a chain of LTXV Add Guide, "
            "in one node. After sampling, LTXV Crop Guides takes the guides off again.",
            search_aliases=["LTXV", "LTX-2", "add guide", "multiple keyframes", "keyvid"],
            inputs=[
                io.Conditioning.Input("positive", tooltip="From LTXV Conditioning."),
                io.Conditioning.Input("negative", tooltip="From LTXV Conditioning."),
                io.Vae.Input("vae", tooltip="LTX's video VAE."),
                io.Latent.Input(
                    "latent",
                    tooltip="The empty LTX latent, as long as the plan. With sound (AV) it works before and after "
                    "Concat AV Latent.",
                ),
                io.Image.Input("images", tooltip="One image per keyframe, in the plan's order."),
                Plan.Input("plan", tooltip="From Fit Plan To Model, at LTX's rate and length."),
                *_strength_inputs(),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive"),
                io.Conditioning.Output(display_name="negative"),
                io.Latent.Output(
                    display_name="latent", tooltip="With the guides behind the video's own frames."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        positive: Conditioning,
        negative: Conditioning,
        vae: Vae,
        latent: Latent,
        images: Image,
        plan: KeyframePlan,
        **strengths: Any,
    ) -> io.NodeOutput:
        check_images(images, name="images")
        guides = guides_of(plan, {role: plain_value(strengths[role]) for role in ROLES})
        images = images[image_per_keyframe(plan, len(images))]
        check_on_grid(plan, "8n+1", model="LTX")
        check_ltx(plan, positive=positive, negative=negative, vae=vae, latent=latent)
        return io.NodeOutput(
            *with_guides(positive, negative, latent, vae=vae, images=images, guides=guides)
        )
