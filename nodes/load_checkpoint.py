"""Load KeyVID Checkpoint: everything that a whole file holds."""

from comfy_api.latest import io

from ..host.loaders.model_files import (
    WHOLE_FILES,
    file_names,
    file_path,
    file_problem,
    file_stamp,
    first_choice,
)
from ..host.loaders.patcher import WEIGHT_TYPES
from ..host.loaders.whole_file import load_whole_file
from .load_model import WEIGHT_DTYPE


class LoadCheckpoint(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_LoadCheckpoint",
            display_name="Load KeyVID Checkpoint (KeyVID)",
            category="KeyVID/loaders",
            description="Loads everything from one whole KeyVID or DynamiCrafter file: the model and the encoders that "
            "belong to it. What the file lacks comes from other loaders; the log says which.",
            search_aliases=["checkpoint", "dynamicrafter", "ckpt", "keyvid"],
            inputs=[
                io.Combo.Input(
                    "ckpt_name",
                    options=file_names(WHOLE_FILES),
                    default=first_choice(WHOLE_FILES),
                    tooltip="A file in models/keyvid or models/checkpoints.",
                ),
                WEIGHT_DTYPE,
            ],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="For Keyframe Conditioning or Interpolation Conditioning, and Multimodal CFG.",
                ),
                io.Clip.Output(display_name="clip", tooltip="For CLIP Text Encode."),
                io.ClipVision.Output(
                    display_name="clip_vision",
                    tooltip="Sees the first picture for the conditioning.",
                ),
                io.Vae.Output(display_name="vae", tooltip="For the conditioning and VAE Decode."),
                io.AudioEncoder.Output(
                    display_name="audio_encoder",
                    tooltip="Hears the sound for the conditioning. Empty for DynamiCrafter, which does not hear.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, ckpt_name=None):
        return file_problem(ckpt_name, WHOLE_FILES) or True

    @classmethod
    def fingerprint_inputs(cls, ckpt_name, weight_dtype):
        return file_stamp(ckpt_name, WHOLE_FILES)

    @classmethod
    def execute(cls, ckpt_name, weight_dtype):
        path = file_path(ckpt_name, WHOLE_FILES)
        return io.NodeOutput(*load_whole_file(path, dtype=WEIGHT_TYPES[weight_dtype]))
