"""Bridges: plans and curves as plain lists, strings and masks for other packs, and back.

A list leaves as one Python list on an INT or FLOAT socket: marking it as an output list would run
everything downstream once per element. Where that is wanted, for loops and image models, there is an output of its own.
"""

from typing import Any

from comfy_api.v0_0_2 import io

from ..errors import KeyVIDError
from ..host.images import frame_masks
from ..keyframes.curve import MotionCurve, check_curve, checked_scores, motion_curve
from ..keyframes.curve import normalise as normalised
from ..keyframes.plan import KeyframePlan, plan_at_frames
from ..keyframes.text import frames_from_text, frames_to_text, values_to_schedule
from ..keyframes.timebase import FPS, MAX_N_FRAMES, N_FRAMES, time_at
from ..keyframes.values import plain_number, plain_value, shown
from .sockets import Curve, Plan


def mask_size_inputs() -> list[io.Input]:
    """Width and height of the masks."""
    tooltip = "Size of the masks in pixels."
    return [
        io.Int.Input("width", default=512, min=8, max=8192, step=8, advanced=True, tooltip=tooltip),
        io.Int.Input(
            "height", default=320, min=8, max=8192, step=8, advanced=True, tooltip=tooltip
        ),
    ]


class PlanToFrames(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_PlanToFrames",
            display_name="Plan To Frames (KeyVID)",
            category="KeyVID/bridges",
            description="The keyframes of a plan as lists, strings and masks for other packs.",
            search_aliases=["keyframe indices", "schedule", "keyvid"],
            inputs=[Plan.Input("plan"), *mask_size_inputs()],
            outputs=[
                io.Int.Output(display_name="keyframes", tooltip="One list of frame numbers."),
                io.Float.Output(display_name="times (s)", tooltip="One list of times in seconds."),
                io.String.Output(display_name="text", tooltip="0, 7, 12"),
                io.String.Output(
                    display_name="schedule", tooltip="0:(1.000), 1:(0.000): 1 at keyframes"
                ),
                io.Mask.Output(
                    display_name="masks", tooltip="One mask per frame, white at keyframes."
                ),
                *_outputs_per_keyframe(),
            ],
        )

    @classmethod
    def execute(cls, plan: KeyframePlan, width: int, height: int) -> io.NodeOutput:
        frames = plan.frames
        times_s = [time_at(frame, fps=plan.fps) for frame in frames]
        at_keyframe = [0.0] * plan.n_frames
        for frame in frames:
            at_keyframe[frame] = 1.0
        return io.NodeOutput(
            frames,
            times_s,
            frames_to_text(frames),
            values_to_schedule(at_keyframe),
            frame_masks(at_keyframe, width=width, height=height),
            list(frames),
            list(times_s),
            [frame / plan.n_frames for frame in frames],
            frames_to_text(frames[1:]),  # the plan's first keyframe is frame 0
        )


def _outputs_per_keyframe() -> list[io.Output]:
    """The outputs that run what follows once per keyframe, and the text for nodes that refuse frame 0."""
    once = "One by one: what follows runs once for each keyframe."
    return [
        io.Int.Output(display_name="frame list", is_output_list=True, tooltip=once),
        io.Float.Output(display_name="time list (s)", is_output_list=True, tooltip=once),
        io.Float.Output(
            display_name="fraction list",
            is_output_list=True,
            tooltip=f"{once} 0 is the beginning of the video, 1 its end.",
        ),
        io.String.Output(
            display_name="frame_indices",
            tooltip="7, 12: without frame 0, for LTXV Add Generated Keyframes.",
        ),
    ]


class FramesToPlan(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_FramesToPlan",
            display_name="Frames To Plan (KeyVID)",
            category="KeyVID/bridges",
            description="A plan from frame numbers: typed, or a list from another pack.",
            search_aliases=["import keyframes", "keyvid"],
            inputs=[
                io.String.Input(
                    "text",
                    default="0, 12, 24, 36",
                    multiline=True,
                    tooltip="Frame numbers such as 0, 7, 12, or a schedule such as 0:(1.0), 7:(0.5). "
                    "Frame 0 is added if it is missing.",
                ),
                io.Float.Input(
                    "fps",
                    default=FPS,
                    min=1.0,
                    max=240.0,
                    step=0.001,
                    tooltip="Frames per second of the clip; wire it from Clip Audio.",
                ),
                io.Int.Input(
                    "n_frames",
                    display_name="frames",
                    default=N_FRAMES,
                    min=2,
                    max=MAX_N_FRAMES,
                    tooltip="Length of the clip in frames; wire it from Clip Audio.",
                ),
                io.Int.Input(
                    "frame_list",
                    display_name="frame list",
                    optional=True,
                    force_input=True,
                    tooltip="A list of frame numbers, 12 or 12.0; used instead of the text when connected.",
                ),
            ],
            outputs=[Plan.Output(display_name="plan")],
        )

    @classmethod
    def execute(cls, text: str, fps: float, n_frames: int, frame_list: Any = None) -> io.NodeOutput:
        frames = frames_from_text(text) if frame_list is None else _as_list(frame_list)
        # False equals 0 in Python, but is not a frame
        frames = [0, *(frame for frame in frames if frame is False or frame != 0)]
        n_frames = plain_number(n_frames)
        return io.NodeOutput(plan_at_frames(frames, fps=plain_value(fps), n_frames=n_frames))


class CurveToValues(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_CurveToValues",
            display_name="Curve To Values (KeyVID)",
            category="KeyVID/bridges",
            description="The motion curve as a list, a schedule string and masks for other packs.",
            search_aliases=["float list", "schedule", "audio reactive", "keyvid"],
            inputs=[Curve.Input("curve"), *mask_size_inputs()],
            outputs=[
                io.Float.Output(display_name="values", tooltip="One list, one value per frame."),
                io.String.Output(display_name="schedule", tooltip="0:(0.012), 1:(0.250), ..."),
                io.Mask.Output(display_name="masks", tooltip="One grey mask per frame."),
            ],
        )

    @classmethod
    def execute(cls, curve: MotionCurve, width: int, height: int) -> io.NodeOutput:
        check_curve(curve)
        values = [float(value) for value in curve.score]
        masks = frame_masks(values, width=width, height=height)
        return io.NodeOutput(values, values_to_schedule(values), masks)


class ValuesToCurve(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_ValuesToCurve",
            display_name="Values To Curve (KeyVID)",
            category="KeyVID/bridges",
            description="A motion curve from the values of another pack, one per frame.",
            search_aliases=["float list", "keyvid"],
            inputs=[
                io.Float.Input(
                    "values", force_input=True, tooltip="A list of numbers, one per frame."
                ),
                io.Float.Input(
                    "fps",
                    default=FPS,
                    min=1.0,
                    max=240.0,
                    step=0.001,
                    tooltip="Frames per second of the clip; wire it from Clip Audio.",
                ),
                io.Boolean.Input(
                    "normalise",
                    default=False,
                    tooltip="Scale the values so that the lowest becomes 0 and the highest 1.",
                ),
            ],
            outputs=[Curve.Output(display_name="curve")],
        )

    @classmethod
    def execute(cls, values: Any, fps: float, normalise: bool) -> io.NodeOutput:
        scores = checked_scores(_as_list(values))
        if normalise:
            scores = normalised(scores)
        return io.NodeOutput(motion_curve(scores, fps=plain_value(fps), source="values"))


def _as_list(values: Any) -> list[Any]:
    """The elements of a socket for lists, numbers as plain Python numbers. Raises KeyVIDError for a single value."""
    values = plain_value(values)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise KeyVIDError(
            f"A list of numbers is needed but {shown(values)} came in. Connect an output that gives them as one list."
        )
    return [plain_value(value) for value in values]
