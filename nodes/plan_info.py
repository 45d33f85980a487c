"""Plan Info: the numbers of a plan for other nodes, above all fps for Create Video."""

from comfy_api.v0_0_2 import io

from ..keyframes.plan import KeyframePlan
from ..keyframes.timebase import time_at
from .sockets import Plan


class PlanInfo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_PlanInfo",
            display_name="Plan Info (KeyVID)",
            category="KeyVID/timing",
            description="The numbers of a plan. Wire fps into Create Video, whose own default is 30.",
            search_aliases=["fps", "frame count", "keyvid"],
            inputs=[Plan.Input("plan")],
            outputs=[
                io.Float.Output(display_name="fps"),
                io.Int.Output(display_name="frames", tooltip="Length of the video in frames."),
                io.Int.Output(display_name="count", tooltip="How many keyframes the plan has."),
                io.String.Output(display_name="summary", tooltip="The plan in words."),
            ],
        )

    @classmethod
    def execute(cls, plan: KeyframePlan) -> io.NodeOutput:
        lines = [
            f"{plan.n_frames} frames at {plan.fps:g} fps ({time_at(plan.n_frames, fps=plan.fps):.2f} s), "
            f"{plan.count} keyframes"
        ]
        for keyframe in plan.keyframes:
            locked = ", locked" if keyframe.locked else ""
            time_s = time_at(keyframe.frame, fps=plan.fps)
            words = f', "{" ".join(keyframe.prompt.split())}"' if keyframe.prompt.strip() else ""
            image = f", image {keyframe.image}" if keyframe.image else ""
            lines.append(
                f"frame {keyframe.frame} ({time_s:.2f} s): {keyframe.kind}{locked}{words}{image}"
            )
        return io.NodeOutput(plan.fps, plan.n_frames, plan.count, "\n".join(lines))
