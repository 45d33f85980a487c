"""Save Timing and Load Timing: the plan and the curve as a JSON file."""

from comfy_api.v0_0_2 import io

from ..errors import KeyVIDError
from ..host.files import (
    TIMING_SUFFIX,
    input_images_stamp,
    new_output_file,
    read_timing_text,
    timing_files,
    timing_problem,
    timing_stamp,
    write_text,
)
from ..keyframes.curve import MotionCurve
from ..keyframes.plan import KeyframePlan
from ..keyframes.timing_file import timing_from_json, timing_to_json
from .sockets import Curve, Plan


class SaveTiming(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_SaveTiming",
            display_name="Save Timing (KeyVID)",
            category="KeyVID/bridges",
            description=f"Writes the plan, and the curve if connected, to a *{TIMING_SUFFIX} file in "
            "ComfyUI's output folder.",
            search_aliases=["export keyframes", "json", "keyvid"],
            is_output_node=True,
            inputs=[
                Plan.Input("plan"),
                Curve.Input("curve", optional=True),
                io.String.Input(
                    "filename_prefix",
                    default="keyvid/timing",
                    tooltip="Name inside the output folder; a number is added.",
                ),
            ],
            outputs=[io.String.Output(display_name="filename")],
        )

    @classmethod
    def execute(
        cls, plan: KeyframePlan, filename_prefix: str, curve: MotionCurve | None = None
    ) -> io.NodeOutput:
        path, filename, subfolder = new_output_file(filename_prefix, TIMING_SUFFIX)
        write_text(path, timing_to_json(plan=plan, curve=curve))
        return io.NodeOutput(f"{subfolder}/{filename}" if subfolder else filename)


class LoadTiming(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_LoadTiming",
            display_name="Load Timing (KeyVID)",
            category="KeyVID/bridges",
            description=f"Reads a *{TIMING_SUFFIX} file from ComfyUI's input or output folder.",
            search_aliases=["import keyframes", "json", "keyvid"],
            inputs=[
                io.Combo.Input(
                    "file",
                    options=timing_files(),
                    optional=True,  # a workflow that was saved while there was no file has no value here
                    tooltip="A file written by Save Timing; those of the output folder are marked [output]. Press R "
                    "to list new ones.",
                ),
            ],
            outputs=[Plan.Output(display_name="plan"), Curve.Output(display_name="curve")],
        )

    @classmethod
    def validate_inputs(cls, file: str | None = None) -> bool | str:
        return timing_problem(file) or True

    @classmethod
    def fingerprint_inputs(cls, file: str | None = None) -> str | float:
        """The state of the file and of the images that its plan names."""
        stamp = timing_stamp(file)
        try:
            plan, _ = timing_from_json(read_timing_text(file))
        except KeyVIDError:
            return stamp  # what is wrong is said when the node runs
        images = [] if plan is None else plan.images
        return f"{stamp}\n{input_images_stamp(images)}" if images else stamp

    @classmethod
    def execute(cls, file: str | None = None) -> io.NodeOutput:
        plan, curve = timing_from_json(read_timing_text(file))
        if plan is None:
            raise KeyVIDError(
                f"The timing file {file!r} has no plan. Choose one written by Save Timing."
            )
        return io.NodeOutput(plan, curve)
