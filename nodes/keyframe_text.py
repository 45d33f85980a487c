"""Keyframe Text: words for single moments, for KeyVID's own models."""

from comfy_api.v0_0_2 import io

from ..host.payloads import Clip
from ..host.sampling.tokens.keyframe_text import keyframe_text
from ..keyframes.plan import KeyframePlan
from .sockets import Plan


class KeyframeText(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframeText",
            display_name="Keyframe Text (KeyVID)",
            category="KeyVID/generation",
            description="Encodes a text for every keyframe: one text for all, and behind it the words typed on the "
            "timeline. Between keyframes one text goes over into the next.",
            search_aliases=["prompt travel", "prompt schedule", "prompt per keyframe", "keyvid"],
            inputs=[
                io.Clip.Input(
                    "clip",
                    tooltip="The text encoder of the model: OpenCLIP ViT-H, or that of Load KeyVID Checkpoint.",
                ),
                Plan.Input(
                    "plan",
                    tooltip="The plan from Select or Edit Keyframes. It has the words typed on the timeline.",
                ),
                io.String.Input(
                    "global_text",
                    display_name="global text",
                    multiline=True,
                    default="",
                    tooltip="The beginning of every text: what is the same in the whole video.",
                ),
                io.String.Input(
                    "lines",
                    multiline=True,
                    default="",
                    tooltip="Words for kinds of keyframes, one instruction a line, as in Keyframe Prompts: peak: ..., "
                    "valley: ..., 12: ... (a frame). A keyframe's own words on the timeline come before the line of "
                    "its kind.",
                ),
                io.Boolean.Input(
                    "blend",
                    default=True,
                    tooltip="Between two keyframes: on, the text goes over from one to the other, frame by frame. Off, "
                    "each text stays until the next keyframe.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning",
                    tooltip="For positive of Keyframe Conditioning and of Interpolation Conditioning.",
                )
            ],
        )

    @classmethod
    def execute(
        cls, clip: Clip, plan: KeyframePlan, global_text: str, lines: str, blend: bool
    ) -> io.NodeOutput:
        return io.NodeOutput(keyframe_text(clip, plan, global_text, lines, blend=blend))
