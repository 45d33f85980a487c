"""The loaders: one file of weights becomes a model, an encoder or a localizer."""

from comfy_api.v0_0_2 import io

from ..host.loaders.audio_encoder import load_audio_encoder
from ..host.loaders.localizer import load_localizer
from ..host.loaders.model_files import (
    AUDIO_ENCODERS,
    LOCALIZERS,
    OPTICAL_FLOWS,
    VIDEO_MODELS,
    WHOLE_FILES,
    FileList,
    file_names,
    file_path,
    file_problem,
    first_choice,
    stamp_of,
)
from ..host.loaders.optical_flow import load_optical_flow
from ..host.loaders.patcher import WEIGHT_TYPES
from ..host.loaders.video_model import load_video_model
from ..host.loaders.whole_file import load_whole_file
from .sockets import Localizer, OpticalFlow

CATEGORY = "KeyVID/loaders"
WEIGHT_DTYPE = io.Combo.Input(
    "weight_dtype",
    options=list(WEIGHT_TYPES),
    default="default",
    advanced=True,
    tooltip="How the model's weights are kept in memory. default lets ComfyUI choose what suits your hardware; "
    "fp16 and bf16 take half the memory of fp32, which is what the published code computes in.",
)
MODEL_OUTPUT = io.Model.Output(
    display_name="model",
    tooltip="For Keyframe Conditioning or Interpolation Conditioning, and Multimodal CFG.",
)


def file_input(name: str, files: FileList, tooltip: str) -> io.Combo.Input:
    """The list from which an artist chooses one of the files of a loader."""
    return io.Combo.Input(
        name, options=file_names(files), default=first_choice(files), tooltip=tooltip
    )


class LoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_LoadModel",
            display_name="Load KeyVID Model (KeyVID)",
            category=CATEGORY,
            description="Loads KeyVID's keyframe generator or interpolator, or DynamiCrafter 512. The content of the "
            "file decides which of them it is, not its name.",
            search_aliases=["diffusion model", "unet", "dynamicrafter", "checkpoint", "keyvid"],
            inputs=[
                file_input(
                    "model_name",
                    VIDEO_MODELS,
                    "A file in models/keyvid, models/diffusion_models or models/checkpoints. Whole files also work; "
                    "Load KeyVID Checkpoint loads their encoders.",
                ),
                WEIGHT_DTYPE,
            ],
            outputs=[MODEL_OUTPUT],
        )

    @classmethod
    def validate_inputs(cls, model_name: str | None = None) -> bool | str:
        return file_problem(model_name, VIDEO_MODELS) or True

    @classmethod
    def fingerprint_inputs(cls, model_name: str | None, weight_dtype: str | None) -> str:
        return stamp_of(model_name, VIDEO_MODELS)

    @classmethod
    def execute(cls, model_name: str, weight_dtype: str) -> io.NodeOutput:
        path = file_path(model_name, VIDEO_MODELS)
        return io.NodeOutput(load_video_model(path, dtype=WEIGHT_TYPES[weight_dtype]))


class LoadCheckpoint(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_LoadCheckpoint",
            display_name="Load KeyVID Checkpoint (KeyVID)",
            category=CATEGORY,
            description="Loads everything from one whole KeyVID or DynamiCrafter file: the model and the encoders that "
            "belong to it. Other loaders load what the file does not have; the log says which.",
            search_aliases=["checkpoint", "dynamicrafter", "ckpt", "keyvid"],
            inputs=[
                file_input(
                    "ckpt_name", WHOLE_FILES, "A file in models/keyvid or models/checkpoints."
                ),
                WEIGHT_DTYPE,
            ],
            outputs=[
                MODEL_OUTPUT,
                io.Clip.Output(display_name="clip", tooltip="For CLIP Text Encode."),
                io.ClipVision.Output(
                    display_name="clip_vision",
                    tooltip="Encodes the first image for the conditioning.",
                ),
                io.Vae.Output(display_name="vae", tooltip="For the conditioning and VAE Decode."),
                io.AudioEncoder.Output(
                    display_name="audio_encoder",
                    tooltip="Encodes the sound for the conditioning. Empty for DynamiCrafter, which has no audio "
                    "input.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, ckpt_name: str | None = None) -> bool | str:
        return file_problem(ckpt_name, WHOLE_FILES) or True

    @classmethod
    def fingerprint_inputs(cls, ckpt_name: str | None, weight_dtype: str | None) -> str:
        return stamp_of(ckpt_name, WHOLE_FILES)

    @classmethod
    def execute(cls, ckpt_name: str, weight_dtype: str) -> io.NodeOutput:
        path = file_path(ckpt_name, WHOLE_FILES)
        return io.NodeOutput(*load_whole_file(path, dtype=WEIGHT_TYPES[weight_dtype]))


class LoadAudioEncoder(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_LoadAudioEncoder",
            display_name="Load Audio Encoder (KeyVID)",
            category=CATEGORY,
            description="Loads the audio part of ImageBind, from ImageBind's own file or from a whole KeyVID file.",
            search_aliases=["imagebind", "audio", "sound", "keyvid"],
            inputs=[
                file_input(
                    "audio_encoder_name",
                    AUDIO_ENCODERS,
                    "imagebind_huge.pth or a whole KeyVID file, in models/keyvid, models/audio_encoders, "
                    "models/checkpoints or models/diffusion_models.",
                )
            ],
            outputs=[
                io.AudioEncoder.Output(
                    display_name="audio_encoder",
                    tooltip="For Keyframe Conditioning and Interpolation Conditioning.",
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, audio_encoder_name: str | None = None) -> bool | str:
        return file_problem(audio_encoder_name, AUDIO_ENCODERS) or True

    @classmethod
    def fingerprint_inputs(cls, audio_encoder_name: str | None) -> str:
        return stamp_of(audio_encoder_name, AUDIO_ENCODERS)

    @classmethod
    def execute(cls, audio_encoder_name: str) -> io.NodeOutput:
        return io.NodeOutput(load_audio_encoder(file_path(audio_encoder_name, AUDIO_ENCODERS)))


class LoadLocalizer(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_LoadLocalizer",
            display_name="Load Localizer (KeyVID)",
            category=CATEGORY,
            description="Loads a keyframe localizer for the method network of Localize Keyframes.",
            search_aliases=["motion score", "keyframe localizer", "keyvid"],
            inputs=[file_input("localizer_name", LOCALIZERS, "A file in models/keyvid.")],
            outputs=[Localizer.Output(display_name="localizer", tooltip="For Localize Keyframes.")],
        )

    @classmethod
    def validate_inputs(cls, localizer_name: str | None = None) -> bool | str:
        return file_problem(localizer_name, LOCALIZERS) or True

    @classmethod
    def fingerprint_inputs(cls, localizer_name: str | None) -> str:
        return stamp_of(localizer_name, LOCALIZERS)

    @classmethod
    def execute(cls, localizer_name: str) -> io.NodeOutput:
        return io.NodeOutput(load_localizer(file_path(localizer_name, LOCALIZERS)))


class LoadOpticalFlow(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_LoadOpticalFlow",
            display_name="Load Optical Flow (KeyVID)",
            category=CATEGORY,
            description="Loads RAFT, which measures how a video moves, for the method RAFT of Motion From Video. Reads "
            "the file of RAFT's authors and that of torchvision.",
            search_aliases=["raft", "motion score", "keyvid"],
            inputs=[
                file_input("optical_flow_name", OPTICAL_FLOWS, "A file in models/optical_flow.")
            ],
            outputs=[
                OpticalFlow.Output(
                    display_name="optical_flow",
                    tooltip="For Motion From Video, and for ComfyUI's own nodes.",
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, optical_flow_name: str | None = None) -> bool | str:
        return file_problem(optical_flow_name, OPTICAL_FLOWS) or True

    @classmethod
    def fingerprint_inputs(cls, optical_flow_name: str | None) -> str:
        return stamp_of(optical_flow_name, OPTICAL_FLOWS)

    @classmethod
    def execute(cls, optical_flow_name: str) -> io.NodeOutput:
        return io.NodeOutput(load_optical_flow(file_path(optical_flow_name, OPTICAL_FLOWS)))
