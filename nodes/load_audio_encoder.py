"""Load Audio Encoder: what hears the sound for the video model."""

from comfy_api.latest import io

from ..host.loaders.audio_encoder import load_audio_encoder
from ..host.loaders.model_files import (
    AUDIO_ENCODERS,
    file_names,
    file_path,
    file_problem,
    file_stamp,
    first_choice,
)


class LoadAudioEncoder(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_LoadAudioEncoder",
            display_name="Load Audio Encoder (KeyVID)",
            category="KeyVID/loaders",
            description="Loads the part of ImageBind that hears, from ImageBind's own file or a whole KeyVID file.",
            search_aliases=["imagebind", "audio", "sound", "keyvid"],
            inputs=[
                io.Combo.Input(
                    "audio_encoder_name",
                    options=file_names(AUDIO_ENCODERS),
                    default=first_choice(AUDIO_ENCODERS),
                    tooltip="imagebind_huge.pth or a whole KeyVID file, in models/keyvid, models/audio_encoders, "
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
    def validate_inputs(cls, audio_encoder_name=None):
        return file_problem(audio_encoder_name, AUDIO_ENCODERS) or True

    @classmethod
    def fingerprint_inputs(cls, audio_encoder_name):
        return file_stamp(audio_encoder_name, AUDIO_ENCODERS)

    @classmethod
    def execute(cls, audio_encoder_name):
        return io.NodeOutput(load_audio_encoder(file_path(audio_encoder_name, AUDIO_ENCODERS)))
