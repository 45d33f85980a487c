"""Keyframes for Wan's weights that take a masked video: Dancer, image-to-video, first-last and Fun inpainting."""

from comfy_api.v0_0_2 import io

from ..host.bridges.keyframe_images import LEVEL_BETWEEN, images_on_frames
from ..host.bridges.wan_conditioning import check_wan_vae, masked_conditioning
from ..host.payloads import ClipVisionOutput, Conditioning, Image, Vae
from ..keyframes.plan import KeyframePlan
from .wan_inputs import keyframe_inputs, size_outputs, sized_images


class KeyframeMaskedVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframeMaskedVideo",
            display_name="Keyframe Masked Video Wan (KeyVID)",
            category="KeyVID/bridges",
            description="The keyframe images on their frames and a mask that is white there: start_image and mask of "
            "WanDancerVideo.",
            search_aliases=["Wan", "Dancer", "start image", "inpaint frames", "keyvid"],
            inputs=[
                *keyframe_inputs(),
                io.Combo.Input(
                    "between",
                    options=list(LEVEL_BETWEEN),
                    tooltip="What frames without a keyframe show: black, as Wan Dancer takes them, or grey, as "
                    "image-to-video, first-last and Fun models do.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="start_image", tooltip="One image per frame."),
                io.Mask.Output(display_name="mask", tooltip="White at keyframes: kept."),
                *size_outputs(),
            ],
        )

    @classmethod
    def execute(
        cls, images: Image, plan: KeyframePlan, width: int, height: int, between: str
    ) -> io.NodeOutput:
        images = sized_images(images, plan, width=width, height=height)
        video, masks = images_on_frames(images, plan, between=between)
        return io.NodeOutput(video, masks, plan.n_frames, images.shape[2], images.shape[1])


class WanKeyframesToVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_WanKeyframesToVideo",
            display_name="Wan Keyframes To Video (KeyVID)",
            category="KeyVID/bridges",
            description="Takes the place of WanImageToVideo, WanFirstLastFrameToVideo or WanFunInpaintToVideo, with an "
            "image on every keyframe of the plan instead of the first and the last frame only.",
            search_aliases=["Wan", "image to video", "first last frame", "Fun inpaint", "keyvid"],
            inputs=[
                io.Conditioning.Input("positive"),
                io.Conditioning.Input("negative"),
                io.Vae.Input("vae", tooltip="Wan's VAE; that of Wan 2.1 for all 14B models."),
                *keyframe_inputs(),
                io.ClipVisionOutput.Input(
                    "clip_vision_output",
                    optional=True,
                    tooltip="Of the first image, for Wan 2.1 models with CLIP vision; Wan 2.2 has none.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive"),
                io.Conditioning.Output(display_name="negative"),
                io.Latent.Output(display_name="latent", tooltip="Empty, as long as the plan."),
            ],
        )

    @classmethod
    def execute(
        cls,
        positive: Conditioning,
        negative: Conditioning,
        vae: Vae,
        images: Image,
        plan: KeyframePlan,
        width: int,
        height: int,
        clip_vision_output: ClipVisionOutput | None = None,
    ) -> io.NodeOutput:
        images = sized_images(images, plan, width=width, height=height)
        check_wan_vae(vae, width=images.shape[2], height=images.shape[1])
        video, _ = images_on_frames(images, plan, between="grey")
        return io.NodeOutput(
            *masked_conditioning(
                positive,
                negative,
                vae=vae,
                video=video,
                frames=plan.frames,
                clip_vision_output=clip_vision_output,
            )
        )
