"""Keyframe Prompts: a prompt for every keyframe from two sentences."""

from comfy_api.v0_0_2 import io

from ..keyframes.bridges.prompts import (
    SEED_MODES,
    keyframe_prompts,
    prompt_lines,
    prompt_schedule,
    relay,
    seeds,
)
from ..keyframes.plan import KeyframePlan
from ..keyframes.values import plain_number
from .sockets import Plan


class KeyframePrompts(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_KeyframePrompts",
            display_name="Keyframe Prompts (KeyVID)",
            category="KeyVID/bridges",
            description="A prompt and a seed for every keyframe: one text for all, a line for each kind of "
            "keyframe, each frame, or each keyframe in order, and the words typed on the timeline.",
            search_aliases=[
                "prompt schedule",
                "prompt travel",
                "prompt list",
                "prompt relay",
                "keyvid",
            ],
            inputs=_inputs(),
            outputs=[*_list_outputs(), *_text_outputs()],
        )

    @classmethod
    def execute(
        cls, plan: KeyframePlan, global_text: str, lines: str, seed: int, seed_mode: str
    ) -> io.NodeOutput:
        prompts = keyframe_prompts(plan, global_text, lines)
        relay_texts, relay_lengths = relay(plan, global_text, lines)
        return io.NodeOutput(
            prompts,
            plan.frames,
            seeds(plan, plain_number(seed), seed_mode),
            plan.count,
            prompt_lines(prompts),
            prompt_schedule(plan, prompts),
            relay_texts,
            relay_lengths,
        )


def _inputs() -> list[io.Input]:
    return [
        Plan.Input("plan", tooltip="The plan from Select or Edit Keyframes, or Fit Plan To Model."),
        io.String.Input(
            "global_text",
            display_name="global text",
            multiline=True,
            default="",
            tooltip="The beginning of every prompt: what is the same in all images.",
        ),
        io.String.Input(
            "lines",
            multiline=True,
            default="peak: the moment of the strike\nvalley: the moment before it moves again",
            tooltip="peak: ..., valley: ..., fill: ..., first: ..., manual: ..., locked: ..., 12: ... (a frame), or "
            "one line per keyframe in order. A keyframe's own words on the timeline come before the line of its kind.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**64 - 1,
            control_after_generate=io.ControlAfterGenerate.fixed,
            tooltip="The seed that the seeds output begins with.",
        ),
        io.Combo.Input(
            "seed_mode",
            display_name="seeds",
            options=list(SEED_MODES),
            tooltip="fixed: the same for all, so that images stay alike. per keyframe: seed + frame.",
        ),
    ]


def _list_outputs() -> list[io.Output]:
    once = "One by one: what follows runs once for each keyframe."
    return [
        io.String.Output(display_name="prompts", is_output_list=True, tooltip=once),
        io.Int.Output(display_name="frames", is_output_list=True, tooltip=once),
        io.Int.Output(display_name="seeds", is_output_list=True, tooltip=once),
    ]


def _text_outputs() -> list[io.Output]:
    return [
        io.Int.Output(display_name="count", tooltip="How many keyframes the plan has."),
        io.String.Output(display_name="text", tooltip="All prompts, one a line."),
        io.String.Output(display_name="schedule", tooltip='"0": "...", "12": "..."'),
        io.String.Output(
            display_name="relay texts",
            tooltip='a | b | c: the lines without the global text; a "|" in a line becomes "/".',
        ),
        io.String.Output(
            display_name="relay lengths", tooltip="7,12,29: frames from each keyframe to the next."
        ),
    ]
