"""Keyframe Control Video (VACE): the keyframe images as control video and masks of WanVaceToVideo."""

from comfy_api.v0_0_2 import io

from ..host.bridges.keyframe_images import video_of
from ..host.images import frame_masks
from ..host.payloads import Image
from ..keyframes.bridges.causal_groups import HOLDS, control_frames, control_summary
from ..keyframes.plan import KeyframePlan
from .wan_inputs import keyframe_inputs, size_outputs, sized_images


class KeyframeControlVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframeControlVideo",
            display_name="Keyframe Control Video VACE (KeyVID)",
            category="KeyVID/bridges",
            description="The keyframe images as control_video and control_masks of WanVaceToVideo: grey where the "
            "model paints, and masks that are still there when Wan's VAE has put four frames into one.",
            search_aliases=["Wan", "VACE", "control masks", "multiple keyframes", "keyvid"],
            inputs=[
                *keyframe_inputs(),
                io.Combo.Input(
                    "hold",
                    options=list(HOLDS),
                    default=HOLDS[0],
                    tooltip="group: an image is shown on all four frames that Wan's VAE puts together, so what is kept "
                    "is the image alone, up to 3 frames before and behind its own. frame: on its own frame only; what "
                    "is kept has grey in it.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="control_video"),
                io.Mask.Output(
                    display_name="control_masks",
                    tooltip="Black where an image is kept, white where the model paints.",
                ),
                *size_outputs(),
                io.String.Output(
                    display_name="summary", tooltip="Where an image is not exactly on its frame."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, images: Image, plan: KeyframePlan, width: int, height: int, hold: str
    ) -> io.NodeOutput:
        images = sized_images(images, plan, width=width, height=height)
        control = control_frames(plan.frames, plan.n_frames, hold=hold)
        _, height, width, _ = images.shape
        masks = [0.0 if kept else 1.0 for kept in control.kept]
        return io.NodeOutput(
            video_of(images, control.images, between="grey"),
            frame_masks(masks, width=width, height=height),
            plan.n_frames,
            width,
            height,
            control_summary(control, hold=hold),
        )
