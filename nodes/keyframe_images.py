"""Keyframe Images and Images On Frames: a storyboard, one image per keyframe."""

from typing import Any

from comfy_api.v0_0_2 import io

from ..host.bridges.keyframe_images import (
    LEVEL_BETWEEN,
    images_on_frames,
    keyframe_images,
    one_by_one,
)
from ..host.images import FITS
from ..host.payloads import Image
from ..keyframes.bridges.image_order import FEWER, FEWER_TOOLTIP
from ..keyframes.plan import KeyframePlan
from ..keyframes.values import plain_number
from .sockets import Plan


def fewer_input(*, optional: bool = False) -> io.Input:
    """What is done with fewer images than keyframes."""
    return io.Combo.Input(
        "fewer",
        display_name="fewer images",
        options=list(FEWER),
        default=FEWER[0],
        optional=optional,
        tooltip=FEWER_TOOLTIP,
    )


class KeyframeImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframeImages",
            display_name="Keyframe Images (KeyVID)",
            category="KeyVID/bridges",
            description="A storyboard: one image for each keyframe of the plan, in order of time, at one size.",
            search_aliases=["storyboard", "keyframe pictures", "image list", "keyvid"],
            is_input_list=True,  # an output list of images arrives whole
            inputs=[
                Plan.Input("plan", tooltip="The plan from Select or Edit Keyframes, or Fit Plan."),
                io.Autogrow.Input(
                    "images",
                    template=io.Autogrow.TemplatePrefix(io.Image.Input("image"), "image", 1, 50),
                    tooltip="Single images, a batch or a list, in order of time. A whole video also works.",
                ),
                *_size_inputs(),
                fewer_input(),
            ],
            outputs=[
                io.Image.Output(display_name="images", tooltip="One batch, for guides and sheets."),
                io.Image.Output(
                    display_name="image list",
                    is_output_list=True,
                    tooltip="One by one: what follows runs once for each keyframe.",
                ),
                io.Int.Output(display_name="width"),
                io.Int.Output(display_name="height"),
                io.Int.Output(display_name="count", tooltip="How many keyframes the plan has."),
            ],
        )

    @classmethod
    def execute(
        cls,
        plan: list[KeyframePlan],
        images: dict[str, list[Image]],
        width: list[Any],
        height: list[Any],
        fit: list[str],
        fewer: list[str],
    ) -> io.NodeOutput:
        batch = keyframe_images(
            [image for part in images.values() for image in part or []],
            plan[0],
            width=plain_number(width[0]),
            height=plain_number(height[0]),
            fit=fit[0],
            fewer=fewer[0],
        )
        count, height_px, width_px, _ = batch.shape
        return io.NodeOutput(batch, one_by_one(batch), width_px, height_px, count)


def _size_inputs() -> list[io.Input]:
    tooltip = (
        "In pixels; 0 takes that of the first image. Wire the same numbers into the model's nodes."
    )
    return [
        io.Int.Input(
            "width", default=0, min=0, max=8192, tooltip=f"Width of all images. {tooltip}"
        ),
        io.Int.Input(
            "height", default=0, min=0, max=8192, tooltip=f"Height of all images. {tooltip}"
        ),
        io.Combo.Input(
            "fit",
            options=list(FITS),
            tooltip="crop covers the size and cuts the sides off, pad adds black bars, stretch changes proportions.",
        ),
    ]


class ImagesOnFrames(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_ImagesOnFrames",
            display_name="Images On Frames (KeyVID)",
            category="KeyVID/bridges",
            description="A batch as long as the video: each keyframe's image on its frame, black or grey elsewhere, "
            "and the masks of it.",
            search_aliases=["guides from batch", "control video", "keyframe batch", "keyvid"],
            inputs=[
                io.Image.Input("images", tooltip="The images from Keyframe Images."),
                Plan.Input("plan", tooltip="The plan that they belong to."),
                io.Combo.Input(
                    "between",
                    options=list(LEVEL_BETWEEN),
                    tooltip="What the other frames show: black for LTXV Add Guides From Batch, grey for most of Wan.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="frames", tooltip="One image per frame of the video."),
                io.Mask.Output(
                    display_name="masks", tooltip="White at keyframes, black elsewhere."
                ),
            ],
        )

    @classmethod
    def execute(cls, images: Image, plan: KeyframePlan, between: str) -> io.NodeOutput:
        return io.NodeOutput(*images_on_frames(images, plan, between=between))
