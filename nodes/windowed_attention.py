"""Windowed Attention: frames attend to their neighbours in time instead of the whole clip."""

from comfy_api.v0_0_2 import io

from ..host.payloads import Model
from ..host.sampling.defaults import STRIDE, WINDOW
from ..host.sampling.video_model import with_temporal_window


class WindowedAttention(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_WindowedAttention",
            display_name="Windowed Attention (KeyVID)",
            category="KeyVID/advanced",
            description="Lets every frame attend to its neighbours in time only, in overlapping windows, as the KeyVID "
            "paper describes for the frames between keyframes. The published code does not use it.",
            search_aliases=["freenoise", "temporal attention", "context", "keyvid"],
            inputs=[
                io.Model.Input("model", tooltip="The KeyVID or DynamiCrafter model."),
                io.Int.Input(
                    "window",
                    default=WINDOW,
                    min=1,
                    max=4096,
                    tooltip="Frames in one window. 12 in the paper.",
                ),
                io.Int.Input(
                    "stride",
                    default=STRIDE,
                    min=1,
                    max=4096,
                    tooltip="Frames from one window to the next, at most the window. 6 in the paper. The last window "
                    "has to end with the clip: 12 and 6 fit 12, 18, 24 ... 48 frames.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="For the conditioning node, Multimodal CFG and KeyVID Schedule.",
                )
            ],
        )

    @classmethod
    def execute(cls, model: Model, window: int, stride: int) -> io.NodeOutput:
        return io.NodeOutput(with_temporal_window(model, window, stride))
