"""Load KeyVID Model: the video model alone."""

from comfy_api.latest import io

from ..host.loaders.model_files import (
    VIDEO_MODELS,
    file_names,
    file_path,
    file_problem,
    file_stamp,
    first_choice,
)
from ..host.loaders.patcher import WEIGHT_TYPES
from ..host.sampling.video_model import load_video_model

WEIGHT_DTYPE = io.Combo.Input(
    "weight_dtype",
    options=list(WEIGHT_TYPES),
    default="default",
    advanced=True,
    tooltip="How the model's weights are kept in memory. default is what ComfyUI finds best for your hardware; "
    "fp16 and bf16 take half the memory of fp32, which is what the published code computes in.",
)


class LoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_LoadModel",
            display_name="Load KeyVID Model (KeyVID)",
            category="KeyVID/loaders",
            description="Loads KeyVID's keyframe generator or interpolator, or DynamiCrafter 512. Which of them a "
            "file is, is told by its content, not by its name.",
            search_aliases=["diffusion model", "unet", "dynamicrafter", "checkpoint", "keyvid"],
            inputs=[
                io.Combo.Input(
                    "model_name",
                    options=file_names(VIDEO_MODELS),
                    default=first_choice(VIDEO_MODELS),
                    tooltip="A file in models/keyvid, models/diffusion_models or models/checkpoints; a whole file "
                    "will do. Whole files give their encoders through Load KeyVID Checkpoint.",
                ),
                WEIGHT_DTYPE,
            ],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="For Keyframe Conditioning or Interpolation Conditioning, and Multimodal CFG.",
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, model_name=None):
        return file_problem(model_name, VIDEO_MODELS) or True

    @classmethod
    def fingerprint_inputs(cls, model_name, weight_dtype):
        return file_stamp(model_name, VIDEO_MODELS)

    @classmethod
    def execute(cls, model_name, weight_dtype):
        path = file_path(model_name, VIDEO_MODELS)
        return io.NodeOutput(load_video_model(path, dtype=WEIGHT_TYPES[weight_dtype]))
