"""What the bridges to Wan share: their inputs, and the images at the size of the video."""

from typing import Any

from comfy_api.v0_0_2 import io

from ..host.bridges.keyframe_images import keyframe_images
from ..host.payloads import Image
from ..keyframes.bridges.guides import check_on_grid
from ..keyframes.plan import KeyframePlan
from ..keyframes.values import plain_number
from .sockets import Plan


def keyframe_inputs() -> list[io.Input]:
    """The keyframe images, their plan, and the size of the video."""
    size = {"default": 0, "min": 0, "max": 4096, "step": 16}
    tooltip = "of the video in pixels; 0 takes that of the images."
    return [
        io.Image.Input(
            "images", tooltip="One image per keyframe, in order of time: from Keyframe Images."
        ),
        Plan.Input("plan", tooltip="From Fit Plan To Model, at Wan's rate and length."),
        io.Int.Input(
            "width", **size, tooltip=f"Width {tooltip} Sides that do not fit are cut off."
        ),
        io.Int.Input("height", **size, tooltip=f"Height {tooltip}"),
    ]


def size_outputs() -> list[io.Output]:
    """The length and size for the Wan node behind."""
    return [
        io.Int.Output(display_name="frames", tooltip="Wire it into length."),
        io.Int.Output(display_name="width"),
        io.Int.Output(display_name="height"),
    ]


def sized_images(images: Image, plan: KeyframePlan, *, width: Any, height: Any) -> Image:
    """One image per keyframe (count, height, width, 3). Raises KeyVIDError, also for a plan of another length."""
    check_on_grid(plan, "4n+1", model="Wan")
    size = {"width": plain_number(width), "height": plain_number(height)}
    return keyframe_images([images], plan, **size)
