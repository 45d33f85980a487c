"""Multimodal CFG: how strongly image, text and audio each steer the video."""

from comfy_api.v0_0_2 import io

from ..host.payloads import Conditioning, Model
from ..host.sampling.defaults import AUDIO_SCALE, GUIDED, IMAGE_SCALE, RESCALE, TEXT_SCALE
from ..host.sampling.guider import multimodal_guider


class MultimodalCFG(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_MultimodalCFG",
            display_name="Multimodal CFG (KeyVID)",
            category="KeyVID/generation",
            description="Sets how strongly the image, the text and the sound each steer the video. Every scale "
            "that differs from its neighbours costs one pass of the network per step; the node shows how many.",
            search_aliases=["guidance", "cfg", "audio guidance", "guider", "keyvid"],
            inputs=[
                io.Model.Input("model", tooltip="The KeyVID or DynamiCrafter model."),
                io.Conditioning.Input(
                    "positive", tooltip="The positive output of a KeyVID conditioning node."
                ),
                io.Conditioning.Input(
                    "negative", tooltip="The negative output of the same conditioning node."
                ),
                *_scale_inputs(),
                *_guided_inputs(),
            ],
            outputs=[
                io.Guider.Output(display_name="guider", tooltip="For Sampler Custom Advanced.")
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Model,
        positive: Conditioning,
        negative: Conditioning,
        image_scale: float,
        text_scale: float,
        audio_scale: float,
        rescale: float,
        guided_from: float = GUIDED[0],
        guided_until: float = GUIDED[1],
    ) -> io.NodeOutput:
        return io.NodeOutput(
            multimodal_guider(
                model,
                positive,
                negative,
                image_scale=image_scale,
                text_scale=text_scale,
                audio_scale=audio_scale,
                rescale=rescale,
                guided=(guided_from, guided_until),
            )
        )


def _scale_inputs() -> list[io.Input]:
    """How strongly each of the three steers."""
    return [
        io.Float.Input(
            "image_scale",
            display_name="image",
            default=IMAGE_SCALE,
            min=0.0,
            max=30.0,
            step=0.1,
            tooltip="How strongly the first image steers; a higher value keeps the video closer to it. "
            "The published value is 2. 1 saves a pass.",
        ),
        io.Float.Input(
            "text_scale",
            display_name="text",
            default=TEXT_SCALE,
            min=0.0,
            max=30.0,
            step=0.1,
            tooltip="How strongly the prompt steers; too high looks harsh. The published value is 7.5.",
        ),
        io.Float.Input(
            "audio_scale",
            display_name="audio",
            default=AUDIO_SCALE,
            min=0.0,
            max=30.0,
            step=0.1,
            tooltip="How strongly the sound steers. The published values are 7.5 for keyframes and 9 for the "
            "frames between. Equal to text it saves one pass. Not used by a model without an audio input.",
        ),
        io.Float.Input(
            "rescale",
            default=RESCALE,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="Brings the contrast of the guided video back to that of the unguided one, which high "
            "scales exaggerate. 0 is off. The published value is 0.7.",
            advanced=True,
        ),
    ]


def _guided_inputs() -> list[io.Input]:
    """In which steps the scales count."""
    return [
        io.Float.Input(
            "guided_from",
            display_name="guidance from",
            default=GUIDED[0],
            min=0.0,
            max=1.0,
            step=0.05,
            # like every input that is appended later: older prompts do not have it
            optional=True,
            advanced=True,
            tooltip="From which share of the run on the scales count: 0 is its first step. Before it, image, "
            "prompt and sound steer in a single pass, as with all scales 1. As published: 0.",
        ),
        io.Float.Input(
            "guided_until",
            display_name="guidance until",
            default=GUIDED[1],
            min=0.0,
            max=1.0,
            step=0.05,
            optional=True,
            advanced=True,
            tooltip="Until which share of the run the scales count: 1 is to its end, as published. With 0.5 "
            "the second half of the steps takes one pass each, so a run with 4 passes takes 2.5 on average.",
        ),
    ]
