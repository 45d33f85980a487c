"""Motion From Video: a motion score for each frame, measured on a reference video instead of heard in a sound."""

from typing import Any

from comfy_api.v0_0_2 import io

from ..host.motion import FLOW, METHODS, curve_of_video
from ..host.node_previews import strip_ui
from ..host.payloads import Image, Model, Video
from ..keyframes.motion.measured import SMOOTHINGS
from ..keyframes.timebase import FPS, MAX_N_FRAMES
from ..keyframes.values import plain_number, plain_value
from .sockets import Curve, OpticalFlow


class MotionFromVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_MotionFromVideo",
            display_name="Motion From Video (KeyVID)",
            category="KeyVID/timing",
            description="Measures how much a reference video moves and gives each frame a motion score: high where "
            "most moves. Your keyframes then follow that movement.",
            search_aliases=["optical flow", "raft", "motion transfer", "reference video", "keyvid"],
            is_output_node=True,  # else ComfyUI does not show the image of a cached run again
            inputs=[
                io.Combo.Input(
                    "method",
                    options=list(METHODS),
                    default=FLOW,
                    tooltip="flow without weights: needs no file. RAFT: as in the paper; connect Load Optical Flow. "
                    "OpenCV DIS: that of the package OpenCV, where it is installed.",
                ),
                io.Float.Input(
                    "fps",
                    default=FPS,
                    min=1.0,
                    max=240.0,
                    step=0.001,
                    tooltip="Frames per second of the video that you make; wire it from Clip Audio. The reference "
                    "may have another rate.",
                ),
                io.Int.Input(
                    "n_frames",
                    display_name="frames",
                    default=0,
                    min=0,
                    max=MAX_N_FRAMES,
                    tooltip="Frames of the video that you make; wire it from Clip Audio. 0: as long as the reference.",
                ),
                io.Combo.Input(
                    "smoothing",
                    options=list(SMOOTHINGS),
                    advanced=True,
                    tooltip="paper: the mean over 5 frames. peaked: 5 frames that count more in the middle, so that a "
                    "peak stays on its frame. none: as measured.",
                ),
                *_reference_inputs(),
            ],
            outputs=[Curve.Output(display_name="curve", tooltip="One motion score per frame.")],
        )

    @classmethod
    def execute(
        cls,
        method: str,
        fps: float,
        n_frames: int,
        smoothing: str,
        images_fps: float,
        video: Video | None = None,
        images: Image | None = None,
        optical_flow: Model | None = None,
    ) -> io.NodeOutput:
        reference: dict[str, Any] = {"video": video, "images": images}
        curve = curve_of_video(
            **reference,
            images_fps=plain_value(images_fps),
            method=method,
            optical_flow=optical_flow,
            fps=plain_value(fps),
            n_frames=plain_number(n_frames),
            smoothing=smoothing,
        )
        shown = strip_ui(cls, n_frames=curve.n_frames, fps=curve.fps, curve=curve)
        return io.NodeOutput(curve, ui=shown)


def _reference_inputs() -> list[io.Input]:
    """The reference, as a video or as images with their frame rate, and the network that looks at it."""
    return [
        io.Float.Input(
            "images_fps",
            display_name="images fps",
            default=FPS,
            min=1.0,
            max=240.0,
            step=0.001,
            advanced=True,
            tooltip="Frames per second of the images; wire it from Get Video Components. Not used for video.",
        ),
        io.Video.Input(
            "video",
            optional=True,
            tooltip="The reference, from Load Video. Read a few frames at a time, so it may be long.",
        ),
        io.Image.Input(
            "images", optional=True, tooltip="The frames of the reference, in place of video."
        ),
        OpticalFlow.Input(
            "optical_flow",
            optional=True,
            tooltip="From Load Optical Flow; only used by the method RAFT.",
        ),
    ]
