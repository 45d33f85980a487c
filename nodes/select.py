"""Select Keyframes: which frames of the motion curve become keyframes."""

from comfy_api.v0_0_2 import io

from ..host.node_previews import strip_ui
from ..keyframes.curve import MotionCurve, check_curve
from ..keyframes.peaks import PEAK_DISTANCE, PROMINENCE
from ..keyframes.select import STRATEGIES, select_keyframes
from ..keyframes.timebase import MAX_N_FRAMES
from ..keyframes.values import plain_number, real_number
from .sockets import Curve, Plan


class SelectKeyframes(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_SelectKeyframes",
            display_name="Select Keyframes (KeyVID)",
            category="KeyVID/timing",
            description="Chooses the frames that get a keyframe: the first one, the peaks of the curve, "
            "the valleys between them, and frames that fill the widest gaps.",
            search_aliases=["peaks", "keyframe plan", "peak detection", "keyvid"],
            is_output_node=True,  # else ComfyUI does not show the image of a cached run again
            inputs=[
                Curve.Input("curve", tooltip="The motion curve from Localize Keyframes."),
                io.Combo.Input(
                    "strategy",
                    options=list(STRATEGIES),
                    default="strongest",
                    tooltip="strongest: the strikes of the sound first, always the same result. released: the "
                    "random choice of the published KeyVID code. paper: the random choice of the paper "
                    "(Algorithm 1). uniform: evenly spaced. first_last: only the first and the last frame.",
                ),
                io.Int.Input(
                    "count",
                    default=0,
                    min=0,
                    max=MAX_N_FRAMES,
                    tooltip="How many keyframes. 0 means 12 for every 48 frames, which the KeyVID models "
                    "were trained on. first_last always has 2.",
                ),
                io.Int.Input(
                    "selection_seed",
                    display_name="selection seed",
                    default=0,
                    min=0,
                    max=2**32 - 1,
                    control_after_generate=False,
                    tooltip="Only for the random strategies, released and paper: another number gives "
                    "another choice.",
                ),
                io.Float.Input(
                    "prominence",
                    default=PROMINENCE,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    advanced=True,
                    tooltip="How far a peak of the curve must stand out to count. Not for strikes in strongest.",
                ),
                io.Int.Input(
                    "peak_distance",
                    display_name="peak distance (frames)",
                    default=PEAK_DISTANCE,
                    min=1,
                    max=240,
                    advanced=True,
                    tooltip="Of two closer peaks of the curve only the higher counts. Not for strikes in strongest.",
                ),
            ],
            outputs=[Plan.Output(display_name="plan", tooltip="The keyframes, ready for edits.")],
        )

    @classmethod
    def execute(
        cls,
        curve: MotionCurve,
        strategy: str,
        count: int,
        selection_seed: int,
        prominence: float,
        peak_distance: int,
    ) -> io.NodeOutput:
        check_curve(curve)
        count, prominence = plain_number(count), real_number(prominence, "prominence")
        plan = select_keyframes(
            curve,
            strategy=strategy,
            count=count or None,
            selection_seed=selection_seed,
            prominence=prominence,
            distance=peak_distance,
        )
        shown = strip_ui(cls, n_frames=plan.n_frames, fps=plan.fps, curve=curve, plan=plan)
        return io.NodeOutput(plan, ui=shown)
