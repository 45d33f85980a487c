"""Keyframe Segments and Join Segments: a video in pieces from keyframe to keyframe."""

from typing import Any

from comfy_api.v0_0_2 import io

from ..host.audio import audio_of, clip_samples_of
from ..host.bridges.keyframe_images import keyframe_images, one_by_one
from ..host.bridges.segments import join_segments
from ..host.payloads import Audio, Image
from ..keyframes.audio.clip import of_length
from ..keyframes.bridges.model_grid import GRIDS, grid_named
from ..keyframes.bridges.segments import (
    TAILS,
    multipliers,
    plan_segments,
    prompt_per_segment,
    segments_text,
)
from ..keyframes.plan import KeyframePlan
from ..keyframes.timebase import MAX_N_FRAMES, n_samples_at
from ..keyframes.values import plain_number
from .sockets import Plan


class KeyframeSegments(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframeSegments",
            display_name="Keyframe Segments (KeyVID)",
            category="KeyVID/bridges",
            description="One segment from each keyframe to the next, as lists: what follows runs once per segment. For "
            "any model that makes a video from a first and a last image.",
            search_aliases=[
                "first last frame",
                "FLF2V",
                "Kling",
                "Runway",
                "Veo",
                "RIFE",
                "keyvid",
            ],
            is_input_list=True,
            inputs=_segment_inputs(),
            outputs=_segment_outputs(),
        )

    @classmethod
    def execute(
        cls,
        plan: list[KeyframePlan],
        images: list[Image],
        grid: list[str],
        shortest: list[Any],
        longest: list[Any],
        tail: list[str],
        prompts: list[str] | None = None,
    ) -> io.NodeOutput:
        segments = plan_segments(
            plan[0],
            grid_named(grid[0]),
            shortest=plain_number(shortest[0]),
            longest=plain_number(longest[0]),
            tail=tail[0],
        )
        batch = keyframe_images(images, plan[0])
        single = one_by_one(batch)
        factors = [multipliers(one.end - one.start) for one in segments]
        return io.NodeOutput(
            [single[one.first] for one in segments],
            [single[one.last] for one in segments],
            [one.n_frames for one in segments],
            [(one.end - one.start) / plan[0].fps for one in segments],
            prompt_per_segment(segments, prompts or [], plan[0].count),
            len(segments),
            segments_text(segments, fps=plan[0].fps),
            [batch[[one.first, one.last]] for one in segments],
            [first for first, _ in factors],
            [second for _, second in factors],
        )


def _segment_inputs() -> list[io.Input]:
    return [
        Plan.Input("plan", tooltip="The plan, at the model's frame rate (Fit Plan To Model)."),
        io.Image.Input("images", tooltip="The images from Keyframe Images, one per keyframe."),
        io.Combo.Input(
            "grid",
            options=list(GRIDS),
            tooltip="The lengths that the model can make: 4n+1 for Wan, 8n+1 for LTX, 17k+5 for MiniMax H3.",
        ),
        io.Int.Input(
            "shortest",
            default=2,
            min=2,
            max=MAX_N_FRAMES,
            tooltip="No segment is made with fewer frames; Join Segments thins it out evenly.",
        ),
        io.Int.Input(
            "longest",
            default=0,
            min=0,
            max=MAX_N_FRAMES,
            tooltip="A segment that needs more frames is refused; 0 allows any. Wan: 81.",
        ),
        io.Combo.Input(
            "tail",
            options=list(TAILS),
            tooltip="Behind the last keyframe: hold its image, or make one more segment that begins and ends with it.",
        ),
        io.String.Input(
            "prompts",
            optional=True,
            force_input=True,
            tooltip="From Keyframe Prompts: a segment gets that of the keyframe it leads to. Or one text for all.",
        ),
    ]


def _segment_outputs() -> list[io.Output]:
    per_segment = {"is_output_list": True}
    return [
        io.Image.Output(display_name="first image", **per_segment),
        io.Image.Output(display_name="last image", **per_segment),
        io.Int.Output(
            display_name="frames", tooltip="How many frames the model shall make.", **per_segment
        ),
        io.Float.Output(
            display_name="seconds", tooltip="How long each lasts in the video.", **per_segment
        ),
        io.String.Output(display_name="prompt", **per_segment),
        io.Int.Output(display_name="count", tooltip="How many segments there are."),
        io.String.Output(display_name="summary", tooltip="The segments in words."),
        io.Image.Output(
            display_name="pair",
            tooltip="Both images, for Run Frame Interpolation Model.",
            **per_segment,
        ),
        io.Int.Output(
            display_name="multiplier", tooltip="Of a first frame interpolation.", **per_segment
        ),
        io.Int.Output(
            display_name="multiplier 2",
            tooltip="Of a second one behind it. With both, Join Segments finds every frame.",
            **per_segment,
        ),
    ]


class JoinSegments(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_JoinSegments",
            display_name="Join Segments (KeyVID)",
            category="KeyVID/bridges",
            description="Puts the segments between keyframes together: exactly the frames of the plan, none doubled or "
            "lost where two meet.",
            search_aliases=["concatenate videos", "stitch", "keyvid"],
            is_input_list=True,
            inputs=[
                io.Image.Input(
                    "segments", tooltip="The frames of every segment, as a list, in order of time."
                ),
                Plan.Input("plan", tooltip="The plan that went into Keyframe Segments."),
                io.Audio.Input(
                    "audio", optional=True, tooltip="The sound of the plan, from Fit Plan To Model."
                ),
            ],
            outputs=[
                io.Image.Output(display_name="images", tooltip="The frames of the whole video."),
                io.Float.Output(display_name="fps"),
                io.Audio.Output(display_name="audio", tooltip="Exactly as long as the frames."),
            ],
        )

    @classmethod
    def execute(
        cls, segments: list[Image], plan: list[KeyframePlan], audio: list[Audio] | None = None
    ) -> io.NodeOutput:
        n_frames, fps = plan[0].n_frames, plan[0].fps
        sound = None
        if audio and audio[0] is not None:
            samples, rate = clip_samples_of(audio[0], n_frames=n_frames, fps=fps)
            n_samples = n_samples_at(n_frames, fps=fps, sample_rate=rate)
            sound = audio_of(of_length(samples, n_samples), rate)
        return io.NodeOutput(join_segments(segments, plan[0]), fps, sound)
