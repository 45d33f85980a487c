"""Keyframe Sheet: the painted keyframes at their places on the timeline."""

from comfy_api.latest import io

from ..errors import PlanError
from ..host.audio import clip_samples_of
from ..host.images import pictures_of
from ..host.node_previews import keyframe_sheet
from ..keyframes.curve import check_fits
from .sockets import Curve, Plan


class KeyframeSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_KeyframeSheet",
            display_name="Keyframe Sheet (KeyVID)",
            category="KeyVID/generation",
            description="All keyframes at a glance: each picture with its frame, time and kind, joined to its moment "
            "on the timeline.",
            search_aliases=["contact sheet", "storyboard", "preview keyframes", "keyvid"],
            is_output_node=True,  # else ComfyUI does not show the picture of a cached run again
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="The painted keyframes, in order. A whole video is welcome too: its frames at the "
                    "keyframes are shown.",
                ),
                Plan.Input("plan", tooltip="The plan they were painted with."),
                Curve.Input(
                    "curve", optional=True, tooltip="The motion curve, drawn behind the keyframes."
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="The sound from Clip Audio, drawn behind the keyframes.",
                ),
                io.Int.Input(
                    "width",
                    default=1280,
                    min=320,
                    max=4096,
                    tooltip="Width of the sheet in pixels; its height follows.",
                ),
            ],
            outputs=[io.Image.Output(display_name="sheet", tooltip="The sheet as a picture.")],
        )

    @classmethod
    def execute(cls, images, plan, width, curve=None, audio=None):
        pictures = _keyframes_of(pictures_of(images, name="images"), plan)
        if curve is not None:
            check_fits(curve, n_frames=plan.n_frames, fps=plan.fps)
        samples, sample_rate = None, None
        if audio is not None:
            samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
        sheet, shown = keyframe_sheet(
            cls,
            pictures,
            plan=plan,
            width=width,
            curve=curve,
            samples=samples,
            sample_rate=sample_rate,
        )
        return io.NodeOutput(sheet, ui=shown)


def _keyframes_of(pictures, plan):
    """The pictures of the plan's keyframes, out of those or of a whole video."""
    if len(pictures) == plan.count:
        return pictures
    if len(pictures) == plan.n_frames:
        return pictures[plan.frames]
    raise PlanError(
        f"There are {len(pictures)} pictures on the images input, but the plan has {plan.count} keyframes in "
        f"{plan.n_frames} frames. Connect the pictures that were painted with this very plan."
    )
