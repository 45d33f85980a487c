"""Storyboard Images: the artist's own images that were dropped on the timeline."""

import logging

from comfy_api.v0_0_2 import io

from ..host.bridges.storyboard import storyboard_images
from ..host.images import FITS
from ..host.node_previews import image_ui
from ..keyframes.plan import KeyframePlan
from .sockets import Plan

log = logging.getLogger("keyvid")


SIZE = {
    "default": 0,
    "min": 0,
    "max": 8192,
    "tooltip": "In pixels, as in Keyframe Conditioning. 0: that of the first image.",
}


class StoryboardImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_StoryboardImages",
            display_name="Storyboard Images (KeyVID)",
            category="KeyVID/generation",
            description="Your own images that you dropped on keyframes of the timeline. Pin Keyframes puts them in "
            "their place, and the model paints the keyframes without one.",
            search_aliases=["storyboard", "first last frame", "first middle last", "keyvid"],
            inputs=[
                Plan.Input(
                    "plan",
                    tooltip="The plan from Edit Keyframes. It names the images; the files are in ComfyUI's input "
                    "folder.",
                ),
                io.Int.Input("width", **SIZE),
                io.Int.Input("height", **SIZE),
                io.Combo.Input(
                    "fit",
                    options=list(FITS),
                    default=FITS[0],
                    tooltip="How an image of other proportions fills the size: the sides cut off, black bars, or "
                    "stretched.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images",
                    tooltip="The images that are there, in order of time. Into images of Pin Keyframes.",
                ),
                io.String.Output(
                    display_name="frames",
                    tooltip="Their frames, such as 0, 24, 47; none without any. Into pinned of Pin Keyframes.",
                ),
                io.String.Output(
                    display_name="missing",
                    tooltip="Which images are not in the input folder; empty when all are there.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, plan: KeyframePlan, width: int = 0, height: int = 0, fit: str = FITS[0]
    ) -> io.NodeOutput:
        board = storyboard_images(plan, width=width, height=height, fit=fit)
        if board.missing:
            log.warning("Storyboard Images: %s", board.missing)
        shown = None if board.images is None else image_ui(cls, board.images)
        return io.NodeOutput(*board, ui=shown)
